import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from common import rls
from mandates.models.days import DAY_MARKS, DAY_MARKS_BACK

# Townships and departments read their own cells; all of a county see which days are true, and mark
# a day by changing a call.
READ = ("select", rls.COUNTY)
CELLS = {
    "township": ("select", "of_township = any (app_ids('app.townships'))"),
    "department": ("select", "of_department = any (app_ids('app.departments'))"),
    "county": READ,
}
MARKS = dict.fromkeys(("township", "department", "county"), ("select, insert", rls.COUNTY))


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0010_following_and_answers"),
        ("townships", "0008_system_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="DayFigures",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("grain", models.CharField(blank=True, max_length=2)),
                ("of_township", models.BigIntegerField(null=True)),
                ("of_department", models.BigIntegerField(null=True)),
                ("of_matter", models.BigIntegerField(null=True)),
                ("urgency", models.CharField(blank=True, max_length=12)),
                ("origin", models.CharField(blank=True, max_length=12)),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
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
            ],
            options={
                "indexes": [models.Index(fields=["county", "grain", "day"], name="day_figures")],
            },
        ),
        migrations.CreateModel(
            name="DayKept",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("layout", models.CharField(blank=True, max_length=64)),
                ("counted_at", models.DateTimeField()),
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
                "constraints": [
                    models.UniqueConstraint(fields=("county", "day"), name="day_kept_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="DayLengths",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("grain", models.CharField(blank=True, max_length=2)),
                ("of_township", models.BigIntegerField(null=True)),
                ("of_department", models.BigIntegerField(null=True)),
                ("stage", models.CharField(max_length=20)),
                (
                    "minutes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "calls",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
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
            ],
            options={
                "indexes": [models.Index(fields=["county", "grain", "day"], name="day_lengths")],
            },
        ),
        migrations.CreateModel(
            name="DayMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
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
            ],
            options={
                "indexes": [models.Index(fields=["county", "day"], name="day_mark")],
            },
        ),
        rls.TenantTable("DayFigures", **CELLS),
        rls.TenantTable("DayLengths", **CELLS),
        rls.TenantTable("DayKept", county=READ),
        rls.TenantTable("DayMark", **MARKS),
        migrations.RunSQL(DAY_MARKS, DAY_MARKS_BACK),
    ]
