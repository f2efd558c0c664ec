"""未送达的消息: messages laid aside after failing again and again, tried again or given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from common import audit, deliveries
from common.errors import Invalid
from common.models import NoticeMail
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


def laid_aside() -> Any:
    """Return what was laid aside and not dealt with; needs a scope that reads everything."""
    return NoticeMail.objects.filter(dead_at__isnull=False, discarded_at=None).select_related(
        "user"
    )
