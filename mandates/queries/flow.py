"""运行流程图: the steps of an entry, laid out as boxes from top to bottom. Pure; no database."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from mandates.models import EntryStep

# Everything in pixels of the drawing: as wide as a phone shows without making it smaller.
WIDTH = 340
MARGIN = 10
PADDING = 12
SIZE = 14  # of the letters
LEADING = 21
ARROW = 26
# In letters as wide as they are high, as Chinese ones are.
LINE = (WIDTH - 2 * MARGIN - 2 * PADDING) / SIZE
NARROW = 0.56
# No line begins with one of these.
CLOSING = "，。；：、！？）》”’〕】…,.;:!?)"


@dataclass(frozen=True)
class Line:
    """One line of text, with its baseline."""

    text: str
    y: int


@dataclass(frozen=True)
class Box:
    """One step: who in bold, what beneath, the limit at the end."""

    number: int
    y: int
    height: int
    who: Sequence[Line]
    what: Sequence[Line]
    limit: Sequence[Line]
    arrow: tuple[int, int] | None  # from here to the next box


@dataclass(frozen=True)
class Flow:
    """A whole drawing."""

    boxes: Sequence[Box]
    height: int
    width: int = WIDTH

    @property
    def box_width(self) -> int:
        return self.width - 2 * MARGIN

    @property
    def middle(self) -> int:
        return self.width // 2


def flow(steps: Sequence[EntryStep]) -> Flow | None:
    """Lay steps out in their order; None for an entry without any."""
    if not steps:
        return None
    boxes, y = [], MARGIN
    for number, step in enumerate(steps, start=1):
        top = y + PADDING + SIZE
        who = _lines(f"{number} {step.who}", top)
        what = _lines(step.what, top + LEADING * len(who))
        limit = _lines(step.limit, top + LEADING * (len(who) + len(what)))
        height = 2 * PADDING + LEADING * len([*who, *what, *limit]) - (LEADING - SIZE)
        end = y + height
        arrow = (end, end + ARROW) if number < len(steps) else None
        boxes.append(Box(number, y, height, who, what, limit, arrow))
        y = end + ARROW
    return Flow(boxes, y - ARROW + MARGIN)


def _lines(text: str, y: int) -> list[Line]:
    return [Line(one, y + LEADING * place) for place, one in enumerate(wrapped(text))]


def wrapped(text: str, width: float = LINE) -> list[str]:
    """Break a text into lines, anywhere between Chinese letters and never within a word or number.

    What closes a clause hangs over rather than begin a line.
    """
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _pieces(" ".join(text.split())):
        for part in _cut(piece, width):
            length = _length(part)
            if line and used + length > width and part not in CLOSING:
                lines.append(line.rstrip())
                line, used = "", 0.0
            if line or part != " ":
                line, used = line + part, used + length
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """Cut into what stays together: a wide letter, or a run of narrow ones without a space."""
    found: list[str] = []
    for letter in text:
        joins = found and _is_plain(letter) and _is_plain(found[-1][-1])
        if joins:
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _cut(piece: str, width: float) -> list[str]:
    """Cut a run that is longer than a whole line."""
    most = max(1, int(width / NARROW))
    if len(piece) <= most:
        return [piece]
    return [piece[start : start + most] for start in range(0, len(piece), most)]


def _is_plain(letter: str) -> bool:
    return letter != " " and not _is_wide(letter)


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WFA"


def _length(text: str) -> float:
    return sum(1 if _is_wide(letter) else NARROW for letter in text)
