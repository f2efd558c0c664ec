import uuid

import django.db.models.deletion
from django.db import migrations, models

import common.tenancy
from common import rls


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0015_ladder_letters_pauses"),
        ("townships", "0008_system_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="Precedent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("call_uid", models.UUIDField()),
                ("assignment_uid", models.UUIDField()),
                (
                    "matter_name",
                    models.CharField(blank=True, max_length=200, verbose_name="matter"),
                ),
                (
                    "part",
                    models.CharField(
                        choices=[("lead", "Lead"), ("assist", "Assist")], max_length=8
                    ),
                ),
                ("reason", models.TextField(verbose_name="reason")),
                ("cites", models.CharField(max_length=400, verbose_name="cites")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("upheld", "Upheld"), ("rejected", "Rejected")],
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("decision", models.TextField(verbose_name="ruling")),
                ("raised_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(verbose_name="decided")),
                (
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "department",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "given_to",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
                (
                    "matter",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.matter",
                        verbose_name="matter",
                    ),
                ),
                (
                    "proposed",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
            ],
            options={
                "verbose_name": "precedent",
                "verbose_name_plural": "precedents",
                "indexes": [
                    models.Index(fields=["county", "-id"], name="precedent_new"),
                    models.Index(fields=["county", "matter", "-id"], name="precedent_matter"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("uid", "county"), name="precedent_uid"),
                    models.UniqueConstraint(
                        fields=("county", "assignment_uid"), name="precedent_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), _negated=True),
                            models.Q(("cites", ""), _negated=True),
                            models.Q(("decision", ""), _negated=True),
                        ),
                        name="precedent_says_something",
                    ),
                    common.tenancy.SameTenant(
                        field="matter", name="mandates_precedent_matter_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_precedent_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="proposed", name="mandates_precedent_proposed_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="given_to", name="mandates_precedent_given_to_tenant"
                    ),
                ],
            },
        ),
        rls.TenantTable("Precedent", append_only=True),
    ]
