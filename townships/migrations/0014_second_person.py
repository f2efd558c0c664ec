import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from townships.models.granting import SECOND_PERSON, SECOND_PERSON_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("townships", "0013_second_factor"),
    ]

    operations = [
        migrations.CreateModel(
            name="GuardedRole",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("township_clerk", "Township clerk"),
                            ("township_head", "Township head"),
                            ("grid_worker", "Grid worker"),
                            ("department_officer", "Department officer"),
                            ("department_head", "Department head"),
                            ("county_desk", "County desk"),
                            ("county_leader", "County leader"),
                            ("establishment_officer", "Establishment officer"),
                            ("city_overseer", "City overseer"),
                            ("system_administrator", "System administrator"),
                            ("security_administrator", "Security administrator"),
                            ("audit_administrator", "Audit administrator"),
                        ],
                        max_length=30,
                        unique=True,
                        verbose_name="role",
                    ),
                ),
                (
                    "since",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="since"
                    ),
                ),
            ],
            options={
                "verbose_name": "role that needs a second person",
                "verbose_name_plural": "roles that need a second person",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "role__in",
                                [
                                    "township_clerk",
                                    "township_head",
                                    "grid_worker",
                                    "department_officer",
                                    "department_head",
                                    "county_desk",
                                    "county_leader",
                                    "establishment_officer",
                                    "city_overseer",
                                    "system_administrator",
                                    "security_administrator",
                                    "audit_administrator",
                                ],
                            )
                        ),
                        name="guarded_role_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PostGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid to")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("give", "Post given"),
                            ("term", "Term of a post changed, or post ended"),
                            ("founding", "Given by command"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("township_clerk", "Township clerk"),
                            ("township_head", "Township head"),
                            ("grid_worker", "Grid worker"),
                            ("department_officer", "Department officer"),
                            ("department_head", "Department head"),
                            ("county_desk", "County desk"),
                            ("county_leader", "County leader"),
                            ("establishment_officer", "Establishment officer"),
                            ("city_overseer", "City overseer"),
                            ("system_administrator", "System administrator"),
                            ("security_administrator", "Security administrator"),
                            ("audit_administrator", "Audit administrator"),
                        ],
                        max_length=30,
                        verbose_name="role",
                    ),
                ),
                ("title", models.CharField(blank=True, max_length=60, verbose_name="title")),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                ("expires_at", models.DateTimeField(null=True, verbose_name="expires at")),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("confirmed", "Confirmed"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=10,
                        verbose_name="decision",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "answer",
                    models.CharField(
                        blank=True, max_length=300, verbose_name="reason of the decision"
                    ),
                ),
                (
                    "city",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.city",
                        verbose_name="city",
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                        verbose_name="county",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="term_grants",
                        to="townships.post",
                        verbose_name="post",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="proposed by",
                    ),
                ),
                (
                    "township",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.township",
                        verbose_name="township",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "grant of a post",
                "verbose_name_plural": "grants of posts",
            },
        ),
        migrations.AddField(
            model_name="post",
            name="grant",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="granted",
                to="townships.postgrant",
                verbose_name="grant of a post",
            ),
        ),
        migrations.AddIndex(
            model_name="postgrant",
            index=models.Index(fields=["decision", "expires_at"], name="grant_waiting"),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                ),
                name="grant_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("city__isnull", True),
                        ("county__isnull", True),
                        ("department__isnull", True),
                        ("role__in", ["township_clerk", "township_head", "grid_worker"]),
                        ("township__isnull", False),
                    ),
                    models.Q(
                        ("city__isnull", True),
                        ("county__isnull", True),
                        ("department__isnull", False),
                        ("role__in", ["department_officer", "department_head"]),
                        ("township__isnull", True),
                    ),
                    models.Q(
                        ("city__isnull", True),
                        ("county__isnull", False),
                        ("department__isnull", True),
                        ("role__in", ["county_desk", "county_leader", "establishment_officer"]),
                        ("township__isnull", True),
                    ),
                    models.Q(
                        ("city__isnull", False),
                        ("county__isnull", True),
                        ("department__isnull", True),
                        (
                            "role__in",
                            [
                                "city_overseer",
                                "system_administrator",
                                "security_administrator",
                                "audit_administrator",
                            ],
                        ),
                        ("township__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="grant_unit_of_role",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["give", "term", "founding"])), name="grant_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "term"), ("post__isnull", False)),
                    models.Q(models.Q(("kind", "term"), _negated=True), ("post", None)),
                    _connector="OR",
                ),
                name="grant_of_a_post",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decision", ""),
                        ("expires_at", None),
                        ("kind", "founding"),
                        ("proposed_by", None),
                    ),
                    models.Q(
                        models.Q(("kind", "founding"), _negated=True),
                        ("expires_at__gt", models.F("proposed_at")),
                        ("proposed_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="grant_founding",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("answer", ""), ("decided_at", None), ("decided_by", None), ("decision", "")
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("decision__in", ["confirmed", "refused", "withdrawn"]),
                    ),
                    _connector="OR",
                ),
                name="grant_decided_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "refused"), _negated=True),
                    models.Q(("answer", ""), _negated=True),
                    _connector="OR",
                ),
                name="grant_refused_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "confirmed"), _negated=True),
                    ("decided_at__lt", models.F("expires_at")),
                    _connector="OR",
                ),
                name="grant_confirmed_in_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("proposed_by", None),
                    models.Q(("proposed_by", models.F("user")), _negated=True),
                    _connector="OR",
                ),
                name="grant_not_to_oneself",
            ),
        ),
        migrations.AddConstraint(
            model_name="postgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decision", ""),
                    models.Q(("decided_by", models.F("proposed_by")), ("decision", "withdrawn")),
                    models.Q(
                        ("decision__in", ("confirmed", "refused")),
                        models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                        models.Q(("decided_by", models.F("user")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="grant_four_eyes",
            ),
        ),
        migrations.RunSQL(SECOND_PERSON, SECOND_PERSON_BACK),
    ]
