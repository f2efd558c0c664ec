"""诉求人: who asked for a call is written down encrypted, and seen in full only for a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import audit, ciphers, personal
from common.errors import Invalid, NotAllowed, Refused
from common.personal import Kind
from common.worktime import SHANGHAI
from mandates.models import Call, Caller, CallerReveal
from mandates.permissions import Permission
from mandates.queries.callers import call_of, caller_of
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

SHORTEST, LONGEST = 4, 300  # letters of a reason


class NobodyNamed(Refused):
    """There is nothing to see: nobody was written down, or it has been disposed of."""

    code = "nobody_named"
    detail = _("Nobody is written down for this call, or no longer.")


class KeyUnknown(Refused):
    code = "personal_key_unknown"
    detail = _(
        "This is encrypted under a key that this installation does not have. Tell the administrator."
    )


def read(sent: Mapping[str, Any], *, at: datetime, within: str = "") -> dict[Kind, str]:
    """Return what was written of a person, each value in its one form; empty for nobody.

    Raises Invalid naming every field that is wrong, below ``within``.
    """
    today = at.astimezone(SHANGHAI).date()
    found: dict[Kind, str] = {}
    wrong: dict[str, Any] = {}
    for kind in Kind:
        try:
            found[kind] = personal.written(kind, str(sent.get(kind) or ""), on=today)
        except Invalid as problem:
            name = f"{within}.{kind}" if within else str(kind)
            wrong[name] = next(iter(problem.fields.values()))
    if wrong:
        raise Invalid(fields=wrong)
    return found if any(found.values()) else {}


def asked_by(call: Call, values: Mapping[Kind, str], *, by_id: int, at: datetime) -> Caller:
    """Return who asked for a call, encrypted and not yet saved."""
    caller = Caller(call=call, taken_at=at, taken_by_id=by_id, **call.tenant)
    caller.put(dict(values))
    return caller


def may_take_down(call: Call, *, by: Member) -> bool:
    """Say whether somebody may write down who asked, as long as nobody is written down."""
    own = by.township_id is not None and by.township_id == call.township_id
    return own and by.may(Permission.CALL_DRAFT) and not call.is_ended


def take_down(call_uid: UUID, sent: Mapping[str, Any], *, by: Member, at: datetime) -> Caller:
    """Write down who asked for a call of one's own township, once.

    Raises Call.DoesNotExist, NotAllowed, Invalid, Refused where somebody is written down already.
    """
    require(by, Permission.CALL_DRAFT)
    call = call_of(call_uid, member=by)
    if call.township_id != by.township_id:
        raise NotAllowed
    if call.is_ended:
        raise Refused(_("This call has ended."), code="call_ended")
    values = read(sent, at=at)
    if not values:
        raise Invalid(fields={Kind.NAME: _("Write down at least one of them.")})
    with transaction.atomic():
        # Whoever is second finds the first: the lock on the call orders them.
        Call.objects.select_for_update(no_key=True).only("pk").get(pk=call.pk)
        if caller_of(call) is not None:
            raise Refused(_("Somebody is written down already."), code="caller_there")
        caller = asked_by(call, values, by_id=by.user_id, at=at)
        caller.save(force_insert=True)
        audit.record(
            "caller_taken_down", caller, by=by, at=at, call=str(call.uid), fields=caller.kinds
        )
    return caller


def reason_of(text: str) -> str:
    """Return a reason that says something. Raises Invalid."""
    plain = " ".join(text.split())
    if len(re.sub(r"\W", "", plain)) < SHORTEST or len(plain) > LONGEST:
        raise Invalid(fields={"reason": _("Say why in %(n)d letters at least.") % {"n": SHORTEST}})
    return plain


def reveal(call_uid: UUID, reason: str, *, by: Member, at: datetime) -> dict[Kind, str]:
    """Return who asked for a call, in full, and keep who looked and why.

    People alone look; a system has no reason. Raises Call.DoesNotExist, NotAllowed, Invalid,
    NobodyNamed, KeyUnknown.
    """
    require(by, Permission.PERSON_REVEAL)
    if by.is_system:
        raise NotAllowed
    call = call_of(call_uid, member=by)
    why = reason_of(reason)
    caller = caller_of(call)
    if caller is None or caller.is_disposed:
        raise NobodyNamed
    with transaction.atomic():
        return seen(caller, why, way="call", by=by, at=at)


def seen(caller: Caller, reason: str, *, way: str, by: Member, at: datetime) -> dict[Kind, str]:
    """Decrypt a person for somebody, and write that down in the same transaction.

    The one door to clear values. Raises KeyUnknown.
    """
    try:
        values = caller.clear()
    except ciphers.Unreadable as error:
        raise KeyUnknown from error
    CallerReveal.objects.create(
        caller=caller, by_id=by.user_id, post_id=by.post_id, actor=by.label[:200], reason=reason,
        fields=[str(kind) for kind in caller.kinds], way=way, at=at, **caller.tenant,
    )  # fmt: skip
    audit.record(
        "caller_revealed", caller, by=by, at=at, call=caller.call_id, reason=reason,
        fields=caller.kinds, way=way,
    )  # fmt: skip
    return values
