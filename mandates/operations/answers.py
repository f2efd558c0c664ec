"""标准答复: kept by a unit, filled for a call; every change is in the audit trail."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import audit
from common.errors import Invalid, NotAllowed
from common.workflow import MoveRefused
from mandates.models import Matter, StandardAnswer
from mandates.models.answers import ANSWER_LENGTH
from mandates.models.moves import MOVES
from mandates.operations.filters import unit_of
from mandates.permissions import Permission
from mandates.queries.answers import MOVES_OF_ANSWERS, PLACES
from mandates.queries.rulebook import rulebook

if TYPE_CHECKING:
    from townships.http import Member

MOST = 200  # of one unit
NAME_LENGTH = 40
_PLACE = re.compile(r"\{([^{}\n]*)\}")


def save_answer(
    uid: UUID | None,
    *,
    name: str,
    move: str,
    matter: str,
    text: str,
    by: Member,
    at: datetime,
) -> StandardAnswer:
    """Keep a text of the unit, a new one for no ``uid``.

    Raises NotAllowed, Invalid, MoveRefused (too many), StandardAnswer.DoesNotExist.
    """
    unit = _writing(by)
    name, text = name.strip(), text.strip()
    known = _checked(name, move, matter, text, by)
    with transaction.atomic():
        rows = StandardAnswer.objects.filter(**unit)
        one = rows.select_for_update().get(uid=uid) if uid else StandardAnswer(**unit)
        if one.pk is None and rows.count() >= MOST:
            raise MoveRefused(
                _("Your unit keeps %(n)d texts already. Delete one first.") % {"n": MOST},
                code="too_many_answers",
            )
        if rows.filter(move=move, name=name).exclude(pk=one.pk).exists():
            raise Invalid(fields={"name": _("There is a text of this name already.")})
        one.name, one.move, one.text, one.matter = name, move, text, known
        one.changed_by_id, one.changed_at = by.user_id, at
        one.save()
        audit.record("standard_answer_saved", one, by=by, at=at, name=name, move=move)
    saved: StandardAnswer = one
    return saved


def delete_answer(uid: UUID, *, by: Member, at: datetime) -> str:
    """Delete a text of the unit; return its name. Raises NotAllowed, StandardAnswer.DoesNotExist."""
    unit = _writing(by)
    with transaction.atomic():
        one = StandardAnswer.objects.filter(**unit).get(uid=uid)
        audit.record("standard_answer_deleted", one, by=by, at=at, name=one.name, move=one.move)
        one.delete()
    name: str = one.name
    return name


def may_write(member: Member) -> bool:
    """Say whether a post keeps texts: those that write on calls, in a unit of their own."""
    return (
        member.scope is not None
        and member.scope.kind in ("township", "department", "county")
        and member.county_id is not None
        and member.may(Permission.CALL_NOTE)
    )


def _writing(by: Member) -> dict[str, object]:
    if not may_write(by):
        raise NotAllowed
    return unit_of(by)


def _checked(name: str, move: str, matter: str, text: str, by: Member) -> Matter | None:
    wrong: dict[str, Any] = {}
    if not 1 <= len(name) <= NAME_LENGTH or "\0" in name:
        wrong["name"] = _("Write 1 to %(n)d characters.") % {"n": NAME_LENGTH}
    if move not in MOVES_OF_ANSWERS or not by.may(MOVES[move].permission):
        wrong["move"] = _("Choose what the text is for.")
    if not 2 <= len(text) <= ANSWER_LENGTH or "\0" in text:
        wrong["text"] = _("Write 2 to %(n)d characters.") % {"n": ANSWER_LENGTH}
    unknown = sorted(set(_PLACE.findall(text)) - set(PLACES))
    if unknown:
        names = ", ".join(f"{{{one}}}" for one in unknown)
        wrong["text"] = _("No such place to be filled: %(names)s.") % {"names": names}
    known = None
    if matter:
        keys = {
            e.matter_id for e in rulebook(by.county_id or 0).entries.values() if e.code == matter
        }
        known = Matter.objects.filter(pk__in=keys).first()
        if known is None:
            wrong["matter"] = _("Your county's list has no such matter.")
    if wrong:
        raise Invalid(fields=wrong)
    return known
