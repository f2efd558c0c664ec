from django.db import migrations

from mandates.models.reviews import OWN_COMMENTS_SQL


class Migration(migrations.Migration):
    dependencies = [("mandates", "0041_matters_of_powers")]

    operations = [migrations.RunSQL(OWN_COMMENTS_SQL["forward"], OWN_COMMENTS_SQL["back"])]
