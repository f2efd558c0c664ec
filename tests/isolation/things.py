"""One of each thing there is to ask for, all of one township and its county."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from common import tenancy
from common.models import Job, Notice
from mandates.models import (
    Admission,
    Assessment,
    Burden,
    Call,
    CallFile,
    Letter,
    ListImport,
    ListPublication,
    PowerItem,
    PowerSwap,
    Precedent,
    PublicationDecision,
    Scheme,
    Step,
    UnlistedTask,
)
from mandates.operations import (
    accountability,
    amending,
    answers,
    empowering,
    filters,
    overlaps,
    scenarios,
)
from mandates.operations.amending import Written
from mandates.queries.accountability import Asked
from tests.factories.calls import MONDAY, World
from tests.factories.powers import published
from townships.models import SignIn
from townships.roles import Role


def objects(world: World, call: Call) -> dict[str, dict[str, Any]]:
    """Return, for each kind of thing a route may name, one that belongs to this world."""
    with tenancy.dispatching(reason="a test prepares"):
        attached = CallFile.objects.create(
            **call.tenant, call=call, name="现场.jpg", content_type="image/jpeg", size=1,
            sha256="0" * 64, path="calls/x", by=world.clerk.user, post=world.clerk.post, unit="x",
            at=MONDAY,
        )  # fmt: skip
        step = Step.objects.filter(call=call).order_by("seq")[0]
        letter = Letter.objects.create(
            **call.tenant, call=call, step=step, kind="urging", year=2026, sequence=999,
            number="试催办〔2026〕999号", party="department", department=world.water,
            addressee="水利局", issued_at=MONDAY, facts={}, algorithm="sha256", digest="0" * 64,
        )  # fmt: skip
        notice = Notice.objects.create(
            **call.tenant, user=world.clerk.user, kind="route", about=call.uid, step_id=1, at=MONDAY
        )
        precedent = Precedent.objects.create(
            county=world.county, call_uid=call.uid, assignment_uid=call.uid, part="lead",
            department=world.water, reason="不归我局", cites="《水法》", outcome="rejected",
            decision="按清单牵头", raised_at=MONDAY, decided_at=MONDAY,
        )  # fmt: skip
    with tenancy.scope(world.clerk.scope):
        job = Job.objects.create(
            unit_kind="township", unit_id=world.township.pk, user=world.clerk.user,
            post=world.clerk.post, kind="x", language="zh-hans", requested_at=MONDAY,
        )  # fmt: skip
        answer = answers.save_answer(
            None, name="到场", move="urge", matter="", text="请尽快到场。", by=world.head, at=MONDAY
        )
    with tenancy.scope(world.clerk.scope):
        kept = filters.keep("超期的", {"late": "true"}, shared=True, by=world.clerk, at=MONDAY)
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    about = Asked(world.sand.matter.code, MONDAY.date(), MONDAY.date())
    with tenancy.scope(world.clerk.scope):
        report = accountability.issue(about, by=world.clerk, at=MONDAY)
    with tenancy.scope(officer.scope):
        proposal = amending.enter(Written("other", "试一试", "把话说清楚"), by=officer, at=MONDAY)
        overlap = overlaps.enter(
            overlaps.Written(
                "河道边界", "界线不清", "以堤脚为界", "县政府", MONDAY.date(),
                [world.water.uid, world.housing.uid],
            ),
            by=officer, at=MONDAY,
        )  # fmt: skip
        scenario = scenarios.keep("按现行清单", {}, world.version.uid, by=officer, at=MONDAY)
        day = MONDAY.date()
        replay = scenarios.ask(scenario.uid, day, day, by=officer, at=MONDAY)
        imported = ListImport.objects.create(
            county=world.county, duty_list=world.version.duty_list, file_name="x.xlsx", path="x",
            size=1, sha256="0" * 64, layout={"sheets": []}, at=MONDAY,
        )  # fmt: skip
        publication = ListPublication.objects.create(
            county=world.county, duty_list=world.version.duty_list, version_uid=uuid4(), number=2,
            document_no="试编办〔2026〕3号", valid_from=day, proposed_by=officer.user,
            proposed_at=MONDAY,
        )  # fmt: skip
        PublicationDecision.objects.create(
            county=world.county, publication=publication, outcome="withdrawn", answer="再改改",
            proposed_by=officer.user, decided_by=officer.user, decided_at=MONDAY,
        )  # fmt: skip
    with tenancy.scope(world.desk.scope):
        made = Scheme.objects.get(county=world.county)
        assessed = Assessment.objects.create(
            county=world.county, scheme=made, first=MONDAY.date(), after=date(2026, 6, 1),
            as_of=MONDAY, definitions="x", appeal_until=MONDAY, opened_at=MONDAY,
            opened_by=world.desk.user,
        )  # fmt: skip
        burden = Burden.objects.create(
            county=world.county, state="found", kind="pledge", title="安全生产责任状", level="county",
            cycle="year", is_found=True, since=MONDAY.date(), department=world.water,
            entered_by=world.desk.user, entered_at=MONDAY,
        )  # fmt: skip
        admitted = Admission.objects.create(
            county=world.county, area=world.township, lead=world.water, number="试准入〔2026〕1号",
            state="formal", targets=[world.township.pk], townships=[world.township.pk],
            departments=[world.water.pk], name="小型水库日常巡查", category="水利", step_count=1,
            created_by=world.clerk.user, created_at=MONDAY,
        )  # fmt: skip
        task = UnlistedTask.objects.create(
            county=world.county, township=world.township, department=world.water, title="上报数据",
            what="每日上报", way="phone", received_on=MONDAY.date(), recorded_by=world.clerk.user,
            recorded_at=MONDAY,
        )  # fmt: skip
    with tenancy.scope(officer.scope):
        power = PowerItem.objects.get(county=world.county)
    batch = published(world, [power])
    with tenancy.scope(world.head.scope):
        part = empowering.confirm(batch.agreements.get().uid, by=world.head, at=MONDAY)
        swap = PowerSwap.objects.create(
            **part.tenant, agreement=part, reason="无此类案件", asked_by=world.head.user,
            asked_at=MONDAY,
        )  # fmt: skip
    signed_in = SignIn.objects.create(
        user=world.clerk.user, session_key="x", began_at=MONDAY, seen_at=MONDAY
    )
    return {
        "session": {"uid": signed_in.uid},
        "accountability": {"uid": report.uid},
        "burden": {"uid": burden.uid},
        "admission": {"uid": admitted.uid, "file": uuid4()},
        "unlisted": {"uid": task.uid},
        "assessment": {"uid": assessed.uid, "appeal": uuid4()},
        "filter": {"uid": kept.uid},
        "job": {"uid": job.uid},
        "scenario": {"uid": scenario.uid},
        "import": {"uid": imported.uid},
        "replay": {"uid": replay.uid},
        "precedent": {"uid": precedent.uid},
        "proposal": {"uid": proposal.uid},
        "publication": {"uid": publication.uid},
        "overlap": {"uid": overlap.uid},
        "power": {"uid": power.uid},
        "powerbatch": {"uid": batch.uid},
        "powerswap": {"uid": swap.uid},
        "export": {"table": "calls"},
        "call": {"uid": call.uid, "file": attached.uid, "file_uid": attached.uid},
        "letter": {"uid": call.uid, "letter": letter.uid},
        "georeport": {"uid": call.uid},
        "entry": {"uid": world.sand.uid},
        "answer": {"uid": answer.uid},
        "version": {"uid": world.version.uid},
        "draft": {"uid": uuid4(), "opinion": uuid4(), "review": uuid4(), "entry": uuid4()},
        "matter": {"code": world.sand.matter.code, "uid": world.sand.uid},
        "notice": {"uid": notice.uid},
        "staff": {"uid": world.clerk.user.uid},
        "post": {"uid": world.clerk.post.uid},
        "division": {"uid": world.township.uid},
        "department": {"uid": world.water.uid},
        "upload": {"kind": "list"},
        "paper": {"kind": "call_sheet_pdf"},
        "caller": {"uid": call.uid},
        "person": {"uid": uuid4()},
    }
