"""Conditions of what an auditor takes as a file: words, and days from and until."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext

from common.errors import Invalid
from common.worktime import SHANGHAI

if TYPE_CHECKING:
    from datetime import datetime

    from common.exports import Conditions

DAYS = ("from_day", "to_day")
FIRST, LAST = date(2020, 1, 1), date(2200, 1, 1)
SPAN = timedelta(days=30)  # where no day is asked for
LONGEST = 60

Words = Mapping[str, Callable[[str], bool]]


def any_word(text: str) -> bool:
    return True


def checked(given: Mapping[str, Any], words: Words) -> Conditions:
    """Return the conditions in one form; each word is asked whether it can be meant. Raises Invalid."""
    names = (*words, *DAYS)
    wrong: dict[str, Any] = {
        name[:100]: gettext("There is no such condition here.") for name in set(given) - set(names)
    }
    kept = {name: _one(given[name]) for name in names if name in given}
    kept = {name: text for name, text in kept.items() if text}
    for name, text in kept.items():
        fits = _is_day(text) if name in DAYS else _is_short(text) and words[name](text)
        if not fits:
            wrong[name] = gettext("This cannot be read.")
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def days(conditions: Conditions, at: datetime) -> tuple[date, date]:
    """Return the first and the last day that are asked for; the last thirty where none is."""
    asked = {name: date.fromisoformat(conditions[name]) for name in DAYS if name in conditions}
    today = timezone.localdate(at, SHANGHAI)
    end = asked.get("to_day") or max(today, asked.get("from_day", today))
    return asked.get("from_day", end - SPAN), end


def told(conditions: Conditions, labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what was asked for, in words, the words in the order of their labels and then the days."""
    labels = {**labels, "from_day": gettext("From"), "to_day": gettext("Until")}
    said = {**conditions}
    if not any(name in said for name in DAYS):
        said["from_day"] = gettext("the last 30 days")
    return [(label, str(said[name])) for name, label in labels.items() if said.get(name)]


def _one(value: Any) -> str:
    text = value if isinstance(value, str) else next(iter(value), "") if value else ""
    return str(text).strip()


def _is_short(text: str) -> bool:
    return len(text) <= LONGEST and "\0" not in text


def _is_day(text: str) -> bool:
    try:
        return FIRST <= date.fromisoformat(text) <= LAST
    except ValueError:
        return False
