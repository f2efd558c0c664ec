"""What other systems are told: of a step of a call, and of a list's version that was published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from common import events, tenancy
from common.models import CountyEvent, Event
from mandates.models import Call, CallState, ListVersion, Step
from mandates.queries.verbs import verbs
from townships.models import Township

RECORD, LIST = "call", "list"
PUBLISHED = f"{LIST}.publish"
MOST = 200  # versions told at once
INSIDE = frozenset({"", CallState.DRAFT, CallState.SUBMITTED})


def kinds() -> dict[str, str]:
    """Return every kind of event there is about calls, with its words."""
    return {f"{RECORD}.{name}": str(words) for name, words in verbs().items()}


def event_of(step: Step, call: Call, *, at: datetime) -> Event:
    """Make the event of a step; it is given its place when it is published."""
    is_inside = step.from_state in INSIDE and step.to_state != CallState.RAISED
    return Event(
        **step.tenant,
        uid=events.uid_of(step.hash),
        kind=f"{RECORD}.{step.move}",
        about=call.uid,
        seq=step.seq,
        state=step.to_state,
        version=call.version,
        number=call.number,
        source_system=call.source_system,
        source_no=call.source_no,
        at=step.at,
        published_at=at,
        departments=call.departments,
        is_inside=is_inside,
    )


def list_kinds() -> dict[str, str]:
    """Return every kind of event there is about lists, with its words."""
    return {PUBLISHED: _("A list was published")}


def lists_published(version_keys: Iterable[int], *, at: datetime) -> list[CountyEvent]:
    """Make the events of published versions, in the order in which they were published."""
    rows = ListVersion.objects.published().filter(pk__in=list(version_keys))
    found = rows.select_related("duty_list").order_by("published_at", "pk")
    return [_of_version(version, at) for version in found]


def tell_untold(*, at: datetime) -> int:
    """Tell of the published versions of counties without townships; return how many.

    A row of the outbox belongs to a township, so that theirs ring no bell. What was told already is
    not told again: its id is the same.
    """
    with tenancy.dispatching(reason="lists of counties that have no township"):
        alone = ListVersion.objects.published().exclude(
            Exists(Township.objects.filter(county=OuterRef("county")))
        )
        told = CountyEvent.objects.filter(county=OuterRef("county"), about=OuterRef("uid"))
        keys = list(alone.exclude(Exists(told)).values_list("pk", flat=True)[:MOST])
        found = lists_published(keys, at=at)
        events.publish(found)
    return len(found)


def _of_version(version: ListVersion, at: datetime) -> CountyEvent:
    assert version.valid_from is not None
    assert version.published_at is not None
    return CountyEvent(
        **version.tenant,
        uid=events.uid_of(f"{PUBLISHED} {version.uid}"),
        kind=PUBLISHED,
        about=version.uid,
        facts={
            "list": str(version.duty_list.uid),
            "list_version": str(version.uid),
            "kind": version.duty_list.kind,
            "number": version.number,
            "document_no": version.document_no,
            "valid_from": version.valid_from.isoformat(),
        },
        at=version.published_at,
        published_at=at,
    )


def _address(uid: UUID) -> str:
    return reverse("api:call-detail", args=[uid])


def _version_address(uid: UUID) -> str:
    return reverse("api:version-detail", args=[uid])


events.links(RECORD, _address, kinds)
events.links(LIST, _version_address, list_kinds)
