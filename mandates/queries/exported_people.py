"""The people of a unit as a table, as the page of people shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.exports import Column, Conditions
from mandates.queries.staff import in_hand
from townships.models import Duty
from townships.permissions import Permission
from townships.queries.staff import away_on, colleagues, of_unit, shift_at
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

COLUMNS = (
    Column("person", _("person"), 12),
    Column("post", _("post"), 18),
    Column("phone", _("phone"), 16, _("the one at work")),
    Column("in_hand", _("in hand"), 8, _("calls or parts that have not ended")),
    Column("on_duty", _("on duty"), 8, _("when the file is made")),
    Column("away_until", _("away until"), 12),
    Column("deputy", _("deputy"), 12),
    Column("valid_from", _("valid from"), 12),
    Column("valid_to", _("valid until"), 12),
)


def columns(member: Member) -> Sequence[Column]:
    counts = member.department_id is not None or member.township_id is not None
    return [column for column in COLUMNS if counts or column.name != "in_hand"]


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Take no conditions: the list is that of one's own unit. Raises NotAllowed, Invalid."""
    require(member, Permission.STAFF_VIEW)
    if given:
        told = gettext("There is no such condition here.")
        raise Invalid(fields={name[:100]: told for name in sorted(given)[:20]})
    return {}


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    return colleagues(member, day=timezone.localdate(at)).values_list("pk", flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    today = timezone.localdate(at)
    posts = {post.pk: post for post in colleagues(member, day=today).filter(pk__in=list(wanted))}
    away, (day, shift) = away_on(member, day=today), shift_at(at)
    on_duty = set(of_unit(Duty, member).filter(day=day, shift=shift).values_list("post", flat=True))
    counts = in_hand(member, {post.user_id for post in posts.values()})
    found = []
    for post in (posts[key] for key in wanted if key in posts):
        absence = away.get(post.pk)
        found.append(
            {
                "person": post.user.name,
                "post": post.title or post.get_role_display(),
                "phone": post.user.work_phone,
                "in_hand": counts.get(post.user_id, 0),
                "on_duty": post.pk in on_duty,
                "away_until": absence.to_day if absence else None,
                "deputy": absence.deputy.user.name if absence else "",
                "valid_from": post.valid_from,
                "valid_to": post.valid_to,
            }
        )
    return found


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    return [(gettext("Unit"), str(member.unit))]
