"""职责准入: from application to evaluation, who may do what, and what the database itself refuses."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError

from common import tenancy
from common.errors import Invalid, NotAllowed, Problem, Stale
from common.models import Notice
from common.workflow import MoveRefused, WrongState, chain_hash
from mandates.models import (
    Admission,
    AdmissionBody,
    AdmissionLimit,
    AdmissionStep,
    Entry,
    ListVersion,
)
from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.operations import admission_drafts, admission_sweep, admitting, lists
from mandates.operations.admission_work import Given
from tests.factories.admissions import MINUTES, Office, make_office
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.mandates import publish as by_two
from townships.http import Member
from townships.models import Platform
from townships.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def office(world: World) -> Office:
    return make_office(world)


def refused(office: Office, name: str, one: Admission, by: Member, **given: Any) -> Problem:
    """Return why a move was refused; nothing of it was written."""
    before = office.fresh(one)
    with pytest.raises(Problem) as caught:
        office.make(name, one, by=by, **given)
    after = office.fresh(one)
    assert (after.version, after.step_count) == (before.version, before.step_count)
    return caught.value


def publish(office: Office, *, when: Any = MONDAY, begins: date = date(2026, 3, 10)) -> ListVersion:
    officer = office.officer
    with tenancy.scope(officer.scope):
        draft = ListVersion.objects.get(county=office.world.county, state="draft")
        draft.entries.update(platform=Platform.objects.order_by("pk")[0])
        return by_two(
            draft, valid_from=begins, document_no="试政办〔2026〕8号", by=officer, at=when
        )


# --- the life -------------------------------------------------------------------------------------


def test_from_application_to_a_new_version_of_the_list(office: Office) -> None:
    one = office.listed()
    assert (one.state, one.number) == (
        "listing",
        f"{office.world.county.short_name}准入〔2026〕1号",
    )
    version = publish(office)
    one = office.fresh(one)
    assert one.state == "in_force"
    assert one.evaluate_from == at(
        9, 11, 0
    )  # six months after the version begins, 24:00 of the day
    assert one.due_at == at(3, 11, 0, year=2027)
    with tenancy.everywhere(reason="a test looks"):
        entry = Entry.objects.get(version=version, matter__code="SL-90")
        assert version.entries.count() == 3  # the two that stood there, and the new one
    assert (entry.name, entry.lead_id, entry.township_duty, entry.source_note) == (
        "小型水库日常巡查", office.world.water.pk, "每周巡查一次，发现险情即报。",
        f"{one.number} 试编〔2026〕5号",
    )  # fmt: skip
    assert office.moves(one) == [
        "write", "submit", "accept", "give_opinion", "give_opinion", "close_opinions",
        "find_lawful", "assess", "close_resources", "hold_meeting", "approve", "file", "list_up",
        "publish",
    ]  # fmt: skip
    assert isinstance(
        refused(office, "evaluate", one, office.officer, outcome="keep", note="好"), Problem
    )
    one = office.make(
        "evaluate", one, by=office.officer, when=at(9, 14), outcome="keep", note="运行平稳"
    )
    assert (one.state, one.evaluation, one.ended_at) == ("evaluated", "keep", at(9, 14))


@pytest.mark.assurance("E2")
def test_the_steps_form_a_chain_that_nobody_can_change(office: Office) -> None:
    one = office.approved()
    with tenancy.dispatching(reason="a test looks"):
        previous = ""
        for number, step in enumerate(
            AdmissionStep.objects.filter(admission=one).order_by("seq"), 1
        ):
            assert (step.seq, step.previous_hash) == (number, previous)
            assert step.hash == chain_hash(previous, step.facts(one.uid), algorithm="sha256")
            previous = step.hash
        assert previous == office.fresh(one).last_hash
        for change in (
            lambda: AdmissionStep.objects.filter(admission=one).update(note="x"),
            lambda: AdmissionStep.objects.filter(admission=one).delete(),
        ):
            with pytest.raises(ProgrammingError), transaction.atomic():
                change()


def test_a_draft_is_the_applicants_own_and_can_be_revised_until_submitted(office: Office) -> None:
    one, by = office.write(), office.applicant
    stranger = office.world.officer(office.world.housing)
    for reader in (stranger, office.officer, office.world.head):
        with tenancy.scope(reader.scope):
            assert not Admission.objects.visible_to(reader).filter(pk=one.pk).exists()
            with pytest.raises(Admission.DoesNotExist):
                admission_drafts.revise(one.uid, office.written(), by=reader, at=MONDAY) if (
                    reader.may("mandates.admission_apply")
                ) else admission_drafts.lock(one.uid, by=reader)
    with tenancy.scope(by.scope):
        admission_drafts.revise(one.uid, office.written(money="无。"), by=by, at=MONDAY, version=2)
        assert Admission.objects.get(pk=one.pk).money == ""
        with pytest.raises(Stale):
            admission_drafts.revise(one.uid, office.written(), by=by, at=MONDAY, version=2)
    office.make("submit", one, by=by)
    with tenancy.scope(by.scope), pytest.raises(MoveRefused):
        admission_drafts.revise(one.uid, office.written(), by=by, at=MONDAY)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("legal_basis", ""), ("reason", ""), ("targets", ()), ("name", "长" * 101)],
)
def test_an_application_says_everything_that_is_needed(
    office: Office, field: str, value: Any
) -> None:
    with pytest.raises(Invalid) as caught:
        office.write(**{field: value})
    assert list(caught.value.fields) == [field]


def test_a_township_applies_and_names_the_department(office: Office) -> None:
    head, world = office.world.head, office.world
    with pytest.raises(Invalid) as caught:
        office.write(by=head)
    assert list(caught.value.fields) == ["lead"]
    one = office.write(by=head, lead=world.water.uid)
    one = office.make("submit", one, by=head)
    one = office.make("accept", one, by=office.officer)
    # The township that applies is not asked what it thinks of it.
    assert one.pending_townships == [world.sibling.pk]
    assert isinstance(refused(office, "give_opinion", one, head, verdict="agree"), NotAllowed)
    one = office.make("give_opinion", one, by=office.heads[1], verdict="agree")
    assert one.state == "legality"


def test_a_formal_check_sends_back_and_refuses_what_the_list_holds_already(office: Office) -> None:
    one = office.submitted()
    one = office.make("send_back", one, by=office.officer, note="缺实施依据原文")
    assert one.state == "draft"
    one = office.make("submit", one, by=office.applicant)
    assert (one.round, one.number[-2:]) == (2, "1号")
    entry = office.world.sand
    problem = refused(
        office, "refuse", one, office.officer, note="重复", entry=office.world.county.uid
    )
    assert list(problem.fields) == ["entry"]
    one = office.make("refuse", one, by=office.officer, note="清单已有", entry=entry.uid)
    assert (one.state, one.due_at) == ("refused", None)
    with tenancy.everywhere(reason="a test looks"):
        assert AdmissionStep.objects.get(admission=one, move="refuse").data["code"] == "SL-01"


def test_an_objection_waits_for_an_answer_of_the_applicant(office: Office) -> None:
    one, (first, second) = office.consulted(), office.heads
    assert list(refused(office, "give_opinion", one, first, verdict="object").fields) == ["note"]
    one = office.make("give_opinion", one, by=first, verdict="object", note="人手不足")
    assert refused(office, "give_opinion", one, first, verdict="agree").code == "already_spoken"
    one = office.make("give_opinion", one, by=second, verdict="conditions", note="经费先到位")
    assert one.state == "opinions"
    problem = refused(
        office,
        "answer_objection",
        one,
        office.applicant,
        township=office.world.sibling.uid,
        note="x x",
    )
    assert list(problem.fields) == ["township"]
    one = office.make(
        "answer_objection", one, by=office.applicant, township=office.world.township.uid,
        note="已增核编制一名",
    )  # fmt: skip
    assert one.state == "legality"
    assert office.voices(one, "opinion") == [
        (office.world.township.pk, None, "object"), (office.world.sibling.pk, None, "conditions"),
    ]  # fmt: skip


def test_silence_is_recorded_as_silence_once_the_limit_has_passed(office: Office) -> None:
    one = office.consulted()
    office.make("give_opinion", one, by=office.heads[0], verdict="agree")
    due = office.fresh(one).due_at
    assert due == at(3, 16, 17, 30)  # ten working days from a Monday, without a holiday
    assert admission_sweep.sweep(at=due - timedelta(seconds=1)) == 0
    assert admission_sweep.sweep(at=due) == 1
    one = office.fresh(one)
    assert one.state == "legality"
    assert office.voices(one, "opinion")[1] == (office.world.sibling.pk, None, "silent")
    assert office.moves(one)[-2:] == ["stay_silent", "close_opinions"]
    assert isinstance(
        refused(office, "give_opinion", one, office.heads[1], verdict="agree"), WrongState
    )
    assert admission_sweep.sweep(at=due) == 0


def test_an_objection_nobody_answers_stays_open_and_presses(office: Office) -> None:
    one = office.consulted()
    office.make("give_opinion", one, by=office.heads[0], verdict="object", note="人手不足")
    due = office.fresh(one).due_at
    assert [admission_sweep.sweep(at=due), admission_sweep.sweep(at=due)] == [1, 0]
    one = office.fresh(one)
    assert (one.state, office.moves(one)[-2:]) == ("opinions", ["stay_silent", "overdue"])
    with tenancy.everywhere(reason="a test looks"):
        told = Notice.objects.filter(about=one.uid, kind="admission_overdue")
        assert [notice.user_id for notice in told] == [office.applicant.user_id]


def test_limits_are_the_countys_own_and_skip_holidays(office: Office) -> None:
    with tenancy.scope(office.officer.scope):
        AdmissionLimit.objects.filter(kind="formal").update(amount=2)
    one = office.write()
    # The last worked day before the Spring Festival of 2026 (15 to 23 February, State Council).
    one = office.make("submit", one, by=office.applicant, when=at(2, 13, 10))
    assert one.due_at == at(2, 24, 17, 30)


def test_legality_is_for_its_department_or_the_office_where_none_is_named(office: Office) -> None:
    one = office.opined()
    lawyer = office.world.officer(office.justice)
    assert isinstance(
        refused(office, "find_lawful", one, office.officer, mode="own", note="有据"), NotAllowed
    )
    assert isinstance(
        refused(office, "find_lawful", one, office.applicant, mode="own", note="有据"), NotAllowed
    )
    assert list(refused(office, "find_lawful", one, lawyer, mode="x", note="有据").fields) == [
        "mode"
    ]
    one = office.make("find_unlawful", one, by=lawyer, note="法律规定由县级行使")
    assert (one.state, office.voices(one, "legality")) == (
        "refused", [(None, office.justice.pk, "unlawful")],
    )  # fmt: skip
    with tenancy.scope(office.officer.scope):
        AdmissionBody.objects.filter(task="legality").delete()
    one = office.make("find_lawful", office.opined(), by=office.officer, mode="own", note="有据")
    assert one.state == "resources"


def test_lacking_resources_wait_for_the_office(office: Office) -> None:
    lawyer, money = office.world.officer(office.justice), office.world.officer(office.finance)
    one = office.make("find_lawful", office.opined(), by=lawyer, mode="own", note="有据")
    problem = refused(office, "send_to_meeting", one, office.officer, note="先议")
    assert problem.code == "still_open"
    one = office.make("assess", one, by=money, verdict="lacking", note="预算无法安排")
    assert one.state == "resources"
    assert (
        refused(office, "assess", one, money, verdict="adequate", note="改口").code
        == "already_spoken"
    )
    one = office.make("return_package", one, by=office.officer, note="经费没有落实")
    assert one.state == "draft"
    one = office.make("submit", one, by=office.applicant)
    one = office.make("accept", one, by=office.officer)
    assert len(one.pending_townships) == 2  # a changed package is asked about anew


def test_a_meeting_has_minutes_and_one_vote_a_member(office: Office) -> None:
    one, votes = office.reviewed(), {office.justice.uid: "for", office.finance.uid: "against"}
    day = at(3, 2).date()
    for given, field in (
        ({"held_on": day, "minutes": MINUTES, "votes": {office.justice.uid: "for"}}, "votes"),
        ({"held_on": day, "minutes": " ", "votes": votes}, "minutes"),
        ({"held_on": at(3, 3).date(), "minutes": MINUTES, "votes": votes}, "held_on"),
        ({"held_on": day, "minutes": MINUTES, "votes": dict.fromkeys(votes, "absent")}, "votes"),
        ({"held_on": day, "minutes": MINUTES, "votes": dict.fromkeys(votes, "agree")}, "votes"),
    ):
        assert field in refused(office, "hold_meeting", one, office.officer, **given).fields
    one = office.make(
        "hold_meeting", one, by=office.officer, held_on=day, minutes=MINUTES, votes=votes
    )
    assert one.state == "decision"
    # Not carried: whoever approves it all the same says why.
    problem = refused(office, "approve", one, office.officer, document_no="试编〔2026〕5号")
    assert list(problem.fields) == ["note"]
    assert list(refused(office, "approve", one, office.officer).fields) == ["document_no"]
    one = office.make("reject", one, by=office.officer, note="条件不成熟")
    assert one.state == "refused"


EMPTY = dict.fromkeys(("people", "money", "equipment", "training", "systems"), "")


def test_an_empty_package_is_approved_by_nobody_and_by_no_statement(office: Office) -> None:
    one = office.met(**{**EMPTY, "people": "无", "money": "暂无。", "term": "长期"})
    problem = refused(office, "approve", one, office.officer, document_no="试编〔2026〕5号")
    assert problem.code == "empty_package"
    for package in ({}, {"people": "  "}):
        with (
            pytest.raises(IntegrityError, match="admission_package"),
            transaction.atomic(),
            tenancy.dispatching(reason="a test goes past the operations"),
        ):
            Admission.objects.filter(pk=one.pk).update(
                state="filing", document_no="试编〔2026〕5号", **package
            )
    with (
        pytest.raises(IntegrityError, match="admission_document"),
        transaction.atomic(),
        tenancy.dispatching(reason="a test goes past the operations"),
    ):
        Admission.objects.filter(pk=one.pk).update(state="filing", people="一名")


def test_the_list_is_taken_up_in_its_draft_once(office: Office) -> None:
    one = office.filed()
    with tenancy.scope(office.officer.scope):
        duty_list = lists.list_of(office.world.county)
        lists.open_draft(duty_list, reason="季度调整", by=office.officer, at=MONDAY)
    assert list(refused(office, "list_up", one, office.officer, code="SL-01").fields) == ["code"]
    one = office.make("list_up", one, by=office.officer, code="SL-90")
    assert refused(office, "list_up", one, office.officer, code="SL-91").code == "listed_already"
    assert office.fresh(one).state == "listing"
    with tenancy.scope(office.officer.scope):
        draft = ListVersion.objects.get(county=office.world.county, state="draft")
        lists.discard_draft(draft, reason="重新编制", by=office.officer, at=MONDAY)
    one = office.make("list_up", one, by=office.officer, code="SL-90")
    publish(office)
    assert office.fresh(one).state == "in_force"


def test_what_is_taken_back_leaves_the_draft_of_the_list(office: Office) -> None:
    one = office.listed()
    publish(office)
    one = office.make(
        "evaluate", one, by=office.officer, when=at(9, 14), outcome="take_back", note="镇里无力承接"
    )
    with tenancy.scope(office.officer.scope):
        draft = ListVersion.objects.get(county=office.world.county, state="draft")
        codes = set(draft.entries.values_list("matter__code", flat=True))
    assert codes == {"SL-01", "JS-01"}


def test_an_applicant_takes_it_back_before_the_decision_is_made(office: Office) -> None:
    one = office.met()
    assert isinstance(refused(office, "withdraw", one, office.officer, note="不办了"), NotAllowed)
    one = office.make("withdraw", one, by=office.applicant, note="上级另有安排")
    assert (one.state, one.due_at) == ("withdrawn", None)
    one = office.approved()
    assert isinstance(refused(office, "withdraw", one, office.applicant, note="不办了"), WrongState)


@pytest.mark.assurance("A12")
@pytest.mark.parametrize("name", [name for name, move in ADMISSION_MOVES.items() if move.by_people])
def test_a_move_is_made_by_nobody_else_and_from_no_other_state(office: Office, name: str) -> None:
    one, move = office.write(), ADMISSION_MOVES[name]
    other = make_world()
    people = [
        office.world.member(role)
        for role in (Role.GRID_WORKER, Role.COUNTY_LEADER, Role.COUNTY_DESK)
    ]
    for member in (*people, other.head, other.officer(), other.member(Role.ESTABLISHMENT_OFFICER)):
        with pytest.raises((NotAllowed, Admission.DoesNotExist)):
            office.make(name, one, by=member)
    if move.sources == {"draft"} or name == "withdraw":
        return
    right = {
        "applicant": office.applicant, "office": office.officer, "consulted": office.heads[0],
        "legal": office.world.officer(office.justice),
        "reviewer": office.world.officer(office.finance),
    }[move.relation]  # fmt: skip
    with tenancy.scope(right.scope), pytest.raises((Problem, Admission.DoesNotExist)):
        admitting.make(name, one.uid, by=right, at=MONDAY, given=Given())


# --- walls ----------------------------------------------------------------------------------------


def test_it_is_read_by_those_it_concerns_and_by_the_county(office: Office) -> None:
    world, one = office.world, office.submitted(targets=(office.world.township.uid,))
    stranger = world.officer(world.housing)
    sibling = world.member(Role.TOWNSHIP_HEAD, world.sibling)
    readers = [
        office.applicant, office.officer, world.head, world.desk,
        world.officer(office.justice), world.officer(office.finance),
    ]  # fmt: skip
    for reader in readers:
        with tenancy.scope(reader.scope):
            assert Admission.objects.visible_to(reader).filter(pk=one.pk).exists()
    for reader in (stranger, sibling, make_world().desk):
        with tenancy.scope(reader.scope):
            # The rows themselves are out of reach, whatever is asked for.
            assert Admission.objects.raw("select id from mandates_admission")[:] == []


def test_everybody_is_told_whose_turn_it_is(office: Office) -> None:
    people = [office.officer, *office.heads]
    one = office.consulted()
    with tenancy.everywhere(reason="a test looks"):
        told = set(Notice.objects.filter(about=one.uid).values_list("user", "kind"))
    assert told == {
        (people[0].user_id, "admission_submit"),
        (office.applicant.user_id, "admission_accept"),
        *((head.user_id, "admission_accept") for head in people[1:]),
    }
