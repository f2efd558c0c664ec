"""Signs of gaming beside a score: they stand next to it and are never part of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from mandates.models import Call, Clock, ClockExtension, ClockKind, ClockPause
from mandates.queries.statistics.registry import SAMPLE, Count, Figure, register
from mandates.queries.statistics.sources import Source

HASTY = timedelta(hours=1)
LAST_MINUTE = timedelta(days=1)
SAME_WITHIN = timedelta(days=90)


def _hasty(at: datetime) -> Q:
    again: Any = Clock.objects.filter(
        call=OuterRef("pk"), kind=ClockKind.REWORK, met_at__lt=F("started_at") + HASTY
    )
    return Q(rework_count__gt=0) & Q(Exists(again))


def _paused(at: datetime) -> Q:
    return Q(Exists(ClockPause.objects.filter(clock__call=OuterRef("pk"))))


def _extended(at: datetime) -> Q:
    return Q(Exists(ClockExtension.objects.filter(clock__call=OuterRef("pk"))))


def _extended_late(at: datetime) -> Q:
    late = ClockExtension.objects.filter(
        clock__call=OuterRef("pk"), asked_at__gte=F("clock__original_due_at") - LAST_MINUTE
    )
    return Q(Exists(late))


def _same_answer(at: datetime) -> Q:
    """The words of an earlier answer of the same department, letter by letter."""
    earlier = Call.objects.filter(
        county=OuterRef("county"),
        lead=OuterRef("lead"),
        answer_key=OuterRef("answer_key"),
        closed_at__lt=OuterRef("closed_at"),
        closed_at__gte=OuterRef("closed_at") - SAME_WITHIN,
    )
    return ~Q(answer_key="") & Q(Exists(earlier))


COUNTS = [
    Count("sign_sent_back", _("Sent back once"), Source.CLOSED, lambda at: Q(rework_count__gt=0)),
    Count("sign_hasty", _("Answered again within an hour"), Source.CLOSED, _hasty),
    Count("sign_paused", _("Clocks were stopped"), Source.CLOSED, _paused),
    Count("sign_extended", _("An extension was asked for"), Source.CLOSED, _extended),
    Count(
        "sign_extended_late",
        _("An extension was asked for on the last day"),
        Source.CLOSED,
        _extended_late,
    ),
    Count(
        "sign_answered",
        _("Answers that can be compared"),
        Source.CLOSED,
        lambda at: ~Q(answer_key=""),
    ),
    Count("sign_same_answer", _("Same answer as before"), Source.CLOSED, _same_answer),
]
_CLOSED = _("The instant the call was closed.")
FIGURES = [
    Figure(
        "sign_churn_share",
        _("Sent back and answered again within an hour, share"),
        "sign_hasty",
        "sign_sent_back",
        _CLOSED,
        _("Calls that were never sent back. An hour is day and night, pauses are in it."),
        SAMPLE,
    ),
    Figure(
        "sign_pause_share",
        _("Clocks were stopped, share"),
        "sign_paused",
        "closed",
        _CLOSED,
        _("Open calls. A call whose clocks stood still several times counts once."),
        SAMPLE,
    ),
    Figure(
        "sign_extension_share",
        _("Extension asked for on the last day, share"),
        "sign_extended_late",
        "sign_extended",
        _CLOSED,
        _("Calls without a request. The last day is 24 hours before the date as first set."),
        SAMPLE,
    ),
    Figure(
        "sign_same_share",
        _("Same answer as before, share"),
        "sign_same_answer",
        "sign_answered",
        _CLOSED,
        _(
            "Answers of other departments. Spaces, punctuation and letter case make no difference; "
            "compared with the calls of the same department closed in the 90 days before; a township "
            "compares the answers to its own calls alone. Calls "
            "answered before answers were compared."
        ),
        SAMPLE,
    ),
]
SIGNS = tuple(figure.code for figure in FIGURES)

register(COUNTS, FIGURES)
