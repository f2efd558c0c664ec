"""A small county with everything a call needs, and the people who make its moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from common import outbox, reference, tenancy
from common.worktime import SHANGHAI
from mandates.models import (
    AdmissionBody,
    AdmissionLimit,
    Call,
    CountyRules,
    DutyList,
    Entry,
    EntryAssist,
    LadderLevel,
    Limit,
    ListVersion,
    Matter,
    OfficeHours,
    PowerItem,
    Scheme,
    Urgency,
)
from mandates.operations import calls, drafts
from mandates.operations.casework import Casework
from mandates.operations.making import Given
from mandates.operations.writing import Draft
from tests.factories.calendar import with_calendar
from tests.factories.mandates import let_hold, told_already
from tests.factories.townships import (
    CountyFactory,
    DepartmentFactory,
    PostFactory,
    TownshipFactory,
)
from townships.http import Member
from townships.models import County, Department, Post, Township
from townships.roles import Role

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)  # a worked Monday, no holiday near

LIMITS = {
    "approve": (240, "working_minute"),
    "route": (60, "minute"),
    "dispatch": (1, "working_day"),
    "case": (10, "working_day"),
    "accept": (1, "working_day"),
    "object": (1, "working_day"),
    "ruling": (2, "working_day"),
    "first_reply": (3, "working_day"),
    "close": (10, "working_day"),
    "rework": (5, "working_day"),
    "supply": (2, "working_day"),
    "extension": (1, "working_day"),
    "rate": (3, "working_day"),
    "report": (30, "minute"),
}
LADDER = {"warn": (80, None), "urge": (None, 0), "supervise": (None, 1), "escalate": (None, 3)}


def at(month: int, day: int, hour: int = 9, minute: int = 0, *, year: int = 2026) -> datetime:
    """Return an instant in Shanghai."""
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


@dataclass
class World:
    """One county: two townships, three departments, a published list of two matters."""

    county: County
    township: Township
    sibling: Township
    water: Department
    police: Department
    housing: Department
    version: ListVersion
    sand: Entry  # water leads, police assists
    building: Entry  # housing leads alone, wants one file as evidence
    members: dict[str, Member] = field(default_factory=dict)

    def member(self, role: str, unit: Any = None) -> Member:
        """Return somebody in a role, the same person each time."""
        unit = unit or {
            Role.TOWNSHIP_CLERK: self.township,
            Role.TOWNSHIP_HEAD: self.township,
            Role.GRID_WORKER: self.township,
            Role.DEPARTMENT_OFFICER: self.water,
            Role.DEPARTMENT_HEAD: self.water,
        }.get(Role(role), self.county)
        key = f"{role}:{type(unit).__name__}:{unit.pk}"
        if key not in self.members:
            kind = {"Township": "township", "Department": "department", "County": "county"}
            post = PostFactory(role=role, **{kind[type(unit).__name__]: unit})
            fetched = Post.objects.with_units().select_related("user").get(pk=post.pk)
            self.members[key] = Member.holding(fetched)
        return self.members[key]

    @property
    def clerk(self) -> Member:
        return self.member(Role.TOWNSHIP_CLERK)

    @property
    def head(self) -> Member:
        return self.member(Role.TOWNSHIP_HEAD)

    @property
    def desk(self) -> Member:
        return self.member(Role.COUNTY_DESK)

    def officer(self, department: Department | None = None) -> Member:
        return self.member(Role.DEPARTMENT_OFFICER, department or self.water)

    # --- short ways to act, each in the scope of whoever acts --------------------------------

    def draft(self, *, when: datetime = MONDAY, then: str = "", **written: Any) -> Casework:
        given = {"title": "河道夜间采砂", "body": "大桥下游有挖掘机取砂。", **written}
        if "entry" not in given and "unlisted_reason" not in given:
            given["entry"] = self.sand.uid
        by = self.head if then == "raise" else self.clerk
        with tenancy.scope(by.scope):
            return drafts.draft(Draft(**given), by=by, at=when, then=then)

    def make(self, name: str, call: Call, *, by: Member, when: datetime, **given: Any) -> Casework:
        with tenancy.scope(by.scope):
            return calls.make(name, call.uid, by=by, at=when, given=Given(**given))

    def routed(self, *, when: datetime = MONDAY, **written: Any) -> Call:
        """A call that has been raised and dispatched by the list."""
        call = self.draft(when=when, then="raise", **written).call
        self.drain(when=when)
        return self.fresh(call)

    def handling(self, *, when: datetime = MONDAY, **written: Any) -> Call:
        call = self.routed(when=when, **written)
        lead = Department.objects.get(pk=call.lead_id)
        self.make("accept", call, by=self.officer(lead), when=when)
        self.drain(when=when)
        return self.fresh(call)

    def drain(self, *, when: datetime) -> None:
        """Do what the outbox asks for, as a worker does."""
        while outbox.drain(at=when):
            pass

    def fresh(self, call: Call) -> Call:
        with tenancy.everywhere(reason="a test looks"):
            found: Call = Call.objects.get(pk=call.pk)
            return found


def make_world() -> World:
    """Make a county with its list. Names are made up."""
    with_calendar()
    county = CountyFactory()
    water, police, housing = (
        DepartmentFactory(county=county, name=name) for name in ("水利局", "公安局", "住建局")
    )
    with tenancy.dispatching(reason="a test prepares"):
        duty_list = DutyList.objects.create(county=county, name="县乡责任清单")
        version = ListVersion.objects.create(county=county, duty_list=duty_list, number=1)
        sand = _entry(version, 1, "SL-01", "河道采砂、侵占河道", water)
        EntryAssist.objects.create(county=county, entry=sand, department=police, duty="查找车辆")
        building = _entry(version, 2, "JS-01", "违法建设查处", housing, evidence_files=1)
        let_hold(
            version, valid_from=date(2020, 1, 1), document_no="试政办〔2020〕1号",
            at=at(1, 2, year=2020),
        )  # fmt: skip
        told_already(county)
        _limits(county)
        CountyRules.objects.create(county=county)
        Scheme.objects.create(county=county, name="双考核示例", subject="department")
        OfficeHours.objects.create(county=county)
        AdmissionLimit.objects.create(county=county, kind="formal", amount=5)
        AdmissionBody.objects.create(county=county, task="meeting", department=water)
        PowerItem.objects.create(
            county=county, code="SL-C1", field="水利", name="未经批准在河道管理范围内采砂",
            department=water, law="中华人民共和国河道管理条例", article="第四十四条第（四）项",
            is_sample=True,
        )  # fmt: skip
        reference.refresh()
    return World(
        county=county,
        township=TownshipFactory(county=county),
        sibling=TownshipFactory(county=county),
        water=water,
        police=police,
        housing=housing,
        version=version,
        sand=sand,
        building=building,
    )


def _entry(
    version: ListVersion, number: int, code: str, name: str, lead: Department, **more: Any
) -> Entry:
    county = version.county_id
    matter = Matter.objects.create(county_id=county, duty_list_id=version.duty_list_id, code=code)
    made: Entry = Entry.objects.create(
        county_id=county,
        version=version,
        matter=matter,
        position=number,
        category="水利",
        name=name,
        lead=lead,
        department_duty="牵头查处",
        township_duty="巡查、劝阻、上报",
        legal_basis="《水法》第六十五条",
        **more,
    )
    return made


def _limits(county: County) -> None:
    Limit.objects.bulk_create(
        Limit(county=county, urgency=urgency, kind=kind, amount=amount, unit=unit)
        for urgency in Urgency.values
        for kind, (amount, unit) in LIMITS.items()
    )
    # An emergency goes to the county leader at the due instant.
    LadderLevel.objects.bulk_create(
        LadderLevel(
            county=county,
            urgency=urgency,
            level=level,
            share=share,
            after=0 if (urgency, level) == (Urgency.EMERGENCY, "escalate") else after,
        )
        for urgency in Urgency.values
        for level, (share, after) in LADDER.items()
    )
