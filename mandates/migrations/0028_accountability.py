import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls

OWN_TOWNSHIP = f"{rls.COUNTY} and of_township_id = any (app_ids('app.townships'))"
OWN_DEPARTMENT = f"{rls.COUNTY} and of_department_id = any (app_ids('app.departments'))"


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0027_list_imports"),
        ("townships", "0009_receivers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountabilityCounter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("year", models.PositiveSmallIntegerField()),
                ("last", models.PositiveIntegerField(default=0)),
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
                "verbose_name": "counter of accountability reports",
                "verbose_name_plural": "counters of accountability reports",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "year"), name="accountability_counter_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountabilityReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("year", models.PositiveSmallIntegerField()),
                ("sequence", models.PositiveIntegerField()),
                ("number", models.CharField(max_length=60, verbose_name="number")),
                ("first", models.DateField(verbose_name="first day")),
                ("last", models.DateField(verbose_name="last day")),
                ("issued_at", models.DateTimeField(verbose_name="issued at")),
                ("facts", models.JSONField()),
                ("algorithm", models.CharField(max_length=10)),
                ("digest", models.CharField(max_length=64)),
                ("code", models.CharField(max_length=20, verbose_name="verification code")),
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
                    "issued_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "matter",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.matter",
                        verbose_name="matter",
                    ),
                ),
                (
                    "of_department",
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
                    "of_township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
            ],
            options={
                "verbose_name": "accountability report",
                "verbose_name_plural": "accountability reports",
                "indexes": [models.Index(fields=["county", "-id"], name="accountability_new")],
                "constraints": [
                    models.UniqueConstraint(fields=("uid", "county"), name="accountability_uid"),
                    models.UniqueConstraint(
                        fields=("county", "year", "sequence"), name="accountability_number"
                    ),
                    models.UniqueConstraint(fields=("county", "code"), name="accountability_code"),
                    models.CheckConstraint(
                        condition=models.Q(("last__gte", models.F("first"))),
                        name="accountability_days",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("of_township", None), ("of_department", None), _connector="OR"
                        ),
                        name="accountability_of_one_unit",
                    ),
                    common.tenancy.SameTenant(
                        field="matter", name="mandates_accountabilityreport_matter_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="of_township", name="mandates_accountabilityreport_of_township_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="of_department",
                        name="mandates_accountabilityreport_of_department_tenant",
                    ),
                ],
            },
        ),
        # What a unit has issued is its own and the county's; numbers are given by the workers' role.
        rls.TenantTable(
            "AccountabilityReport",
            append_only=True,
            township=("select, insert", OWN_TOWNSHIP),
            department=("select, insert", OWN_DEPARTMENT),
        ),
        rls.TenantTable(
            "AccountabilityCounter",
            township=("", ""),
            department=("", ""),
            county=("select", rls.COUNTY),
            dispatch=("select, insert, update", rls.EVERYTHING),
        ),
    ]
