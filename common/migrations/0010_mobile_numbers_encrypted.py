from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    # Pages read this table column by column: they have no right to the new one either. Numbers in
    # clear stay until `rotate_keys`, or the night after, encrypts them: the release before still runs.
    dependencies = [
        ("common", "0009_county_events"),
        ("townships", "0012_phones_encrypted"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="mobilenumber", name="mobile_number_mainland"),
        migrations.AddField(
            model_name="mobilenumber",
            name="number_index",
            field=models.CharField(max_length=60, null=True),
        ),
        migrations.AlterField(model_name="mobilenumber", name="number", field=models.TextField()),
        migrations.AddConstraint(
            model_name="mobilenumber",
            constraint=models.CheckConstraint(
                name="mobile_number_encrypted",
                condition=models.Q(
                    ("number__regex", "^[as][$][a-z0-9-]{1,19}[$][A-Za-z0-9_-]+={0,2}$"),
                    ("number__regex", "^1[3-9][0-9]{9}$"),
                    _connector="OR",
                ),
            ),
        ),
    ]
