from django.db import migrations

from mandates.models.lists import PUBLISHED_RINGS


class Migration(migrations.Migration):
    dependencies = [
        ("mandates", "0032_comments_reworded"),
        ("common", "0009_county_events"),
    ]

    operations = [migrations.RunSQL(PUBLISHED_RINGS["forward"], PUBLISHED_RINGS["back"])]
