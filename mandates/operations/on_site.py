"""吹哨报到: departments are called to a place; each reports there within a limit of its own."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from mandates.models import Clock, ClockKind
from mandates.operations.making import Making, department_of, makes

TEXT_LENGTH = 200  # of a place, and of the names of who came


@makes("call_on_site")
def _call(making: Making) -> None:
    """Call the departments named, or all that have an open part and are not awaited already."""
    work, given = making.work, making.given
    chosen = work.not_on_call
    if given.departments:
        wanted = {department_of(work, u, "departments", making.at) for u in given.departments}
        chosen = [part for part in chosen if part.department_id in wanted]
        if len(chosen) < len(given.departments):
            text = _("Each once, and only those with an open part that are not awaited already.")
            raise Invalid(fields={"departments": text})
    due = [work.start(ClockKind.REPORT, at=making.at, part=part).due_at for part in chosen]
    making.data["place"] = _line(given.place, "place")
    making.data["called"] = [part.department_id for part in chosen]
    making.data["due"] = min(due).isoformat()


@makes("report_on_site")
def _report(making: Making) -> None:
    """The instant of the report counts; when people arrived is what they say themselves."""
    given, clock = making.given, making.work.clock(ClockKind.REPORT, making.own)
    assert clock is not None
    making.data["people"] = _line(given.people, "people")
    if given.arrived_at is None:
        return
    begun = clock.started_at.replace(second=0, microsecond=0)  # watches show minutes
    if not begun <= given.arrived_at <= making.at:
        text = _("Not before your department was called, and not in the future.")
        raise Invalid(fields={"arrived_at": text})
    making.data["arrived_at"] = given.arrived_at.isoformat()


def _line(text: str, name: str) -> str:
    line = text.strip()[:TEXT_LENGTH]
    if not line:
        raise Invalid(fields={name: _("This is needed.")})
    return line


def keep_fallen(making: Making, awaited: Sequence[Clock]) -> None:
    """Write down whom a move no longer awaits on site: nothing is cancelled silently."""
    fallen = [clock.department_id for clock in awaited if clock.cancelled_at is not None]
    if fallen:
        making.data["off_site"] = fallen
