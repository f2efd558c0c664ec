"""修订建议: what comes again and again is counted once, decided with a reason, and traced in the list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, transaction

from common import board, tenancy
from common.errors import NotAllowed, Problem
from common.models import AuditEntry
from mandates.models import (
    CountyRules,
    Entry,
    EntryAssist,
    ListProposal,
    ListVersion,
    Precedent,
    ProposalEvidence,
    UnlistedTask,
)
from mandates.operations import amending, lists
from mandates.operations import unlisted as unlisted_tasks
from mandates.operations.amending import Line, Written
from mandates.operations.proposing import propose
from mandates.operations.unlisted import Decided, Recorded
from mandates.queries import exported_proposals
from mandates.queries.amending import line, mark, turns
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.mandates import let_hold
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db

NIGHT, NEXT, DECIDED = at(4, 1, 3), at(4, 2, 3), at(4, 3, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def officer(world: World) -> Member:
    return world.member(Role.ESTABLISHMENT_OFFICER)


def dispute(world: World, count: int, *, day: int = 2, outcome: str = "upheld") -> None:
    """Write down rulings about sand that a department objected to."""
    with tenancy.dispatching(reason="a test prepares"):
        for n in range(count):
            uid = f"00000000-0000-4000-8000-{world.county.pk:06d}{day:03d}{n:03d}"
            Precedent.objects.create(
                county=world.county, uid=uid, call_uid=uid, assignment_uid=uid, part="lead",
                matter=world.sand.matter, matter_name="SL-01 河道采砂、侵占河道",
                department=world.water, reason="不归我局", cites="《水法》", outcome=outcome,
                decision="由住建局查处", given_to=world.housing if outcome == "upheld" else None,
                raised_at=at(3, day), decided_at=at(3, day, 15),
            )  # fmt: skip


def unlisted(
    world: World, title: str, *, body: str = "村民反映流浪犬追咬路人。", day: int = 2
) -> Any:
    """A call on no list that the desk has given to a department."""
    call = world.draft(
        when=at(3, day), then="raise", title=title, body=body, entry=None,
        unlisted_reason="清单上没有，来电人 13800138000",
    ).call  # fmt: skip
    world.make("dispatch", call, by=world.desk, when=at(3, day, 10), lead=world.housing.uid,
               note="按职能派给住建局")  # fmt: skip
    return world.fresh(call)


def proposals(world: World, **narrow: Any) -> list[ListProposal]:
    with tenancy.everywhere(reason="a test looks"):
        rows = ListProposal.objects.select_related("matter", "amended", "version")
        return list(rows.filter(county=world.county, **narrow).order_by("id"))


def one(world: World, **narrow: Any) -> ListProposal:
    (found,) = proposals(world, **narrow)
    return found


def act(world: World, do: Callable[..., Any], *args: Any, by: Member | None = None,
        when: datetime = DECIDED, **given: Any) -> Any:  # fmt: skip
    who = by or officer(world)
    with tenancy.scope(who.scope):
        return do(*args, by=who, at=when, **given)


def refused(world: World, do: Callable[..., Any], *args: Any, **given: Any) -> str:
    with pytest.raises(Problem) as caught:
        act(world, do, *args, **given)
    return caught.value.code


def sand(world: World, **changes: Any) -> Line:
    """The line about sand as it stands, with other words."""
    with tenancy.everywhere(reason="a test looks"):
        last = ListVersion.objects.filter(county=world.county).order_by("-number")[0]
        standing = line(last, "SL-01")
        assert standing is not None
        said = {
            "change": "amend", "code": "SL-01", "seen": mark(standing),
            "category": standing.category, "name": standing.name,
            "lead": standing.lead.uid if standing.lead else None, "urgency": standing.urgency,
            "department_duty": standing.department_duty, "township_duty": standing.township_duty,
            "legal_basis": standing.legal_basis,
            "assists": [(a.department.uid, a.duty) for a in standing.assists.all()],
        }  # fmt: skip
    return Line(**{**said, **changes})


def accepted(world: World, **changes: Any) -> ListProposal:
    dispute(world, 3)
    propose(at=NIGHT)
    wanted = sand(world, **({"lead": world.housing.uid} | changes))
    found: ListProposal = act(
        world, amending.accept, one(world).uid, wanted, reason="三次裁定均归住建局"
    )
    return found


# --- counted at night --------------------------------------------------------------------------------


def test_disputes_of_one_matter_become_a_proposal_at_the_countys_number(world: World) -> None:
    dispute(world, 2)
    assert propose(at=NIGHT) == 0
    dispute(world, 1, day=9, outcome="rejected")
    assert propose(at=NIGHT) == 1
    found = one(world)
    assert (found.origin, found.matter, found.title, found.state) == (
        "disputes", world.sand.matter, "SL-01 河道采砂、侵占河道", "open",
    )  # fmt: skip
    assert (found.cases, found.first_day, found.last_day) == (3, date(2026, 3, 2), date(2026, 3, 9))
    with tenancy.everywhere(reason="a test looks"):
        rows = ProposalEvidence.objects.filter(proposal=found).order_by("day", "id")
        assert [(r.unit, r.given, r.outcome) for r in rows] == [
            ("水利局", "住建局", "upheld"), ("水利局", "住建局", "upheld"),
            ("水利局", "水利局", "rejected"),
        ]  # fmt: skip
        assert {(r.words, r.answer) for r in rows} == {("不归我局", "由住建局查处")}


def test_twice_a_night_adds_nothing_and_new_cases_are_added_to_what_waits(world: World) -> None:
    dispute(world, 3)
    assert [propose(at=NIGHT), propose(at=NIGHT)] == [1, 0]
    dispute(world, 1, day=20)
    assert [propose(at=NEXT), propose(at=NEXT)] == [1, 0]
    found = one(world)
    assert (found.cases, found.last_day) == (4, date(2026, 3, 20))
    with tenancy.everywhere(reason="a test looks"):
        assert ProposalEvidence.objects.filter(proposal=found).count() == 4


def test_what_was_rejected_comes_again_with_as_many_new_cases_alone(world: World) -> None:
    dispute(world, 3)
    propose(at=NIGHT)
    act(world, amending.reject, one(world).uid, reason="裁定一致，清单无误")
    dispute(world, 2, day=20)
    assert propose(at=NEXT) == 0
    dispute(world, 1, day=21)
    assert propose(at=NEXT) == 1
    assert [(p.state, p.cases) for p in proposals(world)] == [("rejected", 3), ("open", 3)]


def test_the_county_sets_numbers_and_days(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        CountyRules.objects.filter(county=world.county).update(
            amend_after_disputes=2, amend_days=30
        )
    dispute(world, 2)
    assert propose(at=at(4, 2, 3)) == 0  # the 31st day after them
    dispute(world, 2, day=20)
    assert propose(at=at(4, 2, 3)) == 1
    assert one(world).cases == 2
    with tenancy.dispatching(reason="a test prepares"), pytest.raises(IntegrityError):
        CountyRules.objects.filter(county=world.county).update(amend_after_disputes=1)


def test_calls_alike_on_no_list_become_one_proposal_without_numbers(world: World) -> None:
    first = unlisted(world, "流浪犬伤人 13800138000")
    unlisted(world, "流浪犬追咬路人", day=3)
    unlisted(world, "路面塌陷", body="雨后路面塌陷，需要修复。", day=3)
    world.draft(then="raise", title="流浪犬", body="还没有派给谁", entry=None, unlisted_reason="无")
    assert propose(at=NIGHT) == 0
    unlisted(world, "广场流浪犬", day=9)
    assert propose(at=NIGHT) == 1
    assert propose(at=NIGHT) == 0
    found = one(world)
    assert (found.origin, found.key, found.title, found.matter) == (
        "unlisted_calls", str(first.uid), "流浪犬伤人 ***", None,
    )  # fmt: skip
    with tenancy.everywhere(reason="a test looks"):
        rows = list(ProposalEvidence.objects.filter(proposal=found).order_by("day"))
    assert [(r.words, r.answer, r.unit, r.given) for r in rows][0] == (
        "流浪犬伤人 ***", "清单上没有，来电人 ***", world.township.name, "住建局",
    )  # fmt: skip
    assert len(rows) == 3
    unlisted(world, "流浪犬扰民", day=20)
    assert propose(at=NEXT) == 1
    assert one(world).cases == 4


def task(world: World, title: str, *, day: int = 2) -> UnlistedTask:
    with tenancy.scope(world.clerk.scope):
        return unlisted_tasks.record(
            Recorded(
                title=title, what="每日在工作群上报企业用电量，联系 13800138000。", way="group",
                received_on=date(2026, 3, day), department=world.housing.uid,
            ),
            by=world.clerk, at=at(3, day),
        )  # fmt: skip


def test_tasks_alike_that_nothing_covers_become_a_proposal_beside_those_by_hand(
    world: World,
) -> None:
    by_hand = written(origin="unlisted_tasks", title="上报用电数据", matter="")
    act(world, amending.enter, by_hand)
    first = task(world, "上报用电数据")
    task(world, "每日上报用电数据", day=3)
    dropped = task(world, "用电数据上报", day=4)
    office = world.officer(world.housing)
    with tenancy.scope(office.scope):
        unlisted_tasks.make(
            "drop", dropped.uid, by=office, at=at(3, 5), given=Decided(note="不再要求上报")
        )
    assert propose(at=NIGHT) == 0
    task(world, "报送企业用电数据", day=9)
    assert [propose(at=NIGHT), propose(at=NIGHT)] == [1, 0]
    found = one(world, opened_by=None)
    assert (found.origin, found.key, found.cases, found.last_day) == (
        "unlisted_tasks", str(first.uid), 3, date(2026, 3, 9),
    )  # fmt: skip
    page = Browser(officer(world), at=DECIDED).get(found.get_absolute_url())
    assert page.context["owners"] == [("住建局", 3)]
    assert {case.row.answer for case in page.context["cases"]} == {
        "每日在工作群上报企业用电量，联系 ***。"
    }
    assert page.context["cases"][-1].url == first.get_absolute_url()


def test_the_command_does_what_the_night_does(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("propose_amendments")
    assert capsys.readouterr().out.strip()[:1] == "0"


# --- written down and decided ------------------------------------------------------------------------


def written(**changes: Any) -> Written:
    given = {
        "origin": "law_change", "title": "水法修改", "wanted": "依据条款改为第七十条",
        "matter": "SL-01", "law": "《水法》", "article": "第七十条", **changes,
    }  # fmt: skip
    return Written(**given)


def test_an_officer_writes_one_down_once_and_names_law_and_article(world: World) -> None:
    found = act(world, amending.enter, written(title="水法修改 电话13800138000"))
    assert (found.title, found.origin, found.matter, found.cases) == (
        "水法修改 电话***", "law_change", world.sand.matter, 0,
    )  # fmt: skip
    again = written(title="水法修改，电话：13900139000")
    assert refused(world, amending.enter, again) == "already_proposed"
    for wrong in (
        {"law": ""}, {"article": "  "}, {"title": "，，"}, {"wanted": ""}, {"matter": "XX"},
        {"origin": "disputes"}, {"origin": "x"}, {"law": "法" * 101},
    ):  # fmt: skip
        assert refused(world, amending.enter, written(**{"title": "别的", **wrong})) == "invalid"
    assert len(proposals(world)) == 1
    for member in (world.desk, world.clerk, world.officer()):
        with pytest.raises(NotAllowed):
            act(world, amending.enter, written(title="不许"), by=member)


def test_calls_that_are_named_are_counted_once_for_an_origin(world: World) -> None:
    listed, other = world.routed(title="采砂 13800138000"), world.routed()
    stranger = make_world().routed()
    evaluation = {"origin": "evaluation", "law": "", "article": ""}
    asked = written(**evaluation, numbers=[listed.number, f" {listed.number}", ""])
    made = act(world, amending.enter, asked)
    assert (made.cases, made.first_day, made.last_day) == (1, MONDAY.date(), MONDAY.date())
    for numbers in ([listed.number, other.number], [stranger.number], ["x"]):
        again = written(**evaluation, title="再评估", numbers=numbers)
        assert refused(world, amending.enter, again) == "invalid"
    assert act(world, amending.enter, written(numbers=[listed.number])).cases == 1
    with tenancy.everywhere(reason="a test looks"):
        assert [
            (row.words, row.unit, row.given) for row in ProposalEvidence.objects.filter(proposal=made)
        ] == [("采砂 ***", world.township.name, "水利局")]  # fmt: skip


def test_accepting_opens_a_draft_with_the_line_changed_and_traced(world: World) -> None:
    found = accepted(world, assists=[(world.water.uid, "认定河道范围")], township_duty="上报")
    assert (found.state, found.change, found.amended) == ("accepted", "amend", world.sand.matter)
    with tenancy.everywhere(reason="a test looks"):
        draft = ListVersion.objects.get(county=world.county, state="draft")
        entry = Entry.objects.get(version=draft, matter=world.sand.matter)
        parts = EntryAssist.objects.filter(entry=entry).values_list("department__name", "duty")
        assert list(parts) == [("水利局", "认定河道范围")]
        assert AuditEntry.objects.get(action="proposal_accepted").detail == {
            "reason": "三次裁定均归住建局", "change": "amend", "matter": "SL-01", "version": 2,
        }  # fmt: skip
    assert (found.version, entry.lead, entry.township_duty) == (draft, world.housing, "上报")
    # A second one goes into the same draft.
    other = act(world, amending.enter, written())
    done = act(
        world,
        amending.accept,
        other.uid,
        sand(world, legal_basis="《水法》第七十条"),
        reason="从新法",
    )
    assert done.version == draft


def test_a_line_may_be_added_or_taken_out(world: World) -> None:
    add = act(world, amending.enter, written(origin="unlisted_tasks", title="流浪犬", matter=""))
    new = Line(
        "add", "CG-09", category="城管", name="流浪犬收容", lead=world.housing.uid,
        department_duty="收容", township_duty="上报", legal_basis="《动物防疫法》第三十条",
    )  # fmt: skip
    done = act(world, amending.accept, add.uid, new, reason="纳入清单")
    assert (done.amended.code, done.matter) == ("CG-09", None)
    out = act(world, amending.enter, written(origin="evaluation", title="取消"))
    act(world, amending.accept, out.uid, sand(world, change="remove"), reason="职责已收回")
    with tenancy.everywhere(reason="a test looks"):
        rows = Entry.objects.filter(version=done.version).order_by("position")
        assert [(e.matter.code, e.name) for e in rows.select_related("matter")] == [
            ("JS-01", "违法建设查处"), ("CG-09", "流浪犬收容"),
        ]  # fmt: skip


def test_wrong_changes_are_refused_and_nothing_is_left_half_done(world: World) -> None:
    dispute(world, 3)
    propose(at=NIGHT)
    uid = one(world).uid
    stranger = make_world().housing.uid
    ask = {"reason": "可以"}
    for changes in (
        {"change": "x"}, {"code": "XX-1"}, {"name": ""}, {"lead": None}, {"lead": stranger},
        {"lead": world.police.uid}, {"assists": [(stranger, "")]}, {"urgency": "x"},
        {"platform": "x"}, {"name": "名" * 101}, {"change": "add"}, {},
        {"change": "add", "code": " "},
    ):  # fmt: skip
        assert refused(world, amending.accept, uid, sand(world, **changes), **ask) == "invalid"
    stale = sand(world, seen="0" * 32, name="别的")
    assert refused(world, amending.accept, uid, stale, **ask) == "line_changed"
    assert refused(world, amending.accept, uid, sand(world, name="别的"), reason=" ") == "invalid"
    assert refused(world, amending.reject, uid, reason="") == "invalid"
    with tenancy.everywhere(reason="a test looks"):
        assert not ListVersion.objects.filter(county=world.county, state="draft").exists()
    with pytest.raises(NotAllowed):
        act(world, amending.reject, uid, reason="不行", by=world.desk)
    with pytest.raises(ListProposal.DoesNotExist):
        act(world, amending.reject, uid, reason="不行", by=officer(make_world()))
    act(world, amending.reject, uid, reason="不行")
    assert refused(world, amending.reject, uid, reason="不行") == "decided"
    assert refused(world, amending.accept, uid, sand(world, name="别的"), **ask) == "decided"


def test_a_discarded_draft_lets_its_proposals_wait_again(world: World) -> None:
    found = accepted(world)
    act(world, lists.discard_draft, found.version, reason="重来")
    again = one(world)
    assert (again.state, again.version, again.amended, again.decision, again.cases) == (
        "open", None, None, "", 3,
    )  # fmt: skip
    act(world, amending.accept, again.uid, sand(world, name="采砂"), reason="再来")
    assert one(world).state == "accepted"


def published(world: World) -> ListProposal:
    found = accepted(world)
    with tenancy.dispatching(reason="a test prepares"):
        ListVersion.objects.filter(county=world.county, number=1).update(valid_to=date(2026, 4, 6))
        let_hold(
            found.version, valid_from=date(2026, 4, 6), document_no="试政办〔2026〕2号", at=DECIDED
        )
    return found


def test_a_line_tells_why_it_reads_so_in_every_version(world: World) -> None:
    found = published(world)
    with tenancy.everywhere(reason="a test looks"):
        newest, oldest = turns(world.county.pk, [world.sand.matter_id])[world.sand.matter_id]
        (other,) = turns(world.county.pk, [world.building.matter_id])[world.building.matter_id]
    assert (newest.version.number, newest.sort, newest.proposals) == (2, "changed", [found])
    assert [(c.name, c.before, c.after) for c in newest.columns] == [("lead", "水利局", "住建局")]
    assert (oldest.version.number, oldest.sort, oldest.proposals) == (1, "added", ())
    assert other.version.number == 1


# --- walls -----------------------------------------------------------------------------------------


def test_what_was_decided_stands_and_no_case_is_changed(world: World) -> None:
    found = published(world)
    act(world, amending.reject, act(world, amending.enter, written()).uid, reason="不必")
    for change in (
        lambda: ListProposal.objects.filter(pk=found.pk).reopen(),
        lambda: ListProposal.objects.filter(state="rejected").update(decision="改了"),
        lambda: ListProposal.objects.filter(pk=found.pk).update(cases=9),
        lambda: ListProposal.objects.all().delete(),
        lambda: ProposalEvidence.objects.update(words="改了"),
        lambda: ProposalEvidence.objects.all().delete(),
    ):
        for scope in (officer(world).scope, tenancy.Scope("dispatch")):
            with (
                tenancy.scope(scope),
                pytest.raises(DatabaseError),
                transaction.atomic(),
            ):
                change()


def test_units_read_what_was_accepted_and_no_case(world: World) -> None:
    published(world)
    act(world, amending.enter, written())
    for member in (world.clerk, world.officer()):
        with tenancy.scope(member.scope):
            assert [p.state for p in ListProposal.objects.all()] == ["accepted"]
            with pytest.raises(DatabaseError), transaction.atomic():
                list(ProposalEvidence.objects.all())
            with pytest.raises(DatabaseError), transaction.atomic():
                ListProposal.objects.update(title="改了")
    with tenancy.scope(make_world().desk.scope):
        assert not ListProposal.objects.exists()
        assert not ProposalEvidence.objects.exists()


# --- pages and API -----------------------------------------------------------------------------------


def sent(world: World, **changes: Any) -> dict[str, Any]:
    """The form of a line as its page holds it."""
    said = sand(world)
    form = {
        name: getattr(said, name)
        for name in (
            "seen", "category", "name", "urgency", "department_duty", "township_duty", "legal_basis"
        )
    }  # fmt: skip
    return {
        **form, "lead": str(said.lead), "assist_0": str(world.police.uid), "duty_0": "查找车辆",
        "reason": "三次裁定均归住建局", **changes,
    }  # fmt: skip


def test_a_proposal_is_read_decided_and_traced_on_its_pages(world: World) -> None:
    dispute(world, 3)
    propose(at=NIGHT)
    page = Browser(officer(world), at=DECIDED)
    listed = page.get(url("proposal-list"), query_params={"state": "open", "q": "采砂"})
    assert [one.cases for one in listed.context["rows"]] == [3]
    assert len(listed.context["chips"]) == 2
    where = one(world).get_absolute_url()
    shown = page.get(where)
    assert (shown.context["owners"], len(shown.context["cases"])) == ([("住建局", 3)], 3)
    assert all("/precedents/" in case.url for case in shown.context["cases"])
    step = f"{where}accept/"
    assert page.get(step, query_params={"change": "amend"}).status_code == 422
    asked = {"change": "amend", "matter": "SL-01"}
    form = page.get(step, query_params=asked)
    assert (form.status_code, form.context["is_new_draft"]) == (200, True)
    there = f"{step}?change=amend&matter=SL-01"
    assert page.post(there, sent(world)).status_code == 400  # nothing of it is changed
    wrong = page.post(there, sent(world, lead="x", reason=""))
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (422, {"lead", "reason"})
    done = page.post(there, sent(world, lead=str(world.housing.uid)))
    assert (done.status_code, done["Location"]) == (302, where)
    decided = page.get(where)
    assert [c.name for c in decided.context["turn"].columns] == ["lead"]
    assert decided.context["draft_url"]
    assert page.get(there).status_code == 302
    assert "三次裁定均归住建局" in page.get(url("entry-history", world.sand.uid)).content.decode()
    clerk = Browser(world.clerk, at=DECIDED)
    assert "三次裁定" not in clerk.get(url("entry-history", world.sand.uid)).content.decode()
    assert clerk.get(where).status_code == 403
    desk = Browser(world.desk, at=DECIDED)
    assert desk.get(where).context["chosen"] is None
    assert desk.post(f"{where}reject/", {"reason": "不行"}).status_code == 403


def test_everybody_reads_why_once_it_is_published(world: World) -> None:
    published(world)
    for member in (world.clerk, world.officer(), world.desk):
        page = Browser(member, at=at(4, 8)).get(url("entry-history", world.sand.uid))
        assert [turn.version.number for turn in page.context["turns"]] == [2, 1]
        assert "三次裁定均归住建局" in page.content.decode()
    read = System.beside(world.clerk).get("matters/SL-01/history/").json()
    newest, oldest = read["results"]
    assert (newest["sort"], [one["name"] for one in newest["columns"]]) == ("changed", ["lead"])
    assert [one["decision"] for one in newest["proposals"]] == ["三次裁定均归住建局"]
    assert (oldest["version"]["document_no"], oldest["proposals"]) == ("试政办〔2020〕1号", [])
    assert System.beside(world.clerk).get("matters/XX-1/history/").status_code == 404


def test_one_is_written_down_rejected_and_not_twice(world: World) -> None:
    page = Browser(officer(world), at=DECIDED)
    form = {
        "origin": "law_change", "matter": "SL-01", "title": "水法修改", "law": "《水法》",
        "article": "第七十条", "wanted": "依据条款改为第七十条", "numbers": "",
    }  # fmt: skip
    assert page.post(url("proposal-new"), {**form, "numbers": "没有这件"}).status_code == 400
    blank = page.get(url("proposal-new"), query_params={"matter": "SL-01"})
    assert blank.context["form"]["matter"].value() == "SL-01"
    assert page.post(url("proposal-new"), {**form, "law": ""}).status_code == 400
    made = page.post(url("proposal-new"), form)
    assert made.status_code == 302
    assert page.post(url("proposal-new"), form).status_code == 409
    assert page.post(f"{made['Location']}reject/", {"reason": " "}).status_code == 422
    assert page.post(f"{made['Location']}reject/", {"reason": "尚未施行"}).status_code == 302
    assert page.post(f"{made['Location']}reject/", {"reason": "尚未施行"}).status_code == 409
    history = page.get(url("entry-history", world.sand.uid))
    assert [one.decision for one in history.context["rejected"]] == ["尚未施行"]
    nav = page.get(url("proposal-list")).content.decode()
    assert url("proposal-new") in nav


def test_a_broken_filter_is_told_and_the_count_stands_in_the_navigation(world: World) -> None:
    dispute(world, 3)
    propose(at=NIGHT)
    page = Browser(officer(world), at=DECIDED)
    assert page.get(url("proposal-list"), query_params={"state": "x"}).status_code == 422
    assert page.get(url("proposal-list"), query_params={"cursor": "x"}).status_code == 400
    for member, count in ((officer(world), 1), (world.desk, None)):
        with tenancy.scope(member.scope):
            frame = board.frame(member, path="/", at=DECIDED)
        items = [item for group in frame.navigation for item in group.items]
        shown = [item.count for item in items if item.url.startswith(url("proposal-list"))]
        assert shown == [count]


def test_what_seems_unlisted_is_held_against_the_lines_there_are(world: World) -> None:
    for day in (2, 3, 4):
        unlisted(world, "河道里有人挖砂", body="河道采砂，挖机作业。", day=day)
    propose(at=NIGHT)
    page = Browser(officer(world), at=DECIDED)
    likely = page.get(one(world).get_absolute_url()).context["likely"]
    assert [found.entry.code for found in likely][:1] == ["SL-01"]
    assert (
        Browser(world.desk, at=DECIDED).get(one(world).get_absolute_url()).context["likely"] == []
    )


def test_systems_read_proposals_with_their_cases(world: World) -> None:
    unlisted_calls = [unlisted(world, "流浪犬伤人", day=day) for day in (2, 3, 4)]
    propose(at=NIGHT)
    desk = System.beside(world.desk)
    (row,) = desk.get("proposals/", origin="unlisted_calls", state="open").json()["results"]
    assert (row["cases"], row["matter"], row["version"], row["change"]) == (3, None, None, "")
    full = desk.get(f"proposals/{row['uid']}/").json()
    assert [case["uid"] for case in full["evidence"]] == [
        str(call.uid) for call in reversed(unlisted_calls)
    ]
    assert desk.get("proposals/", state="x").status_code == 400
    assert System.beside(world.clerk).get("proposals/").status_code == 403
    other = System.beside(make_world().desk)
    assert other.get(f"proposals/{row['uid']}/").status_code == 404
    assert other.get("proposals/").json()["results"] == []


def test_the_table_of_proposals_has_what_the_list_has(world: World) -> None:
    accepted(world)
    act(world, amending.enter, written())
    desk = world.desk
    with tenancy.scope(desk.scope):
        asked = exported_proposals.check(desk, {"state": "accepted", "q": ""})
        keys = list(exported_proposals.keys(desk, asked, DECIDED))
        (row,) = exported_proposals.rows(desk, keys, DECIDED)
        assert exported_proposals.told(desk, asked) == [("状态", "已采纳")]
        for wrong in ({"state": "x"}, {"origin": "x"}, {"q": "x" * 101}, {"z": "1"}):
            with pytest.raises(Problem):
                exported_proposals.check(desk, wrong)
    assert (row["origin"], row["change"], row["amended"], row["version"], row["cases"]) == (
        "反复争议", "修改条目", "SL-01", 2, 3,
    )  # fmt: skip
    with tenancy.scope(world.clerk.scope), pytest.raises(NotAllowed):
        exported_proposals.check(world.clerk, {})
    page = Browser(officer(world), at=DECIDED)
    listed = page.get(url("proposal-list"))
    assert listed.context["export_url"].endswith("state=open")
    assert page.get(listed.context["export_url"]).status_code == 200
