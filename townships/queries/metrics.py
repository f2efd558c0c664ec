"""What is told of webhooks to whoever watches the system; see `common/metrics.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from common import events
from common.metrics import CAP, REASON, Figure, age, source
from common.models import EventCounter
from common.tenancy import everywhere
from townships.models import DeadLetter, Receiver

LOOKED_AT = 200  # receivers; more are told by the first of them


@source(
    "webhooks",
    {
        "huying_webhooks_behind_seconds": (
            "How old the oldest event is that a receiver in use has not passed yet.",
            "",
        ),
        "huying_webhooks_failing": ("Receivers in use whose last delivery failed.", ""),
        "huying_webhooks_stopped": ("Receivers that were stopped because they failed.", ""),
        "huying_webhooks_dead": ("Events laid aside and not sent again, at most 10000.", ""),
    },
)
def deliveries(now: datetime) -> Iterator[Figure]:
    with everywhere(reason=REASON):
        yield Figure("huying_webhooks_behind_seconds", age(now, _oldest_owed()))
    in_use = Receiver.objects.filter(is_active=True)
    yield Figure("huying_webhooks_failing", in_use.filter(failing_since__isnull=False).count())
    stopped = Receiver.objects.filter(is_active=False).exclude(stopped_because="by_hand")
    yield Figure("huying_webhooks_stopped", stopped.count())
    yield Figure("huying_webhooks_dead", DeadLetter.objects.filter(delivered_at=None)[:CAP].count())


def _oldest_owed() -> datetime | None:
    """Return when the oldest event was told that some receiver has not passed."""
    last = dict(EventCounter.objects.values_list("county_id", "last"))
    places: dict[int, int] = {}
    for receiver in Receiver.objects.filter(is_active=True, account__is_active=True).order_by("pk")[
        :LOOKED_AT
    ]:
        for county in [receiver.county_id] if receiver.county_id else last:
            place = receiver.places.get(str(county), 0)
            places[county] = min(place, places.get(county, place))
    found = [
        events.first_after(county, place)
        for county, place in places.items()
        if place < last.get(county, 0)
    ]
    return min((one.published_at for one in found if one is not None), default=None)
