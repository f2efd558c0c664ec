"""What a count and a figure are, and the one table of all of them; `definitions` fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mandates.queries.statistics.sources import Source

Text = str | Promise
SAMPLE = _("Sample choice of this system, not taken from a document.")


@dataclass(frozen=True)
class Count:
    """One set of calls. ``where`` narrows the rows of the source, as known at an instant."""

    code: str
    label: Text
    source: Source
    where: Callable[[datetime], Q] = field(default=lambda at: Q())


@dataclass(frozen=True)
class Figure:
    """A figure as people know it: a count, or a share of one count in another.

    ``dated`` says which instant puts a call into a period, ``left_out`` what is not counted.
    A ``is_length`` is neither: how long the calls of its count took, in the middle and at most for
    nine of ten.
    """

    code: str
    label: Text
    numerator: str
    denominator: str = ""
    dated: Text = ""
    left_out: Text = ""
    sample: Text = ""
    is_length: bool = False


COUNTS: dict[str, Count] = {}
FIGURES: dict[str, Figure] = {}


def register(counts: Iterable[Count], figures: Iterable[Figure]) -> None:
    """Add counts and figures. Raises ValueError for a code that is taken."""
    for count in counts:
        if COUNTS.setdefault(count.code, count) is not count:
            raise ValueError(f"two counts {count.code!r}")
    for figure in figures:
        if FIGURES.setdefault(figure.code, figure) is not figure:
            raise ValueError(f"two figures {figure.code!r}")


def holds(**condition: Any) -> Callable[[datetime], Q]:
    """A condition that does not depend on when it is asked."""
    return lambda at: Q(**condition)
