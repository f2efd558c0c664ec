from django.db import migrations

# Of what a provider says the subject alone is kept, and a person has one identity there.
NO_MORE = """
alter table socialaccount_socialaccount
    add constraint identity_without_more check (extra_data = '{}'::jsonb and uid <> ''),
    add constraint identity_once unique (user_id, provider)
"""
AS_IT_WAS = """
alter table socialaccount_socialaccount
    drop constraint identity_without_more, drop constraint identity_once
"""


class Migration(migrations.Migration):
    dependencies = [
        ("townships", "0014_second_person"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [migrations.RunSQL(NO_MORE, AS_IT_WAS)]
