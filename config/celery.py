"""The Celery application and its beat table.

Beat only rings: what is due stands in the database, and `manage.py dispatch` does the same work
when broker or workers are away.
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("huying")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    # Calls whose doorbell got lost.
    "drain-outbox": {
        "task": "common.drain_outbox",
        "schedule": 10.0,
        "kwargs": {"rung_by": "beat"},
    },
    # Warnings, urging, supervision, ratings not given.
    "sweep-clocks": {"task": "mandates.sweep_clocks", "schedule": 30.0},
    # Steps of duty admissions whose limit has passed.
    "sweep-admissions": {"task": "mandates.sweep_admissions", "schedule": 300.0},
    # Lists of counties that have no township yet: nothing rings for them.
    "tell-of-lists": {"task": "mandates.tell_of_lists", "schedule": 60.0},
    # What was added to histories gets its keyed root; at night all of them are verified.
    "anchor-histories": {"task": "common.anchor_histories", "schedule": crontab(minute=7)},
    "verify-histories": {
        "task": "common.verify_histories",
        "schedule": crontab(hour=4, minute=10),
    },
    # Sessions, tokens and kept answers that have run out.
    "clear-expired": {"task": "common.clear_expired", "schedule": 6 * 3600.0},
    # What other systems are owed, also where dispatch is away; and its list, which runs out.
    "deliver-webhooks": {"task": "townships.deliver_webhooks", "schedule": 10.0},
    "forget-deliveries": {"task": "townships.forget_deliveries", "schedule": 6 * 3600.0},
    # What confirmed calls say of matters, at night.
    "learn-words": {"task": "mandates.learn_words", "schedule": crontab(hour=3, minute=10)},
    # Disputes and calls on no list that come again and again become proposals, at night.
    "propose-amendments": {
        "task": "mandates.propose_amendments",
        "schedule": crontab(hour=3, minute=20),
    },
    # Exports and other long work: what waits, and what a dead worker has left.
    "run-jobs": {"task": "townships.run_jobs", "schedule": 15.0},
    # Their results that have run out.
    "tell-changes": {"task": "townships.tell_changes", "schedule": 60.0},
    "clear-doors": {"task": "townships.clear_doors", "schedule": 6 * 3600.0},
    "clear-jobs": {"task": "townships.clear_jobs", "schedule": crontab(hour=2, minute=40)},
    # What has been kept longer than its county says: found here, proposed and decided by people.
    "find-due": {"task": "mandates.find_due", "schedule": crontab(hour=2, minute=20)},
    # Personal data that a release before has kept in clear.
    "encrypt-clear": {"task": "common.encrypt_clear", "schedule": crontab(hour=2, minute=50)},
    # Files that were taken in while the scanner was away.
    "scan-waiting": {"task": "common.scan_waiting", "schedule": 600.0},
    # Files whose process died before it wrote their row.
    "clear-orphans": {"task": "common.clear_orphans", "schedule": crontab(hour=3, minute=40)},
}
