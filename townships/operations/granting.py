"""岗位授予: a post of a role that matters is proposed by one security administrator, decided by another.

PostgreSQL holds the same rules (`townships/models/granting.py`). Ending somebody's access at once needs
no second person: the system administrator closes the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common import audit, tenancy
from common.errors import Invalid, NotAllowed, Refused
from townships.models import GrantDecision, GrantKind, GuardedRole, Post, PostGrant, User
from townships.models.granting import UNITS
from townships.permissions import Permission
from townships.roles import Role
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

TERM = ("valid_from", "valid_to")


def needs_second_person(post: Post, changed: Sequence[str]) -> bool:
    """Say whether giving a post, or changing these fields of it, takes two persons."""
    is_right = post.pk is None or bool(set(changed) & set(TERM))
    return is_right and GuardedRole.guards(post.role)


def check_not_waiting(post: Post, *, at: datetime) -> None:
    """Raise ValidationError where the same post waits for a decision already."""
    units = {f"{unit}_id": getattr(post, f"{unit}_id") for unit in UNITS}
    same = PostGrant.objects.waiting(at).filter(user_id=post.user_id, role=post.role, **units)
    if same.exists():
        raise ValidationError(
            _("A proposal about this post waits already: it is decided or withdrawn first."),
            code="waiting",
        )


def propose(
    post: Post,
    *,
    valid_from: date,
    valid_to: date | None,
    reason: str,
    by: Member,
    at: datetime,
) -> PostGrant:
    """Propose a new post (not saved), or another term of one; nothing of it holds yet.

    Raises NotAllowed for one's own, Refused where the same waits already, Invalid without a reason.
    """
    require(by, Permission.POST_EDIT)
    reason = _needed(reason)
    if post.user_id == by.user_id:
        raise NotAllowed(
            _("Nobody gives a post to themselves, and nobody changes or ends their own.")
        )
    with transaction.atomic():
        User.objects.select_for_update().get(pk=post.user_id)
        try:
            check_not_waiting(post, at=at)
        except ValidationError as error:
            raise Refused(" ".join(error.messages)) from error
        now_titled = Post.objects.filter(pk=post.pk).values_list("title", flat=True).first()
        grant = PostGrant.of(
            post,
            valid_from=valid_from,
            valid_to=valid_to,
            title_before=now_titled or "",
            kind=GrantKind.TERM if post.pk else GrantKind.GIVE,
            post=post if post.pk else None,
            reason=reason,
            proposed_by=by.user,
            proposed_at=at,
            expires_at=at + timedelta(days=settings.ROLE_PROPOSAL_DAYS),
        )
        grant.save()
        _record("post_proposed", grant, by=by, at=at, reason=reason)
    return grant


def confirm(grant: PostGrant, *, reason: str = "", by: Member, at: datetime) -> Post:
    """Let a proposal take effect; return the post as it is now.

    Raises NotAllowed for whoever proposed it or gets the post, Refused unless it waits, where the post
    cannot be given any more, or where who proposed it may give none any more. A title that was edited
    meanwhile stays as it was edited.
    """
    with transaction.atomic():
        row = _decided(grant, GrantDecision.CONFIRMED, answer=reason.strip()[:300], by=by, at=at)
        names = [*TERM, "title", *UNITS]
        if row.post is None:
            post = Post(user=row.user, role=row.role)
        else:
            post = Post.objects.select_for_update(of=("self",)).get(pk=row.post.pk)
            if post.title != row.title_before:
                names.remove("title")
        for name in names:
            setattr(post, name, getattr(row, name))
        post.grant = row
        try:
            post.full_clean()
            post.save()
        except ValidationError as error:
            raise Refused(" ".join(error.messages)) from error
        except IntegrityError as error:  # somebody else was faster
            raise Refused(_("This post cannot be given any more.")) from error
        _record("post_confirmed", row, by=by, at=at, reason=row.answer, post=post.pk)
    return post


def refuse(grant: PostGrant, *, reason: str, by: Member, at: datetime) -> None:
    """Turn a proposal down, with a reason. Raises as `confirm` does, and Invalid without a reason."""
    answer = _needed(reason)
    with transaction.atomic():
        row = _decided(grant, GrantDecision.REFUSED, answer=answer, by=by, at=at)
        _record("post_refused", row, by=by, at=at, reason=answer)


def withdraw(grant: PostGrant, *, reason: str, by: Member, at: datetime) -> None:
    """Take back one's own proposal. Raises NotAllowed for others, Refused unless it waits."""
    answer = _needed(reason)
    with transaction.atomic():
        row = _decided(grant, GrantDecision.WITHDRAWN, answer=answer, by=by, at=at)
        _record("post_withdrawn", row, by=by, at=at, reason=answer)


