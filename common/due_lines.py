"""Due dates for other programs: one JSON object a line in, one a line out."""

from __future__ import annotations

import json
import re
from datetime import datetime
from math import isfinite
from typing import Any

from django.utils.translation import gettext as _

from common import worktime
from common.display import list_text
from common.worktime import WorkCalendar, WorktimeError

INSTANT = re.compile(r"[0-9W-]{8,10}[T ][0-9:.,]+(Z|[+-][0-9:.]+)?")
LONGEST_NUMBER = 400  # digits; the interpreter's own limit would lose the line's id


class BadLine(ValueError):
    """A line that is not a question; ``code`` is stable, the text is for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def sentence(error: WorktimeError | BadLine) -> str:
    """Say in the reader's language why no due date can be given."""
    if isinstance(error, BadLine):
        return str(error)
    sentences = {
        "not_an_instant": _("A date, a time and an offset are needed, as in %(example)s."),
        "unknown_unit": _("The unit is one of %(units)s."),
        "bad_amount": _("The amount is a whole number from %(least)s."),
        "bad_pause": _("A pause is a pair of instants, and ends after it begins."),
        "unfinished_pause": _("A pause has no end yet: the due date is not known."),
        "before_calendar": _("The calendar begins on %(first)s; earlier dates are refused."),
        "bad_calendar": _("The calendar of worked days is not loaded, or contradicts itself."),
        "beyond_calendar": _("No holidays are known after %(last)s."),
    }
    known: dict[str, object] = {
        "example": "2026-11-23T09:30:00+08:00",
        "units": list_text(worktime.Unit),
        "least": 1,
        **error.params,
    }
    return sentences.get(error.code, str(error)) % known


def answer(line: bytes, calendar: WorkCalendar) -> tuple[dict[str, Any], bool]:
    """Answer one line; the flag tells whether it could be answered."""
    mark: Any = None
    try:
        question, strange = _question(line)
        mark = question.get("id")
        if strange:
            raise BadLine("strange_number", _("A number is not finite, or too long."))
        return reckoned(question, calendar), True
    except (BadLine, WorktimeError) as error:
        return {"id": mark, "error": sentence(error)}, False


def not_an_object() -> BadLine:
    return BadLine("not_an_object", _("The line is not a JSON object."))


def reckoned(question: dict[str, Any], calendar: WorkCalendar) -> dict[str, Any]:
    """Answer one question that has been read. Raises BadLine, WorktimeError."""
    result = worktime.due(
        _instant(question.get("start")),
        question.get("amount"),  # type: ignore[arg-type]  # checked there
        _text(question.get("unit")),
        calendar=calendar,
        roll=_flag(question.get("roll")),
        pauses=_pauses(question.get("pauses")),
        extension=0 if question.get("extension") is None else question["extension"],
    )
    return {
        "id": question.get("id"),
        "due": result.at.isoformat(),
        "provisional": result.provisional,
        "explanation": result.explanation,
    }


def written(reply: dict[str, Any]) -> bytes:
    """Return one line of UTF-8; a lone surrogate in an id stays the escape that it came as."""
    text = json.dumps(reply, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _question(line: bytes) -> tuple[dict[str, Any], bool]:
    """Read one line; the flag tells whether it held numbers that JSON or we do not know.

    Those are refused only after the line's id has been read, so that the error can name it.
    """
    strange: list[str] = []

    def integer(digits: str) -> int:
        if len(digits) > LONGEST_NUMBER:
            strange.append(digits)
            return 0
        return int(digits)

    def decimal(digits: str) -> float:
        if not isfinite(float(digits)):
            strange.append(digits)
            return 0.0
        return float(digits)

    try:
        question = json.loads(
            line.decode("utf-8"),
            parse_constant=strange.append,
            parse_int=integer,
            parse_float=decimal,
        )
    except (ValueError, RecursionError):
        raise BadLine("not_json", _("The line is not JSON in UTF-8.")) from None
    if not isinstance(question, dict):
        raise not_an_object()
    if isinstance(question.get("id"), dict | list):
        question["id"] = None
    return question, bool(strange)


def _instant(value: Any) -> datetime:
    """Read an ISO 8601 instant; a missing offset is refused by the arithmetic."""
    try:
        # fromisoformat alone takes any separator, and a NUL at the end.
        if INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise worktime.NotAnInstant("not a date and time")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise worktime.UnknownUnit("a unit is a word")
    return value


def _flag(value: Any) -> bool:
    if value is not None and not isinstance(value, bool):
        raise BadLine("bad_roll", _("“roll” is true or false."))
    return bool(value)


def _pauses(value: Any) -> list[tuple[datetime, datetime | None]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise worktime.BadPause("pauses are a list")
    return [_pause(pair) for pair in value]


def _pause(pair: Any) -> tuple[datetime, datetime | None]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise worktime.BadPause("a pause is a pair of instants")
    begins, ends = pair
    return _instant(begins), None if ends is None else _instant(ends)
