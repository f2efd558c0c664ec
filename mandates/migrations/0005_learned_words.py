import django.db.models.deletion
from django.db import migrations, models

import common.tenancy
from common import reference, rls


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0004_saved_filters"),
        ("townships", "0007_user_shortcuts"),
    ]

    operations = [
        migrations.CreateModel(
            name="LearnedWords",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("parts", models.JSONField(default=dict)),
                ("calls", models.PositiveIntegerField()),
                ("learned_at", models.DateTimeField()),
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="mandates.matter",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("county", "matter"), name="learned_words_once"),
                    models.CheckConstraint(
                        condition=models.Q(("calls__gt", 0)), name="learned_words_calls"
                    ),
                    common.tenancy.SameTenant(
                        field="matter", name="mandates_learnedwords_matter_tenant"
                    ),
                ],
            },
        ),
        # Only workers write what all townships of a county may read.
        rls.TenantTable("LearnedWords", county=("select", rls.COUNTY)),
        reference.Watched("LearnedWords"),
    ]
