"""How long the request of this thread has waited for it: the server says so, shedding asks.

Apart from all else, since the server speaks of it before Django is there.
"""

from __future__ import annotations

import threading

_here = threading.local()


def begins(waited: float) -> None:
    """Say that this thread begins with a request that has waited so many seconds."""
    _here.waited = waited


def waited() -> float:
    """Return how long that was, once: the next request of this thread says anew."""
    seconds, _here.waited = getattr(_here, "waited", 0.0), 0.0
    return seconds
