from django.db import migrations

from common import rls

# Who asked for a call, who looked at that, files and letters: looked up by their call, never listed by the
# thousand. A department that has no part in the call reads none of them, whatever a query forgets; a
# condition that looks into another table is dear only where whole tables are read.
FOLLOWS = {
    "mandates_caller": ("mandates_call", "call_id"),
    "mandates_callerreveal": ("mandates_caller", "caller_id"),
    "mandates_callfile": ("mandates_call", "call_id"),
    "mandates_letter": ("mandates_call", "call_id"),
    "mandates_letterreading": ("mandates_letter", "letter_id"),
}


NARROW = """
alter policy huying_department on {table} using (
    {county} and exists (
        select 1 from {above} a where a.id = {table}.{key} and a.county_id = {table}.county_id
    )
);
"""


def narrowed() -> str:
    return "".join(
        NARROW.format(county=rls.COUNTY, table=table, above=above, key=key)
        for table, (above, key) in FOLLOWS.items()
    )


def widened() -> str:
    return "".join(
        f"alter policy huying_department on {table} using ({rls.COUNTY});" for table in FOLLOWS
    )


class Migration(migrations.Migration):
    dependencies = [("mandates", "0048_given_back_with_a_row")]

    operations = [
        migrations.RunSQL(narrowed(), widened()),
        # Departments write nobody down, and change nothing of whom others have written down.
        migrations.RunSQL(
            "revoke insert, update on mandates_caller from huying_department",
            "grant insert, update on mandates_caller to huying_department",
        ),
    ]
