"""What a rate of few cases says: a 95 % interval by Wilson, and nothing at all below ten cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Z = 1.959963984540054  # of a standard normal distribution, 95 % between -Z and Z
FEWEST = 10  # a sample choice: below it neither rate nor rank


@dataclass(frozen=True)
class Rate:
    """A share of whole cases, with its interval; all three from 0 to 1."""

    share: float
    low: float
    high: float

    def overlaps(self, other: Rate) -> bool:
        return self.low <= other.high and other.low <= self.high


def rate(hits: int, cases: int) -> Rate | None:
    """Return a rate, or None where there are too few cases to speak of one.

    Raises ValueError unless 0 <= hits <= cases.
    """
    if not 0 <= hits <= cases:
        raise ValueError(f"{hits} of {cases}")
    if cases < FEWEST:
        return None
    share = hits / cases
    low, high = wilson(hits, cases)
    return Rate(share, low, high)


def wilson(hits: int, cases: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927, without correction)."""
    share, square = hits / cases, Z * Z
    middle = share + square / (2 * cases)
    reach = Z * sqrt((share * (1 - share) + square / (4 * cases)) / cases)
    whole = 1 + square / cases
    # At the ends the formula is exact, floating point is not.
    low = 0.0 if hits == 0 else max(0.0, (middle - reach) / whole)
    high = 1.0 if hits == cases else min(1.0, (middle + reach) / whole)
    return low, high


def all_overlap(rates: Sequence[Rate]) -> bool:
    """Say whether any two intervals share a value; then an order among them says nothing."""
    if not rates:
        return True
    return max(one.low for one in rates) <= min(one.high for one in rates)
