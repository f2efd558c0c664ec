import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls
from mandates.models.assessments import USED_STAYS, USED_STAYS_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0016_precedents"),
        ("townships", "0008_system_addresses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Scheme",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("number", models.PositiveSmallIntegerField(default=1, verbose_name="version")),
                (
                    "subject",
                    models.CharField(
                        choices=[("department", "Departments"), ("township", "Townships")],
                        max_length=12,
                        verbose_name="who is assessed",
                    ),
                ),
                (
                    "length",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "a month"), (3, "a quarter"), (12, "a year")],
                        default=3,
                        verbose_name="period",
                    ),
                ),
                (
                    "fewest",
                    models.PositiveSmallIntegerField(
                        default=10,
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="cases below which nobody is compared",
                    ),
                ),
                (
                    "appeal_days",
                    models.PositiveSmallIntegerField(
                        default=5,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                        verbose_name="working days for an appeal",
                    ),
                ),
                ("is_ended", models.BooleanField(default=False, verbose_name="no longer used")),
                (
                    "source",
                    models.CharField(default="sample", max_length=200, verbose_name="source"),
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
                "verbose_name": "scheme of assessment",
                "verbose_name_plural": "schemes of assessment",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="scheme_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="scheme_uid"),
                    models.UniqueConstraint(
                        fields=("county", "name", "number"), name="scheme_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("appeal_days__range", (1, 60)),
                            ("fewest__range", (10, 1000)),
                            ("length__in", [1, 3, 12]),
                            ("number__gte", 1),
                            ("subject__in", ["department", "township"]),
                        ),
                        name="scheme_numbers",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Assessment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("first", models.DateField()),
                ("after", models.DateField()),
                ("as_of", models.DateTimeField()),
                ("definitions", models.CharField(max_length=16)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("preview", "Preview, open for appeals"),
                            ("published", "Published"),
                        ],
                        default="preview",
                        max_length=12,
                    ),
                ),
                ("appeal_until", models.DateTimeField()),
                ("opened_at", models.DateTimeField()),
                ("published_at", models.DateTimeField(null=True)),
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
                    "opened_by",
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
                (
                    "scheme",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assessments",
                        to="mandates.scheme",
                    ),
                ),
            ],
            options={
                "verbose_name": "assessment",
                "verbose_name_plural": "assessments",
                "indexes": [models.Index(fields=["county", "-id"], name="assessment_county")],
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="assessment_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="assessment_uid"),
                    models.UniqueConstraint(
                        fields=("county", "scheme", "first"), name="assessment_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("published_at", None), ("published_by", None), ("state", "preview")
                            ),
                            models.Q(
                                ("published_at__isnull", False),
                                ("published_by__isnull", False),
                                ("state", "published"),
                            ),
                            _connector="OR",
                        ),
                        name="assessment_published",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first__lt", models.F("after"))),
                        name="assessment_period",
                    ),
                    common.tenancy.SameTenant(
                        field="scheme", name="mandates_assessment_scheme_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AssessmentAppeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("reason", models.TextField()),
                ("numbers", models.JSONField(default=list)),
                ("asked_in", models.CharField(max_length=100)),
                ("asked_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("upheld", "Upheld"), ("rejected", "Rejected")],
                        max_length=10,
                    ),
                ),
                ("decision", models.TextField(blank=True)),
                ("decided_in", models.CharField(blank=True, max_length=100)),
                ("decided_at", models.DateTimeField(null=True)),
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
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "assessment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="mandates.assessment",
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
            ],
            options={
                "verbose_name": "appeal against an assessment",
                "verbose_name_plural": "appeals against assessments",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "id"), name="assessment_appeal_tenant"
                    ),
                    models.UniqueConstraint(fields=("uid", "county"), name="assessment_appeal_uid"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("area__isnull", False), ("department", None)),
                            models.Q(("area", None), ("department__isnull", False)),
                            _connector="OR",
                        ),
                        name="assessment_appeal_unit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("decision", ""),
                                ("outcome", ""),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("outcome__in", ["upheld", "rejected"]),
                                models.Q(("decision", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="assessment_appeal_decided",
                    ),
                    common.tenancy.SameTenant(
                        field="assessment", name="mandates_assessmentappeal_assessment_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_assessmentappeal_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="area", name="mandates_assessmentappeal_area_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AssessmentExclusion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "appeal",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exclusions",
                        to="mandates.assessmentappeal",
                    ),
                ),
                (
                    "assessment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exclusions",
                        to="mandates.assessment",
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
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.call",
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
            ],
            options={
                "verbose_name": "call that does not count in an assessment",
                "verbose_name_plural": "calls that do not count in an assessment",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "assessment", "call"), name="assessment_exclusion_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="assessment_exclusion_reason",
                    ),
                    common.tenancy.SameTenant(
                        field="assessment", name="mandates_assessmentexclusion_assessment_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="appeal", name="mandates_assessmentexclusion_appeal_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="call", name="mandates_assessmentexclusion_call_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_assessmentexclusion_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AssessmentRank",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("group", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=100)),
                ("rank", models.PositiveSmallIntegerField()),
                (
                    "assessment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ranks",
                        to="mandates.assessment",
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
                "verbose_name": "rank of an assessed unit",
                "verbose_name_plural": "ranks of assessed units",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "assessment", "name"), name="assessment_rank_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rank__gte", 1)), name="assessment_rank_first"
                    ),
                    common.tenancy.SameTenant(
                        field="assessment", name="mandates_assessmentrank_assessment_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AssessmentScore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("group", models.CharField(max_length=40)),
                ("items", models.JSONField(default=list)),
                ("signs", models.JSONField(default=list)),
                ("score", models.DecimalField(decimal_places=2, max_digits=6, null=True)),
                ("is_compared", models.BooleanField()),
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
                    "assessment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="mandates.assessment",
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
            ],
            options={
                "verbose_name": "score of an assessed unit",
                "verbose_name_plural": "scores of assessed units",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "assessment", "department"),
                        name="assessment_score_department",
                    ),
                    models.UniqueConstraint(
                        fields=("county", "assessment", "area"), name="assessment_score_area"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("area__isnull", False), ("department", None)),
                            models.Q(("area", None), ("department__isnull", False)),
                            _connector="OR",
                        ),
                        name="assessment_score_unit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("is_compared", False), ("score", None)),
                            ("score__range", (0, 100)),
                            _connector="OR",
                        ),
                        name="assessment_score_range",
                    ),
                    common.tenancy.SameTenant(
                        field="assessment", name="mandates_assessmentscore_assessment_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_assessmentscore_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="area", name="mandates_assessmentscore_area_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SchemeItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=1, verbose_name="order")),
                ("figure", models.CharField(max_length=40, verbose_name="figure")),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="weight",
                    ),
                ),
                (
                    "floor",
                    models.DecimalField(decimal_places=3, max_digits=4, verbose_name="nothing at"),
                ),
                (
                    "target",
                    models.DecimalField(
                        decimal_places=3, max_digits=4, verbose_name="everything at"
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
                    "scheme",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="mandates.scheme",
                    ),
                ),
            ],
            options={
                "verbose_name": "item of a scheme",
                "verbose_name_plural": "items of a scheme",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "scheme", "figure"), name="scheme_item_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("floor__range", (0, 1)),
                            ("target__range", (0, 1)),
                            ("weight__range", (1, 1000)),
                            models.Q(("floor", models.F("target")), _negated=True),
                        ),
                        name="scheme_item_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("figure__iregex", "fine|penalt|罚"), _negated=True),
                        name="scheme_item_no_fines",
                    ),
                    common.tenancy.SameTenant(
                        field="scheme", name="mandates_schemeitem_scheme_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SchemeMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("group", models.CharField(max_length=40, verbose_name="compared in the group")),
                (
                    "area",
                    common.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                        verbose_name="township",
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "scheme",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="mandates.scheme",
                    ),
                ),
            ],
            options={
                "verbose_name": "assessed unit",
                "verbose_name_plural": "assessed units",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "scheme", "department"), name="scheme_member_department"
                    ),
                    models.UniqueConstraint(
                        fields=("county", "scheme", "area"), name="scheme_member_area"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("area__isnull", False), ("department", None)),
                            models.Q(("area", None), ("department__isnull", False)),
                            _connector="OR",
                        ),
                        name="scheme_member_one_unit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("group", ""), _negated=True), name="scheme_member_group"
                    ),
                    common.tenancy.SameTenant(
                        field="scheme", name="mandates_schememember_scheme_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_schememember_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="area", name="mandates_schememember_area_tenant"
                    ),
                ],
            },
        ),
        # Schemes are everybody's of the county to read. Scores are the unit's own and the county's;
        # of others, units read the rank alone, once it has been published.
        rls.TenantTable("Scheme"),
        rls.TenantTable("SchemeItem"),
        rls.TenantTable("SchemeMember"),
        rls.TenantTable("Assessment", county=("select, insert, update", rls.COUNTY)),
        rls.TenantTable(
            "AssessmentScore",
            township=("select", "area_id = any (app_ids('app.townships'))"),
            department=("select", "department_id = any (app_ids('app.departments'))"),
            county=("select, insert, update", rls.COUNTY),
        ),
        rls.TenantTable(
            "AssessmentAppeal",
            township=("select, insert", "area_id = any (app_ids('app.townships'))"),
            department=("select, insert", "department_id = any (app_ids('app.departments'))"),
            county=("select, update", rls.COUNTY),
        ),
        rls.TenantTable("AssessmentRank", append_only=True, county=("select, insert", rls.COUNTY)),
        rls.TenantTable(
            "AssessmentExclusion",
            append_only=True,
            township=("select", rls.TOWNSHIP),
            department=("", ""),
        ),
        migrations.RunSQL(USED_STAYS, USED_STAYS_BACK),
    ]
