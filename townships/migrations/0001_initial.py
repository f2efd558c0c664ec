import uuid

import django.contrib.auth.validators
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

from common.rls import GROUND, GROUND_BACK


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(GROUND, GROUND_BACK),
        BtreeGistExtension(),
        migrations.CreateModel(
            name="Division",
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
                    "level",
                    models.CharField(
                        choices=[
                            ("city", "City"),
                            ("county", "County"),
                            ("township", "Township"),
                            ("village", "Village"),
                        ],
                        max_length=10,
                        verbose_name="level",
                    ),
                ),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
                ("code", models.CharField(max_length=12, verbose_name="current code")),
                ("name", models.CharField(max_length=60, verbose_name="current name")),
                ("statutory", models.BooleanField(default=True, verbose_name="statutory")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
            ],
            options={
                "verbose_name": "division",
                "verbose_name_plural": "divisions",
                "indexes": [models.Index(fields=["level", "code"], name="division_level_code")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="division_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("level__in", ["city", "county", "township", "village"])
                        ),
                        name="division_level",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("valid_to", None)),
                        fields=("code",),
                        name="division_code_now",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="City",
            fields=[
                (
                    "division",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        related_name="as_city",
                        serialize=False,
                        to="townships.division",
                    ),
                ),
            ],
            options={
                "verbose_name": "city",
                "verbose_name_plural": "cities",
                "indexes": [],
                "constraints": [],
            },
            bases=("townships.division",),
        ),
        migrations.CreateModel(
            name="County",
            fields=[
                (
                    "division",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        related_name="as_county",
                        serialize=False,
                        to="townships.division",
                    ),
                ),
                (
                    "short_name",
                    models.CharField(
                        blank=True,
                        help_text="stands in the numbers of calls",
                        max_length=4,
                        verbose_name="short name",
                    ),
                ),
            ],
            options={
                "verbose_name": "county",
                "verbose_name_plural": "counties",
                "indexes": [],
                "constraints": [],
            },
            bases=("townships.division",),
        ),
        migrations.CreateModel(
            name="Township",
            fields=[
                (
                    "division",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        related_name="as_township",
                        serialize=False,
                        to="townships.division",
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="townships",
                        to="townships.county",
                        verbose_name="county",
                    ),
                ),
            ],
            options={
                "verbose_name": "township",
                "verbose_name_plural": "townships",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "division"), name="township_tenant")
                ],
                "indexes": [],
            },
            bases=("townships.division",),
        ),
        migrations.CreateModel(
            name="DivisionCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid to")),
                (
                    "division",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="codes",
                        to="townships.division",
                        verbose_name="division",
                    ),
                ),
                ("code", models.CharField(max_length=12, verbose_name="code")),
            ],
            options={
                "verbose_name": "division code",
                "verbose_name_plural": "division codes",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="division_code_period",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("division", "="),
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
                        name="division_code_one",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("code", "="),
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
                        name="division_code_unshared",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="DivisionName",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid to")),
                (
                    "division",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="names",
                        to="townships.division",
                        verbose_name="division",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
            ],
            options={
                "verbose_name": "division name",
                "verbose_name_plural": "division names",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="division_name_period",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("division", "="),
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
                        name="division_name_one",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="DivisionParent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid to")),
                (
                    "division",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parents",
                        to="townships.division",
                        verbose_name="division",
                    ),
                ),
                (
                    "relation",
                    models.CharField(
                        choices=[
                            ("statistical", "Statistical parent"),
                            ("administrative", "Administrative parent"),
                            ("managing", "Managing unit"),
                        ],
                        max_length=15,
                        verbose_name="relation",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="townships.division",
                        verbose_name="parent",
                    ),
                ),
            ],
            options={
                "verbose_name": "parent of a division",
                "verbose_name_plural": "parents of divisions",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="division_parent_period",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("division", "="),
                            ("relation", "="),
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
                        name="division_parent_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("relation__in", ["statistical", "administrative", "managing"])
                        ),
                        name="division_parent_relation",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("division", models.F("parent")), _negated=True),
                        name="division_parent_other",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="DivisionLoad",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "city",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="loads",
                        to="townships.city",
                        verbose_name="city",
                    ),
                ),
                ("as_of", models.DateField(verbose_name="as of")),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("sha256", models.CharField(max_length=64)),
                ("loaded_at", models.DateTimeField(verbose_name="loaded at")),
                ("changes", models.JSONField(default=dict, verbose_name="changes")),
            ],
            options={
                "verbose_name": "load of divisions",
                "verbose_name_plural": "loads of divisions",
                "indexes": [models.Index(fields=["city", "as_of"], name="division_load_as_of")],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="Platform",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=20, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=30, verbose_name="name")),
                (
                    "position",
                    models.PositiveSmallIntegerField(unique=True, verbose_name="position"),
                ),
            ],
            options={
                "verbose_name": "platform",
                "verbose_name_plural": "platforms",
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="Department",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid to")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "county",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="departments",
                        to="townships.county",
                        verbose_name="county",
                    ),
                ),
                ("code", models.SlugField(max_length=40, verbose_name="code")),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("short_name", models.CharField(max_length=20, verbose_name="short name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("department", "Government department"),
                            ("office", "Leadership office"),
                            ("desk", "County desk (kind of unit)"),
                            ("establishment", "Establishment office"),
                            ("party", "Party organ"),
                            ("group", "People's organisation"),
                            ("vertical", "Vertically managed unit"),
                            ("city", "City office"),
                        ],
                        max_length=15,
                        verbose_name="kind",
                    ),
                ),
                (
                    "platform",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="townships.platform",
                        verbose_name="platform",
                    ),
                ),
                ("valid_from", models.DateField(blank=True, null=True, verbose_name="valid from")),
                (
                    "successor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="predecessors",
                        to="townships.department",
                        verbose_name="successor",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
            ],
            options={
                "verbose_name": "department",
                "verbose_name_plural": "departments",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="department_period",
                    ),
                    models.UniqueConstraint(fields=("county", "id"), name="department_tenant"),
                    models.UniqueConstraint(
                        fields=("county", "code"), name="department_code", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "department",
                                    "office",
                                    "desk",
                                    "establishment",
                                    "party",
                                    "group",
                                    "vertical",
                                    "city",
                                ],
                            )
                        ),
                        name="department_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "city"), ("county__isnull", False), _connector="XOR"
                        ),
                        name="department_city_or_county",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("successor", None),
                            models.Q(("successor", models.F("id")), _negated=True),
                            _connector="OR",
                        ),
                        name="department_successor_other",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("successor", None), ("valid_to__isnull", False), _connector="OR"
                        ),
                        name="department_successor_ended",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "This user name is taken."},
                        max_length=60,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="user name",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name of the person")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "language",
                    models.CharField(
                        choices=[("zh-hans", "简体中文"), ("en", "English")],
                        default="zh-hans",
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                (
                    "type_size",
                    models.CharField(
                        choices=[
                            ("standard", "Standard"),
                            ("large", "Large"),
                            ("xlarge", "Extra large"),
                        ],
                        default="standard",
                        max_length=10,
                        verbose_name="type size",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="may sign in")),
                ("is_machine", models.BooleanField(default=False, verbose_name="is a system")),
                (
                    "must_change_password",
                    models.BooleanField(default=False, verbose_name="must change the password"),
                ),
                (
                    "password_changed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="password changed at"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("username"),
                        name="user_username_any_case",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "username",
                                models.Func(
                                    models.F("username"),
                                    output_field=models.CharField(),
                                    template="normalize(%(expressions)s, NFKC)",
                                ),
                            )
                        ),
                        name="user_username_nfkc",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_superuser", False)), name="user_no_superuser"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("type_size__in", ["standard", "large", "xlarge"])),
                        name="user_type_size",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Post",
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
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
                (
                    "township",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="townships.township",
                        verbose_name="township",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="townships.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="townships.county",
                        verbose_name="county",
                    ),
                ),
                (
                    "city",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="townships.city",
                        verbose_name="city",
                    ),
                ),
                ("title", models.CharField(blank=True, max_length=60, verbose_name="title")),
                (
                    "duty_class",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(role="system_administrator", then=models.Value(2)),
                            models.When(role="security_administrator", then=models.Value(3)),
                            models.When(role="audit_administrator", then=models.Value(4)),
                            default=models.Value(1),
                        ),
                        output_field=models.SmallIntegerField(),
                    ),
                ),
            ],
            options={
                "verbose_name": "post",
                "verbose_name_plural": "posts",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="post_period",
                    ),
                    models.CheckConstraint(
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
                                (
                                    "role__in",
                                    ["county_desk", "county_leader", "establishment_officer"],
                                ),
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
                        name="post_unit_of_role",
                        violation_error_message="This role needs exactly one unit of its own kind.",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("user", "="),
                            ("role", "="),
                            (
                                django.db.models.functions.comparison.Coalesce(
                                    "township", "department", "county", "city"
                                ),
                                "=",
                            ),
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
                        name="post_once",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("user", "="),
                            ("duty_class", "<>"),
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
                        name="post_duties_apart",
                        violation_error_message="The system, security and audit administrators hold no other post at the same time.",
                    ),
                ],
                "indexes": [],
            },
        ),
    ]
