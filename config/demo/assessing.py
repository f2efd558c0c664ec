"""双考核 of the demonstration: a sample scheme, one quarter published and one that can be appealed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from common import tenancy
from common.errors import Problem
from common.worktime import SHANGHAI
from config.demo import people
from mandates.models import Entry, Scheme, SchemeItem, SchemeMember, Subject
from mandates.operations import assessing
from mandates.queries.statistics.periods import Period
from townships.http import Member
from townships.models import Post
from townships.roles import Role

# A made-up scheme, to be replaced: figure, weight, what earns nothing, what earns all.
ITEMS = (
    ("accept_rate", 20, "0.5", "0.95"),
    ("answer_rate", 40, "0.4", "0.95"),
    ("satisfaction_wide", 25, "0.5", "0.95"),
    ("rework_rate", 15, "0.3", "0.0"),
)
NAME, GROUP = "部门季度考核（示例）", "承办部门"
QUARTER = 3


def settle(*, at: datetime) -> None:
    """Assess the departments of the home county by the last two quarters that are over."""
    account = people.account_of(Role.COUNTY_DESK)
    posts = Post.objects.filter(user__username=account.username, role=Role.COUNTY_DESK)
    desk = Member.holding(posts.with_units().select_related("user").earliest("pk"))
    assert desk.scope is not None
    with tenancy.scope(desk.scope):
        scheme = _scheme(desk)
        last, before = _quarters(at)
        for period, opened in ((before, at - timedelta(days=40)), (last, at - timedelta(days=2))):
            opened = min(at, max(opened, _after(period)))
            try:
                made = assessing.preview(scheme.uid, period.code, by=desk, at=opened)
                if period is before and made.appeal_until <= at:
                    assessing.publish(made.uid, by=desk, at=made.appeal_until)
            except Problem:
                continue  # too few calls, or a calendar that ends: the page says that there is none


def _scheme(desk: Member) -> Scheme:
    assert desk.county_id is not None
    made: Scheme = Scheme.objects.create(
        county_id=desk.county_id, name=NAME, subject=Subject.DEPARTMENT, length=QUARTER,
    )  # fmt: skip
    SchemeItem.objects.bulk_create(
        SchemeItem(
            county_id=desk.county_id, scheme=made, position=n, figure=figure, weight=weight,
            floor=floor, target=target,
        )
        for n, (figure, weight, floor, target) in enumerate(ITEMS)
    )  # fmt: skip
    leads = Entry.objects.filter(lead__isnull=False).values_list("lead", flat=True)
    SchemeMember.objects.bulk_create(
        SchemeMember(county_id=desk.county_id, scheme=made, department_id=key, group=GROUP)
        for key in sorted(set(leads))
    )
    return made


def _quarters(at: datetime) -> tuple[Period, Period]:
    day = at.astimezone(SHANGHAI).date()
    this = Period.parse(f"{day.year}-Q{(day.month - 1) // QUARTER + 1}")
    last = this.moved(-1)
    assert last is not None
    before = last.moved(-1)
    assert before is not None
    return last, before


def _after(period: Period) -> datetime:
    after: date = period.after
    return datetime(after.year, after.month, after.day, 9, tzinfo=SHANGHAI) + timedelta(days=1)
