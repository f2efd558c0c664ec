"""赋权与委托: the life of a batch, what the law forbids, and the answer for any day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import reference, tenancy
from common.errors import Invalid, NotAllowed, Problem
from common.models import Notice
from mandates.models import (
    FORBIDDEN,
    CapabilityCheck,
    ListVersion,
    PowerBatch,
    PowerGrant,
    PowerItem,
    PowerSwap,
)
from mandates.operations import empowering, granting, lists, taking_back
from mandates.operations.empowering import Draft, Published
from mandates.operations.granting import TakeBack
from mandates.queries import empowerment
from mandates.queries.empowerment import Answer
from mandates.queries.rulebook import rulebook
from tests.factories import powers
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.mandates import let_hold
from tests.factories.powers import ABLE, DAY, officer, second
from tests.factories.systems import System
from tests.mandates.pages import Browser
from townships.http import Member
from townships.models import Department, DevelopedTown, Township
from townships.roles import Role

pytestmark = pytest.mark.django_db
LATER = at(4, 1)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture(autouse=True)
def _in_chinese() -> Any:
    with translation.override("zh-hans"):
        yield


def as_of(by: Member, act: Callable[[], Any]) -> Any:
    with tenancy.scope(by.scope):
        return act()


def code_of(by: Member, act: Callable[[], Any]) -> str:
    with pytest.raises(Problem) as caught, tenancy.scope(by.scope):
        act()
    return caught.value.code


def asked(world: World, item: PowerItem, day: date, *, place: Township | None = None) -> Answer:
    with tenancy.scope(world.desk.scope):
        return empowerment.may(place or world.township, [item], day)[0]


def taken_back(world: World, batch: PowerBatch, *, on: date, when: Any = LATER) -> int:
    by = second(world)
    with tenancy.scope(by.scope):
        uids = list(batch.grants.filter(ended_at=None).values_list("uid", flat=True))
        given = TakeBack(on, "上级收回", "试政〔2026〕20号", on)
        return granting.take_back(batch.uid, uids, given, by=by, at=when)


# --- the life of a batch -------------------------------------------------------------------------


def test_a_batch_goes_from_draft_to_in_force_and_is_taken_back(world: World) -> None:
    item = powers.item(world, "SL-01")
    assert world.head  # who holds the post is told
    batch = powers.published(world, [item])
    assert asked(world, item, DAY).why == "not_confirmed"

    as_of(world.head, lambda: empowering.confirm(
        batch.agreements.get().uid, note="边界已明", by=world.head, at=at(3, 5)
    ))  # fmt: skip

    assert asked(world, item, date(2026, 3, 4)).why == "not_yet"
    now = asked(world, item, date(2026, 3, 5))
    assert (now.may, now.mode, now.name_of) == (True, "entrustment", "水利局")
    assert [law.article for law in now.limits] == ["第十七条第一款", "第二十条第四款"]
    assert now.grant is not None
    assert now.grant.batch.document_no == "试政〔2026〕8号"

    assert taken_back(world, batch, on=date(2026, 4, 10)) == 1
    assert asked(world, item, date(2026, 4, 9)).may
    over = asked(world, item, date(2026, 4, 10))
    assert (over.may, over.why) == (False, "taken_back")
    assert over.sentence == "已于2026-04-10收回（试政〔2026〕20号）。"
    with tenancy.everywhere(reason="a test looks"):
        told = Notice.objects.filter(user=world.head.user, about=batch.uid).order_by("id")
        assert list(told.values_list("kind", flat=True)) == ["power_confirm", "power_taken_back"]


def test_empowered_it_acts_in_its_own_name(world: World) -> None:
    one = powers.item(world, "SL-01")
    two = powers.item(world, "JS-01", department=world.housing)
    powers.in_force(world, [one, two], mode="empowerment", ends=None)
    answer = asked(world, two, DAY)
    assert (answer.mode, answer.name_of) == ("empowerment", world.township.name)
    assert answer.limits == ()
    assert asked(world, one, DAY, place=world.sibling).why == "never_granted"


def test_what_the_law_itself_gives_needs_nobody(world: World) -> None:
    own = powers.item(
        world, "GH-65", scored=False, law="中华人民共和国城乡规划法", article="第六十五条"
    )
    as_of(officer(world), lambda: PowerItem.objects.filter(pk=own.pk).update(department=None))
    own.department = None
    answer = asked(world, own, date(2021, 1, 1), place=world.sibling)
    assert (answer.may, answer.mode, answer.name_of) == (True, "own", world.sibling.name)
    assert answer.place == "《中华人民共和国城乡规划法》第六十五条"
    assert code_of(officer(world), lambda: powers.drafted(world, [own])) == "own_by_law"


def test_each_step_belongs_to_somebody_and_has_its_turn(world: World) -> None:
    item = powers.item(world, "SL-01")
    batch = powers.drafted(world, [item])
    by, other = officer(world), second(world)

    def approve(who: Member) -> Any:
        return empowering.approve(batch.uid, document_no="试政〔2026〕8号", by=who, at=MONDAY)

    assert code_of(other, lambda: approve(other)) == "wrong_step"
    seals = {world.township.uid: DAY}
    as_of(by, lambda: empowering.agree(batch.uid, giver_on=DAY, seals=seals, by=by, at=MONDAY))
    assert code_of(by, lambda: approve(by)) == "same_person"
    for who in (world.head, world.desk, world.officer()):
        with pytest.raises(NotAllowed):
            as_of(who, lambda who=who: approve(who))  # type: ignore[misc]
    as_of(other, lambda: approve(other))
    assert code_of(by, lambda: empowering.publish(
        batch.uid, giver=Published(DAY, "网站"), takers={}, by=by, at=MONDAY
    )) == "same_person"  # fmt: skip
    assert code_of(by, lambda: empowering.choose(
        batch.uid, items=[], townships=[], by=by, at=MONDAY
    )) == "wrong_step"  # fmt: skip


# --- what the law forbids ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mode", "code"),
    [
        ("detention", "entrustment", "forbidden_detention"),
        ("detention", "empowerment", "forbidden_detention"),
        ("measure", "entrustment", "forbidden_measure_entrusted"),
    ],
)
def test_kinds_that_are_never_handed_down(world: World, kind: str, mode: str, code: str) -> None:
    item = powers.item(world, "X-01", kind=kind)
    assert code_of(officer(world), lambda: powers.drafted(world, [item], mode=mode)) == code


def test_a_measure_may_follow_an_empowered_penalty(world: World) -> None:
    item = powers.item(world, "X-01", kind="measure")
    powers.in_force(world, [item], mode="empowerment")
    assert asked(world, item, DAY).may


def test_a_refusal_ends_with_the_article_and_its_words(world: World) -> None:
    item = powers.item(world, "X-01", kind="measure")
    with pytest.raises(Problem) as caught:
        powers.drafted(world, [item])
    assert str(caught.value) == (
        "行政强制措施权不得委托给他人。涉及：X-01 事项X-01。"
        "《中华人民共和国行政强制法》第十七条第一款：“行政强制措施权不得委托。”"
    )


def test_a_township_entrusts_nobody_in_turn(world: World) -> None:
    by = officer(world)
    given = Draft("再委托", "entrustment", world.township.uid, "全部", DAY, date(2027, 1, 1))
    assert (
        code_of(by, lambda: empowering.draft(given, by=by, at=MONDAY)) == "forbidden_redelegation"
    )


def test_a_department_entrusts_only_its_own(world: World) -> None:
    item = powers.item(world, "JS-01", department=world.housing)
    assert (
        code_of(officer(world), lambda: powers.drafted(world, [item])) == "forbidden_outside_power"
    )


def test_an_entrustment_without_term_or_powers_is_none(world: World) -> None:
    item = powers.item(world, "SL-01")
    for more in ({"ends": None}, {"powers": " "}):
        code = code_of(officer(world), lambda more=more: powers.agreed(world, [item], **more))  # type: ignore[misc]
        assert code == "forbidden_no_term"


def test_empowerment_rests_on_the_province(world: World) -> None:
    item = powers.item(world, "SL-01")
    code = code_of(
        officer(world), lambda: powers.agreed(world, [item], mode="empowerment", decision="")
    )
    assert code == "forbidden_no_decision"


@pytest.mark.parametrize(
    ("mode", "code"),
    [("entrustment", "forbidden_not_qualified"), ("empowerment", "forbidden_not_capable")],
)
def test_only_who_can_take_it_on(world: World, mode: str, code: str) -> None:
    item = powers.item(world, "SL-01")
    by = officer(world)
    batch = powers.drafted(world, [item], mode=mode, able=False)
    seals = {world.township.uid: DAY}

    def agree() -> Any:
        return empowering.agree(batch.uid, giver_on=DAY, seals=seals, by=by, at=MONDAY)

    def check(passed: bool, officers: int = 3) -> Any:
        found = empowering.Capability(officers, "有", "有", 10, passed=passed)
        return empowering.check(world.township.uid, found, item=item.uid, by=by, at=MONDAY)

    assert code_of(by, agree) == code
    assert code_of(by, lambda: check(True, officers=1)) == "forbidden_too_few_officers"
    as_of(by, lambda: check(True))
    as_of(by, lambda: check(False))  # the last one counts
    assert code_of(by, agree) == code
    as_of(by, lambda: check(True))
    assert as_of(by, agree).state == "agreed"


def test_the_criteria_come_first(world: World) -> None:
    bare = powers.item(world, "SL-01", scored=False)
    assert code_of(officer(world), lambda: powers.drafted(world, [bare])) == "not_scored"
    powers.score(world, bare, urgent=0)
    assert code_of(officer(world), lambda: powers.drafted(world, [bare])) == "forbidden_not_needed"


def test_both_sides_publish(world: World) -> None:
    batch = powers.agreed(world, [powers.item(world, "SL-01")])
    by = second(world)
    as_of(by, lambda: empowering.approve(batch.uid, document_no="试1号", by=by, at=MONDAY))
    for takers in ({}, {world.township.uid: Published(DAY, "")}):
        code = code_of(by, lambda takers=takers: empowering.publish(  # type: ignore[misc]
            batch.uid, giver=Published(DAY, "网站"), takers=takers, by=by, at=MONDAY
        ))  # fmt: skip
        assert code == "forbidden_unpublished"


def test_every_prohibition_names_law_article_and_words() -> None:
    for one in FORBIDDEN.values():
        assert one.law.startswith("《中华人民共和国")
        assert one.article.startswith("第")
        assert one.words
        assert str(one.says)


# --- what PostgreSQL itself keeps ----------------------------------------------------------------


def test_the_database_refuses_what_was_not_agreed_published_and_confirmed(world: World) -> None:
    item = powers.item(world, "SL-01")
    batch = powers.published(world, [item])
    part = as_of(world.desk, lambda: batch.agreements.get())

    def grant() -> Any:
        return PowerGrant.objects.create(
            **part.tenant, item=item, batch=batch, agreement=part, valid_from=DAY
        )

    for by in (world.head, world.desk):
        with pytest.raises(IntegrityError, match="power_grant_basis|nothing is granted"):
            as_of(by, grant)


def test_one_item_is_held_once_a_day_and_never_changed_but_ended(world: World) -> None:
    item = powers.item(world, "SL-01")
    powers.in_force(world, [item])
    with pytest.raises(Problem) as caught:
        powers.agreed(world, [item], title="第二批")
    assert caught.value.code == "already_held"
    with tenancy.scope(world.desk.scope):
        held = PowerGrant.objects.get()
        held.pk = None
        with pytest.raises(DatabaseError), transaction.atomic():
            held.save(force_insert=True)
        for change in (
            lambda: PowerGrant.objects.update(valid_from=date(2020, 1, 1)),
            lambda: PowerGrant.objects.update(valid_to=date(2030, 1, 1)),
            lambda: PowerGrant.objects.all().delete(),
            lambda: PowerBatch.objects.update(powers="别的"),
            lambda: CapabilityCheck.objects.update(passed=False),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()


def test_a_township_reads_its_own_and_another_county_nothing(world: World) -> None:
    item = powers.item(world, "SL-01")
    powers.in_force(world, [item], townships=[world.township, world.sibling])
    other = make_world()
    sibling = world.member(Role.TOWNSHIP_CLERK, world.sibling)

    def count() -> int:
        return int(PowerGrant.objects.count())

    assert [as_of(by, count) for by in (world.clerk, sibling, world.desk, other.desk)] == [
        1, 1, 2, 0,
    ]  # fmt: skip
    with pytest.raises(DatabaseError), transaction.atomic():
        as_of(world.clerk, lambda: PowerGrant.objects.update(valid_to=DAY))


# --- taking back, ending, evaluating, swapping ---------------------------------------------------


def test_of_a_matter_taken_back_no_case_is_begun_and_open_ones_are_finished(world: World) -> None:
    item = powers.item(world, "XX-01", matter=world.sand.matter)
    powers.in_force(world, [item])
    back = DAY + timedelta(days=30)
    with tenancy.scope(officer(world).scope):
        taking_back.take_back(
            world.sand.matter,
            day=back,
            document_no="省编办〔2026〕3号",
            by=officer(world),
            at=MONDAY,
        )

    def may(day: date, opened: date | None = None) -> Answer:
        with tenancy.scope(world.desk.scope):
            return empowerment.may(world.township, [item], day, opened=opened)[0]

    before, since, later = may(back - timedelta(days=1)), may(back), may(back + timedelta(days=90))
    assert (before.may, before.taken_back) == (True, None)
    for answer in (since, later, may(later.day, opened=back)):
        assert (answer.may, answer.why, answer.name_of) == (False, "matter_taken_back", "")
        assert "省编办〔2026〕3号" in answer.sentence
    open_one = may(later.day, opened=back - timedelta(days=1))
    assert (open_one.may, open_one.name_of) == (True, world.water.name)
    assert open_one.taken_back is not None
    assert (open_one.taken_back.code, open_one.taken_back.day) == ("SL-01", back)
    with pytest.raises(Invalid):
        may(back, opened=back + timedelta(days=1))

    asked = {"township": str(world.township.uid), "item": "XX-01", "on": f"{later.day}"}
    system = System.beside(world.clerk)
    told = system.get("powers/may/", **asked).json()["answers"][0]
    assert (told["may"], told["why"]) == (False, "matter_taken_back")
    assert told["taken_back"] == {
        "matter": "SL-01", "day": f"{back}", "document_no": "省编办〔2026〕3号",
    }  # fmt: skip
    told = system.get("powers/may/", **asked, opened=f"{before.day}").json()["answers"][0]
    assert (told["may"], told["name_of"]) == (True, world.water.name)
    assert system.get("powers/may/", **asked, opened="2030-01-01").status_code == 400
    page = Browser(world.clerk, at=LATER).get(
        "/powers/ask/", data={**asked, "opened": f"{before.day}"}
    )
    assert page.context["answers"][0].may is True


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=6))
def test_no_act_of_today_changes_what_is_answered_of_days_that_are_over(
    world: World, acts: list[tuple[bool, int]]
) -> None:
    matter, by = world.sand.matter, officer(world)
    now, known = MONDAY, {}

    def stands(day: date) -> bool:
        keys = [matter.pk]
        asked = bool(empowerment._taken_back(keys, day))
        assert rulebook(world.county.pk).entries[world.sand.pk].is_taken_back_on(day) == asked
        return asked

    with tenancy.dispatching(reason="a test acts"), transaction.atomic():
        for takes, wait in acts:
            today = now.date()
            matter.refresh_from_db()
            if takes and matter.taken_back_from is None:
                day = today + timedelta(days=wait % 3)
                taking_back.take_back(matter, day=day, document_no="省编办1号", by=by, at=now)
            elif matter.taken_back_from is not None:
                taking_back.give_back(matter, reason="归还", by=by, at=now)
            assert all(stands(day) == answer for day, answer in known.items())
            now += timedelta(days=wait)
            gone = (now.date() - today).days
            known |= {one: stands(one) for one in (today + timedelta(days=n) for n in range(gone))}
        transaction.set_rollback(True)
    reference.refresh()


def test_a_version_that_says_taken_back_stops_the_power_too(world: World) -> None:
    item = powers.item(world, "XX-01", matter=world.sand.matter)
    powers.in_force(world, [item])
    begins = DAY + timedelta(days=10)
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        draft.entries.filter(matter=world.sand.matter_id).update(share="taken_back")
        versions = ListVersion.objects.filter(duty_list=world.version.duty_list)
        versions.filter(pk=world.version.pk).update(valid_to=begins)
        let_hold(draft, valid_from=begins, document_no="试编办〔2026〕9号", at=MONDAY)

    assert asked(world, item, begins - timedelta(days=1)).may
    since = asked(world, item, begins)
    assert (since.may, since.taken_back and since.taken_back.document) == (
        False, "试编办〔2026〕9号",
    )  # fmt: skip
    own = powers.item(world, "XX-02", scored=False)
    with tenancy.dispatching(reason="a test tries"), pytest.raises(IntegrityError):
        # By the law itself the township's own: no superior takes that back.
        PowerItem.objects.filter(pk=own.pk).update(department=None, matter=world.sand.matter_id)


def test_nothing_is_taken_back_for_days_that_are_over(world: World) -> None:
    item = powers.item(world, "SL-01")
    batch = powers.in_force(world, [item])
    with pytest.raises(Problem) as caught:
        taken_back(world, batch, on=date(2026, 3, 31))
    assert list(caught.value.fields) == ["on"]
    assert asked(world, item, date(2026, 4, 2)).may


def test_a_batch_is_ended_whole(world: World) -> None:
    items = [powers.item(world, f"SL-0{n}") for n in range(3)]
    batch = powers.in_force(world, items, townships=[world.township, world.sibling])
    by = second(world)
    given = TakeBack(date(2026, 5, 1), "评估后收回", "试政〔2026〕30号", date(2026, 4, 1))
    as_of(by, lambda: granting.end_batch(batch.uid, given, by=by, at=LATER))
    assert [asked(world, one, date(2026, 5, 1)).why for one in items] == ["taken_back"] * 3
    assert code_of(by, lambda: granting.end_batch(batch.uid, given, by=by, at=LATER)) == (
        "not_published"
    )


def test_a_swap_is_equal_and_the_county_approves_it(world: World) -> None:
    one, two, three = (powers.item(world, f"SL-0{n}") for n in range(3))
    batch = powers.in_force(world, [one, two], mode="empowerment", ends=None)
    head, by = world.head, second(world)
    with tenancy.scope(head.scope):
        part = batch.agreements.get()
        outs = list(batch.grants.filter(item=one).values_list("uid", flat=True))
        both = list(batch.grants.values_list("uid", flat=True))

    def ask(given: list[Any], ins: list[str]) -> PowerSwap:
        return granting.ask_swap(
            part.uid, outs=given, ins=ins, reason="辖区无河道", by=head, at=LATER
        )

    assert code_of(head, lambda: ask(both, ["SL-02"])) == "unequal_swap"
    swap = as_of(head, lambda: ask(outs, ["SL-02"]))
    assert code_of(head, lambda: ask(outs, ["SL-02"])) == "already_asked"

    def decide() -> PowerSwap:
        return granting.decide_swap(
            swap.uid, approved=True, on=date(2026, 4, 15), document_no="试政〔2026〕21号",
            decision="", by=by, at=LATER,
        )  # fmt: skip

    assert code_of(by, decide) == "forbidden_not_capable"
    as_of(by, lambda: empowering.check(
        world.township.uid, ABLE, item=three.uid, by=by, at=LATER
    ))  # fmt: skip
    as_of(by, decide)
    assert asked(world, one, date(2026, 4, 14)).may
    assert asked(world, one, date(2026, 4, 15)).why == "swapped"
    assert asked(world, three, date(2026, 4, 14)).why == "not_yet"
    assert asked(world, three, date(2026, 4, 15)).may
    assert code_of(by, decide) == "decided"


def test_items_of_an_entrustment_stand_in_its_document(world: World) -> None:
    item = powers.item(world, "SL-01")
    powers.item(world, "SL-02")
    batch = powers.in_force(world, [item])
    with tenancy.scope(world.head.scope):
        part, outs = batch.agreements.get(), list(batch.grants.values_list("uid", flat=True))
    assert code_of(world.head, lambda: granting.ask_swap(
        part.uid, outs=outs, ins=["SL-02"], reason="换", by=world.head, at=LATER
    )) == "forbidden_no_term"  # fmt: skip


# --- any day -------------------------------------------------------------------------------------


def test_every_day_is_answered_as_a_plain_reading_of_the_records_says(world: World) -> None:
    """Three townships' worth of histories, against sets of days."""
    items = [powers.item(world, f"SL-0{n}") for n in range(4)]
    first = powers.in_force(world, items[:3], begins=date(2026, 3, 10), ends=date(2026, 6, 1))
    powers.in_force(
        world, items[2:], townships=[world.sibling], begins=DAY, ends=date(2026, 4, 20),
        when=at(3, 20),
    )  # fmt: skip
    by = second(world)
    with tenancy.scope(by.scope):
        gone = first.grants.get(item=items[0]).uid
        given = TakeBack(date(2026, 5, 2), "收回", "试1号", date(2026, 4, 1))
        granting.take_back(first.uid, [gone], given, by=by, at=LATER)
    powers.in_force(world, [items[0]], begins=date(2026, 5, 10), ends=date(2026, 5, 12), title="二")

    def days(begin: date, end: date) -> set[date]:
        return {begin + timedelta(days=n) for n in range((end - begin).days)}

    told = {
        (world.township.pk, 0): days(date(2026, 3, 10), date(2026, 5, 2))
        | days(date(2026, 5, 10), date(2026, 5, 12)),
        (world.township.pk, 1): days(date(2026, 3, 10), date(2026, 6, 1)),
        (world.township.pk, 2): days(date(2026, 3, 10), date(2026, 6, 1)),
        (world.sibling.pk, 2): days(date(2026, 3, 20), date(2026, 4, 20)),
        (world.sibling.pk, 3): days(date(2026, 3, 20), date(2026, 4, 20)),
    }
    with tenancy.scope(world.desk.scope):
        for place in (world.township, world.sibling):
            for day in sorted(days(date(2026, 2, 20), date(2026, 6, 10))):
                answers = empowerment.may(place, items, day)
                held = {one.item.pk for one in empowerment.today_of(place, day)}
                for n, answer in enumerate(answers):
                    wanted = day in told.get((place.pk, n), set())
                    assert answer.may == wanted, (place, n, day, answer.why)
                    assert (items[n].pk in held) == wanted


