"""收回、调换、评估: how a power of a township ends, is swapped for another, and is evaluated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common import audit
from common.display import list_text
from common.errors import Invalid, Refused
from mandates.models import (
    BatchState,
    GrantEnd,
    PowerAgreement,
    PowerBatch,
    PowerEvaluation,
    PowerGrant,
    PowerItem,
    PowerSwap,
    SwapState,
)
from mandates.operations.empowering import NAMED, Forbidden, check_items, require
from mandates.operations.powers_told import tell_heads
from mandates.permissions import Permission
from mandates.queries.empowerment import capable

if TYPE_CHECKING:
    from townships.http import Member


@dataclass(frozen=True)
class TakeBack:
    """From which day, why, by which document, and when the township was told of it."""

    on: date
    reason: str
    document_no: str
    notified_on: date


def take_back(
    uid: UUID, grants: Collection[UUID], given: TakeBack, *, by: Member, at: datetime
) -> int:
    """收回 some powers of a batch from a day on, never backwards. Returns how many.

    Raises NotAllowed, PowerBatch.DoesNotExist, Invalid, Refused.
    """
    require(by, Permission.POWER_APPROVE)
    with transaction.atomic():
        batch = _batch(uid, by)
        rows = list(
            PowerGrant.objects.select_for_update(of=("self",), no_key=True)
            .select_related("item", "agreement")
            .filter(batch=batch, uid__in=grants, ended_at=None)
            .order_by("id")
        )
        if not rows:
            raise Invalid(fields={"grants": _("Choose what is to be taken back.")})
        _check_end(given, rows, at)
        _end(rows, given, GrantEnd.TAKEN_BACK, by=by, at=at)
        audit.record(
            "power_taken_back", batch, by=by, at=at, on=given.on.isoformat(), rows=len(rows),
            reason=given.reason, document_no=given.document_no,
        )  # fmt: skip
        for row in rows:
            facts = {"title": str(row.item), "number": "", "unit": ""}
            tell_heads(row.agreement, "power_taken_back", batch.uid, row.pk, facts, at=at)
    return len(rows)


def end_batch(uid: UUID, given: TakeBack, *, by: Member, at: datetime) -> PowerBatch:
    """Take back all that still stands of a batch, and close it; nobody confirms it any more.

    Raises NotAllowed, PowerBatch.DoesNotExist, Invalid, Refused.
    """
    require(by, Permission.POWER_APPROVE)
    with transaction.atomic():
        batch = _batch(uid, by)
        today = timezone.localdate(at)
        rows = PowerGrant.objects.filter(batch=batch, ended_at=None)
        left = [one.uid for one in rows if one.valid_to is None or one.valid_to > today]
        if left:
            take_back(uid, left, given, by=by, at=at)
        batch.state = BatchState.ENDED
        batch.save(update_fields=["state"])
        audit.record("power_batch_ended", batch, by=by, at=at, reason=given.reason)
    return batch


def _batch(uid: UUID, by: Member) -> PowerBatch:
    batch: PowerBatch = PowerBatch.objects.select_for_update(no_key=True).get(
        uid=uid, county=by.county_id
    )
    if batch.state != BatchState.PUBLISHED:
        raise Refused(_("It has not been published, or has ended."), code="not_published")
    return batch


def _check_end(given: TakeBack, rows: Sequence[PowerGrant], at: datetime) -> None:
    wrong = {}
    if given.on < timezone.localdate(at):
        wrong["on"] = _("Nothing is taken back for days that are over: what was done then stands.")
    elif any(one.valid_to is not None and given.on >= one.valid_to for one in rows):
        wrong["on"] = _("By then it has ended by itself.")
    if given.notified_on > given.on:
        wrong["notified_on"] = _("The township is told before that day.")
    if not given.reason.strip():
        wrong["reason"] = _("This is needed.")
    if not given.document_no.strip():
        wrong["document_no"] = _("A document number is needed.")
    if wrong:
        raise Invalid(fields=wrong)


def _end(
    rows: Sequence[PowerGrant], given: TakeBack, how: str, *, by: Member, at: datetime
) -> None:
    for row in rows:
        # What has not begun by then is never in force.
        row.valid_to = max(given.on, row.valid_from)
        row.ended_by_act, row.end_reason = how, given.reason.strip()
        row.end_document, row.notified_on = given.document_no.strip(), given.notified_on
        row.ended_by_id, row.ended_at = by.user_id, at
    PowerGrant.objects.bulk_update(
        rows,
        ["valid_to", "ended_by_act", "end_reason", "end_document", "notified_on", "ended_by",
         "ended_at"],
    )  # fmt: skip


def evaluate(
    uid: UUID, *, outcome: str, cases: int, finding: str, by: Member, at: datetime
) -> PowerEvaluation:
    """定期评估 of one power. Taking back is an act of its own.

    Raises NotAllowed, PowerGrant.DoesNotExist.
    """
    require(by, Permission.POWER_EDIT)
    with transaction.atomic():
        grant = PowerGrant.objects.select_related("item").get(uid=uid, county=by.county_id)
        made: PowerEvaluation = PowerEvaluation.objects.create(
            **grant.tenant, grant=grant, outcome=outcome, cases=cases, finding=finding,
            by_id=by.user_id, unit=str(by.unit)[:100], at=at,
        )  # fmt: skip
        audit.record("power_evaluated", grant, by=by, at=at, outcome=outcome)
    return made


# --- 等量调换 ------------------------------------------------------------------------------------


def ask_swap(
    uid: UUID, *, outs: Collection[UUID], ins: Collection[str], reason: str, by: Member,
    at: datetime,
) -> PowerSwap:  # fmt: skip
    """Ask to give back some powers for as many others. ``ins`` are codes of the catalogue.

    Raises NotAllowed, PowerAgreement.DoesNotExist, Forbidden, Invalid, Refused.
    """
    require(by, Permission.POWER_CONFIRM)
    with transaction.atomic():
        part: PowerAgreement = (
            PowerAgreement.objects.select_for_update(of=("self",), no_key=True)
            .select_related("batch")
            .get(uid=uid, township=by.township_id)
        )
        if part.batch.is_entrustment:  # its items stand in the published document
            raise Forbidden("no_term")
        if part.confirmed_at is None or part.batch.state != BatchState.PUBLISHED:
            raise Refused(_("It is not in force."), code="not_published")
        if part.swaps.filter(state=SwapState.ASKED).exists():
            raise Refused(_("A swap waits for the county already."), code="already_asked")
        held = PowerGrant.objects.filter(agreement=part, ended_at=None, uid__in=outs)
        given = list(held.holding_on(timezone.localdate(at)))
        items = list(PowerItem.objects.filter(county=part.county_id, code__in=ins))
        if not given or len(given) != len(set(outs)):
            raise Invalid(fields={"outs": _("Choose powers that your township holds.")})
        if len(items) != len(set(ins)):
            raise Invalid(fields={"ins": _("There is no such item in the catalogue.")})
        if len(given) != len(items):
            raise Invalid(
                _("A swap is equal: %(outs)d given back, %(ins)d taken on.")
                % {"outs": len(given), "ins": len(items)},
                code="unequal_swap",
                fields={"ins": _("As many as are given back.")},
            )
        check_items(part.batch, items)
        made: PowerSwap = PowerSwap.objects.create(
            **part.tenant, agreement=part, outs=[str(one.uid) for one in given],
            ins=[one.code for one in items], reason=reason, asked_by_id=by.user_id, asked_at=at,
        )  # fmt: skip
        audit.record("power_swap_asked", made, by=by, at=at, outs=len(given))
    return made


def decide_swap(
    uid: UUID, *, approved: bool, on: date | None, document_no: str, decision: str, by: Member,
    at: datetime,
) -> PowerSwap:  # fmt: skip
    """Approve a swap from a day on, or refuse it with a reason.

    Raises NotAllowed, PowerSwap.DoesNotExist, Forbidden, Invalid, Refused.
    """
    require(by, Permission.POWER_APPROVE)
    with transaction.atomic():
        swap: PowerSwap = (
            PowerSwap.objects.select_for_update(of=("self",), no_key=True)
            .select_related("agreement__batch", "agreement__township")
            .get(uid=uid, county=by.county_id)
        )
        if swap.state != SwapState.ASKED:
            raise Refused(_("This swap has been decided."), code="decided")
        swap.decision, swap.decided_by_id, swap.decided_at = decision.strip(), by.user_id, at
        if approved:
            _exchange(swap, on, document_no, by=by, at=at)
        else:
            if not decision.strip():
                raise Invalid(fields={"decision": _("This is needed.")})
            swap.state = SwapState.REFUSED
            swap.save(update_fields=["state", "decision", "decided_by", "decided_at"])
        audit.record("power_swap_decided", swap, by=by, at=at, state=swap.state)
        facts = {"title": swap.agreement.batch.title, "number": "", "unit": ""}
        about = swap.agreement.batch.uid
        tell_heads(swap.agreement, "power_swapped", about, swap.pk, facts, at=at)
    return swap


def _exchange(
    swap: PowerSwap, on: date | None, document_no: str, *, by: Member, at: datetime
) -> None:
    part, batch = swap.agreement, swap.agreement.batch
    if on is None:
        raise Invalid(fields={"on": _("This is needed.")})
    if batch.state != BatchState.PUBLISHED:
        raise Refused(_("It has not been published, or has ended."), code="not_published")
    held = PowerGrant.objects.select_for_update(of=("self",), no_key=True)
    outs = list(held.filter(agreement=part, uid__in=swap.outs, ended_at=None))
    items = list(PowerItem.objects.filter(county=part.county_id, code__in=swap.ins))
    if not len(outs) == len(items) == len(swap.outs):
        raise Refused(_("What was to be swapped has ended meanwhile."), code="swap_gone")
    check_items(batch, items)
    can = capable(batch, [one.pk for one in items], [part.township_id])
    if lacking := [one for one in items if not can.get((part.township_id, one.pk))]:
        raise Forbidden("not_capable", which=[one.code for one in lacking])
    day = timezone.localdate(at)
    given = TakeBack(on, swap.reason, document_no, notified_on=day)
    _check_end(given, outs, at)
    _end(outs, given, GrantEnd.SWAPPED, by=by, at=at)
    swap.state, swap.on, swap.document_no = SwapState.APPROVED, on, document_no.strip()
    swap.save(update_fields=["state", "on", "document_no", "decision", "decided_by", "decided_at"])
    try:
        with transaction.atomic():
            PowerGrant.objects.bulk_create(
                PowerGrant(
                    **part.tenant, item=one, batch=batch, agreement=part, swap=swap,
                    valid_from=max(on, batch.valid_from), valid_to=batch.valid_to,
                )
                for one in items
            )  # fmt: skip
    except IntegrityError as error:
        if "power_grant_one_a_day" not in str(error):
            raise
        raise Refused(
            _("Held already at that time: %(which)s.") % {"which": list_text(swap.ins[:NAMED])},
            code="already_held",
        ) from error
