"""What a scenario changes, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from common import display
from common.reasons import period_text
from common.templatetags.huying import fulldate
from mandates.models import ClockKind, Level, Urgency
from mandates.queries import proposed


def changes_text(kept: Mapping[str, Any], list_name: str) -> list[str]:
    """Say each change in a line of its own."""
    changes = proposed.read_changes(kept)
    return [*([list_name] if list_name else []), *_lines(changes)]


def _lines(changes: proposed.Changes) -> Iterator[str]:
    colon = pgettext("between a label and its error", ": ")
    for limit in changes.limits:
        name = f"{Urgency(limit.urgency).label} {ClockKind(limit.kind).label}"
        yield f"{name}{colon}{period_text(limit.amount, limit.unit)}"
    for rung in changes.ladder:
        name = f"{Urgency(rung.urgency).label} {Level(rung.level).label}"
        yield f"{name}{colon}{_rung(rung)}"
    for one in changes.days:
        yield f"{fulldate(one.day)}{colon}{_day(one)}"
    if (hours := changes.hours) is not None:
        parts = (
            display.hours_text(hours.morning_from, hours.morning_to),
            display.hours_text(hours.afternoon_from, hours.afternoon_to),
        )
        yield f"{_('Office hours')}{colon}{display.list_text(parts)}"


def _rung(rung: proposed.LadderChange) -> str:
    if rung.share is not None:
        return _("at %(n)d%% of the time") % {"n": rung.share}
    if rung.after is None:
        return _("taken away")
    if rung.after == 0:
        return _("at the due time")
    text = ngettext(
        "%(n)d working day after the due time", "%(n)d working days after the due time", rung.after
    )
    return text % {"n": rung.after}


def _day(one: proposed.DayChange) -> str:
    kinds = {
        proposed.OFF: pgettext("calendar", "day off"),
        proposed.WORKED: _("worked instead"),
        proposed.PLAIN: _("as its weekday"),
    }
    return f"{kinds[one.kind]} {one.name}".strip()
