from django.db import migrations

from common.reference import Watched


class Migration(migrations.Migration):
    """Processes keep units in memory: a change of these tables tells them, as of the others."""

    dependencies = [("townships", "0003_platforms"), ("common", "0001_initial")]

    operations = [
        Watched("County"),
        Watched("Township"),
        Watched("Platform"),
    ]
