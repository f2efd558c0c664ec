import datetime
import uuid

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import reference, rls
from mandates.models.lists import IMMUTABLE_SQL
from mandates.models.steps import STEP_RINGS


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("common", "0001_initial"),
        ("townships", "0003_platforms"),
        ("townships", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="DutyList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("territorial", "County and township duties")],
                        default="territorial",
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
            ],
            options={
                "verbose_name": "responsibility list",
                "verbose_name_plural": "responsibility lists",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="duty_list_tenant"),
                    models.UniqueConstraint(fields=("county", "kind"), name="duty_list_kind"),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="ListVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "duty_list",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="mandates.dutylist",
                        verbose_name="responsibility list",
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(verbose_name="version")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("published", "Published")],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "document_no",
                    models.CharField(blank=True, max_length=60, verbose_name="document number"),
                ),
                (
                    "valid_from",
                    models.DateField(blank=True, null=True, verbose_name="in force from"),
                ),
                (
                    "valid_to",
                    models.DateField(blank=True, null=True, verbose_name="in force until"),
                ),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
                (
                    "published_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="published at"),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "list version",
                "verbose_name_plural": "list versions",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="list_version_tenant"),
                    models.UniqueConstraint(
                        fields=("county", "duty_list", "number"), name="list_version_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "draft")),
                        fields=("county", "duty_list"),
                        name="list_version_one_draft",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "draft"),
                            models.Q(
                                ("published_at__isnull", False),
                                ("valid_from__isnull", False),
                                models.Q(("document_no", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="list_version_published",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gt", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="list_version_dates",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("state", "published")),
                        expressions=[
                            ("county", "="),
                            ("duty_list", "="),
                            (
                                models.Func(
                                    models.F("valid_from"),
                                    models.F("valid_to"),
                                    function="daterange",
                                    output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="list_version_one_a_day",
                    ),
                    common.tenancy.SameTenant(
                        field="duty_list", name="mandates_listversion_duty_list_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Matter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "duty_list",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matters",
                        to="mandates.dutylist",
                    ),
                ),
                ("code", models.CharField(max_length=20, verbose_name="code")),
            ],
            options={
                "verbose_name": "matter",
                "verbose_name_plural": "matters",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="matter_tenant"),
                    models.UniqueConstraint(
                        fields=("county", "duty_list", "code"), name="matter_code"
                    ),
                    common.tenancy.SameTenant(
                        field="duty_list", name="mandates_matter_duty_list_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "version",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="mandates.listversion",
                        verbose_name="list version",
                    ),
                ),
                (
                    "matter",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="mandates.matter",
                        verbose_name="matter",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("category", models.CharField(max_length=40, verbose_name="category")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "lead",
                    common.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="lead department",
                    ),
                ),
                (
                    "platform",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.platform",
                        verbose_name="owner platform",
                    ),
                ),
                (
                    "urgency",
                    models.CharField(
                        choices=[
                            ("emergency", "Emergency"),
                            ("enforcement", "Enforcement"),
                            ("general", "General"),
                            ("complex", "Complex"),
                        ],
                        default="general",
                        max_length=12,
                        verbose_name="usual urgency",
                    ),
                ),
                (
                    "department_duty",
                    models.TextField(blank=True, verbose_name="duty of the county department"),
                ),
                (
                    "township_duty",
                    models.TextField(blank=True, verbose_name="duty of the township"),
                ),
                ("legal_basis", models.TextField(blank=True, verbose_name="legal basis")),
                (
                    "evidence",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="evidence for the answer"
                    ),
                ),
                (
                    "evidence_files",
                    models.PositiveSmallIntegerField(
                        default=0, verbose_name="files needed for the answer"
                    ),
                ),
                ("contact", models.CharField(blank=True, max_length=100, verbose_name="contact")),
                (
                    "is_sample",
                    models.BooleanField(default=False, verbose_name="sample, to be replaced"),
                ),
                (
                    "source_note",
                    models.CharField(
                        blank=True, max_length=300, verbose_name="where this comes from"
                    ),
                ),
            ],
            options={
                "verbose_name": "list entry",
                "verbose_name_plural": "list entries",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="entry_tenant"),
                    models.UniqueConstraint(
                        fields=("county", "version", "matter"), name="entry_matter"
                    ),
                    models.UniqueConstraint(fields=("uid", "county"), name="entry_uid"),
                    common.tenancy.SameTenant(
                        field="version", name="mandates_entry_version_tenant"
                    ),
                    common.tenancy.SameTenant(field="matter", name="mandates_entry_matter_tenant"),
                    common.tenancy.SameTenant(field="lead", name="mandates_entry_lead_tenant"),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="EntryAssist",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "entry",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assists",
                        to="mandates.entry",
                    ),
                ),
                (
                    "department",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="department",
                    ),
                ),
                ("duty", models.CharField(blank=True, max_length=300, verbose_name="duty")),
            ],
            options={
                "verbose_name": "assisting department",
                "verbose_name_plural": "assisting departments",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "entry", "department"), name="entry_assist_once"
                    ),
                    common.tenancy.SameTenant(
                        field="entry", name="mandates_entryassist_entry_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_entryassist_department_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="EntryLimit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "entry",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limits",
                        to="mandates.entry",
                    ),
                ),
                (
                    "urgency",
                    models.CharField(
                        choices=[
                            ("emergency", "Emergency"),
                            ("enforcement", "Enforcement"),
                            ("general", "General"),
                            ("complex", "Complex"),
                        ],
                        max_length=12,
                        verbose_name="urgency",
                    ),
                ),
                ("kind", models.CharField(max_length=20, verbose_name="clock")),
                ("amount", models.PositiveIntegerField(verbose_name="amount")),
                ("unit", models.CharField(max_length=20, verbose_name="unit")),
                ("source", models.CharField(max_length=200, verbose_name="source")),
            ],
            options={
                "verbose_name": "limit of an entry",
                "verbose_name_plural": "limits of entries",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "entry", "urgency", "kind"), name="entry_limit_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="entry_limit_amount"
                    ),
                    common.tenancy.SameTenant(
                        field="entry", name="mandates_entrylimit_entry_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Limit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "urgency",
                    models.CharField(
                        choices=[
                            ("emergency", "Emergency"),
                            ("enforcement", "Enforcement"),
                            ("general", "General"),
                            ("complex", "Complex"),
                        ],
                        max_length=12,
                        verbose_name="urgency",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("approve", "Approval by the township head"),
                            ("route", "Dispatch by the list"),
                            ("dispatch", "Dispatch by hand"),
                            ("case", "The whole call"),
                            ("accept", "Accepting"),
                            ("object", "Window for an objection"),
                            ("ruling", "Ruling on an objection"),
                            ("first_reply", "First reply"),
                            ("close", "Answer"),
                            ("rework", "Answer after rework"),
                            ("supply", "Missing information"),
                            ("extension", "Decision on an extension"),
                            ("rate", "Rating"),
                        ],
                        max_length=20,
                        verbose_name="clock",
                    ),
                ),
                ("amount", models.PositiveIntegerField(verbose_name="amount")),
                (
                    "unit",
                    models.CharField(
                        choices=[
                            ("minute", "minutes, day and night"),
                            ("working_minute", "minutes of office time"),
                            ("working_day", "working days"),
                            ("calendar_day", "calendar days"),
                            ("month", "months"),
                        ],
                        max_length=20,
                        verbose_name="unit",
                    ),
                ),
                (
                    "roll",
                    models.BooleanField(default=False, verbose_name="a last day of rest moves on"),
                ),
                (
                    "source",
                    models.CharField(default="sample", max_length=200, verbose_name="source"),
                ),
            ],
            options={
                "verbose_name": "limit",
                "verbose_name_plural": "limits",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "urgency", "kind"), name="limit_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="limit_amount"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="LadderLevel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "urgency",
                    models.CharField(
                        choices=[
                            ("emergency", "Emergency"),
                            ("enforcement", "Enforcement"),
                            ("general", "General"),
                            ("complex", "Complex"),
                        ],
                        max_length=12,
                        verbose_name="urgency",
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("warn", "Warning"),
                            ("urge", "Urging"),
                            ("supervise", "Supervision"),
                            ("escalate", "To the county leader"),
                            ("lapse", "Closed without rating"),
                        ],
                        max_length=12,
                        verbose_name="level",
                    ),
                ),
                (
                    "share",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="share of the time used, in percent"
                    ),
                ),
                (
                    "after",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="working days after the due time"
                    ),
                ),
                (
                    "source",
                    models.CharField(default="sample", max_length=200, verbose_name="source"),
                ),
            ],
            options={
                "verbose_name": "level of urging",
                "verbose_name_plural": "levels of urging",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "urgency", "level"), name="ladder_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("after", None), ("share__isnull", False)),
                            models.Q(("after__isnull", False), ("share", None)),
                            _connector="OR",
                        ),
                        name="ladder_share_or_after",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("level", "lapse"), _negated=True),
                        name="ladder_no_lapse",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("share", None),
                            models.Q(("share__gte", 1), ("share__lte", 99)),
                            _connector="OR",
                        ),
                        name="ladder_share_range",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="OfficeHours",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "from_month",
                    models.PositiveSmallIntegerField(default=1, verbose_name="from month"),
                ),
                ("from_day", models.PositiveSmallIntegerField(default=1, verbose_name="from day")),
                ("to_month", models.PositiveSmallIntegerField(default=12, verbose_name="to month")),
                ("to_day", models.PositiveSmallIntegerField(default=31, verbose_name="to day")),
                (
                    "morning_from",
                    models.TimeField(default=datetime.time(8, 0), verbose_name="morning from"),
                ),
                (
                    "morning_to",
                    models.TimeField(default=datetime.time(12, 0), verbose_name="morning to"),
                ),
                (
                    "afternoon_from",
                    models.TimeField(default=datetime.time(14, 30), verbose_name="afternoon from"),
                ),
                (
                    "afternoon_to",
                    models.TimeField(default=datetime.time(17, 30), verbose_name="afternoon to"),
                ),
                (
                    "source",
                    models.CharField(default="sample", max_length=200, verbose_name="source"),
                ),
            ],
            options={
                "verbose_name": "office hours",
                "verbose_name_plural": "office hours",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "from_month", "from_day"), name="office_hours_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("morning_from__lt", models.F("morning_to")),
                            ("morning_to__lte", models.F("afternoon_from")),
                            ("afternoon_from__lt", models.F("afternoon_to")),
                        ),
                        name="office_hours_order",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CountyRules",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "emergency_skips_head",
                    models.BooleanField(
                        default=True, verbose_name="a clerk may raise an emergency without the head"
                    ),
                ),
                (
                    "source",
                    models.CharField(default="sample", max_length=200, verbose_name="source"),
                ),
            ],
            options={
                "verbose_name": "rules of the county",
                "verbose_name_plural": "rules of the county",
                "constraints": [
                    models.UniqueConstraint(fields=("county",), name="county_rules_once")
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("number", models.CharField(blank=True, max_length=30, verbose_name="number")),
                ("title", models.CharField(max_length=80, verbose_name="title")),
                ("body", models.TextField(max_length=5000, verbose_name="what happened")),
                (
                    "done_so_far",
                    models.TextField(
                        blank=True, max_length=2000, verbose_name="what the township has done"
                    ),
                ),
                ("place", models.CharField(blank=True, max_length=200, verbose_name="place")),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("patrol", "Patrol"),
                            ("resident", "A resident"),
                            ("hotline", "Hotline 12345"),
                            ("petition", "Petition"),
                            ("meeting", "Meeting"),
                            ("other", "Other"),
                        ],
                        default="patrol",
                        max_length=12,
                        verbose_name="origin",
                    ),
                ),
                (
                    "urgency",
                    models.CharField(
                        choices=[
                            ("emergency", "Emergency"),
                            ("enforcement", "Enforcement"),
                            ("general", "General"),
                            ("complex", "Complex"),
                        ],
                        default="general",
                        max_length=12,
                        verbose_name="urgency",
                    ),
                ),
                (
                    "entry",
                    common.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="mandates.entry",
                        verbose_name="matter",
                    ),
                ),
                (
                    "matter",
                    common.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="mandates.matter",
                    ),
                ),
                (
                    "unlisted_reason",
                    models.CharField(
                        blank=True, max_length=500, verbose_name="why it is on no list"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("submitted", "Waiting for approval"),
                            ("raised", "Waiting for dispatch"),
                            ("routed", "Waiting to be accepted"),
                            ("objected", "Objection"),
                            ("handling", "Being handled"),
                            ("answered", "Waiting for rating"),
                            ("rework", "Being handled again"),
                            ("closed", "Closed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="draft",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "waiting_on",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("township", "Township"),
                            ("township_head", "Township head"),
                            ("desk", "County desk"),
                            ("department", "Department"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "lead",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="lead department",
                    ),
                ),
                (
                    "departments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("due_at", models.DateTimeField(null=True, verbose_name="due")),
                ("next_due_at", models.DateTimeField(null=True)),
                ("level", models.CharField(blank=True, max_length=12)),
                ("urged_count", models.PositiveSmallIntegerField(default=0)),
                ("rework_count", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("raised_at", models.DateTimeField(null=True)),
                ("routed_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("answer", models.TextField(blank=True)),
                (
                    "rating",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("satisfied", "Satisfied"),
                            ("mostly", "Mostly satisfied"),
                            ("unsatisfied", "Not satisfied"),
                            ("unrated", "Not rated"),
                        ],
                        max_length=12,
                        verbose_name="rating",
                    ),
                ),
                ("rating_note", models.CharField(blank=True, max_length=1000)),
                ("route", models.JSONField(default=dict)),
                ("source_system", models.CharField(blank=True, max_length=60)),
                ("source_no", models.CharField(blank=True, max_length=60)),
                ("step_count", models.PositiveIntegerField(default=0)),
                ("last_hash", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "verbose_name": "call",
                "verbose_name_plural": "calls",
                "permissions": [("follow_call", "Follow this call")],
                "indexes": [
                    models.Index(fields=["township", "-id"], name="call_township_new"),
                    models.Index(
                        condition=models.Q(("next_due_at__isnull", False)),
                        fields=["township", "next_due_at", "id"],
                        name="call_township_due",
                    ),
                    models.Index(
                        condition=models.Q(("next_due_at__isnull", False)),
                        fields=["township", "waiting_on", "next_due_at", "id"],
                        name="call_township_waiting",
                    ),
                    models.Index(fields=["county", "-id"], name="call_county_new"),
                    models.Index(
                        condition=models.Q(("next_due_at__isnull", False)),
                        fields=["county", "next_due_at", "id"],
                        name="call_county_due",
                    ),
                    models.Index(
                        condition=models.Q(("next_due_at__isnull", False)),
                        fields=["county", "waiting_on", "next_due_at", "id"],
                        name="call_county_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("next_due_at__isnull", False)),
                        fields=["next_due_at", "id"],
                        name="call_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="call_tenant"
                    ),
                    models.UniqueConstraint(fields=("uid", "county"), name="call_uid"),
                    models.UniqueConstraint(
                        condition=models.Q(("number", ""), _negated=True),
                        fields=("county", "number"),
                        name="call_number",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("source_no", ""), _negated=True),
                        fields=("county", "township", "source_system", "source_no"),
                        name="call_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "closed"), models.Q(("rating", ""), _negated=True)),
                            models.Q(models.Q(("state", "closed"), _negated=True), ("rating", "")),
                            _connector="OR",
                        ),
                        name="call_rated_when_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("entry__isnull", False),
                                ("matter__isnull", False),
                                ("unlisted_reason", ""),
                            ),
                            models.Q(
                                ("entry", None),
                                ("matter", None),
                                models.Q(("unlisted_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="call_listed_or_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("lead__isnull", False),
                                ("routed_at__isnull", False),
                                models.Q(("number", ""), _negated=True),
                            ),
                            models.Q(
                                (
                                    "state__in",
                                    [
                                        "routed",
                                        "objected",
                                        "handling",
                                        "answered",
                                        "rework",
                                        "closed",
                                    ],
                                ),
                                _negated=True,
                            ),
                            _connector="OR",
                        ),
                        name="call_lead_when_routed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "draft",
                                    "submitted",
                                    "raised",
                                    "routed",
                                    "objected",
                                    "handling",
                                    "answered",
                                    "rework",
                                    "closed",
                                    "withdrawn",
                                ],
                            )
                        ),
                        name="call_states",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("next_due_at", None),
                            models.Q(
                                ("state__in", ["closed", "withdrawn", "draft"]), _negated=True
                            ),
                            _connector="OR",
                        ),
                        name="call_next_due_open",
                    ),
                    common.tenancy.SameTenant(field="entry", name="mandates_call_entry_tenant"),
                    common.tenancy.SameTenant(field="matter", name="mandates_call_matter_tenant"),
                    common.tenancy.SameTenant(field="lead", name="mandates_call_lead_tenant"),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_call_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="mandates.call",
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
                    ),
                ),
                (
                    "departments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "part",
                    models.CharField(
                        choices=[("lead", "Lead"), ("assist", "Assist")], max_length=8
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("sent", "Waiting to be accepted"),
                            ("accepted", "Being handled"),
                            ("objected", "Objection"),
                            ("answered", "Answered"),
                            ("released", "Released"),
                        ],
                        default="sent",
                        max_length=12,
                    ),
                ),
                ("duty", models.CharField(blank=True, max_length=300)),
                ("sent_at", models.DateTimeField()),
                (
                    "sent_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("accepted_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("released_at", models.DateTimeField(null=True)),
                (
                    "handled_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("answer", models.TextField(blank=True)),
                ("next_due_at", models.DateTimeField(null=True)),
                ("may_object", models.BooleanField(default=True)),
                ("is_wrong_dispatch", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "assignment",
                "verbose_name_plural": "assignments",
                "indexes": [
                    models.Index(fields=["county", "department", "-call"], name="assignment_new"),
                    models.Index(
                        condition=models.Q(("next_due_at__isnull", False)),
                        fields=["county", "department", "next_due_at", "call"],
                        name="assignment_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="assignment_tenant"
                    ),
                    models.UniqueConstraint(fields=("uid", "county"), name="assignment_uid"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "released"), _negated=True),
                        fields=("county", "call", "department"),
                        name="assignment_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("part", "lead"), models.Q(("state", "released"), _negated=True)
                        ),
                        fields=("county", "call"),
                        name="assignment_one_lead",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["sent", "accepted", "objected", "answered", "released"])
                        ),
                        name="assignment_states",
                    ),
                    common.tenancy.SameTenant(field="call", name="mandates_assignment_call_tenant"),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_assignment_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_assignment_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Clock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clocks",
                        to="mandates.call",
                    ),
                ),
                (
                    "assignment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clocks",
                        to="mandates.assignment",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("approve", "Approval by the township head"),
                            ("route", "Dispatch by the list"),
                            ("dispatch", "Dispatch by hand"),
                            ("case", "The whole call"),
                            ("accept", "Accepting"),
                            ("object", "Window for an objection"),
                            ("ruling", "Ruling on an objection"),
                            ("first_reply", "First reply"),
                            ("close", "Answer"),
                            ("rework", "Answer after rework"),
                            ("supply", "Missing information"),
                            ("extension", "Decision on an extension"),
                            ("rate", "Rating"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "party",
                    models.CharField(
                        choices=[
                            ("township", "Township"),
                            ("township_head", "Township head"),
                            ("desk", "County desk"),
                            ("department", "Department"),
                        ],
                        max_length=20,
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
                ("started_at", models.DateTimeField()),
                ("amount", models.PositiveIntegerField()),
                (
                    "unit",
                    models.CharField(
                        choices=[
                            ("minute", "minutes, day and night"),
                            ("working_minute", "minutes of office time"),
                            ("working_day", "working days"),
                            ("calendar_day", "calendar days"),
                            ("month", "months"),
                        ],
                        max_length=20,
                    ),
                ),
                ("roll", models.BooleanField(default=False)),
                ("basis", models.CharField(max_length=200)),
                ("calendar_version", models.CharField(max_length=60)),
                ("due_at", models.DateTimeField()),
                ("original_due_at", models.DateTimeField()),
                ("is_provisional", models.BooleanField(default=False)),
                ("paused_since", models.DateTimeField(null=True)),
                ("met_at", models.DateTimeField(null=True)),
                ("breached_at", models.DateTimeField(null=True)),
                ("cancelled_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "clock of a call",
                "verbose_name_plural": "clocks of calls",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("cancelled_at", None), ("is_provisional", True), ("met_at", None)
                        ),
                        fields=["due_at"],
                        name="clock_provisional",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="clock_tenant"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="clock_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("met_at", None), ("cancelled_at", None), _connector="OR"
                        ),
                        name="clock_met_or_cancelled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("breached_at", None),
                            ("breached_at", models.F("due_at")),
                            _connector="OR",
                        ),
                        name="clock_breach_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("department__isnull", False), ("party", "department")),
                            models.Q(
                                models.Q(("party", "department"), _negated=True),
                                ("department", None),
                            ),
                            _connector="OR",
                        ),
                        name="clock_party_department",
                    ),
                    common.tenancy.SameTenant(field="call", name="mandates_clock_call_tenant"),
                    common.tenancy.SameTenant(
                        field="assignment", name="mandates_clock_assignment_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_clock_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_clock_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClockPause",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "clock",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pauses",
                        to="mandates.clock",
                    ),
                ),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(max_length=300)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("to_at", None)),
                        fields=("county", "clock"),
                        name="clock_pause_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("to_at", None), ("to_at__gte", models.F("from_at")), _connector="OR"
                        ),
                        name="clock_pause_order",
                    ),
                    common.tenancy.SameTenant(
                        field="clock", name="mandates_clockpause_clock_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_clockpause_township_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="ClockExtension",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "clock",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="extensions",
                        to="mandates.clock",
                    ),
                ),
                ("amount", models.PositiveIntegerField()),
                ("reason", models.CharField(max_length=500)),
                ("asked_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("granted", models.BooleanField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("granted", None), ("granted", True), _connector="OR"),
                        fields=("county", "clock"),
                        name="clock_extension_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="clock_extension_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("granted", None)),
                            models.Q(("decided_at__isnull", False), ("granted__isnull", False)),
                            _connector="OR",
                        ),
                        name="clock_extension_decided",
                    ),
                    common.tenancy.SameTenant(
                        field="clock", name="mandates_clockextension_clock_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_clockextension_township_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="ClockAction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "clock",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="mandates.clock",
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("warn", "Warning"),
                            ("urge", "Urging"),
                            ("supervise", "Supervision"),
                            ("escalate", "To the county leader"),
                            ("lapse", "Closed without rating"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("passed_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("at__isnull", False), ("done_at", None), ("passed_at", None)
                        ),
                        fields=["at"],
                        name="clock_action_waiting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "clock", "level"), name="clock_action_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("done_at", None), ("passed_at", None), _connector="OR"),
                        name="clock_action_done_or_passed",
                    ),
                    common.tenancy.SameTenant(
                        field="clock", name="mandates_clockaction_clock_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_clockaction_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="mandates.call",
                    ),
                ),
                (
                    "assignment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="mandates.assignment",
                    ),
                ),
                ("seq", models.PositiveIntegerField()),
                ("move", models.CharField(max_length=24)),
                ("from_state", models.CharField(blank=True, max_length=12)),
                ("to_state", models.CharField(max_length=12)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.post",
                    ),
                ),
                ("role", models.CharField(blank=True, max_length=40)),
                ("unit", models.CharField(blank=True, max_length=100)),
                ("actor", models.CharField(blank=True, max_length=100)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                ("algorithm", models.CharField(max_length=10)),
                ("previous_hash", models.CharField(blank=True, max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "step",
                "verbose_name_plural": "steps",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="step_tenant"
                    ),
                    models.UniqueConstraint(fields=("county", "call", "seq"), name="step_seq"),
                    common.tenancy.SameTenant(field="call", name="mandates_step_call_tenant"),
                    common.tenancy.SameTenant(
                        field="assignment", name="mandates_step_assignment_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_step_township_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Objection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="objections",
                        to="mandates.call",
                    ),
                ),
                (
                    "assignment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="objections",
                        to="mandates.assignment",
                    ),
                ),
                ("reason", models.TextField()),
                (
                    "entry",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.entry",
                    ),
                ),
                ("law", models.CharField(blank=True, max_length=100)),
                ("article", models.CharField(blank=True, max_length=60)),
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
                (
                    "raised_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("raised_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("upheld", "Upheld"), ("rejected", "Rejected")],
                        max_length=10,
                    ),
                ),
                ("decision", models.TextField(blank=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "objection",
                "verbose_name_plural": "objections",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "assignment"), name="objection_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("entry__isnull", False),
                            models.Q(
                                models.Q(("law", ""), _negated=True),
                                models.Q(("article", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="objection_cites",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("outcome", "")),
                            models.Q(
                                models.Q(("outcome", ""), _negated=True),
                                ("decided_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="objection_decided",
                    ),
                    common.tenancy.SameTenant(field="call", name="mandates_objection_call_tenant"),
                    common.tenancy.SameTenant(
                        field="assignment", name="mandates_objection_assignment_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="entry", name="mandates_objection_entry_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="proposed", name="mandates_objection_proposed_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_objection_township_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CallFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="mandates.call",
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("content_type", models.CharField(max_length=100)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("path", models.CharField(max_length=200)),
                ("is_evidence", models.BooleanField(default=False)),
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
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.post",
                    ),
                ),
                ("unit", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "file of a call",
                "verbose_name_plural": "files of calls",
                "constraints": [
                    models.UniqueConstraint(fields=("uid", "county"), name="call_file_uid"),
                    common.tenancy.SameTenant(field="call", name="mandates_callfile_call_tenant"),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_callfile_township_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CallNote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "township",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                    ),
                ),
                (
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="mandates.call",
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
                ("is_desk", models.BooleanField(default=False)),
                ("text", models.TextField(max_length=2000)),
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
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.post",
                    ),
                ),
                ("unit", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "internal note",
                "verbose_name_plural": "internal notes",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_desk", False), ("department", None), _connector="OR"
                        ),
                        name="call_note_one_unit",
                    ),
                    common.tenancy.SameTenant(field="call", name="mandates_callnote_call_tenant"),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_callnote_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_callnote_township_tenant"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CallCounter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("year", models.PositiveSmallIntegerField()),
                ("last", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "counter of calls",
                "verbose_name_plural": "counters of calls",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "year"), name="call_counter_once")
                ],
                "indexes": [],
            },
        ),
        migrations.RunSQL(IMMUTABLE_SQL["forward"], IMMUTABLE_SQL["back"]),
        migrations.RunSQL(
            """
            create trigger watched after insert or update or delete on townships_department
                for each statement execute function reference_changed();
            create trigger watched after insert or update or delete on townships_division
                for each statement execute function reference_changed();
            """,
            "drop trigger watched on townships_department; drop trigger watched on townships_division;",
        ),
        rls.TenantTable("DutyList"),
        reference.Watched("DutyList"),
        rls.TenantTable("ListVersion"),
        reference.Watched("ListVersion"),
        rls.TenantTable("Matter"),
        reference.Watched("Matter"),
        rls.TenantTable("Entry"),
        reference.Watched("Entry"),
        rls.TenantTable("EntryAssist"),
        reference.Watched("EntryAssist"),
        rls.TenantTable("EntryLimit"),
        reference.Watched("EntryLimit"),
        rls.TenantTable("Limit"),
        reference.Watched("Limit"),
        rls.TenantTable("LadderLevel"),
        reference.Watched("LadderLevel"),
        rls.TenantTable("OfficeHours"),
        reference.Watched("OfficeHours"),
        rls.TenantTable("CountyRules"),
        reference.Watched("CountyRules"),
        rls.TenantTable(
            "CallCounter",
            township=("", ""),
            department=("", ""),
            county=("select, insert, update", rls.COUNTY),
            dispatch=("select, insert, update", rls.EVERYTHING),
        ),
        rls.TenantTable("Call", department=("select, update", rls.PARTICIPANT)),
        rls.TenantTable("Assignment", department=("select, update", rls.PARTICIPANT)),
        rls.TenantTable("Step", append_only=True),
        # No step without its row in the outbox, whoever wrote it; routing follows from raising.
        migrations.RunSQL(
            STEP_RINGS, "drop trigger rings on mandates_step; drop function step_rings();"
        ),
        rls.TenantTable("Objection"),
        rls.TenantTable("CallFile", township=("select, insert, update, delete", rls.TOWNSHIP)),
        rls.TenantTable(
            "CallNote",
            append_only=True,
            township=(
                "select, insert",
                f"{rls.TOWNSHIP} and department_id is null and not is_desk",
            ),
            department=("select, insert", "department_id = any (app_ids('app.departments'))"),
            county=("select, insert", f"{rls.COUNTY} and is_desk"),
            all=("", ""),
        ),
        rls.TenantTable("Clock"),
        rls.TenantTable("ClockPause"),
        rls.TenantTable("ClockExtension"),
        rls.TenantTable("ClockAction"),
    ]
