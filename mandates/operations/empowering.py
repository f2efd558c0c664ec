"""赋权与委托: a batch from its draft to the day on which a township may act.

Draft, choose, check, agree, approve (by somebody else), publish, confirm. What the law forbids is
refused with its article (`mandates.models.powers.FORBIDDEN`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from common import audit
from common.display import list_text
from common.errors import Invalid, NotAllowed, Refused
from mandates.models import (
    FORBIDDEN,
    BatchState,
    CapabilityCheck,
    Criterion,
    PowerAgreement,
    PowerBatch,
    PowerBatchItem,
    PowerGrant,
    PowerItem,
    PowerKind,
    PowerMode,
    PowerScore,
)
from mandates.operations.powers_told import tell_heads
from mandates.permissions import Permission
from mandates.queries.empowerment import capable, held_meanwhile, scores_of
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

OFFICERS = 2  # Administrative Penalty Law, article 42
BY_OFFICERS = (PowerKind.PENALTY, PowerKind.MEASURE, PowerKind.INSPECTION)
NAMED = 5


class Forbidden(Refused):
    """The law forbids it, or demands what is missing; the sentence ends with the article and its words."""

    def __init__(self, what: str, *, which: Sequence[object] = ()) -> None:
        law = FORBIDDEN[what]
        said = str(law.says)
        if which:
            said = _("%(text)s Concerned: %(which)s.") % {
                "text": said, "which": list_text(which[:NAMED]),
            }  # fmt: skip
        detail = _("%(text)s %(place)s: “%(words)s”") % {
            "text": said, "place": law.place, "words": law.words,
        }  # fmt: skip
        super().__init__(detail, code=f"forbidden_{what}")


@dataclass(frozen=True)
class Draft:
    """What a batch is to be. ``giver`` is the uid of who hands it over, None for several departments."""

    title: str
    mode: str
    giver: UUID | None
    powers: str
    valid_from: date
    valid_to: date | None = None
    basis: str = ""
    decision: str = ""


@dataclass(frozen=True)
class Published:
    """When and where one side has published."""

    on: date | None
    where: str


def require(by: Member, permission: str) -> None:
    """Raise NotAllowed unless the post grants it inside a county."""
    if by.county_id is None or not by.may(permission):
        raise NotAllowed


def score(
    uid: UUID, given: Mapping[str, tuple[int, str]], *, by: Member, at: datetime
) -> PowerItem:
    """Score an item by criteria, each with its reason. Raises NotAllowed, PowerItem.DoesNotExist."""
    require(by, Permission.POWER_EDIT)
    with transaction.atomic():
        item: PowerItem = PowerItem.objects.get(uid=uid, county=by.county_id)
        for criterion, (points, reason) in given.items():
            PowerScore.objects.update_or_create(
                county_id=item.county_id,
                item=item,
                criterion=criterion,
                defaults={"score": points, "reason": reason, "by_id": by.user_id, "at": at},
            )
        audit.record(
            "power_scored", item, by=by, at=at, **{name: one[0] for name, one in given.items()}
        )
    return item


def draft(given: Draft, *, by: Member, at: datetime) -> PowerBatch:
    """Begin a batch. Raises NotAllowed, Invalid, Forbidden."""
    require(by, Permission.POWER_EDIT)
    giver = _giver(given, by)
    if given.valid_to is not None and given.valid_to <= given.valid_from:
        raise Invalid(fields={"valid_to": _("It ends after it begins.")})
    with transaction.atomic():
        last = PowerBatch.objects.filter(county=by.county_id).aggregate(Max("number"))
        made: PowerBatch = PowerBatch.objects.create(
            county_id=by.county_id,
            number=(last["number__max"] or 0) + 1,
            title=given.title,
            mode=given.mode,
            department=giver,
            basis=given.basis,
            decision=given.decision,
            powers=given.powers,
            valid_from=given.valid_from,
            valid_to=given.valid_to,
            drafted_by_id=by.user_id,
            drafted_at=at,
        )
        audit.record("power_batch_drafted", made, by=by, at=at, mode=made.mode)
    return made


def _giver(given: Draft, by: Member) -> Department | None:
    """Return the department that hands over. A township that would entrust in turn is refused."""
    if given.giver is None:
        if given.mode == PowerMode.ENTRUSTMENT:
            raise Invalid(fields={"giver": _("An entrustment comes from one department.")})
        return None
    if Township.objects.filter(uid=given.giver, county=by.county_id).exists():
        raise Forbidden("redelegation")
    found = Department.objects.filter(uid=given.giver, county=by.county_id).first()
    if found is None:
        raise Invalid(fields={"giver": _("There is no such unit.")})
    return found


def choose(
    uid: UUID, *, items: Collection[UUID], townships: Collection[UUID], by: Member, at: datetime
) -> PowerBatch:
    """Set which items go to which townships. Raises NotAllowed, PowerBatch.DoesNotExist, Refused."""
    require(by, Permission.POWER_EDIT)
    with transaction.atomic():
        batch = _locked(uid, by, BatchState.DRAFT)
        found = list(PowerItem.objects.filter(county=by.county_id, uid__in=items))
        places = list(Township.objects.filter(county=by.county_id, uid__in=townships))
        check_items(batch, found)
        PowerBatchItem.objects.filter(batch=batch).exclude(item__in=found).delete()
        PowerAgreement.objects.filter(batch=batch).exclude(township__in=places).delete()
        PowerBatchItem.objects.bulk_create(
            (
                PowerBatchItem(county_id=batch.county_id, batch=batch, item=one, added_at=at)
                for one in found
            ),
            ignore_conflicts=True,
        )
        PowerAgreement.objects.bulk_create(
            (
                PowerAgreement(county_id=batch.county_id, township=one, batch=batch)
                for one in places
            ),
            ignore_conflicts=True,
        )
        audit.record(
            "power_batch_chosen", batch, by=by, at=at, items=len(found), townships=len(places)
        )
    return batch


def check_items(batch: PowerBatch, items: Sequence[PowerItem]) -> None:
    """Refuse what may not be handed down like this. Raises Forbidden, Refused."""
    entrusted = batch.is_entrustment
    for what, wrong in (
        ("detention", [one for one in items if one.kind == PowerKind.DETENTION]),
        (
            "measure_entrusted",
            [one for one in items if entrusted and one.kind == PowerKind.MEASURE],
        ),
    ):
        if wrong:
            raise Forbidden(what, which=wrong)
    if own := [one for one in items if one.is_own]:
        raise Refused(
            _("The law itself gives this to townships, nothing is to be handed over: %(which)s.")
            % {"which": list_text([f"{one.code} {one.basis}" for one in own[:NAMED]])},
            code="own_by_law",
        )
    giver = batch.department_id
    others = [one for one in items if giver is not None and one.department_id != giver]
    if others:
        raise Forbidden("outside_power", which=others)
    known = scores_of(items)
    if unscored := [one for one in items if len(known.get(one.pk, ())) < len(Criterion)]:
        raise Refused(
            _("Score all four criteria first: %(which)s.")
            % {"which": list_text([one.code for one in unscored[:NAMED]])},
            code="not_scored",
        )
    needed = (Criterion.URGENT, Criterion.BEARABLE)
    if wrong := [one for one in items if any(known[one.pk][name] == 0 for name in needed)]:
        raise Forbidden("not_needed", which=wrong)


@dataclass(frozen=True)
class Capability:
    """What was found of a township: officers with certificates, equipment, training, cases a year."""

    officers: int
    equipment: str
    training: str
    cases: int
    passed: bool
    note: str = ""


def check(
    township: UUID, found: Capability, *, batch: UUID | None = None, item: UUID | None = None,
    by: Member, at: datetime,
) -> CapabilityCheck:  # fmt: skip
    """Write down whether a township can take on an item, or a whole batch; the last check counts.

    Raises NotAllowed, Township.DoesNotExist, PowerBatch.DoesNotExist, PowerItem.DoesNotExist, Forbidden.
    """
    require(by, Permission.POWER_EDIT)
    place = Township.objects.get(uid=township, county=by.county_id)
    whole = PowerBatch.objects.get(uid=batch, county=by.county_id) if batch else None
    single = PowerItem.objects.get(uid=item, county=by.county_id) if item else None
    rows = PowerItem.objects.filter(batches__batch=whole) if whole else None
    kinds = [single.kind] if single else list(rows.values_list("kind", flat=True)) if rows else []
    if found.passed and found.officers < OFFICERS and set(kinds) & set(BY_OFFICERS):
        raise Forbidden("too_few_officers")
    with transaction.atomic():
        made: CapabilityCheck = CapabilityCheck.objects.create(
            county_id=by.county_id, township=place, batch=whole, item=single,
            officers=found.officers, equipment=found.equipment, training=found.training,
            cases=found.cases, passed=found.passed, note=found.note,
            by_id=by.user_id, unit=str(by.unit)[:100], at=at,
        )  # fmt: skip
        audit.record(
            "power_capability_checked", whole or single or "", by=by, at=at,
            township=place.name, passed=found.passed,
        )  # fmt: skip
    return made


def agree(
    uid: UUID, *, giver_on: date | None, seals: Mapping[UUID, date | None], by: Member, at: datetime
) -> PowerBatch:
    """签订: both sides have sealed; from now on nothing of it changes.

    ``seals`` has the day of each township's seal, by its uid. Raises NotAllowed,
    PowerBatch.DoesNotExist, Refused, Forbidden, Invalid.
    """
    require(by, Permission.POWER_EDIT)
    with transaction.atomic():
        batch = _locked(uid, by, BatchState.DRAFT)
        items, parts = _whole(batch)
        check_items(batch, items)
        if batch.is_entrustment and (batch.valid_to is None or not batch.powers.strip()):
            raise Forbidden("no_term")
        if not batch.powers.strip():
            raise Refused(_("Write down powers and boundaries first."), code="no_powers")
        if not batch.is_entrustment and not batch.decision.strip():
            raise Forbidden("no_decision")
        _check_capable(batch, items, parts)
        _check_free(batch, items, parts)
        today = timezone.localdate(at)
        missing = [part.township for part in parts if not seals.get(part.township.uid)]
        if giver_on is None or missing:
            raise Refused(_("Both seals are needed, of every township."), code="seal_missing")
        if any(day > today for day in (giver_on, *seals.values()) if day):
            raise Invalid(fields={"giver_on": _("This day has not come yet.")})
        for part in parts:
            part.sealed_on = seals[part.township.uid]
        PowerAgreement.objects.bulk_update(parts, ["sealed_on"])
        batch.state, batch.giver_sealed_on = BatchState.AGREED, giver_on
        batch.agreed_by_id, batch.agreed_at = by.user_id, at
        batch.save(update_fields=["state", "giver_sealed_on", "agreed_by", "agreed_at"])
        audit.record("power_batch_agreed", batch, by=by, at=at, townships=len(parts))
    return batch


def _whole(batch: PowerBatch) -> tuple[list[PowerItem], list[PowerAgreement]]:
    items = list(PowerItem.objects.filter(batches__batch=batch).order_by("code"))
    parts = list(batch.agreements.select_related("township").order_by("township__code"))
    if not items or not parts:
        raise Refused(_("Choose items and townships first."), code="nothing_chosen")
    return items, parts


def _check_capable(
    batch: PowerBatch, items: Sequence[PowerItem], parts: Sequence[PowerAgreement]
) -> None:
    townships = [part.township_id for part in parts]
    can = capable(batch, [one.pk for one in items], townships)
    lacking = [
        part.township for part in parts
        if not all(can.get((part.township_id, one.pk)) for one in items)
    ]  # fmt: skip
    if lacking:
        raise Forbidden("not_qualified" if batch.is_entrustment else "not_capable", which=lacking)


def _check_free(
    batch: PowerBatch, items: Sequence[PowerItem], parts: Sequence[PowerAgreement]
) -> None:
    found = held_meanwhile(batch, [one.pk for one in items], [one.township_id for one in parts])
    if found:
        raise Refused(
            _("Held already at that time: %(which)s.")
            % {"which": list_text([f"{one.township}{one.item.code}" for one in found[:NAMED]])},
            code="already_held",
        )


def approve(uid: UUID, *, document_no: str, by: Member, at: datetime) -> PowerBatch:
    """批准, by somebody who has neither drafted nor agreed it.

    Raises NotAllowed, PowerBatch.DoesNotExist, Refused, Invalid.
    """
    require(by, Permission.POWER_APPROVE)
    with transaction.atomic():
        batch = _locked(uid, by, BatchState.AGREED)
        _check_second(batch, by)
        if not document_no.strip():
            raise Invalid(fields={"document_no": _("A document number is needed.")})
        batch.state, batch.document_no = BatchState.APPROVED, document_no.strip()
        batch.approved_by_id, batch.approved_at = by.user_id, at
        batch.save(update_fields=["state", "document_no", "approved_by", "approved_at"])
        audit.record("power_batch_approved", batch, by=by, at=at, document_no=batch.document_no)
    return batch


def _check_second(batch: PowerBatch, by: Member) -> None:
    if by.user_id in (batch.drafted_by_id, batch.agreed_by_id):
        raise Refused(_("Somebody else approves and publishes it."), code="same_person")


def publish(
    uid: UUID, *, giver: Published, takers: Mapping[UUID, Published], by: Member, at: datetime
) -> PowerBatch:
    """公布 by both sides; then the townships are asked to confirm.

    Raises NotAllowed, PowerBatch.DoesNotExist, Refused, Forbidden, Invalid.
    """
    require(by, Permission.POWER_APPROVE)
    with transaction.atomic():
        batch = _locked(uid, by, BatchState.APPROVED)
        _check_second(batch, by)
        _items, parts = _whole(batch)
        told = [giver, *(takers.get(part.township.uid, Published(None, "")) for part in parts)]
        if any(one.on is None or not one.where.strip() for one in told):
            raise Forbidden("unpublished")
        today = timezone.localdate(at)
        if any(one.on and one.on > today for one in told):
            raise Invalid(fields={"giver_on": _("This day has not come yet.")})
        for part in parts:
            mine = takers[part.township.uid]
            part.published_on, part.published_in = mine.on, mine.where.strip()
        PowerAgreement.objects.bulk_update(parts, ["published_on", "published_in"])
        batch.state = BatchState.PUBLISHED
        batch.giver_published_on, batch.giver_published_in = giver.on, giver.where.strip()
        batch.published_by_id, batch.published_at = by.user_id, at
        batch.save(
            update_fields=[
                "state", "giver_published_on", "giver_published_in", "published_by", "published_at"
            ]
        )  # fmt: skip
        audit.record("power_batch_published", batch, by=by, at=at, townships=len(parts))
        for part in parts:
            tell_heads(part, "power_confirm", batch.uid, part.pk, _facts(batch), at=at)
    return batch


def _facts(batch: PowerBatch) -> dict[str, Any]:
    return {"title": batch.title, "number": "", "unit": ""}


def confirm(uid: UUID, *, note: str = "", by: Member, at: datetime) -> PowerAgreement:
    """承接确认: the township takes on its items; it may act from that day on, at the earliest.

    Raises NotAllowed, PowerAgreement.DoesNotExist, Refused.
    """
    require(by, Permission.POWER_CONFIRM)
    with transaction.atomic():
        part: PowerAgreement = (
            PowerAgreement.objects.select_for_update(of=("self",), no_key=True)
            .select_related("batch")
            .get(uid=uid, township=by.township_id)
        )
        batch = part.batch
        if part.confirmed_at is not None:
            raise Refused(_("Your township has confirmed it."), code="confirmed")
        if batch.state != BatchState.PUBLISHED:
            raise Refused(_("It has not been published, or has ended."), code="not_published")
        begins = max(batch.valid_from, timezone.localdate(at))
        if batch.valid_to is not None and begins >= batch.valid_to:
            raise Refused(_("The term is over."), code="term_over")
        part.confirmed_by_id, part.confirmed_at = by.user_id, at
        part.confirmed_in, part.note = str(by.unit)[:100], note.strip()
        part.save(update_fields=["confirmed_by", "confirmed_at", "confirmed_in", "note"])
        chosen = PowerBatchItem.objects.filter(batch=batch).order_by("item__code")
        try:
            with transaction.atomic():
                PowerGrant.objects.bulk_create(
                    PowerGrant(
                        county_id=part.county_id, township_id=part.township_id,
                        item_id=one.item_id, batch=batch, agreement=part,
                        valid_from=begins, valid_to=batch.valid_to,
                    )
                    for one in chosen
                )  # fmt: skip
        except IntegrityError as error:
            if "power_grant_one_a_day" not in str(error):
                raise
            raise Refused(
                _("Your township holds one of these items already."), code="already_held"
            ) from error
        audit.record("power_confirmed", part, by=by, at=at, valid_from=begins.isoformat())
    return part


def _locked(uid: UUID, by: Member, state: str) -> PowerBatch:
    """Fetch a batch for change. Raises PowerBatch.DoesNotExist, and Refused in any other state."""
    found: PowerBatch = PowerBatch.objects.select_for_update(no_key=True).get(
        uid=uid, county=by.county_id
    )
    if found.state != state:
        raise Refused(
            _("The batch is at another step: %(state)s.") % {"state": found.get_state_display()},
            code="wrong_step",
        )
    return found
