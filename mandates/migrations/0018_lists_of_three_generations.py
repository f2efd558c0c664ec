import uuid

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

import common.tenancy
from common import rls
from mandates.models.directories import IMMUTABLE_SQL
from mandates.models.entries import STEPS_SQL


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0017_assessments"),
        ("townships", "0009_receivers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Directory",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("number", models.PositiveSmallIntegerField(verbose_name="version")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("document_no", models.CharField(max_length=60, verbose_name="document number")),
                ("valid_from", models.DateField(verbose_name="in force from")),
                (
                    "valid_to",
                    models.DateField(blank=True, null=True, verbose_name="in force until"),
                ),
                ("loaded_at", models.DateTimeField(verbose_name="loaded at")),
            ],
            options={
                "verbose_name": "city's directory",
                "verbose_name_plural": "city's directories",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None),
                            ("valid_to__gt", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="directory_dates",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("document_no", ""), _negated=True),
                        name="directory_document",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DirectoryEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("category", models.CharField(max_length=40, verbose_name="category")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
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
                "verbose_name": "line of the city's directory",
                "verbose_name_plural": "lines of the city's directory",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="DirectoryMatter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("code", models.CharField(max_length=20, verbose_name="code")),
            ],
            options={
                "verbose_name": "matter of the city's directory",
                "verbose_name_plural": "matters of the city's directory",
            },
        ),
        migrations.CreateModel(
            name="EntryStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("who", models.CharField(max_length=60, verbose_name="who")),
                ("what", models.CharField(max_length=200, verbose_name="what is done")),
                ("limit", models.CharField(blank=True, max_length=60, verbose_name="time limit")),
            ],
            options={
                "verbose_name": "step of the flow",
                "verbose_name_plural": "steps of the flow",
                "ordering": ["position", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("who", ""), _negated=True),
                            models.Q(("what", ""), _negated=True),
                        ),
                        name="entry_step_says",
                    )
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="dutylist",
            name="duty_list_kind",
        ),
        migrations.AddField(
            model_name="dutylist",
            name="is_public",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Its published versions have a page that needs no signing in.",
                verbose_name="shown to the public",
            ),
        ),
        migrations.AddField(
            model_name="dutylist",
            name="of_township",
            field=common.tenancy.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="Empty for a list of the whole county.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="townships.township",
                verbose_name="township",
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="department_role",
            field=models.CharField(
                choices=[("primary", "primary"), ("supporting", "supporting")],
                db_default="primary",
                default="primary",
                max_length=10,
                verbose_name="part of the county department",
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="discretion",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="What is decided case by case, and by which standard.",
                verbose_name="discretion",
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="share",
            field=models.CharField(
                blank=True,
                choices=[
                    ("basic", "Basic duty"),
                    ("supporting", "Supporting duty"),
                    ("taken_back", "Taken back by the superior department"),
                ],
                db_default="",
                default="",
                max_length=10,
                verbose_name="share",
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="township_role",
            field=models.CharField(
                choices=[("primary", "primary"), ("supporting", "supporting")],
                db_default="supporting",
                default="supporting",
                max_length=10,
                verbose_name="part of the township",
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="village_duty",
            field=models.TextField(
                blank=True, db_default="", default="", verbose_name="duty of the village"
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="village_role",
            field=models.CharField(
                choices=[("primary", "primary"), ("supporting", "supporting")],
                db_default="supporting",
                default="supporting",
                max_length=10,
                verbose_name="part of the village",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="taken_back_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                max_length=100,
                verbose_name="taken back by document",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="taken_back_from",
            field=models.DateField(blank=True, null=True, verbose_name="taken back from"),
        ),
        migrations.AlterField(
            model_name="dutylist",
            name="kind",
            field=models.CharField(
                choices=[
                    ("territorial", "County and township duties"),
                    ("powers", "Powers and duties"),
                    ("service", "Public services"),
                    ("approvals", "Approvals"),
                    ("enforcement", "Enforcement matters"),
                    ("supporting", "Supporting matters"),
                    ("performance", "Duty performance"),
                ],
                default="territorial",
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutylist",
            constraint=models.UniqueConstraint(
                fields=("county", "kind", "of_township"),
                name="duty_list_once",
                nulls_distinct=False,
                violation_error_message="There is such a list already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutylist",
            constraint=models.UniqueConstraint(fields=("uid", "county"), name="duty_list_uid"),
        ),
        migrations.AddConstraint(
            model_name="dutylist",
            constraint=common.tenancy.SameTenant(
                field="of_township", name="mandates_dutylist_of_township_tenant"
            ),
        ),
        migrations.AddField(
            model_name="directory",
            name="city",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="townships.city"
            ),
        ),
        migrations.AddField(
            model_name="directoryentry",
            name="directory",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="mandates.directory",
            ),
        ),
        migrations.AddField(
            model_name="directorymatter",
            name="city",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="townships.city"
            ),
        ),
        migrations.AddField(
            model_name="directoryentry",
            name="matter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="mandates.directorymatter",
                verbose_name="matter",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="directory_matter",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="mandates.directorymatter",
                verbose_name="matter of the city's directory",
            ),
        ),
        migrations.AddConstraint(
            model_name="matter",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("taken_back_by", ""), ("taken_back_from", None)),
                    models.Q(
                        ("taken_back_from__isnull", False),
                        models.Q(("taken_back_by", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="matter_taken_back",
            ),
        ),
        migrations.AddField(
            model_name="entrystep",
            name="county",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="townships.county",
            ),
        ),
        migrations.AddField(
            model_name="entrystep",
            name="entry",
            field=common.tenancy.TenantForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="steps",
                to="mandates.entry",
            ),
        ),
        migrations.AddConstraint(
            model_name="directory",
            constraint=models.UniqueConstraint(fields=("city", "number"), name="directory_number"),
        ),
        migrations.AddConstraint(
            model_name="directory",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("city", "="),
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
                name="directory_one_a_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="directorymatter",
            constraint=models.UniqueConstraint(
                fields=("city", "code"), name="directory_matter_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryentry",
            constraint=models.UniqueConstraint(
                fields=("directory", "matter"), name="directory_entry_matter"
            ),
        ),
        migrations.AddConstraint(
            model_name="entrystep",
            constraint=models.UniqueConstraint(
                fields=("county", "entry", "position"), name="entry_step_place"
            ),
        ),
        migrations.AddConstraint(
            model_name="entrystep",
            constraint=common.tenancy.SameTenant(
                field="entry", name="mandates_entrystep_entry_tenant"
            ),
        ),
        rls.TenantTable("EntryStep"),
        migrations.RunSQL(STEPS_SQL["forward"], STEPS_SQL["back"]),
        migrations.RunSQL(IMMUTABLE_SQL["forward"], IMMUTABLE_SQL["back"]),
    ]
