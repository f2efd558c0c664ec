from django.db import migrations

import common.sealed


class Migration(migrations.Migration):
    # varchar becomes text: no row is written anew, and what stands in clear is still read. It is
    # encrypted by `rotate_keys`, or the night after, once no process of the release before is left.
    dependencies = [("townships", "0011_doors")]

    operations = [
        migrations.AlterField(
            model_name="duty",
            name="phone",
            field=common.sealed.SealedField(longest=30, verbose_name="phone"),
        ),
        migrations.AlterField(
            model_name="user",
            name="work_phone",
            field=common.sealed.SealedField(blank=True, longest=30, verbose_name="work phone"),
        ),
    ]
