import datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common import rls


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0006_jobs"),
        ("townships", "0008_system_addresses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="noticemail",
            name="channel",
            field=models.CharField(
                choices=[("email", "E-mail"), ("sms", "Text message")],
                db_default="email",
                default="email",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="noticemail",
            name="discarded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="noticewish",
            name="by_sms",
            field=models.BooleanField(db_default=False, default=False),
        ),
        # Several messages may be owed for one notice, one a channel.
        migrations.AddConstraint(
            model_name="noticemail",
            constraint=models.UniqueConstraint(
                fields=("county", "notice_id", "channel"), name="notice_delivery_once"
            ),
        ),
        migrations.RemoveConstraint(model_name="noticemail", name="notice_mail_once"),
        migrations.AddIndex(
            model_name="noticemail",
            index=models.Index(
                condition=models.Q(("dead_at__isnull", False), ("discarded_at", None)),
                fields=["-dead_at", "-id"],
                name="notice_mail_dead",
            ),
        ),
        migrations.AddIndex(
            model_name="noticemail",
            index=models.Index(
                condition=models.Q(("channel", "sms"), ("sent_at__isnull", False)),
                fields=["user", "sent_at"],
                name="notice_sms_sent",
            ),
        ),
        migrations.CreateModel(
            name="NoticeHabit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quiet_from", models.TimeField(default=datetime.time(22, 0))),
                ("quiet_to", models.TimeField(default=datetime.time(7, 0))),
                ("digest_at", models.TimeField(null=True)),
                ("digested_on", models.DateField(null=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("digest_at__isnull", False)),
                        fields=["digest_at"],
                        name="notice_habit_digest",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MobileNumber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=11)),
                ("masked", models.CharField(max_length=11)),
                (
                    "county",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="townships.county",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "county"), name="mobile_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("number__regex", "^1[3-9][0-9]{9}$")),
                        name="mobile_number_mainland",
                    ),
                ],
            },
        ),
        rls.TenantTable(
            "MobileNumber",
            township=("select, insert, update, delete", rls.COUNTY),
            department=("select, insert, update, delete", rls.COUNTY),
        ),
        # Written by whoever it belongs to, read by the senders alone.
        rls.HiddenColumns("MobileNumber", ("number",)),
    ]
