from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("common", "0002_heartbeats")]

    operations = [
        # The policy of this role says everything already; what lacked was the right itself.
        migrations.RunSQL(
            "grant delete on common_idempotencykey to huying_dispatch",
            "revoke delete on common_idempotencykey from huying_dispatch",
        ),
    ]
