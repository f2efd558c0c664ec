"""Which messages are owed for notices: by e-mail and by text message, as people have wished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from common import deliveries, mails, sms
from common.deliveries import QUIET, Quiet
from common.models import Channel, MobileNumber, Notice, NoticeHabit, NoticeMail
from mandates.models import Urgency
from mandates.operations.telling import Group, Wish, group_of, wish_of

Key = tuple[int, int]  # a user, and the step they are told of


def owe(
    notices: Mapping[Key, Notice], wished: Mapping[tuple[int, str], Wish], *, at: datetime
) -> None:
    """Write down the messages that people have wished for; once a notice and channel, however
    often this runs.
    """
    owed: set[tuple[Key, str]] = set()
    by_mail, by_sms = mails.is_configured(), sms.is_configured()
    for key, notice in notices.items():
        wish = wish_of(wished, key[0], group_of(notice.kind))
        if by_mail and wish.by_email:
            owed.add((key, Channel.EMAIL))
        if by_sms and wish.by_sms:
            owed.add((key, Channel.SMS))
    owed = _reachable(owed)
    if not owed:
        return
    users = {user for (user, _step), _channel in owed}
    steps = {step for (_user, step), _channel in owed}
    quiet = quiet_hours(users)
    rows = []
    # Steps of other records may have the same key: the kind tells them apart.
    kinds = {notice.kind for notice in notices.values()}
    for notice in Notice.objects.filter(user__in=users, step_id__in=steps, kind__in=kinds):
        for channel in Channel.values:
            if ((notice.user_id, notice.step_id), channel) in owed:
                rows.append(_row(notice, channel, quiet.get(notice.user_id, QUIET), at))
    NoticeMail.objects.bulk_create(rows, ignore_conflicts=True)


def _reachable(owed: set[tuple[Key, str]]) -> set[tuple[Key, str]]:
    """Leave out text messages for people who have given no number."""
    users = {user for (user, _step), channel in owed if channel == Channel.SMS}
    if not users:
        return owed
    known = set(MobileNumber.objects.filter(user__in=users).values_list("user", flat=True))
    return {one for one in owed if one[1] != Channel.SMS or one[0][0] in known}


def quiet_hours(users: Iterable[int]) -> dict[int, Quiet]:
    """Return the quiet hours of those who have set some."""
    rows = NoticeHabit.objects.filter(user__in=set(users))
    return {user: (begins, ends) for user, begins, ends in rows.values_list(
        "user", "quiet_from", "quiet_to"
    )}  # fmt: skip


def _row(notice: Notice, channel: str, quiet: Quiet, at: datetime) -> NoticeMail:
    # A telephone rings beside a bed: at night only for emergencies.
    if channel == Channel.SMS:
        urgent = notice.facts.get("urgency") == Urgency.EMERGENCY
    else:
        urgent = group_of(notice.kind) == Group.DEADLINE
    return NoticeMail(
        **notice.tenant,
        channel=channel,
        notice_id=notice.pk,
        user_id=notice.user_id,
        available_at=deliveries.leaves_at(at, is_urgent=urgent, quiet=quiet),
    )
