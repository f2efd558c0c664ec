import uuid

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls
from mandates.models.granted import GUARDS, GUARDS_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0029_burdens"),
        ("townships", "0010_developed_towns"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PowerBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("number", models.PositiveSmallIntegerField(verbose_name="batch")),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                (
                    "mode",
                    models.CharField(
                        choices=[("empowerment", "Empowerment"), ("entrustment", "Entrustment")],
                        max_length=12,
                        verbose_name="mode",
                    ),
                ),
                ("basis", models.CharField(blank=True, max_length=300, verbose_name="basis")),
                (
                    "decision",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="decision of the province"
                    ),
                ),
                ("powers", models.TextField(blank=True, verbose_name="powers and boundaries")),
                ("valid_from", models.DateField(verbose_name="in force from")),
                ("valid_to", models.DateField(null=True, verbose_name="in force until")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("agreed", "Agreed and sealed"),
                            ("approved", "Approved"),
                            ("published", "Published"),
                            ("ended", "Ended"),
                        ],
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
                    "giver_sealed_on",
                    models.DateField(null=True, verbose_name="sealed by who hands it over"),
                ),
                (
                    "giver_published_on",
                    models.DateField(null=True, verbose_name="published by who hands it over"),
                ),
                (
                    "giver_published_in",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="where it was published"
                    ),
                ),
                ("drafted_at", models.DateTimeField()),
                ("agreed_at", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "agreed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                        verbose_name="who hands it over",
                    ),
                ),
                (
                    "drafted_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "batch of powers",
                "verbose_name_plural": "batches of powers",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="power_batch_tenant"),
                    models.UniqueConstraint(fields=("county", "uid"), name="power_batch_uid"),
                    models.UniqueConstraint(fields=("county", "number"), name="power_batch_number"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gt", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="power_batch_term",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("department__isnull", False), ("mode", "entrustment")),
                            ("mode", "empowerment"),
                            _connector="OR",
                        ),
                        name="power_batch_giver",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "draft"),
                            models.Q(
                                ("agreed_by__isnull", False),
                                ("giver_sealed_on__isnull", False),
                                models.Q(("powers", ""), _negated=True),
                                models.Q(
                                    models.Q(
                                        ("mode", "empowerment"),
                                        models.Q(("decision", ""), _negated=True),
                                    ),
                                    ("valid_to__isnull", False),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="power_batch_agreed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["draft", "agreed"]),
                            models.Q(
                                ("approved_by__isnull", False),
                                models.Q(("document_no", ""), _negated=True),
                                models.Q(("approved_by", models.F("agreed_by")), _negated=True),
                                models.Q(("approved_by", models.F("drafted_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="power_batch_approved",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["draft", "agreed", "approved"]),
                            models.Q(
                                ("giver_published_on__isnull", False),
                                ("published_by__isnull", False),
                                models.Q(("giver_published_in", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="power_batch_published",
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_powerbatch_department_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PowerAgreement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("sealed_on", models.DateField(null=True, verbose_name="sealed by the township")),
                (
                    "published_on",
                    models.DateField(null=True, verbose_name="published by the township"),
                ),
                (
                    "published_in",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="where it was published"
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("confirmed_in", models.CharField(blank=True, max_length=100)),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "batch",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agreements",
                        to="mandates.powerbatch",
                    ),
                ),
            ],
            options={
                "verbose_name": "agreement with a township",
                "verbose_name_plural": "agreements with townships",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="power_agreement_tenant"
                    ),
                    models.UniqueConstraint(fields=("county", "uid"), name="power_agreement_uid"),
                    models.UniqueConstraint(
                        fields=("county", "batch", "township"), name="power_agreement_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at", None), ("confirmed_by", None)),
                            models.Q(
                                ("confirmed_at__isnull", False),
                                ("confirmed_by__isnull", False),
                                ("published_on__isnull", False),
                                ("sealed_on__isnull", False),
                                models.Q(("published_in", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="power_agreement_confirmed",
                    ),
                    common.tenancy.SameTenant(
                        field="batch", name="mandates_poweragreement_batch_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_poweragreement_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PowerGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("valid_from", models.DateField(verbose_name="in force from")),
                ("valid_to", models.DateField(null=True, verbose_name="in force until")),
                (
                    "ended_by_act",
                    models.CharField(
                        blank=True,
                        choices=[("taken_back", "Taken back"), ("swapped", "Swapped for another")],
                        max_length=10,
                    ),
                ),
                ("end_reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                (
                    "end_document",
                    models.CharField(blank=True, max_length=60, verbose_name="document number"),
                ),
                ("notified_on", models.DateField(null=True, verbose_name="told on")),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "agreement",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="mandates.poweragreement",
                    ),
                ),
                (
                    "batch",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="mandates.powerbatch",
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
                    "ended_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
            ],
            options={
                "verbose_name": "power of a township",
                "verbose_name_plural": "powers of townships",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="power_grant_tenant"
                    ),
                    models.UniqueConstraint(fields=("county", "uid"), name="power_grant_uid"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="power_grant_term",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("ended_by", None), ("ended_by_act", "")),
                            models.Q(
                                ("ended_at__isnull", False),
                                ("ended_by__isnull", False),
                                ("ended_by_act__in", ["taken_back", "swapped"]),
                                ("notified_on__isnull", False),
                                ("valid_to__isnull", False),
                                models.Q(("end_reason", ""), _negated=True),
                                models.Q(("end_document", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="power_grant_ended",
                    ),
                    common.tenancy.SameTenant(
                        field="batch", name="mandates_powergrant_batch_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="agreement", name="mandates_powergrant_agreement_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_powergrant_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PowerEvaluation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("keep", "Keep"),
                            ("adjust", "Adjust"),
                            ("take_back", "Take back"),
                        ],
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("cases", models.PositiveIntegerField(verbose_name="cases handled")),
                ("finding", models.CharField(max_length=300, verbose_name="finding")),
                ("unit", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
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
                    "grant",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evaluations",
                        to="mandates.powergrant",
                    ),
                ),
            ],
            options={
                "verbose_name": "evaluation of a power",
                "verbose_name_plural": "evaluations of powers",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("finding", ""), _negated=True),
                        name="power_evaluation_finding",
                    ),
                    common.tenancy.SameTenant(
                        field="grant", name="mandates_powerevaluation_grant_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_powerevaluation_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PowerItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("code", models.CharField(max_length=20, verbose_name="code")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("approval", "Approval"),
                            ("penalty", "Penalty"),
                            ("inspection", "Inspection"),
                            ("measure", "Compulsory measure"),
                            ("detention", "Restriction of personal freedom"),
                        ],
                        default="penalty",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("field", models.CharField(max_length=40, verbose_name="field of work")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("law", models.CharField(max_length=100, verbose_name="law")),
                ("article", models.CharField(max_length=100, verbose_name="article")),
                ("sanction", models.TextField(blank=True, verbose_name="what the law provides")),
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
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty where the law itself names the township.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="department it comes from",
                    ),
                ),
            ],
            options={
                "verbose_name": "power",
                "verbose_name_plural": "powers",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="power_item_tenant"),
                    models.UniqueConstraint(fields=("county", "uid"), name="power_item_uid"),
                    models.UniqueConstraint(fields=("county", "code"), name="power_item_code"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("law", ""), _negated=True),
                            models.Q(("article", ""), _negated=True),
                        ),
                        name="power_item_basis",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                ["approval", "penalty", "inspection", "measure", "detention"],
                            )
                        ),
                        name="power_item_kind",
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_poweritem_department_tenant"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="powergrant",
            name="item",
            field=common.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="grants",
                to="mandates.poweritem",
            ),
        ),
        migrations.CreateModel(
            name="PowerBatchItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("added_at", models.DateTimeField()),
                (
                    "batch",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chosen",
                        to="mandates.powerbatch",
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
                    "item",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="mandates.poweritem",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "batch", "item"), name="power_chosen_once"
                    ),
                    common.tenancy.SameTenant(
                        field="batch", name="mandates_powerbatchitem_batch_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="item", name="mandates_powerbatchitem_item_tenant"
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="CapabilityCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "officers",
                    models.PositiveSmallIntegerField(verbose_name="officers with certificates"),
                ),
                ("equipment", models.CharField(max_length=300, verbose_name="equipment")),
                ("training", models.CharField(max_length=300, verbose_name="training")),
                ("cases", models.PositiveIntegerField(verbose_name="cases a year expected")),
                ("passed", models.BooleanField(verbose_name="can take it on")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="finding")),
                ("unit", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
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
                    "batch",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="checks",
                        to="mandates.powerbatch",
                    ),
                ),
                (
                    "item",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.poweritem",
                    ),
                ),
            ],
            options={
                "verbose_name": "capability check",
                "verbose_name_plural": "capability checks",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("batch__isnull", False), ("item", None)),
                            models.Q(("batch", None), ("item__isnull", False)),
                            _connector="OR",
                        ),
                        name="capability_check_of_one",
                    ),
                    common.tenancy.SameTenant(
                        field="item", name="mandates_capabilitycheck_item_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="batch", name="mandates_capabilitycheck_batch_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_capabilitycheck_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PowerScore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "criterion",
                    models.CharField(
                        choices=[
                            ("many", "Many points, wide spread"),
                            ("direct", "Face to face with residents"),
                            ("urgent", "Urgently needed at the base"),
                            ("bearable", "Can be taken on effectively"),
                        ],
                        max_length=10,
                        verbose_name="criterion",
                    ),
                ),
                (
                    "score",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MaxValueValidator(5)],
                        verbose_name="score",
                    ),
                ),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("at", models.DateTimeField()),
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
                (
                    "item",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scores",
                        to="mandates.poweritem",
                    ),
                ),
            ],
            options={
                "verbose_name": "score of a power",
                "verbose_name_plural": "scores of powers",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "item", "criterion"), name="power_score_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("criterion__in", ["many", "direct", "urgent", "bearable"]),
                            ("score__range", (0, 5)),
                            models.Q(("reason", ""), _negated=True),
                        ),
                        name="power_score_range",
                    ),
                    common.tenancy.SameTenant(field="item", name="mandates_powerscore_item_tenant"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PowerSwap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("outs", models.JSONField(default=list)),
                ("ins", models.JSONField(default=list)),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("asked_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Waits for the county"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                        ],
                        default="asked",
                        max_length=10,
                    ),
                ),
                ("on", models.DateField(null=True, verbose_name="from")),
                (
                    "document_no",
                    models.CharField(blank=True, max_length=60, verbose_name="document number"),
                ),
                ("decision", models.CharField(blank=True, max_length=300, verbose_name="decision")),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "agreement",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="swaps",
                        to="mandates.poweragreement",
                    ),
                ),
                (
                    "asked_by",
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
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
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
            ],
            options={
                "verbose_name": "swap of powers",
                "verbose_name_plural": "swaps of powers",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="power_swap_tenant"
                    ),
                    models.UniqueConstraint(fields=("county", "uid"), name="power_swap_uid"),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                models.F("outs"),
                                function="jsonb_array_length",
                                output_field=models.IntegerField(),
                            ),
                            models.Func(
                                models.F("ins"),
                                function="jsonb_array_length",
                                output_field=models.IntegerField(),
                            ),
                        ),
                        name="power_swap_equal",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_by", None), ("state", "asked")),
                            models.Q(
                                ("decided_by__isnull", False),
                                ("state", "refused"),
                                models.Q(("decision", ""), _negated=True),
                            ),
                            models.Q(
                                ("decided_by__isnull", False),
                                ("on__isnull", False),
                                ("state", "approved"),
                                models.Q(("document_no", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="power_swap_decided",
                    ),
                    common.tenancy.SameTenant(
                        field="agreement", name="mandates_powerswap_agreement_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_powerswap_township_tenant"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="powergrant",
            name="swap",
            field=common.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="taken_on",
                to="mandates.powerswap",
            ),
        ),
        migrations.AddIndex(
            model_name="powerbatch",
            index=models.Index(fields=["county", "-id"], name="power_batch_new"),
        ),
        migrations.AddIndex(
            model_name="powerevaluation",
            index=models.Index(fields=["county", "grant", "-id"], name="power_evaluation_of"),
        ),
        migrations.AddIndex(
            model_name="capabilitycheck",
            index=models.Index(
                fields=["county", "township", "-id"], name="capability_check_latest"
            ),
        ),
        migrations.AddIndex(
            model_name="powergrant",
            index=models.Index(
                fields=["county", "township", "item", "valid_from"], name="power_grant_may"
            ),
        ),
        migrations.AddIndex(
            model_name="powergrant",
            index=models.Index(fields=["county", "item"], name="power_grant_item"),
        ),
        migrations.AddIndex(
            model_name="powergrant",
            index=models.Index(fields=["county", "batch"], name="power_grant_batch"),
        ),
        migrations.AddConstraint(
            model_name="powergrant",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("county", "="),
                    ("township", "="),
                    ("item", "="),
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
                name="power_grant_one_a_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="powergrant",
            constraint=common.tenancy.SameTenant(
                field="item", name="mandates_powergrant_item_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="powergrant",
            constraint=common.tenancy.SameTenant(
                field="swap", name="mandates_powergrant_swap_tenant"
            ),
        ),
        # The catalogue and the batches are everybody's of the county to read; what a township may do
        # is its own and the county's. Townships confirm and ask for swaps, the county does the rest.
        rls.TenantTable("PowerItem"),
        rls.TenantTable("PowerScore"),
        rls.TenantTable("PowerBatch"),
        rls.TenantTable("PowerBatchItem"),
        rls.TenantTable(
            "PowerAgreement",
            township=("select, update", rls.TOWNSHIP),
            department=("select", rls.COUNTY),
            county=("select, insert, update, delete", rls.COUNTY),
        ),
        rls.TenantTable(
            "CapabilityCheck",
            append_only=True,
            township=("select", rls.TOWNSHIP),
            department=("select", rls.COUNTY),
        ),
        rls.TenantTable(
            "PowerSwap",
            township=("select, insert", rls.TOWNSHIP),
            department=("select", rls.COUNTY),
            county=("select, update", rls.COUNTY),
        ),
        rls.TenantTable(
            "PowerGrant",
            township=("select, insert", rls.TOWNSHIP),
            department=("select", rls.COUNTY),
        ),
        rls.TenantTable(
            "PowerEvaluation",
            append_only=True,
            township=("select", rls.TOWNSHIP),
            department=("select", rls.COUNTY),
        ),
        migrations.RunSQL(GUARDS, GUARDS_BACK),
    ]
