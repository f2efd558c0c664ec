"""Work that was accepted and must be done, whatever dies in between.

A row is claimed and done in one transaction: a crash gives it back. Celery, NOTIFY and the
dispatch loop only say "look"; nobody relies on a message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Q

from common import events
from common.errors import outage
from common.events import Told
from common.masking import without_persons
from common.models import Outbox
from common.tenancy import dispatching

logger = logging.getLogger(__name__)

CHANNEL = "huying_outbox"
ATTEMPTS = 8
BATCH = 100
SOON = timedelta(seconds=2)

# Does the work of rows, and returns the events that other systems are told of it, if any.
Handler = Callable[[Sequence[Outbox], datetime], Sequence[Told] | None]
_handlers: dict[str, Handler] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register what is done with rows of this kind: many at once, inside the claim."""

    def register(handler: Handler) -> Handler:
        if kind in _handlers:
            raise ValueError(f"two handlers for {kind!r}")
        _handlers[kind] = handler
        return handler

    return register


def drain(*, at: datetime, limit: int = BATCH, only: Q | None = None) -> int:
    """Claim up to ``limit`` waiting rows, do their work, and mark them; return how many.

    ``at`` is the database's time. ``only`` leaves the other rows to other workers; so are those
    that another worker holds. A row whose work fails is tried again later, and after some attempts
    laid aside, visible.
    """
    with dispatching(reason="the outbox is one queue for all tenants"):
        waiting = Outbox.objects.filter(done_at=None, dead_at=None, available_at__lte=at)
        if only is not None:
            waiting = waiting.filter(only)
        rows = list(waiting.select_for_update(skip_locked=True, no_key=True).order_by("id")[:limit])
        # Routing first: telling people can wait for it.
        rows.sort(key=lambda row: (row.kind != "route", row.kind, row.id))
        told: list[Told] = []
        for kind, group in groupby(rows, key=lambda row: row.kind):
            told += _work(kind, list(group), at)
        # Last, whatever went wrong before: it locks the counters of counties until the commit, and
        # whoever holds those waits for nothing else.
        events.publish(told)
    return len(rows)


def _work(kind: str, rows: list[Outbox], at: datetime) -> list[Told]:
    """Do the work of rows of one kind and mark them; return what is to be told of it."""
    try:
        with transaction.atomic():
            told = list(_handlers[kind](rows, at) or ())
    except Exception as failure:
        if len(rows) == 1:
            _put_off(rows[0], failure, at)
            return []
        # One bad row must not hold up the others: find it by doing them one by one, in the order in
        # which all workers lock what belongs to a county.
        alone = sorted(rows, key=lambda one: (one.county_id, one.pk))
        return [event for row in alone for event in _work(kind, [row], at)]
    Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(done_at=at)
    return told


def _put_off(row: Outbox, failure: Exception, at: datetime) -> None:
    if outage(failure):
        # A lock held too long, a server that ends: it says nothing about the row.
        row.available_at = at + SOON
        row.save(update_fields=["available_at"])
        logger.warning("outbox row must wait", exc_info=True, extra={"outbox_id": row.pk})
        return
    row.attempts += 1
    row.error = without_persons(f"{type(failure).__name__}: {failure}")[:2000]
    if row.attempts >= ATTEMPTS:
        row.dead_at = at
    else:
        row.available_at = at + timedelta(seconds=2**row.attempts)
    row.save(update_fields=["attempts", "error", "dead_at", "available_at"])
    logger.exception("outbox row failed", extra={"outbox_id": row.pk, "attempts": row.attempts})


def try_again(keys: Sequence[int], *, at: datetime) -> int:
    """Give work that was laid aside back to the queue; return how much. Needs a scope that writes."""
    dead = Outbox.objects.filter(pk__in=list(keys), dead_at__isnull=False)
    changed: int = dead.update(dead_at=None, attempts=0, available_at=at)
    return changed
