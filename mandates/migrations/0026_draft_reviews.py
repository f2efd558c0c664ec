import uuid

import django.db.models.deletion
from django.db import migrations, models

import common.tenancy
from common import rls

OF_DEPARTMENT = "department_id = any (app_ids('app.departments'))"
OF_TOWNSHIP = "of_township_id = any (app_ids('app.townships'))"


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0025_proposals_of_tasks"),
        ("townships", "0009_receivers"),
    ]

    operations = [
        migrations.CreateModel(
            name="ListReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("until", models.DateField(verbose_name="opinions until")),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
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
                    "version",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="mandates.listversion",
                        verbose_name="list version",
                    ),
                ),
            ],
            options={
                "verbose_name": "review of a draft",
                "verbose_name_plural": "reviews of drafts",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="list_review_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="list_review_uid"),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)),
                        fields=("county", "version"),
                        name="list_review_one_open",
                    ),
                    common.tenancy.SameTenant(
                        field="version", name="mandates_listreview_version_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReviewOpinion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "stance",
                    models.CharField(
                        choices=[
                            ("waiting", "No opinion yet"),
                            ("agree", "Agrees"),
                            ("object", "Objects"),
                            ("silent", "Said nothing"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("text", models.TextField(blank=True)),
                ("said_at", models.DateTimeField(null=True)),
                ("said_by", models.CharField(blank=True, max_length=100)),
                ("answer", models.TextField(blank=True)),
                ("answered_at", models.DateTimeField(null=True)),
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
                (
                    "review",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="opinions",
                        to="mandates.listreview",
                    ),
                ),
            ],
            options={
                "verbose_name": "opinion on a draft",
                "verbose_name_plural": "opinions on drafts",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="review_opinion_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="review_opinion_uid"),
                    models.UniqueConstraint(
                        fields=("county", "review", "department", "of_township"),
                        name="review_opinion_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("department", None), ("of_township__isnull", False)),
                            models.Q(("department__isnull", False), ("of_township", None)),
                            _connector="OR",
                        ),
                        name="review_opinion_unit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stance", "object"), _negated=True),
                            models.Q(("text", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="review_opinion_objection",
                    ),
                    common.tenancy.SameTenant(
                        field="review", name="mandates_reviewopinion_review_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_reviewopinion_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="of_township", name="mandates_reviewopinion_of_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReviewComment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=100)),
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
                    "matter",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.matter",
                        verbose_name="matter",
                    ),
                ),
                (
                    "opinion",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="mandates.reviewopinion",
                    ),
                ),
            ],
            options={
                "verbose_name": "comment on a line",
                "verbose_name_plural": "comments on lines",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="review_comment_says"
                    ),
                    common.tenancy.SameTenant(
                        field="opinion", name="mandates_reviewcomment_opinion_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="matter", name="mandates_reviewcomment_matter_tenant"
                    ),
                ],
            },
        ),
        rls.TenantTable("ListReview"),
        # A unit reads and gives its own opinion, and no other.
        rls.TenantTable(
            "ReviewOpinion",
            township=("select, update", OF_TOWNSHIP),
            department=("select, update", OF_DEPARTMENT),
        ),
        rls.TenantTable(
            "ReviewComment",
            township=("select, insert", rls.COUNTY),
            department=("select, insert", rls.COUNTY),
        ),
    ]
