from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mandates", "0008_linked_calls")]

    operations = [
        migrations.AddField(
            model_name="assignment",
            name="lost_minutes",
            field=models.PositiveIntegerField(null=True),
        ),
        # The lead calls in others. The policy of the table stands for new rows too: a department
        # adds only to a call that concerns it.
        migrations.RunSQL(
            "grant insert on mandates_assignment to huying_department",
            "revoke insert on mandates_assignment from huying_department",
        ),
    ]
