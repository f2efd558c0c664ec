import django.db.models.deletion
from django.db import migrations, models

from common import rls


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0008_evidence"),
        ("townships", "0010_developed_towns"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountyEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField()),
                ("position", models.BigIntegerField()),
                ("kind", models.CharField(max_length=40)),
                ("about", models.UUIDField()),
                ("facts", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                ("published_at", models.DateTimeField()),
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
                "indexes": [
                    models.Index(fields=["county", "published_at"], name="county_event_published")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("county", "position"), name="county_event_position"
                    ),
                    models.UniqueConstraint(fields=("county", "uid"), name="county_event_once"),
                ],
            },
        ),
        # Told while the outbox is drained, and never changed.
        rls.TenantTable(
            "CountyEvent",
            append_only=True,
            county=("select", rls.COUNTY),
            dispatch=("select, insert", rls.EVERYTHING),
        ),
    ]
