import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common import ciphers

# A secret in clear is refused whoever writes it. Security keys leave nothing secret.
ENCRYPTED = f"""
alter table mfa_authenticator add constraint authenticator_secret_encrypted check (
    case type
        when 'totp' then (data->>'secret') is not null and data->>'secret' ~ '{ciphers.SEALED}'
        when 'recovery_codes' then (data->>'seed') is not null and data->>'seed' ~ '{ciphers.SEALED}'
        else type = 'webauthn' end
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("townships", "0012_phones_encrypted"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.CreateModel(
            name="FactorChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("added", "Set up"),
                            ("removed", "Removed"),
                            ("reset", "Reset by an administrator"),
                            ("codes_made", "New recovery codes made"),
                            ("code_used", "Recovery code used"),
                            ("guessed", "Several wrong codes after the right password"),
                        ],
                        max_length=20,
                    ),
                ),
                ("kind", models.CharField(blank=True, max_length=20)),
                ("at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="factor_changes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "-at"], name="factor_change_user")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "what__in",
                                ["added", "removed", "reset", "codes_made", "code_used", "guessed"],
                            )
                        ),
                        name="factor_change_what",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            ENCRYPTED,
            "alter table mfa_authenticator drop constraint authenticator_secret_encrypted",
        ),
        migrations.RemoveConstraint(model_name="attempt", name="attempt_door"),
        migrations.AlterField(
            model_name="attempt",
            name="door",
            field=models.CharField(
                choices=[
                    ("password", "password"),
                    ("token", "token of a system"),
                    ("invitation", "invitation code"),
                    ("factor", "second factor"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("door__in", ["password", "token", "invitation", "factor"])),
                name="attempt_door",
            ),
        ),
    ]
