import django.db.models.deletion
from django.db import migrations, models

import common.tenancy
import mandates.models.bases
from common import rls
from mandates.models.bases import READ_SQL


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0037_retention_of_more_kinds"),
        ("townships", "0011_doors"),
    ]

    operations = [
        migrations.CreateModel(
            name="LegalBasis",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("text", models.TextField(verbose_name="legal basis")),
                ("parts", models.PositiveSmallIntegerField()),
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
                "verbose_name": "legal basis",
                "verbose_name_plural": "legal bases",
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="legal_basis_tenant"),
                    models.UniqueConstraint(fields=("county", "digest"), name="legal_basis_once"),
                    models.CheckConstraint(
                        condition=models.Q(("digest", mandates.models.bases.Digest("text"))),
                        name="legal_basis_digest",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("parts__gt", 0)), name="legal_basis_parts"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Citation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                (
                    "law",
                    models.CharField(blank=True, max_length=200, verbose_name="law or document"),
                ),
                ("key", models.CharField(blank=True, max_length=200)),
                (
                    "document_no",
                    models.CharField(blank=True, max_length=60, verbose_name="document number"),
                ),
                ("article", models.CharField(blank=True, max_length=150, verbose_name="article")),
                ("first", models.PositiveSmallIntegerField(default=0)),
                ("last", models.PositiveSmallIntegerField(default=0)),
                ("clause", models.TextField(blank=True, verbose_name="quoted clause")),
                ("wording", models.TextField(blank=True, verbose_name="wording")),
                (
                    "basis",
                    common.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="citations",
                        to="mandates.legalbasis",
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
                "verbose_name": "citation of a law",
                "verbose_name_plural": "citations of laws",
                "indexes": [
                    models.Index(fields=["county", "key", "first"], name="citation_of_law")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "basis", "position"), name="citation_position"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("position__gt", 0)), name="citation_place"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("wording", ""),
                                models.Q(
                                    models.Q(("law", ""), _negated=True),
                                    models.Q(("document_no", ""), _negated=True),
                                    _connector="OR",
                                ),
                                models.Q(("key", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("wording", ""), _negated=True),
                                ("article", ""),
                                ("clause", ""),
                                ("document_no", ""),
                                ("key", ""),
                                ("law", ""),
                            ),
                            _connector="OR",
                        ),
                        name="citation_says",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last__gte", models.F("first"))),
                        name="citation_articles",
                    ),
                    common.tenancy.SameTenant(field="basis", name="mandates_citation_basis_tenant"),
                ],
            },
        ),
        # What lists stand on is everybody's to read in the county; whoever publishes writes it.
        rls.TenantTable("LegalBasis", append_only=True),
        rls.TenantTable("Citation", append_only=True),
        migrations.RunSQL(READ_SQL["forward"], READ_SQL["back"]),
    ]
