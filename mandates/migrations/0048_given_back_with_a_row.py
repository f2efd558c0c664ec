from django.db import migrations, models
from django.db.models import F, Q

from mandates.models.returned import GIVEN_BACK_SQL


class Migration(migrations.Migration):
    """A release before gives back what has not begun yet without a row: it waits for this one."""

    dependencies = [("mandates", "0047_matters_given_back")]

    operations = [
        migrations.RemoveConstraint("returnedmatter", "returned_matter_days"),
        migrations.AddConstraint(
            "returnedmatter",
            models.CheckConstraint(condition=Q(ends__gte=F("begins")), name="returned_matter_days"),
        ),
        migrations.RunSQL(GIVEN_BACK_SQL["forward"], GIVEN_BACK_SQL["back"]),
    ]
