from django.db import migrations

from mandates.models.days import APPEALS_MARK, APPEALS_MARK_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0012_ratings"),
    ]

    operations = [
        migrations.RunSQL(APPEALS_MARK, APPEALS_MARK_BACK),
    ]
