"""Powers in the demonstration: one batch in force, one that waits for confirmation. Samples only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from common import tenancy
from config.demo.people import Staff, account_of
from mandates.models import Criterion, PowerBatch, PowerItem, PowerMode
from mandates.operations import empowering
from mandates.operations.empowering import Capability, Draft, Published
from townships.http import Member
from townships.models import County, Department, Township
from townships.roles import Role

EMPOWERED = ("CF-07", "CF-15", "CF-21", "CF-30", "CF-42", "CF-48")
ENTRUSTED = ("CF-35", "CF-36")
ABLE = Capability(4, "示例：执法记录仪4台、执法车1辆", "示例：岗前培训40学时", 60, passed=True)
TERM = timedelta(days=730)


def hand_over(county: County, *, now: datetime) -> None:
    """Bring two batches of a county to where they stand, by the operations people use."""
    staff = Staff([county.pk])
    drafts, approves = staff.all_of(Role.ESTABLISHMENT_OFFICER, county.pk)[:2]
    home = Township.objects.get(code=account_of(Role.TOWNSHIP_CLERK).unit, valid_to=None)
    others = Township.objects.filter(county=county, valid_to=None).exclude(pk=home.pk)
    places = [home, *others.order_by("code")[:2]]
    water = Department.objects.get(county=county, code="water")
    begun = now - timedelta(days=200)
    first = _published(
        Draft(
            title="第一批赋权事项（示例）", mode=PowerMode.EMPOWERMENT, giver=None,
            powers="示例：乡镇负责巡查、立案、调查和处罚；重大、复杂案件报县级部门会审。",
            valid_from=timezone.localdate(begun), decision="省级赋权决定（示例）",
            basis="《中华人民共和国行政处罚法》第二十四条",
        ),
        EMPOWERED, places, "示例〔赋权〕1号", drafts, approves, at=begun,
    )  # fmt: skip
    for place in places:
        head = staff.find(Role.TOWNSHIP_HEAD, place.pk)
        with _acting(head):
            part = first.agreements.get(township=place)
            empowering.confirm(part.uid, note="示例", by=head, at=begun + timedelta(days=1))
    lately = now - timedelta(days=2)
    _published(
        Draft(
            title="第二批委托事项（示例）", mode=PowerMode.ENTRUSTMENT, giver=water.uid,
            powers="示例：适用简易程序和案情简单的普通程序案件；强制措施由水利局实施。",
            valid_from=timezone.localdate(lately), valid_to=timezone.localdate(lately) + TERM,
            basis="《中华人民共和国行政处罚法》第二十条、第二十一条",
        ),
        ENTRUSTED, places[:1], "示例〔委托〕2号", drafts, approves, at=lately,
    )  # fmt: skip


def _published(
    given: Draft, codes: Sequence[str], places: Sequence[Township], document_no: str,
    drafts: Member, approves: Member, *, at: datetime,
) -> PowerBatch:  # fmt: skip
    day = timezone.localdate(at)
    with _acting(drafts):
        items = list(PowerItem.objects.filter(county=drafts.county_id, code__in=codes))
        for item in items:
            scores = {one.value: (4, "示例评分") for one in Criterion}
            empowering.score(item.uid, scores, by=drafts, at=at)
        batch = empowering.draft(given, by=drafts, at=at)
        empowering.choose(
            batch.uid, items=[one.uid for one in items], townships=[one.uid for one in places],
            by=drafts, at=at,
        )  # fmt: skip
        for place in places:
            empowering.check(place.uid, ABLE, batch=batch.uid, by=drafts, at=at)
        seals = {place.uid: day for place in places}
        empowering.agree(batch.uid, giver_on=day, seals=seals, by=drafts, at=at)
    with _acting(approves):
        empowering.approve(batch.uid, document_no=document_no, by=approves, at=at)
        return empowering.publish(
            batch.uid, giver=Published(day, "县政府网站（示例）"),
            takers={place.uid: Published(day, "乡镇公示栏（示例）") for place in places},
            by=approves, at=at,
        )  # fmt: skip


def _acting(member: Member) -> Any:
    assert member.scope is not None
    return tenancy.scope(member.scope)