def may_decide(grant: PostGrant, user_id: int) -> bool:
    """Say whether somebody is neither who proposed it nor who gets the post."""
    return user_id not in (grant.proposed_by_id, grant.user_id)


def found(posts: Sequence[Post], *, reason: str, at: datetime) -> None:
    """Give posts by a command, with nobody to confirm: of a new installation. Each stands in the trail.

    PostgreSQL refuses it to the roles of requests. The role of commands may: the code enters it in
    named places alone, and each founding stands in the trail.
    """
    with transaction.atomic(), tenancy.dispatching(reason="posts are founded by a command"):
        watched = [post for post in posts if GuardedRole.guards(post.role)]
        for post in watched:
            post.grant = PostGrant.of(
                post,
                valid_from=post.valid_from,
                valid_to=post.valid_to,
                kind=GrantKind.FOUNDING,
                reason=reason,
                proposed_at=at,
            )
            post.grant.save()
            _record("post_founded", post.grant, by=None, at=at, reason=reason)
        Post.objects.bulk_create(posts)


def _decided(
    grant: PostGrant, decision: GrantDecision, *, answer: str, by: Member, at: datetime
) -> PostGrant:
    require(by, Permission.POST_EDIT)
    rows = PostGrant.objects.select_for_update(of=("self",)).select_related("user", "post", *UNITS)
    row: PostGrant = rows.get(pk=grant.pk)
    if decision == GrantDecision.WITHDRAWN:
        if by.user_id != row.proposed_by_id:
            raise NotAllowed(_("Only who proposed it takes it back; others refuse it."))
    elif not may_decide(row, by.user_id):
        raise NotAllowed(_("A second security administrator must decide this, for somebody else."))
    if row.state(at=at) != "waiting":
        raise Refused(_("This proposal does not wait for a decision any more."))
    if decision == GrantDecision.CONFIRMED and not _may_give(row.proposed_by, at):
        raise Refused(
            _(
                "Who proposed this is no security administrator any more, or the account is closed. "
                "Refuse it; it can be proposed again."
            )
        )
    row.decision, row.decided_by, row.decided_at, row.answer = decision, by.user, at, answer
    row.save(update_fields=["decision", "decided_by", "decided_at", "answer"])
    return row


def _may_give(user: User | None, at: datetime) -> bool:
    """Say whether somebody holds a post by which posts are given."""
    if user is None or not user.is_active:
        return False
    return (
        Post.objects.of(user, day=timezone.localdate(at))
        .filter(role=Role.SECURITY_ADMINISTRATOR)
        .exists()
    )


def _record(
    action: str, grant: PostGrant, *, by: Member | None, at: datetime, **detail: Any
) -> None:
    term = {name: str(getattr(grant, name) or "") for name in TERM}
    audit.record(action, grant, by=by, at=at, person=grant.user.username, **term, **detail)


def _needed(reason: str) -> str:
    reason = reason.strip()
    if len(reason) < 2:
        raise Invalid(fields={"reason": [_("Say why, in a few words.")]})
    return reason[:300]
