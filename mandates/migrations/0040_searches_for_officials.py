from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mandates", "0039_read_published_bases")]

    operations = [
        migrations.RemoveConstraint(model_name="personsearch", name="person_search_kind"),
        migrations.AddConstraint(
            model_name="personsearch",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["phone", "id_number", "username"])),
                name="person_search_kind",
            ),
        ),
        # The path of a file that was disposed of is kept until its content is gone.
        migrations.RemoveConstraint(model_name="callfile", name="call_file_held_or_disposed"),
        migrations.AddConstraint(
            model_name="callfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("path", ""), _negated=True),
                        ("disposal_uid", None),
                        ("disposed_at", None),
                    ),
                    models.Q(("disposal_uid__isnull", False), ("disposed_at__isnull", False)),
                    _connector="OR",
                ),
                name="call_file_held_or_disposed",
            ),
        ),
    ]
