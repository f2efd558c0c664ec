from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # A running system goes on writing while an index is built.
    atomic = False

    dependencies = [
        ("mandates", "0001_initial"),
        ("townships", "0004_watched"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["county", "closed_at"],
                name="call_county_closed",
            ),
        ),
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["township", "closed_at"],
                name="call_township_closed",
            ),
        ),
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["county", "lead", "closed_at"],
                name="call_lead_closed",
            ),
        ),
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(
                condition=models.Q(("raised_at__isnull", False)),
                fields=["county", "raised_at"],
                name="call_county_raised",
            ),
        ),
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(
                condition=models.Q(("raised_at__isnull", False)),
                fields=["township", "raised_at"],
                name="call_township_raised",
            ),
        ),
        AddIndexConcurrently(
            model_name="clock",
            index=models.Index(
                condition=models.Q(
                    ("cancelled_at", None), ("kind__in", ["accept", "first_reply", "close"])
                ),
                fields=["county", "due_at"],
                name="clock_county_timed",
            ),
        ),
        AddIndexConcurrently(
            model_name="clock",
            index=models.Index(
                condition=models.Q(
                    ("cancelled_at", None), ("kind__in", ["accept", "first_reply", "close"])
                ),
                fields=["township", "due_at"],
                name="clock_township_timed",
            ),
        ),
        AddIndexConcurrently(
            model_name="clock",
            index=models.Index(
                condition=models.Q(
                    ("cancelled_at", None), ("kind__in", ["accept", "first_reply", "close"])
                ),
                fields=["county", "department", "due_at"],
                name="clock_department_timed",
            ),
        ),
        AddIndexConcurrently(
            model_name="objection",
            index=models.Index(
                condition=models.Q(("decided_at__isnull", False)),
                fields=["county", "decided_at"],
                name="objection_decided_at",
            ),
        ),
    ]
