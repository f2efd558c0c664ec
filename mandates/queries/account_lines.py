"""What the list said of a matter, version by version, as an accountability report tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.masking import without_numbers
from mandates.models import (
    ClockKind,
    Entry,
    ListProposal,
    ListPublication,
    Matter,
    ProposalState,
)
from mandates.queries import bases
from mandates.queries.publications import stood_behind
from mandates.queries.rulebook import NoLimit, Rulebook

KINDS = (
    ClockKind.ROUTE, ClockKind.ACCEPT, ClockKind.OBJECT, ClockKind.FIRST_REPLY, ClockKind.CLOSE,
    ClockKind.REWORK, ClockKind.CASE,
)  # fmt: skip


def facts_of_lines(
    entries: Sequence[Entry], matter: Matter, book: Rulebook
) -> list[dict[str, Any]]:
    """Return the lines in the order they held, each with the decisions its wording rests on."""
    rows = ListProposal.objects.filter(
        county=book.county_id, amended=matter, state=ProposalState.ACCEPTED
    ).select_related("version")
    decided = list(rows.order_by("decided_at", "id"))
    bases.attach(entries)
    behind = stood_behind([entry.version for entry in entries])
    return [
        {
            **_line(entry, book),
            "published": _published(behind.get(entry.version.uid)),
            "decisions": [
                _decision(one)
                for one in decided
                if one.version and one.version.number <= entry.version.number
            ],
        }
        for entry in entries
    ]


def _published(one: ListPublication | None) -> dict[str, str]:
    """Return who proposed and who confirmed a version; nothing of one from before two persons did."""
    if one is None:
        return {}
    if one.decision is None:
        return {"setup": without_numbers(one.note), "proposed_at": one.proposed_at.isoformat()}
    return {
        "proposed_by": one.proposer,
        "proposed_at": one.proposed_at.isoformat(),
        "confirmed_by": one.decision.decider,
        "confirmed_at": one.decision.decided_at.isoformat(),
    }


def _line(entry: Entry, book: Rulebook) -> dict[str, Any]:
    version = entry.version
    back_from, back_by = entry.taken_back
    return {
        "list": version.duty_list.name,
        "kind": version.duty_list.kind,
        "version": version.number,
        "document_no": version.document_no,
        "valid_from": version.valid_from.isoformat() if version.valid_from else "",
        "valid_to": version.valid_to.isoformat() if version.valid_to else "",
        "position": entry.position,
        "code": entry.matter.code,
        "name": entry.name,
        "category": entry.category,
        "urgency": entry.urgency,
        "share": entry.share,
        "lead": entry.lead.name if entry.lead else "",
        "platform": entry.platform.name if entry.platform else "",
        "assists": [{"unit": one.department.name, "duty": one.duty} for one in entry.assists.all()],
        "duties": [
            {"side": one.side.value, "role": one.role.value, "text": one.text}
            for one in entry.sides
        ],
        "legal_basis": entry.legal_basis,
        "citations": [bases.told(one) for one in entry.cited],
        "discretion": entry.discretion,
        "taken_back_from": back_from.isoformat() if back_from else "",
        "taken_back_by": back_by,
        "is_sample": entry.is_sample,
        "source": entry.source_note,
        "limits": _limits(entry, book),
    }


def _limits(entry: Entry, book: Rulebook) -> list[dict[str, Any]]:
    """Return the limits for calls of the line's usual urgency: its own, else the county's of now."""
    line, found = book.entries.get(entry.pk), []
    for kind in KINDS:
        try:
            period = book.period(entry.urgency, kind, line)
        except NoLimit:
            continue
        own = line is not None and (entry.urgency, str(kind)) in line.limits
        found.append(
            {
                "clock": kind.value,
                "amount": period.amount,
                "unit": period.unit,
                "basis": period.basis,
                "of_line": own,
            }
        )
    return found


def _decision(one: ListProposal) -> dict[str, Any]:
    return {
        "version": one.version.number if one.version else 0,
        "origin": one.origin,
        "title": without_numbers(one.title),
        "change": one.change,
        "law": f"{one.law} {one.article}".strip(),
        "cases": one.cases,
        "decision": without_numbers(one.decision),
        "decided_in": one.decided_in,
        "decided_at": one.decided_at.isoformat() if one.decided_at else "",
    }
