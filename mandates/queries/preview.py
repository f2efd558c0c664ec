"""What would become of a call if it were sent now: who gets it, and when each step is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from common import worktime
from common.display import DateReason
from common.reasons import date_reason, period_text
from common.worktime import SHANGHAI
from mandates.models import Call, ClockKind, Urgency
from mandates.queries.rulebook import EntryFacts, NoLimit, Rulebook, Unit

if TYPE_CHECKING:
    from townships.http import Member

SHOWN = (ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.CLOSE)


@dataclass(frozen=True)
class DueStep:
    """One clock that would start: by when, and why then."""

    kind: str
    due_at: datetime
    provisional: bool
    length: str
    reason: DateReason


@dataclass(frozen=True)
class Preview:
    """Who would get the call on that day, and the clocks that would start.

    ``lead`` is None for what is on no list: the desk dispatches it. ``succeeded`` says that the
    list names a department which another has followed.
    """

    lead: Unit | None
    assists: Sequence[Unit]
    succeeded: bool
    steps: Sequence[DueStep]


def preview(book: Rulebook, entry: EntryFacts | None, urgency: str, *, at: datetime) -> Preview:
    """Work out what would happen to a call raised at that instant."""
    day = timezone.localtime(at, SHANGHAI).date()
    lead, succeeded = book.valid_unit(entry.lead_id, day) if entry else (None, False)
    if entry is None or lead is None:
        dispatch = _step(book, entry, urgency, ClockKind.DISPATCH, at)
        return Preview(None, (), False, [dispatch] if dispatch else [])
    assists: list[Unit] = []
    for department, _duty in entry.assists:
        unit, _moved = book.valid_unit(department, day)
        if unit is not None and unit != lead and unit not in assists:
            assists.append(unit)
    steps = [_step(book, entry, urgency, kind, at) for kind in SHOWN]
    return Preview(lead, assists, succeeded, [step for step in steps if step is not None])


def _step(
    book: Rulebook, entry: EntryFacts | None, urgency: str, kind: str, at: datetime
) -> DueStep | None:
    """Return the clock of a kind; None where the county has set no limit or no calendar reaches."""
    try:
        period = book.period(urgency, kind, entry)
        due = worktime.due(at, period.amount, period.unit, calendar=book.calendar, roll=period.roll)
    except (NoLimit, worktime.WorktimeError):
        return None
    basis = _("Limit: %(source)s. Calendar: %(calendar)s.") % {
        "source": period.basis,
        "calendar": book.calendar.version,
    }
    title = str(ClockKind(kind).label)
    reason = date_reason(due, title=title, basis=basis, today=at.astimezone(SHANGHAI).date())
    length = period_text(period.amount, period.unit)
    return DueStep(kind, due.at, due.provisional, length, reason)


def urgency_limits(book: Rulebook, entry: EntryFacts | None) -> dict[str, str]:
    """Say for every urgency how long accepting and answering may take."""
    return {urgency: _limits(book, entry, urgency) for urgency in Urgency.values}


def _limits(book: Rulebook, entry: EntryFacts | None, urgency: str) -> str:
    try:
        accept = book.period(urgency, ClockKind.ACCEPT, entry)
        close = book.period(urgency, ClockKind.CLOSE, entry)
    except NoLimit:
        return str(NoLimit.detail)
    return _("accept within %(accept)s, answer within %(close)s") % {
        "accept": period_text(accept.amount, accept.unit),
        "close": period_text(close.amount, close.unit),
    }


def open_calls(member: Member, matter_id: int, *, entry_id: int = 0) -> int:
    """Count the open calls about a matter that the member sees; at most 1,000 are counted.

    ``entry_id`` narrows to those that go by this line of one version.
    """
    rows = Call.objects.visible_to(member).open().filter(matter_id=matter_id)
    if entry_id:
        rows = rows.filter(entry_id=entry_id)
    return len(rows.order_by().values_list("pk")[:1000])
