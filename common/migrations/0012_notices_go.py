from django.db import migrations


class Migration(migrations.Migration):
    # Notices are disposed of by two persons, once their period is over; the workers' role does it.
    dependencies = [("common", "0011_mobile_numbers_found")]

    operations = [
        migrations.RunSQL(
            "grant delete on common_notice, common_noticemail to huying_dispatch;",
            "revoke delete on common_notice, common_noticemail from huying_dispatch;",
        ),
    ]
