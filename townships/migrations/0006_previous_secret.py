from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("townships", "0005_duty_and_invitations"),
    ]

    operations = [
        migrations.AddField(
            model_name="systemaccount",
            name="previous_secret",
            field=models.CharField(
                blank=True,
                db_default="",
                editable=False,
                max_length=255,
                verbose_name="previous secret",
            ),
        ),
        migrations.AddField(
            model_name="systemaccount",
            name="previous_secret_ends_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                null=True,
                verbose_name="previous secret ends at",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("previous_secret", ""),
                    ("previous_secret_ends_at__isnull", False),
                    _connector="XOR",
                ),
                name="system_previous_secret_ends",
            ),
        ),
    ]
