"""处置: personal data whose time is over is disposed of by two persons, and a signed record says so.

PIPL article 19 bounds how long it is kept, article 47 demands its deletion once that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common import attachments, audit
from common.errors import Invalid, NotAllowed, Refused, TwoPersons
from common.models import Notice, NoticeMail, Outbox
from common.personal import Kind
from common.tenancy import dispatching
from common.worktime import SHANGHAI
from mandates.models import (
    Caller,
    CallFile,
    Disposal,
    DisposalState,
    RetentionKind,
    RetentionRule,
)
from mandates.permissions import Permission
from mandates.queries.retention import KINDS, due
from townships.models import SignIn
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

LONGEST = 1200  # months
DISCARD = "discard"  # in the outbox: a file whose content is to go


class NotYet(Refused):
    """Nothing's time is over."""

    code = "nothing_due"
    detail = _("Nothing has been kept longer than the rule says.")


class Decided(Refused):
    code = "disposal_decided"
    detail = _("This has been decided already.")


class Changed(Refused):
    """A call was taken up again, or the rule now keeps longer."""

    code = "disposal_outdated"
    detail = _("Meanwhile not all of this may go any more. Refuse it, and propose it anew.")


def set_rule(kind: str, months: int, basis: str, *, by: Member, at: datetime) -> RetentionRule:
    """Say how long a county keeps something, by which document. Raises NotAllowed, Invalid."""
    require(by, Permission.RETENTION_EDIT)
    if by.county_id is None:
        raise NotAllowed
    wrong: dict[str, Any] = {}
    if kind not in RetentionKind.values:
        wrong["kind"] = _("There is no such kind.")
    known = KINDS[RetentionKind(kind)] if kind in RetentionKind.values else None
    if known and months < known.least:
        wrong["months"] = _("%(n)d months at least. %(why)s") % {
            "n": known.least, "why": known.why
        }  # fmt: skip
    elif not 1 <= months <= LONGEST:
        wrong["months"] = _("From 1 to %(n)d months.") % {"n": LONGEST}
    if not basis.strip() or len(basis) > 200:
        wrong["basis"] = _("Name the document, in 200 characters at most.")
    if wrong:
        raise Invalid(fields=wrong)
    before = RetentionRule.objects.filter(county=by.county_id, kind=kind).first()
    rule: RetentionRule
    with transaction.atomic():
        rule, _made = RetentionRule.objects.update_or_create(
            county_id=by.county_id, kind=kind,
            defaults={"months": months, "basis": basis.strip(), "set_at": at, "set_by": by.user},
        )  # fmt: skip
        audit.record(
            "retention_set", rule, by=by, at=at, months=months, basis=rule.basis,
            was=before.months if before else None,
        )  # fmt: skip
    return rule


def ends_before(rule: RetentionRule, at: datetime) -> datetime:
    """Return before when a call must have ended for its person to go now: months of the calendar."""
    local = at.astimezone(SHANGHAI)
    months = local.year * 12 + local.month - 1 - rule.months
    year, month = divmod(months, 12)
    for day in range(local.day, 27, -1):  # the 31st of a month of thirty days is its last
        try:
            return local.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return local.replace(year=year, month=month + 1)


def propose(kind: str, *, by: Member, at: datetime) -> Disposal:
    """Propose to dispose of all whose time is over. Raises NotAllowed, Invalid, Refused."""
    require(by, Permission.DISPOSAL_PROPOSE)
    if kind not in RetentionKind.values:
        wrong = _("There is no such kind.")
        raise Invalid(wrong, fields={"kind": wrong})
    rule = RetentionRule.objects.filter(county=by.county_id, kind=kind).first()
    if by.county_id is None or rule is None:
        raise NotYet
    before = ends_before(rule, at)
    items = due(kind, by.county_id, before=before)
    if not items:
        raise NotYet
    try:
        with transaction.atomic():
            row = _found(by.county_id, kind) or Disposal(county_id=by.county_id, kind=kind)
            row.state, row.items = DisposalState.PROPOSED, items
            row.months, row.basis, row.before = rule.months, rule.basis, before
            row.proposed_at, row.proposed_by_id, row.proposer = at, by.user_id, by.label[:200]
            row.save()
    except IntegrityError as error:
        raise Refused(_("One waits for its decision already."), code="disposal_waits") from error
    audit.record("disposal_proposed", row, by=by, at=at, count=len(items), before=before)
    return row


def _found(county_id: int, kind: str) -> Disposal | None:
    rows = Disposal.objects.filter(county=county_id, kind=kind, state=DisposalState.FOUND)
    found: Disposal | None = rows.select_for_update(no_key=True).first()
    return found


def find_due(*, at: datetime) -> int:
    """Write down for every county and period what is over; return of how many there is something.

    For the night. It finds and nothing more: one person proposes, and another decides.
    """
    with dispatching(reason="periods of every county are looked at"):
        rules = list(RetentionRule.objects.order_by("county", "kind"))
    count = 0
    for rule in rules:
        before = ends_before(rule, at)
        with dispatching(reason="what is over in one county"):
            items = due(rule.kind, rule.county_id, before=before)
            row = _found(rule.county_id, rule.kind)
            if not items and (row is None or not row.items):
                continue
            row = row or Disposal(
                county_id=rule.county_id, kind=rule.kind, state=DisposalState.FOUND
            )
            row.months, row.basis, row.before = rule.months, rule.basis, before
            row.items, row.found_at = items, at
            row.save()
            audit.record("disposal_found", row, by=None, at=at, count=len(items))
            count += bool(items)
    return count


