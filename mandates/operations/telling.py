"""How people want to be told: which groups of notices ring, and which come by e-mail too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import audit
from common.deliveries import QUIET
from common.errors import Invalid, NotAllowed
from common.models import MobileNumber, NoticeHabit, NoticeWish
from common.models.notices import MOBILE
from common.worktime import SHANGHAI
from townships.models import User

if TYPE_CHECKING:
    from townships.http import Member


class Group(StrEnum):
    """What a notice is about, for whoever is told."""

    DEADLINE = "deadline"  # time presses, or a date changed
    WORK = "work"  # something has to be done
    PROGRESS = "progress"  # others have acted


DEADLINES = frozenset(
    {"warned", "urged", "supervised", "escalated", "urge", "recomputed", "recalculated",
     "resumed", "call_on_site", "call_off", "admission_overdue"}
)  # fmt: skip
WORK = frozenset(
    {
        "submit", "send_back_draft", "raise", "hand_over", "route", "dispatch",
        "return_to_township", "object", "uphold", "reject", "ask_information",
        "supply_information", "ask_extension", "feed_back", "answer", "send_back", "add",
        "change_lead", "add_assist", "mention",
        "appeal_rating", "supervise_rating",
        "admission_submit", "admission_accept", "admission_send_back", "admission_give_opinion",
        "admission_close_opinions", "admission_find_lawful", "admission_close_resources",
        "admission_return_package", "admission_assess", "unlisted_refuse", "unlisted_drop",
        "assessment_opened", "assessment_appealed",
        "burden_report", "burden_propose",
        "power_confirm", "power_taken_back", "power_swapped",
        "review_asked", "review_objected", "proposal_opened",
        "publication_waits", "publication_refused",
    }
)  # fmt: skip
# Notices about powers of a township; they lead to a batch, all others to a call.
POWERS = frozenset({"power_confirm", "power_taken_back", "power_swapped"})


@dataclass(frozen=True)
class Wish:
    """Whether a group rings in the system, and whether it comes by e-mail and by text message."""

    in_app: bool = True
    by_email: bool = False
    by_sms: bool = False


DEFAULT = Wish()
# Whoever gives a number has what presses sent to it, unless they say otherwise.
DEFAULTS = {Group.DEADLINE: Wish(by_sms=True)}


def group_of(kind: str) -> Group:
    if kind in DEADLINES:
        return Group.DEADLINE
    return Group.WORK if kind in WORK else Group.PROGRESS


def kinds_of(group: Group, kinds: Iterable[str]) -> list[str]:
    """Return those of some kinds that belong to a group."""
    return sorted(kind for kind in kinds if group_of(kind) == group)


def wishes(users: Iterable[int]) -> dict[tuple[int, str], Wish]:
    """Return what people have wished, in one query; who has no row takes the default."""
    rows = NoticeWish.objects.filter(user__in=set(users))
    return {(row.user_id, row.group): Wish(row.in_app, row.by_email, row.by_sms) for row in rows}


def wish_of(known: Mapping[tuple[int, str], Wish], user_id: int, group: Group) -> Wish:
    """Return what somebody has wished for a group, else what holds for everybody."""
    return known.get((user_id, group)) or DEFAULTS.get(group, DEFAULT)


def keep_wishes(user: User, wished: Mapping[Group, Wish]) -> None:
    """Keep how a person wants to be told. What presses always rings: that cannot be wished away."""
    rows = [
        NoticeWish(
            user=user,
            group=group,
            in_app=wish.in_app or group == Group.DEADLINE,
            by_email=wish.by_email,
            by_sms=wish.by_sms,
        )
        for group, wish in wished.items()
    ]
    with transaction.atomic():
        NoticeWish.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["user", "group"],
            update_fields=["in_app", "by_email", "by_sms"],
        )


@dataclass(frozen=True)
class Habit:
    """When somebody wants to be told; ``digest_at`` None: no digest."""

    quiet_from: time = QUIET[0]
    quiet_to: time = QUIET[1]
    digest_at: time | None = None


def habit_of(user: User) -> Habit:
    row = NoticeHabit.objects.filter(user=user).first()
    return Habit(row.quiet_from, row.quiet_to, row.digest_at) if row else Habit()


def keep_habit(user: User, habit: Habit, *, at: datetime) -> None:
    """Keep when a person wants to be told. A digest whose time is over today comes tomorrow."""
    local = at.astimezone(SHANGHAI)
    values: dict[str, Any] = {
        "quiet_from": habit.quiet_from,
        "quiet_to": habit.quiet_to,
        "digest_at": habit.digest_at,
    }
    before = NoticeHabit.objects.filter(user=user).first()
    if habit.digest_at and (before is None or before.digest_at != habit.digest_at):
        values["digested_on"] = local.date() if habit.digest_at <= local.time() else None
    NoticeHabit.objects.update_or_create(user=user, defaults=values)


# --- mobile phones -------------------------------------------------------------------------------


def read_mobile(text: str) -> str:
    """Return a number of the mainland as it is kept. Raises Invalid."""
    plain = unicodedata.normalize("NFKC", text)
    digits = "".join(c for c in plain if c not in " -()\u3000\t")
    for prefix in ("+86", "0086"):
        digits = digits.removeprefix(prefix)
    if not re.fullmatch(MOBILE, digits):
        told = _("A mobile phone of the mainland has 11 digits and begins with 1.")
        raise Invalid(fields={"mobile": told})
    return digits


def masked_mobile(user_id: int, county_id: int) -> str:
    """Return the masked number of a person in a county, "" without one."""
    rows = MobileNumber.objects.filter(county_id=county_id, user=user_id)
    return rows.values_list("masked", flat=True).first() or ""


def keep_mobile(number: str, *, by: Member, at: datetime) -> None:
    """Keep one's own number, "" for none any more; the trail says that, and never the number."""
    if by.county_id is None:
        raise NotAllowed
    own = {"county_id": by.county_id, "user_id": by.user_id}
    with transaction.atomic():
        if not number:
            # Pages may not read the number: rows are deleted where they stand, unseen.
            rows = MobileNumber.objects.filter(**own)
            changed = rows._raw_delete(rows.db)
        else:
            columns = MobileNumber.columns(number, **own)
            changed = MobileNumber.objects.filter(**own).update(**columns)
            if not changed:
                MobileNumber.objects.create(**own, **columns)
                changed = 1
        if changed:
            action = "mobile_number_kept" if number else "mobile_number_removed"
            audit.record(action, by.user, by=by, at=at)
