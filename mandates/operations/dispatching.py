"""派单 by hand, and rulings on objections: the moves of the county desk."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from mandates.models import Objection, Part
from mandates.operations.making import Making, department_of, makes
from mandates.operations.numbering import give_number
from mandates.operations.precedents import decide
from mandates.queries.rulebook import EntryFacts


@makes("dispatch")
def _dispatch(making: Making) -> None:
    work, given = making.work, making.given
    lead = department_of(work, given.lead, "lead", making.at)
    assists = [department_of(work, uid, "assists", making.at) for uid in given.assists]
    if lead in assists or len(set(assists)) != len(assists):
        raise Invalid(fields={"assists": _("Every department only once.")})
    give_number(work.call, work.book, making.at)
    work.call.routed_at = making.at
    work.assign(lead, Part.LEAD, at=making.at, by=making.by)
    for department in assists:
        work.assign(department, Part.ASSIST, at=making.at, by=making.by)
    work.call.route = {
        **list_facts(work.entry),
        "rule": "hand",
        "reason": given.note.strip(),
        "by": making.by.name,
        "at": making.at.isoformat(),
    }
    making.data["lead"] = lead
    making.data["assists"] = assists


def list_facts(entry: EntryFacts | None) -> dict[str, Any]:
    if entry is None:
        return {}
    return {
        "entry": str(entry.uid),
        "code": entry.code,
        "matter": entry.name,
        "duty": entry.department_duty,
        "legal_basis": entry.legal_basis,
        "list": entry.list_name,
        "version": entry.version_number,
        "document_no": entry.document_no,
        "valid_from": entry.valid_from.isoformat(),
    }


@makes("uphold")
def _uphold(making: Making) -> None:
    """The objection is right: the dispatch was wrong, and another department gets the part."""
    work, part = making.work, making.own
    lead = None
    if making.given.lead is not None:
        lead = department_of(work, making.given.lead, "lead", making.at)
        standing = work.part_of(lead)
        if lead == part.department_id or (standing is not None and standing.is_lead):
            raise Invalid(fields={"lead": _("Name another department.")})
    elif part.is_lead:
        raise Invalid(fields={"lead": _("Name the department that leads instead.")})
    decide(making, Objection.Outcome.UPHELD, given_to=lead)
    part.released_at = making.at
    work.blame_dispatch(part, at=making.at)
    making.data["lost_minutes"] = part.lost_minutes
    if lead is not None:
        # The ruling binds whom it names: there is no second objection to the same call.
        pass_on(making, lead, rule="ruling", may_object=False)


def pass_on(making: Making, department: int, *, rule: str, may_object: bool = True) -> None:
    """Give what the part in hand was to do to another department, with clocks of its own."""
    work, part = making.work, making.own
    standing = work.part_of(department)
    if standing is not None:  # it assisted so far
        work.release(standing, at=making.at)
    work.assign(
        department,
        part.part,
        at=making.at,
        by=making.by,
        duty=part.duty,
        may_object=may_object,
    )
    making.data["lead"] = department
    if part.is_lead:
        work.call.route = {
            **work.call.route,
            "rule": rule,
            "reason": making.given.note.strip(),
            "by": making.by.name,
            "at": making.at.isoformat(),
        }


@makes("reject")
def _reject(making: Making) -> None:
    """The objection is wrong: the part stays, its clocks have run on, and there is no second."""
    decide(making, Objection.Outcome.REJECTED, given_to=making.own.department_id)
    making.own.may_object = False
