"""Who was called on site and who came, as the page of a call and its sheet tell it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from mandates.queries.on_site import Called, OnSite, on_site
from mandates.views import clocks
from mandates.views.next_step import Case


def told(case: Case) -> list[dict[str, Any]]:
    """Return the whistles of a call, the latest first."""
    found = on_site(case.record.steps, case.record.clocks)
    return [_whistle(one, case) for one in found]


def _whistle(one: OnSite, case: Case) -> dict[str, Any]:
    step = one.step
    return {
        "place": step.data["place"],
        "needed": step.note,
        "unit": step.unit,
        "person": step.actor,
        "at": step.at,
        "awaited": sum(called.clock.is_running for called in one.departments),
        "departments": [_department(called, case) for called in one.departments],
    }


def _department(called: Called, case: Case) -> dict[str, Any]:
    clock, report = called.clock, called.report
    assert clock.department_id is not None
    arrived = report.data.get("arrived_at") if report else None
    return {
        "unit": case.book.units[clock.department_id].name,
        "due_at": clock.due_at,
        "clock": clocks.chip(clock, at=case.at, calendar=case.book.calendar),
        "off": _off(clock.cancelled_at, clock.due_at),
        "reported_at": clock.met_at,
        "arrived_at": datetime.fromisoformat(arrived) if arrived else None,
        "people": called.people,
        "note": report.note if report else "",
    }


def _off(cancelled_at: datetime | None, due_at: datetime) -> str:
    """Say that nobody is awaited any more, and whether the time was over by then."""
    if cancelled_at is None:
        return ""
    return _("Not reported") if cancelled_at >= due_at else _("No longer awaited")
