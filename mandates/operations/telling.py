"""How people want to be told: which groups of notices ring, and which come by e-mail too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from common.models import NoticeWish
from townships.models import User


class Group(StrEnum):
    """What a notice is about, for whoever is told."""

    DEADLINE = "deadline"  # time presses, or a date changed
    WORK = "work"  # something has to be done
    PROGRESS = "progress"  # others have acted


DEADLINES = frozenset({"warned", "urged", "supervised", "escalated", "urge", "recomputed"})
WORK = frozenset(
    {
        "submit", "send_back_draft", "raise", "hand_over", "route", "dispatch",
        "return_to_township", "object", "uphold", "reject", "ask_information",
        "supply_information", "ask_extension", "feed_back", "answer", "send_back", "add",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """Whether a group rings in the system, and whether it comes by e-mail."""

    in_app: bool = True
    by_email: bool = False


DEFAULT = Wish()


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
    return {(row.user_id, row.group): Wish(row.in_app, row.by_email) for row in rows}


def keep_wishes(user: User, wished: Mapping[Group, Wish]) -> None:
    """Keep how a person wants to be told. What presses always rings: that cannot be wished away."""
    rows = [
        NoticeWish(
            user=user,
            group=group,
            in_app=wish.in_app or group == Group.DEADLINE,
            by_email=wish.by_email,
        )
        for group, wish in wished.items()
    ]
    with transaction.atomic():
        NoticeWish.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["user", "group"],
            update_fields=["in_app", "by_email"],
        )
