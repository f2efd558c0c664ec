import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("townships", "0001_initial"),
        ("oauth2_provider", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SystemAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source_system",
                    models.CharField(max_length=60, unique=True, verbose_name="source system"),
                ),
                ("allowed_scopes", models.TextField(blank=True, verbose_name="allowed scopes")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="system_account",
                        to="oauth2_provider.application",
                        verbose_name="OAuth application",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="system_accounts",
                        to="townships.post",
                        verbose_name="post",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="system_account",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "system account",
                "verbose_name_plural": "system accounts",
            },
        ),
    ]
