"""值班与请假 of one unit, planned by its head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import audit
from common.errors import Invalid
from common.masking import masked
from common.personal import Kind
from townships.models import Absence, Duty, Post, Shift
from townships.permissions import Permission
from townships.queries.staff import colleagues, of_unit, unit_columns
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

LONGEST_ABSENCE = timedelta(days=366)
AHEAD = timedelta(days=366)


@dataclass(frozen=True)
class Copied:
    """What came of a copied week: shifts written, stood already, and people no longer there."""

    made: int
    stood: int
    gone: int


def put_on_duty(
    post_uid: UUID, *, day: date, shift: str, phone: str, by: Member, at: datetime
) -> Duty:
    """Write down who can be reached on a day; once more for the same person changes the phone.

    Raises NotAllowed, Invalid.
    """
    require(by, Permission.STAFF_EDIT)
    post = colleague(post_uid, by=by, day=day, field="post")
    phone = phone.strip()
    wrong: dict[str, Any] = {}
    if not phone or len(phone) > 30 or not set(phone) <= set("0123456789+-() ,转"):
        wrong["phone"] = [_("A phone number has digits and + - ( ) alone, 30 at most.")]
    if shift not in Shift.values:
        wrong["shift"] = [_("Choose day or night.")]
    if abs(day - timezone.localdate(at)) > AHEAD:
        wrong["day"] = [_("Choose a day within one year.")]
    if wrong:
        raise Invalid(fields=wrong)
    with transaction.atomic():
        duty, _made = Duty.objects.update_or_create(
            county_id=by.county_id,
            day=day,
            shift=shift,
            post=post,
            defaults={**unit_columns(by), "phone": phone, "set_by": by.user, "set_at": at},
        )
        _note("duty_set", duty, by, at, person=post.user.name, phone=masked(Kind.PHONE, phone))
    found: Duty = duty
    return found


def take_off_duty(key: int, *, by: Member, at: datetime) -> bool:
    """Take somebody off again; False if the unit has no such line."""
    require(by, Permission.STAFF_EDIT)
    with transaction.atomic():
        duty = of_unit(Duty, by).select_related("post__user").filter(pk=key).first()
        if duty is None:
            return False
        _note("duty_removed", duty, by, at, person=duty.post.user.name)
        duty.delete()
    return True


def copy_week(monday: date, *, by: Member, at: datetime) -> Copied:
    """Repeat the week before for the week that begins on this Monday.

    What stands already stays. Who holds no post on the day any more is left out.
    """
    require(by, Permission.STAFF_EDIT)
    before = monday - timedelta(days=7)
    with transaction.atomic():
        rows = list(
            of_unit(Duty, by).select_related("post").filter(day__gte=before, day__lt=monday)
        )
        new = [_again(row, by, at) for row in rows if row.post.in_force_on(_later(row.day))]
        stand = set(
            of_unit(Duty, by)
            .filter(day__gte=monday, day__lt=monday + timedelta(days=7))
            .values_list("day", "shift", "post")
        )
        missing = [row for row in new if (row.day, row.shift, row.post_id) not in stand]
        Duty.objects.bulk_create(missing)
        if missing:
            audit.record("duty_copied", str(by.unit), by=by, at=at, week=monday, made=len(missing))
    return Copied(len(missing), len(new) - len(missing), len(rows) - len(new))


def write_absence(
    post_uid: UUID,
    deputy_uid: UUID,
    *,
    from_day: date,
    to_day: date,
    reason: str,
    by: Member,
    at: datetime,
) -> Absence:
    """Write down that somebody is away and who stands in. Raises NotAllowed, Invalid."""
    require(by, Permission.STAFF_EDIT)
    post = colleague(post_uid, by=by, day=from_day, field="post")
    deputy = colleague(deputy_uid, by=by, day=from_day, field="deputy")
    wrong = _wrong_absence(post, deputy, from_day, to_day, reason)
    if wrong:
        raise Invalid(fields=wrong)
    with transaction.atomic():
        Post.objects.select_for_update(of=("self",)).get(pk=post.pk)
        row = Absence(
            **unit_columns(by), post=post, deputy=deputy,
            from_day=from_day, to_day=to_day, reason=reason.strip(), set_by=by.user, set_at=at,
        )  # fmt: skip
        overlapping = of_unit(Absence, by).filter(from_day__lte=to_day, to_day__gte=from_day)
        if overlapping.filter(post=post).exists():
            raise Invalid(
                fields={"from_day": [_("An absence in these days is written down already.")]}
            )
        row.save(force_insert=True)
        _note(
            "absence_written", row, by, at,
            person=post.user.name, deputy=deputy.user.name, reason=reason.strip(),
        )  # fmt: skip
    return row


def end_absence(uid: UUID, *, by: Member, at: datetime) -> bool:
    """Back earlier, or written down by mistake: from today on it no longer holds."""
    require(by, Permission.STAFF_EDIT)
    yesterday = timezone.localdate(at) - timedelta(days=1)
    with transaction.atomic():
        rows = of_unit(Absence, by).select_for_update(of=("self",))
        row = rows.select_related("post__user").filter(uid=uid).first()
        if row is None or row.to_day <= yesterday:
            return False
        _note("absence_ended", row, by, at, person=row.post.user.name)
        if row.from_day > yesterday:
            row.delete()
        else:
            row.to_day = yesterday
            row.save(update_fields=["to_day"])
    return True


def colleague(uid: UUID, *, by: Member, day: date, field: str) -> Post:
    """Return a post of the member's own unit that is held on a day. Raises Invalid."""
    found = colleagues(by, day=day).filter(uid=uid).first()
    if found is None:
        raise Invalid(fields={field: [_("Your unit has no such person on that day.")]})
    return found


def _wrong_absence(
    post: Post, deputy: Post, from_day: date, to_day: date, reason: str
) -> Mapping[str, Any]:
    wrong: dict[str, Any] = {}
    if post.user_id == deputy.user_id:
        wrong["deputy"] = [_("Somebody else must stand in.")]
    if to_day < from_day:
        wrong["to_day"] = [_("The last day comes before the first.")]
    elif to_day - from_day > LONGEST_ABSENCE:
        wrong["to_day"] = [_("One year at most; whoever is away for longer gives up the post.")]
    elif not deputy.in_force_on(to_day):
        wrong["deputy"] = [_("This person's post ends before the last day.")]
    if not 2 <= len(reason.strip()) <= 200:
        wrong["reason"] = [_("Say why, in a few words.")]
    return wrong


def _again(row: Duty, by: Member, at: datetime) -> Duty:
    return Duty(
        county_id=row.county_id, township_id=row.township_id, department_id=row.department_id,
        day=_later(row.day), shift=row.shift, post_id=row.post_id, phone=row.phone,
        set_by=by.user, set_at=at,
    )  # fmt: skip


def _later(day: date) -> date:
    return day + timedelta(days=7)


def _note(action: str, row: Any, by: Member, at: datetime, **detail: Any) -> None:
    audit.record(action, row, by=by, at=at, unit=str(by.unit), **detail)
