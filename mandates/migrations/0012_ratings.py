import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls

# What has been rated so far, out of the history: the owner sees no rows under forced row security.
OLD_RATINGS = """
set local role huying_dispatch;
insert into mandates_callrating (county_id, township_id, call_id, assignment_id, department_id,
                                 round, speed, quality, attitude, overall, note, by_id, post_id,
                                 unit, actor, at)
select s.county_id, s.township_id, s.call_id, a.id, a.department_id,
       row_number() over (partition by s.call_id order by s.seq), '', '', '',
       case s.move when 'send_back' then 'unsatisfied' else s.data ->> 'rating' end,
       s.note, s.by_id, s.post_id, s.unit, s.actor, s.at
  from mandates_step s
  join mandates_assignment a
    on a.call_id = s.call_id and a.part = 'lead' and a.state <> 'released'
 where s.move in ('rate', 'send_back') and s.by_id is not null;
set local role none;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0011_counted_days"),
        ("townships", "0008_system_addresses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CallRating",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField()),
                (
                    "speed",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("satisfied", "Satisfied"),
                            ("mostly", "Mostly satisfied"),
                            ("unsatisfied", "Not satisfied"),
                            ("unrated", "Not rated"),
                        ],
                        max_length=12,
                        verbose_name="Speed",
                    ),
                ),
                (
                    "quality",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("satisfied", "Satisfied"),
                            ("mostly", "Mostly satisfied"),
                            ("unsatisfied", "Not satisfied"),
                            ("unrated", "Not rated"),
                        ],
                        max_length=12,
                        verbose_name="Quality",
                    ),
                ),
                (
                    "attitude",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("satisfied", "Satisfied"),
                            ("mostly", "Mostly satisfied"),
                            ("unsatisfied", "Not satisfied"),
                            ("unrated", "Not rated"),
                        ],
                        max_length=12,
                        verbose_name="Attitude",
                    ),
                ),
                (
                    "overall",
                    models.CharField(
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
                ("note", models.TextField(blank=True)),
                ("unit", models.CharField(max_length=100)),
                ("actor", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
                (
                    "assignment",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mandates.assignment",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ratings",
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
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.post",
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
                "verbose_name": "rating of a call",
                "verbose_name_plural": "ratings of calls",
                "indexes": [
                    models.Index(
                        fields=["county", "department", "at"], name="call_rating_department"
                    ),
                    models.Index(fields=["township", "at"], name="call_rating_township"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("township", "id", "county"), name="call_rating_tenant"
                    ),
                    models.UniqueConstraint(
                        fields=("county", "call", "round"), name="call_rating_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("round__in", [1, 2])), name="call_rating_rounds"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("attitude__in", ["", "satisfied", "mostly", "unsatisfied"]),
                            ("overall__in", ("satisfied", "mostly", "unsatisfied")),
                            ("quality__in", ["", "satisfied", "mostly", "unsatisfied"]),
                            ("speed__in", ["", "satisfied", "mostly", "unsatisfied"]),
                        ),
                        name="call_rating_said",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("overall", "unsatisfied"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="call_rating_reason",
                    ),
                    common.tenancy.SameTenant(field="call", name="mandates_callrating_call_tenant"),
                    common.tenancy.SameTenant(
                        field="assignment", name="mandates_callrating_assignment_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_callrating_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_callrating_township_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RatingAppeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("reason", models.TextField()),
                ("asked_in", models.CharField(max_length=100)),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("upheld", "Excluded from the figures"),
                            ("rejected", "The rating counts"),
                        ],
                        max_length=10,
                    ),
                ),
                ("decision", models.TextField(blank=True)),
                ("evidence", models.TextField(blank=True)),
                ("decided_in", models.CharField(blank=True, max_length=100)),
                ("decided_at", models.DateTimeField(null=True)),
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
                    "call",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rating_appeals",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                    ),
                ),
                (
                    "rating",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="mandates.callrating",
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
                "verbose_name": "appeal against a rating",
                "verbose_name_plural": "appeals against ratings",
                "indexes": [
                    models.Index(fields=["county", "-id"], name="rating_appeal_county"),
                    models.Index(
                        fields=["county", "department", "-id"], name="rating_appeal_department"
                    ),
                    models.Index(fields=["township", "-id"], name="rating_appeal_township"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("uid", "county"), name="rating_appeal_uid"),
                    models.UniqueConstraint(fields=("county", "rating"), name="rating_appeal_once"),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="rating_appeal_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("decision", ""),
                                ("evidence", ""),
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
                        name="rating_appeal_decided",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "upheld"), _negated=True),
                            models.Q(("evidence", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="rating_appeal_evidence",
                    ),
                    common.tenancy.SameTenant(
                        field="call", name="mandates_ratingappeal_call_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="rating", name="mandates_ratingappeal_rating_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_ratingappeal_department_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="township", name="mandates_ratingappeal_township_tenant"
                    ),
                ],
            },
        ),
        # The calling township rates; a department appeals; the county decides.
        rls.TenantTable(
            "CallRating",
            append_only=True,
            department=("select", rls.COUNTY),
            county=("select", rls.COUNTY),
        ),
        rls.TenantTable(
            "RatingAppeal",
            township=("select", rls.TOWNSHIP),
            department=("select, insert", rls.COUNTY),
            county=("select, update", rls.COUNTY),
        ),
        migrations.RunSQL(OLD_RATINGS, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="call",
            name="answer_key",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="call",
            name="rating_appeal",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                choices=[
                    ("open", "Appealed, not yet decided"),
                    ("upheld", "Excluded from the figures"),
                    ("rejected", "The rating counts"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="countyrules",
            name="appeal_days",
            field=models.PositiveSmallIntegerField(
                db_default=5,
                default=5,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="working days for an appeal against a rating",
            ),
        ),
        migrations.AddField(
            model_name="countyrules",
            name="appeal_ruling_days",
            field=models.PositiveSmallIntegerField(
                db_default=5,
                default=5,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="working days for the desk to decide on an appeal",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(
                    ("closed_at__isnull", False), models.Q(("answer_key", ""), _negated=True)
                ),
                fields=["county", "lead", "answer_key", "closed_at"],
                name="call_same_answer",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rating_appeal", ""),
                    models.Q(
                        ("rating_appeal__in", ["open", "upheld", "rejected"]),
                        ("rating__in", ["mostly", "unsatisfied"]),
                    ),
                    _connector="OR",
                ),
                name="call_appeal_of_a_rating",
            ),
        ),
        migrations.AddConstraint(
            model_name="countyrules",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("appeal_days__range", (1, 60)), ("appeal_ruling_days__range", (1, 60))
                ),
                name="county_rules_appeal",
            ),
        ),
    ]
