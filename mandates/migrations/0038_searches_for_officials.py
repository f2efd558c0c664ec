from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mandates", "0037_retention_of_more_kinds")]

    operations = [
        migrations.RemoveConstraint(model_name="personsearch", name="person_search_kind"),
        migrations.AddConstraint(
            model_name="personsearch",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["phone", "id_number", "username"])),
                name="person_search_kind",
            ),
        ),
    ]
