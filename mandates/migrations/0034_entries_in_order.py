from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # A running system goes on writing while an index is built.
    atomic = False

    dependencies = [("mandates", "0033_lists_ring")]

    operations = [
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(
                fields=["county", "version", "position", "id"], name="entry_in_order"
            ),
        ),
    ]
