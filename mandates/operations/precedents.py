"""裁定: an objection is decided, and what was decided becomes a precedent of the county."""

from __future__ import annotations

from common.masking import without_numbers
from mandates.models import Objection, Precedent
from mandates.operations.making import Making


def decide(making: Making, outcome: str, *, given_to: int | None) -> None:
    """Write down the ruling on the objection in hand, and the precedent it makes."""
    work, part = making.work, making.own
    rows = Objection.objects.select_related("entry__matter")
    objection = rows.filter(assignment=part, outcome="").first()
    if objection is None:
        return
    objection.outcome = outcome
    objection.decision = making.given.note.strip()
    objection.decided_by_id, objection.decided_at = making.by.user_id, making.at
    objection.save(update_fields=["outcome", "decision", "decided_by", "decided_at"])
    cited = objection.entry
    law = f"{objection.law} {objection.article}".strip()
    texts = [f"{cited.matter.code} {cited.name}" if cited else "", law]
    Precedent.objects.create(
        county_id=work.call.county_id,
        call_uid=work.call.uid,
        assignment_uid=part.uid,
        matter_id=work.call.matter_id,
        matter_name=f"{work.entry.code} {work.entry.name}"[:200] if work.entry else "",
        department_id=part.department_id,
        part=part.part,
        reason=without_numbers(objection.reason),
        cites="；".join(text for text in texts if text)[:400],
        proposed_id=objection.proposed_id,
        outcome=outcome,
        decision=without_numbers(objection.decision),
        given_to_id=given_to,
        raised_at=objection.raised_at,
        decided_at=making.at,
    )
