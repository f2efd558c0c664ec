"""What is counted, and what is divided by what. Boards, exports, the API and the page of
definitions all read this table; a figure that does not stand here is shown nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.worktime import SHANGHAI
from mandates.models import ClockKind, Level, Objection, Party, Rating
from mandates.queries.statistics.sources import Source, wrong_dispatches

Text = str | Promise
SAMPLE = _("Sample choice of this system, not taken from a document.")


@dataclass(frozen=True)
class Count:
    """One set of calls. ``where`` narrows the rows of the source, as known at an instant."""

    code: str
    label: Text
    source: Source
    where: Callable[[datetime], Q] = field(default=lambda at: Q())


def _if(**condition: Any) -> Callable[[datetime], Q]:
    return lambda at: Q(**condition)


def _is_wrong(at: datetime) -> Q:
    return Q(Exists(wrong_dispatches(OuterRef("pk"))))


def _in_time(kind: str) -> Callable[[datetime], Q]:
    """Met before the due instant; at the instant itself it is overdue."""
    return lambda at: Q(kind=kind, met_at__lt=F("due_at"))


def _late(kind: str) -> Callable[[datetime], Q]:
    return lambda at: Q(kind=kind) & (Q(met_at=None) | Q(met_at__gte=F("due_at")))


def _soon(at: datetime) -> Q:
    """Not yet due, and due before the end of tomorrow."""
    tomorrow = timezone.localtime(at, SHANGHAI) + timedelta(days=1)
    ends = tomorrow.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Q(next_due_at__gt=at, next_due_at__lt=ends)


RATED = (Rating.SATISFIED, Rating.MOSTLY, Rating.UNSATISFIED)
PRESSED = (Level.SUPERVISE, Level.ESCALATE)
_COUNTS = [
    Count("raised", _("Raised"), Source.RAISED),
    Count("unlisted", _("On no list"), Source.RAISED, _if(matter=None)),
    Count("urged", _("Urged"), Source.RAISED, _if(urged_count__gt=0)),
    Count("supervised", _("Supervised"), Source.RAISED, _if(level__in=PRESSED)),
    Count("routed", _("Dispatched"), Source.RAISED, _if(routed_at__isnull=False)),
    Count(
        "routed_right",
        _("First dispatch right"),
        Source.RAISED,
        lambda at: Q(routed_at__isnull=False) & ~_is_wrong(at),
    ),
    Count(
        "routed_wrong",
        _("First dispatch wrong"),
        Source.RAISED,
        lambda at: Q(routed_at__isnull=False) & _is_wrong(at),
    ),
    Count("accept_due", _("Acceptance was due"), Source.CLOCKS, _if(kind=ClockKind.ACCEPT)),
    Count("accept_met", _("Accepted in time"), Source.CLOCKS, _in_time(ClockKind.ACCEPT)),
    Count("accept_late", _("Not accepted in time"), Source.CLOCKS, _late(ClockKind.ACCEPT)),
    Count(
        "accept_open", _("Not accepted to this day"), Source.CLOCKS, _if(kind="accept", met_at=None)
    ),
    Count("reply_due", _("First reply was due"), Source.CLOCKS, _if(kind=ClockKind.FIRST_REPLY)),
    Count("reply_met", _("First reply in time"), Source.CLOCKS, _in_time(ClockKind.FIRST_REPLY)),
    Count("reply_late", _("First reply not in time"), Source.CLOCKS, _late(ClockKind.FIRST_REPLY)),
    Count(
        "reply_open", _("No reply to this day"), Source.CLOCKS, _if(kind="first_reply", met_at=None)
    ),
    Count("answer_due", _("Answer was due"), Source.CLOCKS, _if(kind=ClockKind.CLOSE)),
    Count("answer_met", _("Answered in time"), Source.CLOCKS, _in_time(ClockKind.CLOSE)),
    Count("answer_late", _("Not answered in time"), Source.CLOCKS, _late(ClockKind.CLOSE)),
    Count(
        "answer_open", _("Not answered to this day"), Source.CLOCKS, _if(kind="close", met_at=None)
    ),
    Count("assist_due", _("Assisting opinion was due"), Source.ASSISTS, _if(kind=ClockKind.CLOSE)),
    Count("assist_met", _("Assisting opinion in time"), Source.ASSISTS, _in_time(ClockKind.CLOSE)),
    Count("closed", pgettext_lazy("number of calls", "Closed"), Source.CLOSED),
    Count("rated", _("Rated by the township"), Source.CLOSED, _if(rating__in=RATED)),
    Count("satisfied", _("Satisfied"), Source.CLOSED, _if(rating=Rating.SATISFIED)),
    Count(
        "content",
        _("Satisfied or mostly satisfied"),
        Source.CLOSED,
        _if(rating__in=(Rating.SATISFIED, Rating.MOSTLY)),
    ),
    Count("unsatisfied", _("Not satisfied"), Source.CLOSED, _if(rating=Rating.UNSATISFIED)),
    Count("unrated", _("Not rated"), Source.CLOSED, _if(rating=Rating.UNRATED)),
    Count("reworked", _("Handled again"), Source.CLOSED, _if(rework_count__gt=0)),
    Count("objections", _("Objections ruled on"), Source.OBJECTIONS),
    Count(
        "upheld", _("Objections upheld"), Source.OBJECTIONS, _if(outcome=Objection.Outcome.UPHELD)
    ),
    Count(
        "rejected",
        _("Objections rejected"),
        Source.OBJECTIONS,
        _if(outcome=Objection.Outcome.REJECTED),
    ),
    Count("open", _("Open now"), Source.STOCK),
    Count("overdue", _("Overdue now"), Source.STOCK, lambda at: Q(next_due_at__lte=at)),
    Count("due_soon", _("Due today or tomorrow"), Source.STOCK, _soon),
    Count(
        "owed_overdue",
        _("Overdue now, by the department"),
        Source.STOCK,
        lambda at: Q(next_due_at__lte=at, waiting_on=Party.DEPARTMENT),
    ),
]
COUNTS: dict[str, Count] = {count.code: count for count in _COUNTS}


@dataclass(frozen=True)
class Figure:
    """A figure as people know it: a count, or a share of one count in another.

    ``dated`` says which instant puts a call into a period, ``left_out`` what is not counted.
    ``is_median`` is the one figure that is neither.
    """

    code: str
    label: Text
    numerator: str
    denominator: str = ""
    dated: Text = ""
    left_out: Text = ""
    sample: Text = ""
    is_median: bool = False


_RAISED = _("The instant the call was raised.")
_CLOSED = _("The instant the call was closed.")
_DUE = _(
    "The instant it was due, after pauses and extensions; what is not yet due is not counted, "
    "even if it is done. Done before that instant is in time; at the instant itself it is overdue."
)
_NOW = _("Now, whatever the period chosen.")
_RULED = _("The instant of the ruling.")
_NO_CLOCK = _(
    "Clocks that fell away (call withdrawn, dispatch ruled wrong), clocks that stand still, and "
    "assisting departments. The answer after rework has a clock of its own and is not counted here."
)
_OPEN_ALSO = _("Nothing: withdrawn calls count too, drafts have not been raised.")

_FIGURES = [
    Figure("raised", _("Calls"), "raised", "", _RAISED, _OPEN_ALSO),
    Figure(
        "accept_rate", _("Accepted in time, share"), "accept_met", "accept_due", _DUE, _NO_CLOCK
    ),
    Figure(
        "reply_rate", _("First reply in time, share"), "reply_met", "reply_due", _DUE, _NO_CLOCK
    ),
    Figure(
        "answer_rate", _("Answered in time, share"), "answer_met", "answer_due", _DUE, _NO_CLOCK
    ),
    Figure(
        "assist_rate",
        _("Assisting opinion in time, share"),
        "assist_met",
        "assist_due",
        _DUE,
        _(
            "Parts that were released, also because the lead answered without waiting. Counted for "
            "each department by itself: a call may have several."
        ),
    ),
    Figure(
        "dispatch_accuracy",
        _("First dispatch right, share"),
        "routed_right",
        "routed",
        _RAISED,
        _(
            "Calls not yet dispatched. A dispatch counts as wrong once an objection of the lead "
            "is upheld, and as right until then. It is a figure of whoever dispatches, not of a "
            "department."
        ),
    ),
    Figure(
        "rework_rate",
        _("Handled again, share"),
        "reworked",
        "closed",
        _CLOSED,
        _("Calls still open. A call sent back several times counts once."),
    ),
    Figure(
        "satisfaction",
        _("Satisfied, share"),
        "satisfied",
        "rated",
        _CLOSED,
        _("Calls closed without a rating: silence is neither satisfied nor unsatisfied."),
    ),
    Figure(
        "satisfaction_wide",
        _("Satisfied or mostly satisfied, share"),
        "content",
        "rated",
        _CLOSED,
        _("Calls closed without a rating: silence is neither satisfied nor unsatisfied."),
        SAMPLE,
    ),
    Figure("unrated_share", _("Not rated, share"), "unrated", "closed", _CLOSED, _("Open calls.")),
    Figure("unlisted_share", _("On no list, share"), "unlisted", "raised", _RAISED, _OPEN_ALSO),
    Figure(
        "urged_share",
        _("Urged, share"),
        "urged",
        "raised",
        _RAISED,
        _("Nothing. Urged by people or by the clock, whoever was urged; once is enough."),
    ),
    Figure(
        "supervised_share",
        _("Supervised, share"),
        "supervised",
        "raised",
        _RAISED,
        _("Nothing. Calls reported to the county leader are among them."),
    ),
    Figure(
        "upheld",
        _("Objections upheld"),
        "upheld",
        "",
        _RULED,
        _("Objections not yet ruled on. Several of one call count once."),
    ),
    Figure(
        "rejected",
        _("Objections rejected"),
        "rejected",
        "",
        _RULED,
        _("Objections not yet ruled on. Several of one call count once."),
    ),
    Figure(
        "handling_time",
        _("Median handling time"),
        "closed",
        "",
        _CLOSED,
        _(
            "Open calls. From raising to the last answer, day and night: days of rest and pauses "
            "are in it. Half of the calls took less, half took more."
        ),
        SAMPLE,
        is_median=True,
    ),
    Figure("open", _("Open now"), "open", "", _NOW, _("Drafts, closed and withdrawn calls.")),
    Figure(
        "overdue",
        _("Overdue now"),
        "overdue",
        "",
        _NOW,
        _("Clocks that stand still. Whoever has to act next is overdue, also the township."),
    ),
    Figure(
        "due_soon",
        _("Due today or tomorrow"),
        "due_soon",
        "",
        _NOW,
        _("What is overdue already."),
        SAMPLE,
    ),
    Figure(
        "owed_overdue",
        _("Overdue now, by the department"),
        "owed_overdue",
        "",
        _NOW,
        _("Calls that wait for the township or the county desk."),
    ),
]
FIGURES: dict[str, Figure] = {figure.code: figure for figure in _FIGURES}
