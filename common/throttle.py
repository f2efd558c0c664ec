"""How often somebody may ask: buckets that refill, kept in the process.

A count in the database would cost every request a round trip and a commit of its own, more than it
is worth. Each process therefore counts for itself with its share of the rate: the rate of an
account, divided by the number of processes. Nothing here is undone with a request's transaction.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from threading import Lock

from django.conf import settings

MOST_KEYS = 20_000  # the least used ones are forgotten first: they are full again by then
RATE = re.compile(r"([1-9][0-9]{0,8})/([smh])")
SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    quota: int
    window: int

    @classmethod
    def parse(cls, text: str, *, processes: int = 1) -> Rate | None:
        """Read "600/m" as the share of one process; "" is no limit. Raises ValueError."""
        if not text:
            return None
        found = RATE.fullmatch(text)
        if found is None:
            raise ValueError(f"a rate is written like 600/m, not {text!r}")
        return cls(max(1, int(found[1]) // processes), SECONDS[found[2]])


@dataclass(frozen=True)
class Count:
    """What is left to somebody; ``wait`` is 0 for a request that may pass."""

    name: str
    rate: Rate
    left: int
    full_in: int
    wait: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Say it as the RateLimit fields of the IETF's draft do."""
        told = {
            "RateLimit-Policy": f'"{self.name}";q={self.rate.quota};w={self.rate.window}',
            "RateLimit": f'"{self.name}";r={self.left};t={self.full_in}',
        }
        return {**told, "Retry-After": str(self.wait)} if self.wait else told


class Buckets:
    """One bucket for each key: full at first, a request takes one, time gives back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: OrderedDict[tuple[str, object], tuple[float, float]] = OrderedDict()

    def take(self, name: str, key: object, rate: Rate, *, at: datetime) -> Count:
        """Take one out of the bucket of ``key``, if one is there."""
        now, speed = at.timestamp(), rate.quota / rate.window
        with self._lock:
            held, since = self._held.pop((name, key), (float(rate.quota), now))
            # A clock that was set back gives nothing, and takes nothing away.
            held = min(float(rate.quota), held + max(0.0, now - since) * speed)
            passes = held >= 1
            held -= passes
            self._held[name, key] = (held, now)
            while len(self._held) > MOST_KEYS:
                self._held.popitem(last=False)
        wait = 0 if passes else max(1, math.ceil((1 - held) / speed))
        return Count(name, rate, int(held), math.ceil((rate.quota - held) / speed), wait)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


BUCKETS = Buckets()


@cache
def _rate(text: str, processes: int) -> Rate | None:
    return Rate.parse(text, processes=processes)


def take(name: str, key: object, *, at: datetime) -> Count | None:
    """Count a request of ``key`` against the rate that the settings have under ``name``."""
    rate = _rate(settings.API_RATES[name], settings.API_PROCESSES)
    return None if rate is None else BUCKETS.take(name, key, rate, at=at)
