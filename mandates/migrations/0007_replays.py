import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls

NOBODY = ("", "false")  # townships and departments have no part in it


def key():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def county(**more):
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="townships.county",
        **more,
    )


def tenant_key(to, on_delete, **more):
    return common.tenancy.TenantForeignKey(
        db_constraint=False, db_index=False, on_delete=on_delete, to=to, **more
    )


def user(**more):
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        **more,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0006_numbers_of_sources"),
        ("townships", "0008_system_addresses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Scenario",
            fields=[
                ("id", key()),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("changes", models.JSONField(default=dict)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("county", county()),
                ("created_by", user()),
                (
                    "version",
                    tenant_key(
                        "mandates.listversion",
                        django.db.models.deletion.SET_NULL,
                        blank=True,
                        null=True,
                        related_name="+",
                        verbose_name="list version",
                    ),
                ),
            ],
            options={
                "verbose_name": "scenario",
                "verbose_name_plural": "scenarios",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="scenario_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="scenario_uid"),
                    models.UniqueConstraint(fields=("county", "name"), name="scenario_name"),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="scenario_named"
                    ),
                    common.tenancy.SameTenant(
                        field="version", name="mandates_scenario_version_tenant"
                    ),
                ],
            },
        ),
        rls.TenantTable("Scenario", township=NOBODY, department=NOBODY),
        migrations.CreateModel(
            name="Replay",
            fields=[
                ("id", key()),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("revision", models.PositiveIntegerField()),
                ("list_name", models.CharField(blank=True, max_length=120)),
                ("changes", models.JSONField(default=dict)),
                ("begins", models.DateField(verbose_name="from")),
                ("ends", models.DateField(verbose_name="to")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Being worked out"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("result", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("job", models.UUIDField(null=True)),
                ("by", user(null=True)),
                ("county", county()),
                (
                    "scenario",
                    tenant_key(
                        "mandates.scenario",
                        django.db.models.deletion.CASCADE,
                        related_name="replays",
                    ),
                ),
            ],
            options={
                "verbose_name": "replay",
                "verbose_name_plural": "replays",
                "indexes": [models.Index(fields=["county", "-id"], name="replay_of_county")],
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="replay_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="replay_uid"),
                    models.CheckConstraint(
                        condition=models.Q(("ends__gte", models.F("begins"))),
                        name="replay_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("state__in", ["waiting", "running"])),
                            models.Q(
                                ("finished_at__isnull", False),
                                ("state__in", ["done", "failed"]),
                            ),
                            _connector="OR",
                        ),
                        name="replay_finished",
                    ),
                    common.tenancy.SameTenant(
                        field="scenario", name="mandates_replay_scenario_tenant"
                    ),
                ],
            },
        ),
        rls.TenantTable("Replay", township=NOBODY, department=NOBODY),
        migrations.CreateModel(
            name="ReplayCall",
            fields=[
                ("id", key()),
                ("was_to", models.BigIntegerField(null=True)),
                ("would_to", models.BigIntegerField(null=True)),
                ("moves", models.BooleanField(default=False)),
                ("on_no_entry", models.BooleanField(default=False)),
                ("was_late", models.BooleanField(default=False)),
                ("would_late", models.BooleanField(default=False)),
                ("other_levels", models.BooleanField(default=False)),
                (
                    "departments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("clocks", models.JSONField(default=list)),
                (
                    "call",
                    tenant_key(
                        "mandates.call", django.db.models.deletion.PROTECT, related_name="+"
                    ),
                ),
                ("county", county(db_constraint=False)),
                (
                    "replay",
                    tenant_key(
                        "mandates.replay",
                        django.db.models.deletion.CASCADE,
                        related_name="calls",
                    ),
                ),
                (
                    "township",
                    tenant_key(
                        "townships.township",
                        django.db.models.deletion.PROTECT,
                        related_name="+",
                    ),
                ),
            ],
            options={
                "verbose_name": "call of a replay",
                "verbose_name_plural": "calls of replays",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "replay", "call"), name="replay_call_once"
                    ),
                    common.tenancy.SameTenant(
                        field="replay", name="mandates_replaycall_replay_tenant"
                    ),
                    common.tenancy.SameTenant(field="call", name="mandates_replaycall_call_tenant"),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_replaycall_township_tenant"
                    ),
                ],
            },
        ),
        rls.TenantTable(
            "ReplayCall",
            township=NOBODY,
            department=NOBODY,
            county=("select, insert, update, delete", rls.COUNTY),
            dispatch=("select, insert, update, delete", rls.EVERYTHING),
        ),
    ]