def test_asking_costs_the_same_for_one_and_for_many(
    world: World, django_assert_max_num_queries: Any
) -> None:
    items = [powers.item(world, f"SL-{n:02}") for n in range(12)]
    powers.in_force(world, items)
    with tenancy.scope(world.desk.scope), django_assert_max_num_queries(1):
        assert all(one.may for one in empowerment.may(world.township, items, DAY))


# --- figures, files ------------------------------------------------------------------------------


def test_the_average_is_of_the_developed_towns_alone(world: World) -> None:
    items = [powers.item(world, f"SL-0{n}") for n in range(3)]
    powers.in_force(world, items)
    powers.in_force(world, items[:1], townships=[world.sibling])
    with tenancy.scope(world.desk.scope):
        assert empowerment.figures(world.county.pk, DAY).average is None
    for town in (world.township, world.sibling):
        DevelopedTown.objects.create(town=town, valid_from=DAY, source="省名单（示例）")
    with tenancy.scope(world.desk.scope):
        found = empowerment.figures(world.county.pk, DAY)
        assert (found.developed, found.average) == (2, 2.0)
        assert [row["n"] for row in found.rows] == [3, 1]
        assert empowerment.figures(world.county.pk, DAY - timedelta(days=1)).average is None


def test_the_sample_items_are_loaded_once_and_say_where_they_come_from(world: World) -> None:
    def load() -> str:
        out = StringIO()
        call_command("load_powers", county=[world.county.code], stdout=out)
        return out.getvalue()

    codes = {"natural_resources": "自规局", "agriculture": "农业局", "urban_management": "城管局",
             "housing": "住建", "forestry": "林业局", "water": "水", "transport": "交通局",
             "fire_rescue": "消防", "public_security": "公安"}  # fmt: skip
    with pytest.raises(CommandError, match="该县没有这个部门"):
        load()
    for code, name in codes.items():
        Department.objects.create(
            county=world.county, code=code, name=name, short_name=name, kind="department"
        )
    assert "58" in load()
    assert "0" in load()
    with tenancy.scope(world.desk.scope):
        rows = PowerItem.objects.exclude(code="SL-C1")
        assert rows.count() == 58
        assert not rows.filter(is_sample=False).exists()
        assert not rows.exclude(source_note__contains="核对").exists()
        assert rows.filter(department=None).count() == 4
