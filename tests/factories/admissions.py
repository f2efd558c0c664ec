"""An admission in a small county, and short ways to move it along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common import tenancy
from mandates.models import Admission, AdmissionBody, AdmissionStep, AdmissionVoice
from mandates.operations import admission_drafts, admitting
from mandates.operations.admission_drafts import Written
from mandates.operations.admission_work import Given
from tests.factories.calls import MONDAY, World, at
from tests.factories.townships import DepartmentFactory
from townships.http import Member
from townships.models import Department
from townships.roles import Role

PACKAGE = {"people": "每镇核增事业编制 1 名", "money": "每镇每年 6 万元", "term": "三年"}
MINUTES = "会议认为事项边界清楚，保障到位。"


@dataclass
class Office:
    """The departments of a world that review admissions, and who acts for whom."""

    world: World
    justice: Department
    finance: Department

    @property
    def officer(self) -> Member:
        return self.world.member(Role.ESTABLISHMENT_OFFICER)

    @property
    def applicant(self) -> Member:
        return self.world.officer(self.world.water)

    @property
    def heads(self) -> list[Member]:
        return [self.world.head, self.world.member(Role.TOWNSHIP_HEAD, self.world.sibling)]

    def written(self, **more: Any) -> Written:
        given: dict[str, Any] = {
            "name": "小型水库日常巡查",
            "category": "水利",
            "legal_basis": "《水库大坝安全管理条例》第十九条",
            "reason": "小型水库点多面广，需就近巡查。",
            "township_duty": "每周巡查一次，发现险情即报。",
            "department_duty": "制定巡查标准，处置险情。",
            "targets": (self.world.township.uid, self.world.sibling.uid),
            **PACKAGE,
        }
        return Written(**{**given, **more})

    def write(self, *, by: Member | None = None, when: datetime = MONDAY, **more: Any) -> Admission:
        by = by or self.applicant
        with tenancy.scope(by.scope):
            return admission_drafts.write(self.written(**more), by=by, at=when)

    def make(
        self, name: str, one: Admission, *, by: Member, when: datetime = MONDAY, **given: Any
    ) -> Admission:
        with tenancy.scope(by.scope):
            return admitting.make(name, one.uid, by=by, at=when, given=Given(**given))

    def submitted(self, **more: Any) -> Admission:
        return self.make("submit", self.write(**more), by=self.applicant)

    def consulted(self, **more: Any) -> Admission:
        return self.make("accept", self.submitted(**more), by=self.officer)

    def opined(self, **more: Any) -> Admission:
        one = self.consulted(**more)
        for head in self.heads:
            one = self.make("give_opinion", one, by=head, verdict="agree")
        return one

    def reviewed(self, **more: Any) -> Admission:
        lawyer, money = self.world.officer(self.justice), self.world.officer(self.finance)
        one = self.make("find_lawful", self.opined(**more), by=lawyer, mode="support", note="有据")
        return self.make("assess", one, by=money, verdict="adequate", note="可列入预算")

    def met(self, *, vote: str = "for", **more: Any) -> Admission:
        return self.make(
            "hold_meeting", self.reviewed(**more), by=self.officer, held_on=at(3, 2).date(),
            minutes=MINUTES, votes={self.justice.uid: vote, self.finance.uid: vote},
        )  # fmt: skip

    def approved(self, **more: Any) -> Admission:
        return self.make(
            "approve", self.met(**more), by=self.officer, document_no="试编〔2026〕5号"
        )

    def filed(self, **more: Any) -> Admission:
        return self.make(
            "file", self.approved(**more), by=self.officer, filing_no="市编备〔2026〕9号"
        )

    def listed(self, *, code: str = "SL-90", **more: Any) -> Admission:
        return self.make("list_up", self.filed(**more), by=self.officer, code=code)

    def fresh(self, one: Admission) -> Admission:
        with tenancy.everywhere(reason="a test looks"):
            found: Admission = Admission.objects.get(pk=one.pk)
            return found

    def moves(self, one: Admission) -> list[str]:
        with tenancy.everywhere(reason="a test looks"):
            rows = AdmissionStep.objects.filter(admission=one).order_by("seq")
            return list(rows.values_list("move", flat=True))

    def voices(self, one: Admission, kind: str) -> list[tuple[int | None, int | None, str]]:
        with tenancy.everywhere(reason="a test looks"):
            rows = AdmissionVoice.objects.filter(admission=one, kind=kind).order_by("pk")
            return list(rows.values_list("area", "department", "verdict"))


def make_office(world: World) -> Office:
    """Name who reviews admissions in a world."""
    justice, finance = (
        DepartmentFactory(county=world.county, name=name) for name in ("司法局", "财政局")
    )
    with tenancy.dispatching(reason="a test prepares"):
        AdmissionBody.objects.filter(county=world.county).delete()
        for task, unit in (
            ("legality", justice), ("resources", finance), ("meeting", justice),
            ("meeting", finance),
        ):  # fmt: skip
            AdmissionBody.objects.create(county=world.county, task=task, department=unit)
    return Office(world, justice, finance)
