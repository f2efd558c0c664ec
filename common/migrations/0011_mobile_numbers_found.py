from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # A running system goes on writing while an index is built.
    atomic = False

    dependencies = [("common", "0010_mobile_numbers_encrypted")]

    operations = [
        AddIndexConcurrently(
            model_name="mobilenumber",
            index=models.Index(fields=["county", "number_index"], name="mobile_number_found"),
        ),
    ]