def may_decide(row: Disposal, *, by: Member) -> bool:
    """Say whether somebody is the second person for what still waits."""
    waits = row.state == DisposalState.PROPOSED and row.proposed_by_id != by.user_id
    return waits and by.may(Permission.DISPOSAL_DECIDE)


def decide(uid: UUID, *, agrees: bool, note: str = "", by: Member, at: datetime) -> Disposal:
    """Dispose of what was proposed, or refuse it; for good. The second person decides.

    Raises Disposal.DoesNotExist, NotAllowed, Invalid, TwoPersons, Decided, Changed.
    """
    require(by, Permission.DISPOSAL_DECIDE)
    if by.is_system or by.county_id is None:
        raise NotAllowed
    note = note.strip()
    if len(note) > 300 or (not agrees and not note):
        raise Invalid(fields={"note": _("Say why, in 300 characters at most.")})
    with transaction.atomic():
        # One at a time in a county: each record holds the hash of the one before.
        rows = list(
            Disposal.objects.select_for_update(no_key=True)
            .filter(county=by.county_id)
            .order_by("id")
        )
        row: Disposal | None = next((one for one in rows if one.uid == uid), None)
        if row is None:
            raise Disposal.DoesNotExist
        if row.state != DisposalState.PROPOSED:
            raise Decided
        if row.proposed_by_id == by.user_id:
            raise TwoPersons
        row.decided_at, row.decided_by_id, row.decider = at, by.user_id, by.label[:200]
        row.note = note
        if agrees:
            _dispose(row, [one for one in rows if one.number is not None], at)
        else:
            row.state = DisposalState.REFUSED
        row.save()
        audit.record(
            "disposal_done" if agrees else "disposal_refused", row, by=by, at=at,
            count=len(row.items), hash=row.hash, note=note,
        )  # fmt: skip
    return row


def _dispose(row: Disposal, done: list[Disposal], at: datetime) -> None:
    uids = [one["uid"] for one in row.items]
    # Whether they may still go is asked again, of today's rule, under the lock.
    rule = RetentionRule.objects.filter(county=row.county_id, kind=row.kind).first()
    if rule is None:
        raise Changed
    before = min(row.before, ends_before(rule, at))
    still = {one["uid"] for one in due(row.kind, row.county_id, before=before)}
    if not set(uids) <= still:
        raise Changed
    with dispatching(reason="pages may read what is over, and never remove it"):
        gone = _REMOVE[RetentionKind(row.kind)](row, uids, at)
    if gone != len(uids):
        raise Changed
    last = max(done, key=lambda one: one.number or 0, default=None)
    row.number = (last.number or 0) + 1 if last else 1
    row.previous_hash = last.hash if last else ""
    row.state = DisposalState.DONE
    row.seal()


# --- how each kind goes ------------------------------------------------------------------------------


def _empty_callers(row: Disposal, uids: list[str], at: datetime) -> int:
    gone: int = Caller.objects.filter(
        county=row.county_id, uid__in=uids, disposed_at=None
    ).update(
        **dict.fromkeys(map(str, Kind), ""), phone_index="", id_number_index="", key="",
        disposed_at=at, disposal_uid=row.uid,
    )  # fmt: skip
    return gone


def _remove_sign_ins(row: Disposal, uids: list[str], at: datetime) -> int:
    return SignIn.objects.filter(uid__in=uids).delete()[0]


def _remove_notices(row: Disposal, uids: list[str], at: datetime) -> int:
    rows = Notice.objects.filter(county=row.county_id, uid__in=uids)
    keys = list(rows.values_list("pk", flat=True))
    NoticeMail.objects.filter(county=row.county_id, notice_id__in=keys).delete()
    gone: int = rows.delete()[0]
    return gone


def _remove_files(row: Disposal, uids: list[str], at: datetime) -> int:
    rows = CallFile.objects.filter(county=row.county_id, uid__in=uids, disposed_at=None)
    files = list(rows.select_for_update(no_key=True))
    gone: int = rows.update(disposed_at=at, disposal_uid=row.uid)
    # The content goes once the record stands, and whatever dies in between it goes.
    Outbox.objects.bulk_create(
        Outbox(kind=DISCARD, subject_id=one.pk, created_at=at, available_at=at, **one.tenant)
        for one in files
    )
    return gone


def discard_files(keys: Sequence[int]) -> None:
    """Remove the content of files that were disposed of; again does no harm. For the outbox."""
    rows = CallFile.objects.filter(pk__in=list(keys), disposed_at__isnull=False).exclude(path="")
    for one in rows:
        attachments.discard(one.path)
    rows.update(path="")


_REMOVE: dict[RetentionKind, Callable[[Disposal, list[str], datetime], int]] = {
    RetentionKind.CALLER: _empty_callers,
    RetentionKind.SIGN_IN: _remove_sign_ins,
    RetentionKind.NOTICE: _remove_notices,
    RetentionKind.FILE: _remove_files,
}
