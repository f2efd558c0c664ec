"""补正 and 延期: what stops a clock, and what gives it more time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.workflow import MoveRefused
from common.worktime import WorktimeError
from mandates.models import Clock, ClockExtension, ClockKind, ClockPause
from mandates.models.moves import PAUSED_BY_QUESTION
from mandates.operations.casework import CalendarEnds, Casework, compute_due
from mandates.operations.making import Making, makes
from mandates.queries import sql


@makes("supply_information")
def _supply(making: Making) -> None:
    """End the pause: every clock that stood still runs on, and is due later by what it lost."""
    resume(making.work, at=making.at)


@makes("ask_information")
def _ask(making: Making) -> None:
    """Stop the clocks until the township has supplied what is missing, or the latest date comes."""
    work, at = making.work, making.at
    latest = _latest(work, work.start(ClockKind.SUPPLY, at=at, part=making.own))
    paused = [c for c in work.running(*PAUSED_BY_QUESTION) if c.paused_since is None]
    paused = [c for c in paused if c.assignment in (None, making.own)]
    for clock in paused:
        work.pause(clock, at=at, reason=making.given.note.strip(), by=making.by, latest=latest)
    making.data["latest"] = latest.isoformat()


def _latest(work: Casework, supply: Clock) -> datetime:
    """Return when a pause ends by itself: some working days after the information is due."""
    if not work.book.resume_after:
        return supply.due_at
    try:
        return work.book.calendar.advance(supply.due_at, work.book.resume_after)
    except WorktimeError as error:
        raise CalendarEnds(str(error)) from error


def resume(work: Casework, *, at: datetime) -> None:
    """End open pauses and work out the due instants anew."""
    paused = [clock for clock in work.running() if clock.paused_since is not None]
    end_pauses(paused, at=at)
    pauses: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in ClockPause.objects.filter(clock__in=[c.pk for c in paused]):
        pauses.setdefault(row.clock_id, []).append((row.from_at, row.to_at))
    extensions = dict(
        ClockExtension.objects.filter(clock__in=[c.pk for c in paused], granted=True).values_list(
            "clock", "amount"
        )
    )
    for clock in paused:
        clock.paused_since = None
        recompute(
            work,
            clock,
            pauses=pauses.get(clock.pk, []),
            extension=extensions.get(clock.pk, 0),
            at=at,
        )


def end_pauses(clocks: Iterable[Clock], *, at: datetime) -> None:
    """Write down that these clocks stand still no longer, those that do."""
    keys = [clock.pk for clock in clocks if clock.paused_since is not None]
    if keys:
        # However late it is noticed, a pause ends at its latest date.
        ends = Least(Value(at), Coalesce(F("latest_resume_at"), Value(at)))
        ClockPause.objects.filter(clock__in=keys, to_at=None).update(to_at=ends)


def recompute(
    work: Casework,
    clock: Clock,
    *,
    pauses: Sequence[tuple[datetime, datetime]],
    extension: int,
    at: datetime,
) -> None:
    """Set a clock's due instant to what its row, pauses and extensions say.

    A date that has moved past ``at`` was not missed after all.
    """
    due = compute_due(
        work.book,
        clock.started_at,
        clock.amount,
        clock.unit,
        roll=clock.roll,
        pauses=pauses,
        extension=extension,
    )
    clock.due_at, clock.is_provisional = due.at, due.provisional
    clock.calendar_version = work.book.calendar.version
    if clock.breached_at is not None:
        clock.breached_at = due.at if due.at <= at else None


@makes("ask_extension")
def _ask_extension(making: Making) -> None:
    work, amount = making.work, making.given.amount or 0
    clock = work.clock(ClockKind.CLOSE, part=making.own)
    assert clock is not None
    if not 0 < amount <= clock.amount:
        raise Invalid(
            fields={
                "amount": _("At least 1, and at most the original length of %(n)d.")
                % {"n": clock.amount}
            }
        )
    if ClockExtension.objects.filter(clock=clock).filter(~Q(granted=False)).exists():
        raise MoveRefused(_("There is one extension, and it was granted."), code="extended_once")
    ClockExtension.objects.create(
        **work.call.tenant,
        clock=clock,
        amount=amount,
        reason=making.given.note.strip()[:500],
        asked_at=making.at,
    )
    work.start(ClockKind.EXTENSION, at=making.at, part=making.own)
    making.data.update(amount=amount, unit=clock.unit)


@makes("grant_extension")
def _grant(making: Making) -> None:
    work = making.work
    extension = _decide_extension(making, granted=True)
    clocks = [c for c in work.running() if c.pk == extension.clock_id]
    # The whole call may take as much longer as the department may.
    clocks += (
        [c for c in work.running(ClockKind.CASE) if c.unit == clocks[0].unit] if clocks else []
    )
    rows = ClockPause.objects.filter(clock__in=[c.pk for c in clocks], to_at__isnull=False)
    pauses: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in rows:
        pauses.setdefault(row.clock_id, []).append((row.from_at, row.to_at))
    for clock in clocks:
        if clock.pk != extension.clock_id:
            ClockExtension.objects.create(
                **work.call.tenant,
                clock=clock,
                amount=extension.amount,
                reason=extension.reason,
                asked_at=extension.asked_at,
                decided_at=making.at,
                granted=True,
            )
        recompute(
            work, clock, pauses=pauses.get(clock.pk, []), extension=extension.amount, at=making.at
        )
    making.data["amount"] = extension.amount


@makes("refuse_extension")
def _refuse(making: Making) -> None:
    making.data["amount"] = _decide_extension(making, granted=False).amount


def _decide_extension(making: Making, *, granted: bool) -> sql.Asked:
    clocks = [clock.pk for clock in making.work.running(ClockKind.CLOSE)]
    found = sql.decide_extension(clocks, granted=granted, at=making.at)
    if found is None:  # its clock has ended meanwhile
        raise MoveRefused(_("Nobody has asked for an extension."), code="nothing_asked")
    return found
