"""Figures of what has become due in a period: accepted, replied and answered, in time or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from mandates.models import ClockExtension, ClockKind, ClockPause
from mandates.queries.statistics.registry import Count, Figure, register
from mandates.queries.statistics.sources import Source

Where = Callable[[datetime], Q]
LATE = Q(met_at=None) | Q(met_at__gte=F("due_at"))


def _due(kind: str, more: Q | None = None) -> Where:
    """Clocks of a kind that have run out and do not stand still."""
    return lambda at: Q(kind=kind, paused_since=None) & (more or Q())


def _in_time(kind: str) -> Where:
    """Met before the due instant; at the instant itself it is overdue."""
    return _due(kind, Q(met_at__lt=F("due_at")))


def _open(kind: str) -> Where:
    return _due(kind, Q(met_at=None))


def _paused(at: datetime) -> Q:
    pauses = ClockPause.objects.filter(clock=OuterRef("pk"))
    return _due(ClockKind.CLOSE)(at) & Q(Exists(pauses))


def _extended(at: datetime) -> Q:
    granted = ClockExtension.objects.filter(clock=OuterRef("pk"), granted=True)
    return _due(ClockKind.CLOSE)(at) & Q(Exists(granted))


def _of(code: str, kind: str, due: object, met: object, late: object, left: object) -> list[Count]:
    source = Source.CLOCKS
    return [
        Count(f"{code}_due", due, source, _due(kind)),  # type: ignore[arg-type]
        Count(f"{code}_met", met, source, _in_time(kind)),  # type: ignore[arg-type]
        Count(f"{code}_late", late, source, _due(kind, LATE)),  # type: ignore[arg-type]
        Count(f"{code}_open", left, source, _open(kind)),  # type: ignore[arg-type]
    ]


COUNTS = [
    *_of(
        "accept",
        ClockKind.ACCEPT,
        _("Acceptance was due"),
        _("Accepted in time"),
        _("Not accepted in time"),
        _("Not accepted to this day"),
    ),
    *_of(
        "reply",
        ClockKind.FIRST_REPLY,
        _("First reply was due"),
        _("First reply in time"),
        _("First reply not in time"),
        _("No reply to this day"),
    ),
    *_of(
        "answer",
        ClockKind.CLOSE,
        _("Answer was due"),
        _("Answered in time"),
        _("Not answered in time"),
        _("Not answered to this day"),
    ),
    Count(
        "answer_done",
        _("Answered, in time or late"),
        Source.CLOCKS,
        _due(ClockKind.CLOSE, Q(met_at__isnull=False)),
    ),
    Count("answer_paused", _("Clock stood still meanwhile"), Source.CLOCKS, _paused),
    Count("answer_extended", _("Extension granted"), Source.CLOCKS, _extended),
    Count(
        "whole_due",
        _("Answer was due, clocks that stand still included"),
        Source.CLOCKS,
        lambda at: Q(kind=ClockKind.CLOSE),
    ),
    Count(
        "whole_done",
        _("Answered, of all due"),
        Source.CLOCKS,
        lambda at: Q(kind=ClockKind.CLOSE, met_at__isnull=False),
    ),
    Count(
        "whole_met",
        _("Answered in time, of all due"),
        Source.CLOCKS,
        lambda at: Q(kind=ClockKind.CLOSE, met_at__lt=F("due_at")),
    ),
    Count("assist_due", _("Assisting opinion was due"), Source.ASSISTS, _due(ClockKind.CLOSE)),
    Count("assist_met", _("Assisting opinion in time"), Source.ASSISTS, _in_time(ClockKind.CLOSE)),
]

DUE = _(
    "The instant it was due, after pauses and extensions; what is not yet due is not counted, "
    "even if it is done. Done before that instant is in time; at the instant itself it is overdue."
)
NO_CLOCK = _(
    "Clocks that fell away (call withdrawn, dispatch ruled wrong), clocks that stand still, and "
    "assisting departments. The answer after rework has a clock of its own and is not counted here."
)
_ALL = _(
    "Clocks that fell away (call withdrawn, dispatch ruled wrong) and assisting departments. A "
    "clock that stands still counts by the date it had when it was stopped, as not answered."
)

FIGURES = [
    Figure("accept_rate", _("Accepted in time, share"), "accept_met", "accept_due", DUE, NO_CLOCK),
    Figure("reply_rate", _("First reply in time, share"), "reply_met", "reply_due", DUE, NO_CLOCK),
    Figure("closure_rate", _("Answered, share"), "answer_done", "answer_due", DUE, NO_CLOCK),
    Figure("answer_rate", _("Answered in time, share"), "answer_met", "answer_due", DUE, NO_CLOCK),
    Figure(
        "closure_rate_whole",
        _("Answered, share, with clocks that stand still"),
        "whole_done",
        "whole_due",
        DUE,
        _ALL,
    ),
    Figure(
        "answer_rate_whole",
        _("Answered in time, share, with clocks that stand still"),
        "whole_met",
        "whole_due",
        DUE,
        _ALL,
    ),
    Figure(
        "extension_rate",
        _("Extended, share"),
        "answer_extended",
        "answer_due",
        DUE,
        _("Extensions refused or not yet decided, and the same as for answers in time."),
    ),
    Figure(
        "pause_rate",
        _("Stood still, share"),
        "answer_paused",
        "answer_due",
        DUE,
        _("Clocks that stand still now, and the same as for answers in time. Once is enough."),
    ),
    Figure(
        "assist_rate",
        _("Assisting opinion in time, share"),
        "assist_met",
        "assist_due",
        DUE,
        _(
            "Parts that were released, also because the lead answered without waiting. Counted for "
            "each department by itself: a call may have several."
        ),
    ),
]

register(COUNTS, FIGURES)
