import uuid

import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.tenancy
from common import rls

NOBODY = ("", "false")  # townships and departments have no part in it


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0026_draft_reviews"),
        ("townships", "0009_receivers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ListImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "Columns to be named"),
                            ("checking", "Being checked"),
                            ("checked", "Checked"),
                            ("failed", "Not read"),
                            ("applied", "Applied"),
                            ("undone", "Undone"),
                        ],
                        default="new",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("path", models.CharField(max_length=200)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("layout", models.JSONField(default=dict)),
                ("notices", models.JSONField(default=list)),
                ("counts", models.JSONField(default=dict)),
                ("job", models.UUIDField(null=True)),
                ("base_mark", models.CharField(blank=True, max_length=64)),
                ("opened_draft", models.BooleanField(default=False)),
                ("after_mark", models.CharField(blank=True, max_length=64)),
                ("at", models.DateTimeField(verbose_name="taken in at")),
                ("checked_at", models.DateTimeField(null=True)),
                ("applied_at", models.DateTimeField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
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
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "duty_list",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imports",
                        to="mandates.dutylist",
                        verbose_name="responsibility list",
                    ),
                ),
                (
                    "version",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="mandates.listversion",
                    ),
                ),
            ],
            options={
                "verbose_name": "import of a list",
                "verbose_name_plural": "imports of lists",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="list_import_tenant"),
                    models.UniqueConstraint(fields=("uid", "county"), name="list_import_uid"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("applied_at__isnull", False), ("state__in", ["applied", "undone"])
                            ),
                            models.Q(
                                models.Q(("state__in", ["applied", "undone"]), _negated=True),
                                ("applied_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="list_import_applied",
                    ),
                    common.tenancy.SameTenant(
                        field="duty_list", name="mandates_listimport_duty_list_tenant"
                    ),
                    common.tenancy.SameTenant(
                        field="version", name="mandates_listimport_version_tenant"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sheet", models.CharField(blank=True, max_length=100, verbose_name="sheet")),
                ("row", models.PositiveIntegerField(default=0, verbose_name="row")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("added", "New matter"),
                            ("changed", "Changed"),
                            ("moved", "Another place only"),
                            ("removed", "No longer in it"),
                            ("same", "Unchanged, as in the list"),
                            ("wrong", "Problem"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=20, verbose_name="code")),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name")),
                (
                    "values",
                    models.JSONField(
                        default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                ("changes", models.JSONField(default=list)),
                ("problems", models.JSONField(default=list)),
                (
                    "before",
                    models.JSONField(
                        encoder=django.core.serializers.json.DjangoJSONEncoder, null=True
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
                    "imported",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="mandates.listimport",
                    ),
                ),
            ],
            options={
                "verbose_name": "row of an import",
                "verbose_name_plural": "rows of imports",
                "constraints": [
                    common.tenancy.SameTenant(
                        field="imported", name="mandates_importrow_imported_tenant"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ColumnMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("signature", models.CharField(max_length=64)),
                ("headings", models.JSONField(default=list)),
                ("columns", models.JSONField(default=list)),
                ("changed_at", models.DateTimeField()),
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
                "verbose_name": "columns of a workbook",
                "verbose_name_plural": "columns of workbooks",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "signature"), name="column_mapping_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DepartmentWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.CharField(max_length=60, verbose_name="name in the file")),
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.department",
                        verbose_name="department",
                    ),
                ),
            ],
            options={
                "verbose_name": "name of a department in files",
                "verbose_name_plural": "names of departments in files",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "word"), name="department_word_once"),
                    models.CheckConstraint(
                        condition=models.Q(("word", ""), _negated=True), name="department_word_says"
                    ),
                    common.tenancy.SameTenant(
                        field="department", name="mandates_departmentword_department_tenant"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="listimport",
            index=models.Index(fields=["county", "-id"], name="list_import_of_county"),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                fields=["county", "imported", "kind", "id"], name="import_row_of_kind"
            ),
        ),
        rls.TenantTable("ColumnMapping", township=NOBODY, department=NOBODY),
        rls.TenantTable("DepartmentWord", township=NOBODY, department=NOBODY),
        rls.TenantTable("ListImport", township=NOBODY, department=NOBODY),
        rls.TenantTable("ImportRow", township=NOBODY, department=NOBODY),
    ]
