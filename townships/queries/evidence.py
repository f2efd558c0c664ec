"""存证状态: what an auditor is told of anchors and verifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from common import anchors, hashing
from common.histories import all_histories
from common.models import Anchor, AuditEntry, Verification
from common.verifying import Finding, sentence

ANCHOR_IS_LATE = timedelta(hours=2)
VERIFICATION_IS_LATE = timedelta(hours=26)
SHOWN = 10  # verifications
PLACES = 200  # findings of one verification


@dataclass(frozen=True)
class HistoryLine:
    """One history as the last verification counted it; None where it had none."""

    label: Any
    rows: int
    anchored: int
    records: int | None
    algorithms: Mapping[str, int]

    @property
    def waiting(self) -> int:
        """Rows that no anchor held then: those of the hour before, if all is well."""
        return max(0, self.rows - self.anchored)


@dataclass(frozen=True)
class Evidence:
    """The state of the evidence at an instant."""

    anchor: Any  # the last one, without its leaves; None before the first
    anchor_algorithm: str
    is_anchor_late: bool
    anchor_by: datetime | None  # of a young installation without an anchor: when it is late
    verified: Verification | None
    is_verified_late: bool
    verify_by: datetime | None  # of a young installation that was never verified: when it is late
    bad: Verification | None  # the last verification that found something
    places: list[str]
    lines: list[HistoryLine]
    earlier: list[Verification]
    algorithm: str
    key: str
    has_own_key: bool
    folder: str


def evidence(at: datetime) -> Evidence:
    """Read what stands on the page; a fixed number of queries, whatever the number of rows."""
    last = Anchor.objects.defer("leaves", "columns").order_by("-number").first()
    earlier = list(Verification.objects.order_by("-pk").defer("findings")[:SHOWN])
    verified = earlier[0] if earlier else None
    # A young installation is not late: its time runs from the first thing it wrote down.
    begun = AuditEntry.objects.order_by("pk").values_list("at", flat=True).first() or at
    bad = Verification.objects.filter(found__gt=0).order_by("-pk").first()
    return Evidence(
        anchor=last,
        anchor_algorithm=hashing.NAMES.get(last.algorithm, last.algorithm) if last else "",
        is_anchor_late=at - (last.ends_at if last else begun) > ANCHOR_IS_LATE,
        anchor_by=begun + ANCHOR_IS_LATE if last is None else None,
        verified=verified,
        is_verified_late=at - (verified.ended_at if verified else begun) > VERIFICATION_IS_LATE,
        verify_by=begun + VERIFICATION_IS_LATE if verified is None else None,
        bad=bad,
        places=[sentence(Finding(**told)) for told in bad.findings[:PLACES]] if bad else [],
        lines=list(_lines(verified.counts)) if verified else [],
        earlier=earlier,
        algorithm=hashing.NAMES[hashing.algorithm()],
        key=anchors.current_key(),
        has_own_key=bool(settings.ANCHOR_KEYS),
        folder=settings.ANCHOR_FOLDER,
    )


def _lines(counts: Mapping[str, Mapping[str, int]]) -> Iterator[HistoryLine]:
    for name, history in all_histories().items():
        told = counts.get(name)
        if told and told.get("rows"):
            yield HistoryLine(
                history.label,
                told["rows"],
                told.get("anchored", 0),
                told.get("records"),
                {name: told[one] for one, name in hashing.NAMES.items() if told.get(one)},
            )
