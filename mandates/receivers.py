"""What this app does with rows of the outbox. Triggers on steps and on versions of lists write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common import outbox
from common.models import CountyEvent, Event, Outbox
from mandates.operations.announce import announce
from mandates.operations.disposals import DISCARD, discard_files
from mandates.operations.publishing import lists_published
from mandates.operations.routing import route_calls


@outbox.handles("route")
def route(rows: Sequence[Outbox], at: datetime) -> None:
    route_calls([row.subject_id for row in rows], at=at)


@outbox.handles("announce")
def tell(rows: Sequence[Outbox], at: datetime) -> list[Event]:
    return announce([row.subject_id for row in rows], at=at)


@outbox.handles("list")
def tell_of_lists(rows: Sequence[Outbox], at: datetime) -> list[CountyEvent]:
    return lists_published([row.subject_id for row in rows], at=at)


@outbox.handles(DISCARD)
def discard(rows: Sequence[Outbox], at: datetime) -> None:
    discard_files([row.subject_id for row in rows])
