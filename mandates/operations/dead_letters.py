"""搁置待处理: what failed again and again, tried again; of messages, also given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from common import audit, deliveries, outbox
from common.errors import Invalid
from common.tenancy import dispatching

REASON = "messages laid aside belong to people of every unit"
SHORTEST, LONGEST = 2, 300


def try_again(keys: Sequence[int], *, by: audit.Actor, at: datetime) -> int:
    """Owe messages anew; return how many. Those that somebody else has dealt with are left out."""
    with dispatching(reason=REASON):
        changed = deliveries.try_again(keys, at=at)
        if changed:
            audit.record("messages_retried", _("Messages laid aside"), by=by, at=at, made=changed)
    return changed


def discard(keys: Sequence[int], *, reason: str, by: audit.Actor, at: datetime) -> int:
    """Give messages up, saying why; return how many. Raises Invalid."""
    reason = reason.strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        text = _("A reason has %(least)d to %(most)d characters.")
        raise Invalid(fields={"reason": text % {"least": SHORTEST, "most": LONGEST}})
    with dispatching(reason=REASON):
        changed = deliveries.discard(keys, at=at)
        if changed:
            audit.record(
                "messages_discarded",
                _("Messages laid aside"),
                by=by,
                at=at,
                ended=changed,
                reason=reason,
            )
    return changed


def do_again(keys: Sequence[int], *, by: audit.Actor, at: datetime) -> int:
    """Give accepted work back to the queue; return how much. It cannot be given up."""
    with dispatching(reason=REASON):
        changed = outbox.try_again(keys, at=at)
        if changed:
            audit.record("works_retried", _("Work laid aside"), by=by, at=at, made=changed)
    return changed
