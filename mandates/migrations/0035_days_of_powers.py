import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0034_entries_in_order"),
        ("townships", "0010_developed_towns"),
    ]

    operations = [
        migrations.AddField(
            model_name="countyrules",
            name="evaluate_days",
            field=models.PositiveSmallIntegerField(
                db_default=365,
                default=365,
                validators=[
                    django.core.validators.MinValueValidator(30),
                    django.core.validators.MaxValueValidator(1095),
                ],
                verbose_name="days after which a power of a township is to be evaluated again",
            ),
        ),
        migrations.AddField(
            model_name="countyrules",
            name="expire_days",
            field=models.PositiveSmallIntegerField(
                db_default=60,
                default=60,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(365),
                ],
                verbose_name="days before its end in which a term of powers is named",
            ),
        ),
        migrations.AddConstraint(
            model_name="countyrules",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("evaluate_days__range", (30, 1095)), ("expire_days__range", (1, 365))
                ),
                name="county_rules_powers",
            ),
        ),
    ]
