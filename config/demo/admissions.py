"""Duty admissions at three steps of the way, unlisted tasks and burdens. All made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from common import tenancy, worktime
from common.workcalendar import WorkCalendar
from common.worktime import SHANGHAI, Unit
from config.demo import people
from config.demo.people import Staff
from config.demo.story import acting
from mandates.models import Admission
from mandates.operations import admission_drafts, admitting, burdens, unlisted
from mandates.operations.admission_drafts import Written
from mandates.operations.admission_work import Given
from mandates.operations.unlisted import Decided, Recorded
from mandates.queries.admissions import members_of_the_meeting
from mandates.queries.rulebook import rulebook
from townships.http import Member
from townships.models import County, Department, Township
from townships.roles import Role

SOME_DAY = date(2026, 1, 1)  # the story gives each its own
TARGETS = 4  # townships that an application concerns, that of the accounts among them

RESERVOIRS = Written(
    name="小型水库日常巡查",
    category="水利",
    legal_basis="《水库大坝安全管理条例》第十九条",
    reason="小型水库点多面广，部门巡查人员不足，汛期需就近发现险情。",
    township_duty="每周巡查一次，汛期每日一次，发现险情立即报告并先行警戒。",
    department_duty="制定巡查标准，培训巡查员，组织除险加固，处置险情。",
    people="每镇核增事业编制 1 名",
    money="每座水库每年巡查经费 3000 元，列入县级预算",
    training="每年汛前由县局集中培训一次",
    term="三年，期满评估",
)
CANTEENS = Written(
    name="农村老年食堂运行检查",
    category="民政",
    legal_basis="《中华人民共和国老年人权益保障法》第三十七条",
    reason="食堂分布在村，县级检查每年仅能覆盖一次。",
    township_duty="每季度检查一次卫生和用餐秩序，登记问题并督促改正。",
    department_duty="制定检查标准，组织食品安全抽检，查处违法行为。",
    money="每个食堂每年 800 元",
    systems="开通检查系统账号，配发平板一台",
    term="两年",
)
STRAW = Written(
    name="秸秆收储点安全检查",
    category="农业农村",
    legal_basis="《中华人民共和国消防法》第三十二条",
    reason="收储季节集中，需要属地经常性检查。",
    township_duty="收储季每周检查一次堆垛、用电和消防器材。",
    department_duty="确定收储点布局，制定检查清单，处理隐患。",
)
MINUTES = (
    "会议听取申请单位说明。各成员单位认为事项边界清楚、依据充分，经费和设备已落实；"
    "建议先在四个乡镇试行，一年后评估。"
)
REFUSED = Recorded(
    title="每日上报重点企业用电量",
    what="要求各乡镇每日 17 时前在工作群上报辖区重点企业用电数据，未报的通报。",
    way="group",
    received_on=SOME_DAY,
)
UNDECIDED = Recorded(
    title="沿街店铺招牌统一改造",
    what="要求乡镇在一个月内完成主街店铺招牌统一改造，经费自筹。",
    way="meeting",
    in_name_of="城乡环境整治专班",
    document="专班会议纪要第 3 期",
    received_on=SOME_DAY,
)


@dataclass
class Days:
    """The instants of a story: office hours, going on, never after now."""

    calendar: WorkCalendar
    now: datetime
    at: datetime

    @classmethod
    def ago(cls, calendar: WorkCalendar, days: int, now: datetime) -> Days:
        """Begin so many worked days before now."""
        day, left = now.astimezone(SHANGHAI).date(), days
        while left:
            day -= timedelta(days=1)
            left -= calendar.is_worked(day)
        return cls(calendar, now, datetime(day.year, day.month, day.day, 9, 12, tzinfo=SHANGHAI))

    def later(self, minutes: int = 330) -> datetime:
        """Go on by some minutes of office time."""
        due = worktime.due(self.at, minutes, Unit.WORKING_MINUTE, calendar=self.calendar)
        self.at = min(due.at - timedelta(seconds=17), self.now - timedelta(minutes=1))
        return self.at


class Office:
    """Who acts in the county of the accounts."""

    def __init__(self, county: County, now: datetime) -> None:
        self.county, self.now = county, now
        self.staff = Staff([county.pk])
        with tenancy.everywhere(reason="the story follows the county's rules"):
            self.book = rulebook(county.pk)
            self.sitting = members_of_the_meeting(county.pk)
        own = people.account_of(Role.TOWNSHIP_CLERK).unit
        rows = Township.objects.filter(county=county, valid_to=None).order_by("code")
        self.townships = sorted(rows, key=lambda one: one.code != own)[:TARGETS]
        self.officer = self.staff.find(Role.ESTABLISHMENT_OFFICER, county.pk)

    def of(self, code: str) -> Member:
        unit = Department.objects.get(county=self.county, code=code)
        return self.staff.find(Role.DEPARTMENT_OFFICER, unit.pk)

    def heads(self) -> list[Member]:
        return [self.staff.find(Role.TOWNSHIP_HEAD, one.pk) for one in self.townships]

    def apply(self, written: Written, code: str, days: int) -> tuple[Admission, Days]:
        """Write an application, submit it, and have it taken up."""
        by, when = self.of(code), Days.ago(self.book.calendar, days, self.now)
        targets = tuple(one.uid for one in self.townships)
        told = {**written.__dict__, "targets": targets}
        with acting(by):
            one = admission_drafts.write(Written(**told), by=by, at=when.at)
        self.make("submit", one, by, when)
        self.make("accept", one, self.officer, when)
        return one, when

    def make(self, name: str, one: Admission, by: Member, when: Days, **given: Any) -> None:
        with acting(by):
            admitting.make(name, one.uid, by=by, at=when.later(), given=Given(**given))

    def consult(self, one: Admission, when: Days) -> None:
        """Have every township agree, one of them on a condition."""
        for n, head in enumerate(self.heads()):
            said = ("conditions", "经费到位后承接。") if n == 1 else ("agree", "")
            self.make("give_opinion", one, head, when, verdict=said[0], note=said[1])


def tell(counties: Sequence[County], *, now: datetime) -> None:
    """Let the county of the accounts have admissions and unlisted tasks, as far as it takes part."""
    home = people.account_of(Role.COUNTY_DESK).unit
    for county in counties:
        if county.code == home:
            office = Office(county, now)
            _asks_for_opinions(office)
            _waits_for_money(office)
            _waits_for_the_decision(office)
            _unlisted(office)
            _burdens(office)


def _asks_for_opinions(office: Office) -> None:
    """Nobody has put a resource into the package, and a township objects."""
    one, when = office.apply(STRAW, "agriculture", 6)
    objects = office.heads()[1]
    office.make(
        "give_opinion", one, objects, when, verdict="object", note="没有人员、经费，无力承接。"
    )


def _waits_for_money(office: Office) -> None:
    one, when = office.apply(CANTEENS, "civil_affairs", 14)
    office.consult(one, when)
    lawyer = office.of("justice")
    office.make(
        "find_lawful", one, lawyer, when, mode="support", note="仅限日常检查，处罚权不下放。"
    )


def _waits_for_the_decision(office: Office) -> None:
    one, when = office.apply(RESERVOIRS, "water", 24)
    office.consult(one, when)
    office.make("find_lawful", one, office.of("justice"), when, mode="support", note="依据充分。")
    for code in ("finance", "human_resources"):
        office.make("assess", one, office.of(code), when, verdict="adequate", note="可以落实。")
    votes = {unit.uid: "for" for unit in office.sitting}
    office.make(
        "hold_meeting", one, office.officer, when, held_on=when.at.astimezone(SHANGHAI).date(),
        minutes=MINUTES, votes=votes,
    )  # fmt: skip


def _unlisted(office: Office) -> None:
    """One task refused with reasons, one that waits for the head's decision."""
    (own, *_others), head = office.townships, office.heads()[0]
    clerk = office.staff.find(Role.TOWNSHIP_CLERK, own.pk)
    for recorded, code, days in ((REFUSED, "industry_technology", 5), (UNDECIDED, "housing", 1)):
        when = Days.ago(office.book.calendar, days, office.now)
        unit = Department.objects.get(county=office.county, code=code)
        day = when.at.astimezone(SHANGHAI).date()
        told = {**recorded.__dict__, "department": unit.uid, "received_on": day}
        with acting(clerk):
            task = unlisted.record(Recorded(**told), by=clerk, at=when.later(60))
        if recorded is REFUSED:
            why = Decided(note="清单未列，未经准入，我镇无数据权限和专职人员。")
            with acting(head):
                unlisted.make("refuse", task.uid, by=head, at=when.later(200), given=why)


def _burdens(office: Office) -> None:
    """A pledge that a township reported, to be reviewed; a new assessment that asks for approval."""
    when = Days.ago(office.book.calendar, 8, office.now).at
    clerk = office.staff.find(Role.TOWNSHIP_CLERK, office.townships[0].pk)
    unit = Department.objects.get(county=office.county, code="agriculture")
    pledge = burdens.Written(
        "pledge", "秸秆禁烧责任状（样例）", "county", "year", department=unit.uid,
        basis="《中华人民共和国大气污染防治法》第七十七条", is_found=True, since=date(2025, 3, 1),
    )  # fmt: skip
    with acting(clerk):
        burdens.enter(pledge, by=clerk, at=when)
    proposer = office.of("agriculture")
    wished = burdens.Written(
        "assessment", "农村户厕管护季度考核（样例）", "county", "quarter", department=unit.uid,
        basis="样例：县级工作方案",
    )  # fmt: skip
    with acting(proposer):
        burdens.enter(wished, by=proposer, at=when)
