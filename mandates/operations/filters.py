"""常用筛选: filters that somebody keeps in a post, in an order of their own, one of them the first shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed
from common.texts import one_line
from common.workflow import MoveRefused
from mandates.models import SavedFilter
from mandates.models.filters import LONGEST, UNITS
from mandates.queries.call_filters import conditions_of
from townships.models import User

if TYPE_CHECKING:
    from townships.http import Member

MOST = 50  # of one person in one unit
NAME_LENGTH = 30


def unit_of(by: Member) -> dict[str, Any]:
    """Return the columns that say whose a filter is. Raises NotAllowed for posts that only watch."""
    if by.scope is None or by.scope.kind not in UNITS or by.county_id is None:
        raise NotAllowed
    ids = {
        "township": by.township_id,
        "department": by.department_id,
        "county": by.county_id,
    }
    return {
        "county_id": by.county_id,
        "unit_kind": by.scope.kind,
        "unit_id": ids[by.scope.kind],
    }


def keep(name: str, conditions: Any, *, shared: bool, by: Member, at: datetime) -> SavedFilter:
    """Keep conditions under a name, as the last of one's own. Raises NotAllowed, Invalid."""
    unit = unit_of(by)
    name = _checked(name)
    query = conditions_of(conditions)
    if not query:
        raise Invalid(fields={"query": _("Choose a condition first: this is the whole list.")})
    if len(query) > LONGEST:
        raise Invalid(fields={"query": _("These conditions are too long to be kept.")})
    with transaction.atomic():
        own = _own(by)
        if len(own) >= MOST:
            raise MoveRefused(
                _("You keep %(n)d filters already, the most there may be. Delete one first.")
                % {"n": MOST},
                code="too_many_filters",
            )
        _refuse_twin(own, name)
        found: SavedFilter = SavedFilter.objects.create(
            **unit,
            user_id=by.user_id,
            name=name,
            query=query,
            is_shared=shared,
            position=1 + max((one.position for one in own), default=0),
            created_at=at,
        )
    return found


def change(uid: UUID, *, by: Member, name: str | None = None, shared: bool | None = None) -> None:
    """Rename one's own filter, or share it, or keep it to oneself.

    Raises SavedFilter.DoesNotExist, Invalid.
    """
    with transaction.atomic():
        own = _own(by)
        one = _of(own, uid)
        if name is not None:
            name = _checked(name)
            _refuse_twin([other for other in own if other is not one], name)
            one.name = name
        if shared is not None:
            one.is_shared = shared
        one.save(update_fields=["name", "is_shared"])


def shift(uid: UUID, *, by: Member, places: int) -> None:
    """Move one's own filter up (-1) or down (1). Raises SavedFilter.DoesNotExist."""
    with transaction.atomic():
        own = _own(by)
        one = _of(own, uid)
        at = own.index(one)
        own.insert(min(len(own) - 1, max(0, at + places)), own.pop(at))
        for position, other in enumerate(own, 1):
            other.position = position
        SavedFilter.objects.bulk_update(own, ["position"])


def show_first(uid: UUID | None, *, by: Member) -> None:
    """Let the list begin with one's own filter; with none of them for None.

    Raises SavedFilter.DoesNotExist.
    """
    with transaction.atomic():
        own = _own(by)
        wanted = _of(own, uid) if uid else None
        SavedFilter.objects.filter(pk__in=[one.pk for one in own if one.is_default]).update(
            is_default=False
        )
        if wanted is not None:
            SavedFilter.objects.filter(pk=wanted.pk).update(is_default=True)


def delete(uid: UUID, *, by: Member) -> str:
    """Delete one's own filter; return its name. Raises SavedFilter.DoesNotExist."""
    with transaction.atomic():
        one = _of(_own(by), uid)
        one.delete()
    return one.name


def _own(by: Member) -> list[SavedFilter]:
    """Lock the person and return their filters in order: two at once must not pass the limit."""
    unit = unit_of(by)
    User.objects.select_for_update(no_key=True).only("pk").get(pk=by.user_id)
    rows = SavedFilter.objects.filter(**unit, user=by.user_id)
    return list(rows.order_by("position", "id"))


def _of(own: list[SavedFilter], uid: UUID) -> SavedFilter:
    found = next((one for one in own if one.uid == uid), None)
    if found is None:
        raise SavedFilter.DoesNotExist
    return found


def _checked(name: str) -> str:
    try:
        name = one_line(name).strip()
    except ValueError:
        raise Invalid(fields={"name": _("This holds a character that cannot be read.")}) from None
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Invalid(fields={"name": _("Write 1 to %(n)d characters.") % {"n": NAME_LENGTH}})
    return name


def _refuse_twin(others: list[SavedFilter], name: str) -> None:
    if any(other.name == name for other in others):
        raise Invalid(fields={"name": _("You have a filter of this name already.")})
