"""每日摘要: one notice a day and person, at a time of their own: what is open, due soon, and new."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from common import deliveries, mails, tenancy
from common.models import Channel, Notice, NoticeHabit, NoticeMail
from common.worktime import SHANGHAI
from mandates.queries.call_filters import BY_DUE, MINE, CallFilters
from mandates.queries.call_list import call_rows
from mandates.queries.inbox import WATCHERS
from townships.http import Member
from townships.models import Post, Township

DIGEST = "digest"
MOST = 100  # counted no further
PEOPLE = 50  # of one round


def send_due(*, at: datetime) -> int:
    """Write the digests whose time has come today, each in a transaction of its own."""
    sent = 0
    for _turn in range(PEOPLE):
        found = _send_one(at)
        if found is None:
            break
        sent += found
    return sent


def _send_one(at: datetime) -> int | None:
    local = at.astimezone(SHANGHAI)
    with tenancy.dispatching(reason="a digest counts what is a person's own"), transaction.atomic():
        due = NoticeHabit.objects.filter(
            Q(digested_on=None) | Q(digested_on__lt=local.date()),
            digest_at__lte=local.time(),
            user__is_active=True,
        )
        habit = (
            due.select_for_update(skip_locked=True, of=("self",))
            .select_related("user")
            .order_by("digest_at", "pk")
            .first()
        )
        if habit is None:
            return None
        habit.digested_on = local.date()
        habit.save(update_fields=["digested_on"])
        posts = Post.objects.of(habit.user, day=local.date()).with_units().select_related("user")
        members = [Member.holding(post) for post in posts]
        told = [(m, facts) for m in members if (facts := _facts(m, at)) is not None]
        if told:
            _write(habit, told, at)
        return int(bool(told))


def _facts(member: Member, at: datetime) -> dict[str, Any] | None:
    """Count what waits for somebody in a post; None where there is nothing to say."""
    scope = member.scope
    if scope is None or scope.is_wide or member.role in WATCHERS:
        return None
    local = at.astimezone(SHANGHAI)
    day_after = datetime.combine(local.date() + timedelta(days=2), time(), SHANGHAI)
    with tenancy.scope(scope):
        mine = call_rows(member, CallFilters(waiting=MINE, order=BY_DUE), at=at)
        open_now = len(mine.values_list("pk")[:MOST])
        soon = len(mine.filter(next_due_at__lt=day_after).values_list("pk")[:MOST])
        # New is what this person was told of since this time yesterday.
        told = Notice.objects.filter(user=member.user_id, at__gt=at - timedelta(days=1))
        new = told.exclude(kind=DIGEST).values("about").distinct()[:MOST].count()
    if not (open_now or new):
        return None
    return {"unit": str(member.unit), "open": open_now, "soon": soon, "new": new}


def _write(habit: NoticeHabit, told: list[tuple[Member, dict[str, Any]]], at: datetime) -> None:
    member = told[0][0]
    day = at.astimezone(SHANGHAI).date()
    notice = Notice.objects.create(
        county_id=member.county_id,
        township_id=member.township_id or _any_township(member),
        user_id=habit.user_id,
        kind=DIGEST,
        about=member.post.uid,
        step_id=-day.toordinal(),  # no step: one a day
        at=at,
        facts={"posts": [facts for _member, facts in told]},
    )
    if mails.is_configured() and habit.user.email:
        NoticeMail.objects.create(
            **notice.tenant,
            channel=Channel.EMAIL,
            notice_id=notice.pk,
            user_id=habit.user_id,
            available_at=deliveries.after_quiet(at, (habit.quiet_from, habit.quiet_to)),
        )


def _any_township(member: Member) -> int:
    """Every notice stands under a township: for posts of the county under its first."""
    rows = Township.objects.filter(county=member.county_id).order_by("pk")
    key: int = rows.values_list("pk", flat=True)[0]
    return key
