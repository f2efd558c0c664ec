from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("townships", "0017_changes_by_mail")]

    operations = [
        AddIndexConcurrently(
            model_name="factorchange",
            index=models.Index(
                fields=["owed_from"],
                condition=models.Q(("owed_from__isnull", False)),
                name="factor_change_owed",
            ),
        ),
    ]
