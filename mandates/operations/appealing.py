"""评价申诉: the lead appeals against a rating, the desk decides. The rating itself stays as it is."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common import audit
from common.errors import Invalid
from common.workflow import MoveRefused
from mandates.models import Appeal, CallRating, RatingAppeal, UnitChoices
from mandates.operations.casework import compute_due
from mandates.operations.making import Making, makes

EVIDENCE_LENGTH = 1000


@makes("appeal_rating")
def _appeal(making: Making) -> None:
    work, by = making.work, making.by
    rating = CallRating.objects.filter(call=work.call).order_by("-round").first()
    if rating is None:
        raise MoveRefused(
            _("There is no rating one could appeal against."), code="nothing_to_appeal"
        )
    days = work.book.appeal_ruling_days
    due = compute_due(work.book, making.at, days, UnitChoices.WORKING_DAY)
    RatingAppeal.objects.create(
        **work.call.tenant,
        call=work.call,
        rating=rating,
        department_id=making.own.department_id,
        reason=making.given.note.strip(),
        asked_by_id=by.user_id,
        asked_in=by.unit,
        asked_at=making.at,
        due_at=due.at,
    )
    work.call.rating_appeal = Appeal.OPEN
    making.data |= {"rating": work.call.rating, "due": due.at.isoformat()}


@makes("exclude_rating")
def _exclude(making: Making) -> None:
    """The rating counts in no figure from now on; it can still be read, with the reasons."""
    evidence = making.given.evidence.strip()
    if not 2 <= len(evidence) <= EVIDENCE_LENGTH:
        raise Invalid(fields={"evidence": _("Name the evidence, in 2 to 1000 characters.")})
    _decide(making, Appeal.UPHELD, evidence)
    making.data["evidence"] = evidence
    audit.record(
        "rating_excluded",
        making.work.call,
        by=making.member,
        at=making.at,
        uid=str(making.work.call.uid),
        rating=making.work.call.rating,
        reason=making.given.note.strip(),
        evidence=evidence,
    )


@makes("keep_rating")
def _keep(making: Making) -> None:
    _decide(making, Appeal.REJECTED, "")


def _decide(making: Making, outcome: str, evidence: str) -> None:
    call, by = making.work.call, making.by
    RatingAppeal.objects.filter(call=call, outcome="").update(
        outcome=outcome,
        decision=making.given.note.strip(),
        evidence=evidence,
        decided_by=by.user_id,
        decided_in=by.unit,
        decided_at=making.at,
    )
    call.rating_appeal = outcome
    making.data["rating"] = call.rating
