"""关注和提醒: who follows a call, and colleagues named in a note."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from common import bulk
from common.errors import NotAllowed
from common.models import Notice
from common.tenancy import dispatching
from mandates.models import Call, CallFollower, CallNote
from mandates.permissions import Permission
from mandates.rules import note_unit
from townships.queries.staff import colleagues

if TYPE_CHECKING:
    from townships.http import Member

MENTION = "mention"


def may_follow(member: Member) -> bool:
    """Say whether a post follows calls: any that reads them inside a county."""
    return (
        member.scope is not None
        and member.county_id is not None
        and not member.is_system
        and member.may(Permission.CALL_READ)
    )


def follow(uid: UUID, *, by: Member, at: datetime) -> None:
    """Follow a call from now on; once more changes nothing. Raises NotAllowed, Call.DoesNotExist."""
    if not may_follow(by):
        raise NotAllowed
    call = Call.objects.visible_to(by).only("id", "county_id", "township_id").get(uid=uid)
    one = CallFollower(**call.tenant, **note_unit(by), call=call, user_id=by.user_id, since=at)
    with transaction.atomic():
        bulk.insert([one], ignore_conflicts=True)


def unfollow(uid: UUID, *, by: Member) -> None:
    """Follow a call no more. Raises NotAllowed, Call.DoesNotExist."""
    if not may_follow(by):
        raise NotAllowed
    call = Call.objects.visible_to(by).only("id").get(uid=uid)
    CallFollower.objects.filter(call=call.pk, user=by.user_id).delete()


def named_in(text: str, *, by: Member, at: datetime) -> list[int]:
    """Return the colleagues of the unit whom a text names with @; others are not told of it."""
    if "@" not in text and "＠" not in text:
        return []
    said = text.replace("＠", "@")
    posts = colleagues(by, day=timezone.localdate(at))
    # The longest names first: 王明 is not meant where 王明华 is.
    found: list[int] = []
    for post in sorted(posts, key=lambda one: -len(one.user.name)):
        mark = f"@{post.user.name}"
        if post.user.name and mark in said:
            said = said.replace(mark, "")
            if post.user_id not in found:
                found.append(post.user_id)
    return [user for user in found if user != by.user_id]


def tell_named(note: CallNote, call: Call, users: Sequence[int], *, at: datetime) -> None:
    """Tell colleagues of a note that names them; the text stays where the note is."""
    if not users:
        return
    with dispatching(reason="a notice goes to a colleague of the same unit"):
        bulk.insert(
            [
                Notice(
                    **call.tenant,
                    user_id=user,
                    kind=MENTION,
                    about=call.uid,
                    step_id=note.pk,
                    at=at,
                    facts={"title": call.title, "number": call.number, "unit": note.unit},
                )
                for user in users
            ],
            ignore_conflicts=True,
        )


def followers_of(calls: Iterable[int]) -> dict[int, set[int]]:
    """Return who follows these calls, in one query. Needs the scope of dispatching."""
    found: dict[int, set[int]] = {}
    rows = CallFollower.objects.filter(call__in=list(calls)).values_list("call", "user")
    for call, user in rows:
        found.setdefault(call, set()).add(user)
    return found
