from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # A running system goes on writing while an index is built.
    atomic = False

    dependencies = [("mandates", "0019_on_site")]

    operations = [
        AddIndexConcurrently(
            model_name="clock",
            index=models.Index(
                condition=models.Q(("kind", "report")),
                fields=["county", "due_at"],
                name="clock_on_site",
            ),
        ),
    ]
