"""系统状态: what runs, on what, and with which settings; for the system administrator to read."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common import heartbeats, metrics
from common.models import CalendarYear
from config.environment import in_use
from mandates.queries.sql import database_time
from townships.http import MemberRequest
from townships.permissions import Permission
from townships.rules import require

logger = logging.getLogger(__name__)

LIBRARIES = (
    "django",
    "djangorestframework",
    "celery",
    "redis",
    "gunicorn",
    "django-allauth",
    "django-oauth-toolkit",
)
SILENT = {"dispatch": 120, "worker": 300, "beat": 300, "ledger": 172_800}  # seconds; as the alarms


class Line(NamedTuple):
    """One thing that is well or not; ``is_well`` is None where nobody can say."""

    title: str
    value: str
    is_well: bool | None
    at: datetime | None = None


@login_required
@require_safe
def state(request: MemberRequest) -> HttpResponse:
    require(request.member, Permission.STATE_VIEW)
    now = database_time()
    context = {
        "lines": [*_work(now), *_processes(now), *_calendar(now), *_migrations()],
        "settings": in_use(),
        "versions": list(_versions()),
        "now": now,
    }
    return render(request, "config/state.html", context)


def _figures(now: datetime) -> dict[str, float]:
    """Read the figures without a label; a group that fails is missing, and stands in the log."""
    autodiscover_modules("queries.metrics")
    found: dict[str, float] = {}
    for one in metrics.all_sources():
        if one.name not in ("outbox", "clocks", "broker", "files"):
            continue
        try:
            found |= {figure.name: figure.value for figure in one.read(now)}
        except Exception:
            logger.exception("figures could not be read", extra={"source": one.name})
    return found


def _work(now: datetime) -> Iterator[Line]:
    told = _figures(now)
    broker = told.get("huying_broker_up")
    yield Line(
        _("Broker"),
        _("answers") if broker else _("away: dispatch routes by itself, more slowly"),
        bool(broker),
    )
    if "huying_outbox_waiting" in told:
        oldest, dead = told["huying_outbox_oldest_seconds"], told["huying_outbox_dead"]
        facts = {"n": told["huying_outbox_waiting"], "s": oldest}
        yield Line(
            _("Accepted work"), _("%(n)d waiting, the oldest for %(s)d s") % facts, oldest <= 120
        )
        yield Line(_("Work laid aside"), f"{dead:.0f}", dead == 0)
    if "huying_sweep_lag_seconds" in told:
        lag = told["huying_sweep_lag_seconds"]
        facts = {"n": told["huying_clock_actions_overdue"], "s": lag}
        yield Line(
            _("Warnings and urgings"), _("%(n)d due, the oldest for %(s)d s") % facts, lag <= 300
        )
    if "huying_disk_free_bytes" in told:
        share = 100 * told["huying_disk_free_bytes"] / told["huying_disk_size_bytes"]
        yield Line(_("Disk of uploaded files"), _("%d %% free") % share, share >= 10)


def _processes(now: datetime) -> Iterator[Line]:
    shown = heartbeats.all_shown()
    titles = {
        "dispatch": _("Dispatch loop"),
        "worker": _("Workers"),
        "beat": _("Beat"),
        "ledger": _("Verification of the records"),
    }
    for name, title in titles.items():
        row = shown.get(name)
        if row is None:
            yield Line(title, _("never seen"), False if name != "ledger" else None)
            continue
        is_well = metrics.age(now, row.at) <= SILENT[name]
        value = _("last at work")
        if name == "ledger":
            violated = int(row.detail.get("violated", 0))
            value = _("%d violated") % violated if violated else _("nothing violated")
            is_well = is_well and not violated
        yield Line(title, value, is_well, row.at)


def _calendar(now: datetime) -> Iterator[Line]:
    years = CalendarYear.objects.filter(published=True).order_by("year")
    known = list(years.values_list("year", flat=True))
    value = f"{known[0]}–{known[-1]}" if known else _("not loaded")
    yield Line(_("Work calendar, published years"), value, timezone.localdate(now).year in known)


def _migrations() -> Iterator[Line]:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    value = _("%d missing") % missing if missing else _("all done")
    yield Line(_("Migrations"), value, missing == 0)


def _versions() -> Iterator[tuple[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        yield "PostgreSQL", cursor.fetchone()[0]
    yield "Python", platform.python_version()
    for name in LIBRARIES:
        yield name, version(name)
