"""How many hands each system has had lately, so that one that asks without a pause waits alone (S5).

A rate in requests a minute says nothing of what a request costs, and a small machine is full long
before a generous one is used up. So each process remembers how long its threads have worked for each
token: the mean number of hands a token held over the last seconds. While others have to wait, a token
that holds more than its share is told to come again, before anything is asked of the database, and so
is one whose rate is used up. Who asks alone, or where nobody waits, is never refused by this.

Hands are counted by a clock that never goes back (`time.monotonic`), and how long a rate is used up by
the clock the rate itself goes by (`common/throttle.py`).
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

WINDOW = 10.0  # seconds over which hands are counted; what was before fades away
WAITED = 0.05  # whoever waits so long for a thread, waits
OTHERS = 0.02  # hands of all others together below which somebody asks alone
MOST_ASKERS = 5_000  # the least used are forgotten first: they have held nothing for long


def asker(authorization: str, address: str) -> bytes | None:
    """Name a system by its token and address, without keeping either; None without a token."""
    if authorization[:7].lower() != "bearer ":
        return None
    told = f"{address} {authorization[7:].strip()}"
    return hashlib.sha256(told.encode("utf-8", "replace")).digest()


class Hands:
    """The hands that each asker has held in this process, fading with time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        self._all = (0.0, 0.0)  # seconds of work, when that was so
        self._closed: OrderedDict[bytes, tuple[float, float, Mapping[str, str]]] = OrderedDict()

    def worked(self, who: bytes | None, seconds: float, *, at: float) -> None:
        """Note that a thread has worked for somebody; None is whoever carries no token."""
        with self._lock:
            self._all = _more(self._all, seconds, at)
            if who is not None:
                self._held[who] = _more(self._held.pop(who, (0.0, at)), seconds, at)
                while len(self._held) > MOST_ASKERS:
                    self._held.popitem(last=False)

    def wait(self, who: bytes, *, waited: float, most: float, at: float) -> int:
        """Return after how many seconds to come again; 0: it may pass.

        ``waited`` is how long this request has waited for a thread, ``most`` how many hands one may
        hold while others wait; 0 is no limit.
        """
        if not most or waited < WAITED:
            return 0
        with self._lock:
            held = _faded(*self._held.get(who, (0.0, at)), at)
            others = _faded(*self._all, at) - held
        if held / WINDOW <= most or others / WINDOW <= OTHERS:
            return 0
        return max(1, math.ceil(WINDOW * math.log(held / WINDOW / most)))

    def close(self, who: bytes, headers: Mapping[str, str], *, seconds: float, at: float) -> None:
        """Keep in mind what somebody was told whose rate is used up, for as long as it is."""
        with self._lock:
            self._closed[who] = (at, at + seconds, dict(headers))
            while len(self._closed) > MOST_ASKERS:
                self._closed.popitem(last=False)

    def closed(self, who: bytes, *, at: float) -> tuple[int, Mapping[str, str]] | None:
        """Return how many seconds are left of that, and the headers told; None if nothing is."""
        with self._lock:
            since, until, headers = self._closed.get(who, (0.0, 0.0, {}))
            if since <= at < until:  # a clock that was set back closes nothing for longer
                return max(1, math.ceil(until - at)), headers
            self._closed.pop(who, None)
        return None

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._closed.clear()
            self._all = (0.0, 0.0)


def _faded(seconds: float, since: float, at: float) -> float:
    return seconds * math.exp(-max(0.0, at - since) / WINDOW)


def _more(held: tuple[float, float], seconds: float, at: float) -> tuple[float, float]:
    return _faded(*held, at) + seconds, max(held[1], at)


HANDS = Hands()
