import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0028_accountability"),
        ("townships", "0009_receivers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Burden",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed, not in force"),
                            ("found", "Found, to be reviewed"),
                            ("in_force", "In force"),
                            ("merged", "Merged"),
                            ("cancelled", "Cancelled"),
                            ("refused", "Refused"),
                        ],
                        max_length=10,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("pledge", "Responsibility pledge"),
                            ("assessment", "Assessment"),
                            ("ranking", "Inspection, appraisal, ranking"),
                            ("standard", "Attainment of standards, model creation"),
                            ("other", "Other"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                (
                    "imposed_by",
                    models.CharField(blank=True, max_length=100, verbose_name="imposed by"),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("central", "Central government"),
                            ("province", "Province"),
                            ("city", "City"),
                            ("county", "County"),
                        ],
                        max_length=10,
                        verbose_name="level it comes from",
                    ),
                ),
                ("basis", models.TextField(blank=True, verbose_name="basis")),
                (
                    "townships",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "cycle",
                    models.CharField(
                        choices=[
                            ("once", "Once"),
                            ("year", "Every year"),
                            ("half", "Every half year"),
                            ("quarter", "Every quarter"),
                            ("month", "Every month"),
                        ],
                        max_length=10,
                        verbose_name="cycle",
                    ),
                ),
                ("is_found", models.BooleanField(verbose_name="there before the register")),
                ("since", models.DateField(null=True, verbose_name="in force since")),
                ("ended_on", models.DateField(null=True, verbose_name="no longer from")),
                (
                    "document_no",
                    models.CharField(blank=True, max_length=60, verbose_name="document number"),
                ),
                ("entered_at", models.DateTimeField()),
                (
                    "approved_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "area",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
                (
                    "entered_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merged_into",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.burden",
                    ),
                ),
            ],
            options={
                "verbose_name": "burden of townships",
                "verbose_name_plural": "burdens of townships",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="burden_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="burden_uid"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["proposed", "found", "in_force", "merged", "cancelled", "refused"],
                            )
                        ),
                        name="burden_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("department__isnull", False), ("imposed_by", "")),
                            models.Q(("department", None), ("imposed_by__regex", "\\S")),
                            _connector="OR",
                        ),
                        name="burden_origin",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["proposed", "refused"]),
                            ("is_found", True),
                            models.Q(
                                ("approved_by__isnull", False),
                                ("document_no__regex", "\\S"),
                                models.Q(("approved_by", models.F("entered_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="burden_approved",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ("found", "in_force", "merged", "cancelled")),
                                _negated=True,
                            ),
                            ("since__isnull", False),
                            _connector="OR",
                        ),
                        name="burden_since",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_on__gte", models.F("since")),
                                ("state__in", ("merged", "cancelled")),
                            ),
                            models.Q(
                                models.Q(("state__in", ("merged", "cancelled")), _negated=True),
                                ("ended_on", None),
                            ),
                            _connector="OR",
                        ),
                        name="burden_ended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("merged_into__isnull", False),
                                ("state", "merged"),
                                models.Q(("merged_into", models.F("id")), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "merged"), _negated=True), ("merged_into", None)
                            ),
                            _connector="OR",
                        ),
                        name="burden_merged",
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_burden_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="merged_into", name="mandates_burden_merged_into_tenant"
                    ),
                    common.tenancy.SameTenant(field="area", name="mandates_burden_area_tenant"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BurdenStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveSmallIntegerField()),
                ("move", models.CharField(max_length=24)),
                (
                    "to_state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed, not in force"),
                            ("found", "Found, to be reviewed"),
                            ("in_force", "In force"),
                            ("merged", "Merged"),
                            ("cancelled", "Cancelled"),
                            ("refused", "Refused"),
                        ],
                        max_length=10,
                    ),
                ),
                ("unit", models.CharField(max_length=100)),
                ("actor", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                (
                    "burden",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="mandates.burden",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
            ],
            options={
                "verbose_name": "step of a burden",
                "verbose_name_plural": "steps of burdens",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "burden", "seq"), name="burden_step_seq"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("move__in", ["keep", "merge", "cancel", "refuse"]), _negated=True
                            ),
                            ("note__regex", "\\S"),
                            _connector="OR",
                        ),
                        name="burden_step_why",
                    ),
                    common.tenancy.SameTenant(
                        field="burden", name="mandates_burdenstep_burden_tenant"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="burden",
            index=models.Index(fields=["county", "-id"], name="burden_new"),
        ),
        migrations.AddIndex(
            model_name="burden",
            index=models.Index(fields=["county", "since"], name="burden_since"),
        ),
        # The register is the county's: its townships and departments read it and enter into it,
        # the county alone decides. Nothing is ever deleted.
        rls.TenantTable(
            "Burden",
            township=("select, insert", rls.COUNTY),
            department=("select, insert", rls.COUNTY),
            county=("select, insert, update", rls.COUNTY),
        ),
        rls.TenantTable(
            "BurdenStep",
            append_only=True,
            township=("select, insert", rls.COUNTY),
            department=("select, insert", rls.COUNTY),
        ),
    ]
