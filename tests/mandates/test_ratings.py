"""评价与返工: rated by the caller alone, handled again once, appealed against once, never altered."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from common import tenancy
from common.errors import Problem
from common.models import AuditEntry, Notice
from mandates.models import (
    Call,
    CallRating,
    ClockExtension,
    ClockPause,
    CountyRules,
    RatingAppeal,
    Step,
)
from mandates.queries.statistics.counting import behind, counts
from mandates.queries.statistics.definitions import COUNTS
from mandates.queries.statistics.periods import Period
from mandates.queries.statistics.sources import Cut
from tests.factories.calls import World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, move, url
from townships.roles import Role

pytestmark = pytest.mark.django_db
MARCH = Period.parse("2026-03")
SAID = {"speed": "mostly", "quality": "unsatisfied", "attitude": "satisfied"}


@pytest.fixture
def world() -> World:
    return make_world()


def answered(world: World, *, when: Any = None, **written: Any) -> Call:
    call = world.handling(**written)
    world.make(
        "answer",
        call,
        by=world.officer(),
        when=when or at(3, 3),
        note="已查处。",
        override="口头已复",
    )
    return call


def rated_twice(world: World) -> Call:
    call = answered(world)
    world.make(
        "rate", call, by=world.clerk, when=at(3, 4), rating="unsatisfied", note="没恢复", **SAID
    )
    world.make("answer", call, by=world.officer(), when=at(3, 5), note="已恢复河道")
    world.make("rate", call, by=world.clerk, when=at(3, 6), rating="unsatisfied", note="又反弹")
    world.drain(when=at(3, 6))
    return world.fresh(call)


def refused(world: World, name: str, call: Call, by: Any, when: Any, **given: Any) -> str:
    before = world.fresh(call)
    with pytest.raises(Problem) as caught:
        world.make(name, call, by=by, when=when, **given)
    after = world.fresh(call)
    assert (after.version, after.state, after.rating) == (
        before.version, before.state, before.rating,
    )  # fmt: skip
    return caught.value.code


def figures(world: World, *codes: str) -> dict[str, int]:
    with tenancy.everywhere(reason="a test counts"):
        return counts(codes, Cut(county_id=world.county.pk), MARCH, at=at(4, 20))


def ratings(call: Call) -> list[tuple[Any, ...]]:
    with tenancy.everywhere(reason="a test looks"):
        rows = CallRating.objects.filter(call=call).order_by("round")
        return list(rows.values_list("round", "overall", "speed", "quality", "attitude", "note"))


def test_unsatisfied_is_the_rework_and_the_second_rating_is_final(world: World) -> None:
    call = answered(world)
    work = world.make(
        "rate", call, by=world.clerk, when=at(3, 4), rating="unsatisfied", note="没恢复", **SAID
    )
    assert (work.call.state, work.call.rating, work.call.rework_count) == ("rework", "", 1)
    again = work.clock("rework")
    assert again is not None
    assert (again.started_at, again.department_id) == (at(3, 4), world.water.pk)

    world.make("answer", call, by=world.officer(), when=at(3, 5), note="已恢复河道")
    world.make("rate", call, by=world.clerk, when=at(3, 6), rating="unsatisfied", note="又反弹")

    final = world.fresh(call)
    assert (final.state, final.rating, final.level) == ("closed", "unsatisfied", "supervise")
    assert ratings(call) == [
        (1, "unsatisfied", "mostly", "unsatisfied", "satisfied", "没恢复"),
        (2, "unsatisfied", "", "", "", "又反弹"),
    ]
    with tenancy.everywhere(reason="a test looks"):
        steps = Step.objects.filter(call=call).order_by("-seq")
        assert [step.move for step in steps[:4]] == [
            "supervise_rating", "rate", "answer", "send_back",
        ]  # fmt: skip


def test_a_final_unsatisfied_rating_is_supervised_told_and_found(world: World) -> None:
    desk, leader = world.desk, world.member(Role.COUNTY_LEADER)
    call = rated_twice(world)
    with tenancy.dispatching(reason="a test looks"):
        told = Notice.objects.filter(kind="supervise_rating", about=call.uid)
        users = set(told.values_list("user", flat=True))
    assert {desk.user_id, leader.user_id, world.officer().user_id} == users
    assert figures(world, "supervised", "unsatisfied_again", "unsatisfied") == {
        "supervised": 1, "unsatisfied_again": 1, "unsatisfied": 1,
    }  # fmt: skip
    listed = Browser(desk, at=at(3, 9)).get(
        url("call-list"), data={"figure": "unsatisfied_again", "during": "2026-03"}
    )
    assert call.title in listed.content.decode()
    page = Browser(desk, at=at(3, 9)).get(url("call-detail", call.uid)).content.decode()
    assert "又反弹" in page
    assert "没恢复" in page


@pytest.mark.parametrize("who", [Role.COUNTY_DESK, Role.DEPARTMENT_HEAD, Role.COUNTY_LEADER])
def test_nobody_but_the_caller_rates(world: World, who: Role) -> None:
    call = answered(world)
    by = world.member(who)
    for name in ("rate", "send_back"):
        given = {"rating": "satisfied"} if name == "rate" else {}
        code = refused(world, name, call, by, at(3, 4), note="不是我叫的", **given)
        assert code == "not_the_caller"
    assert ratings(call) == []


def test_another_township_does_not_see_what_it_may_not_rate(world: World) -> None:
    call = answered(world)
    other = System.beside(world.member(Role.TOWNSHIP_CLERK, world.sibling))
    found = other.post(f"calls/{call.uid}/rate/", {"rating": "satisfied"}, match='"1"')
    assert found.status_code == 404
    desk = System.beside(world.desk)
    told = desk.post(f"calls/{call.uid}/rate/", {"rating": "satisfied"}, match='"1"')
    assert (told.status_code, told.json()["code"]) == (403, "not_the_caller")
    wrong = System.beside(world.clerk).move("rate", call, rating="satisfied", speed="unrated")
    assert wrong.status_code == 400, wrong.content.decode()
    assert "speed" in wrong.content.decode()
    assert ratings(call) == []


def test_silence_leaves_no_rating_and_stays_out_of_both_numbers(world: World) -> None:
    from mandates.operations import sweep  # noqa: PLC0415

    silent, spoken = answered(world), answered(world)
    world.make("rate", spoken, by=world.clerk, when=at(3, 4), rating="satisfied")
    world.drain(when=at(3, 4))
    while sweep.sweep(at=at(3, 20)):
        pass
    assert world.fresh(silent).rating == "unrated"
    assert ratings(silent) == []
    assert figures(world, "closed", "rated", "satisfied", "content", "unrated") == {
        "closed": 2, "rated": 1, "satisfied": 1, "content": 1, "unrated": 1,
    }  # fmt: skip


def test_an_upheld_appeal_takes_the_rating_out_of_figures_and_leaves_it_as_it_is(
    world: World,
) -> None:
    call = rated_twice(world)
    assert figures(world, "rated", "unsatisfied", "rating_excluded") == {
        "rated": 1, "unsatisfied": 1, "rating_excluded": 0,
    }  # fmt: skip
    world.make("appeal_rating", call, by=world.officer(), when=at(3, 9), note="反弹系新案，非原案")
    assert refused(world, "exclude_rating", call, world.desk, at(3, 10), note="属实") == "invalid"
    world.make(
        "exclude_rating",
        call,
        by=world.desk,
        when=at(3, 10),
        note="经复核属实",
        evidence="复核笔录一份",
    )

    after = world.fresh(call)
    assert (after.rating, after.rating_note, after.rating_appeal) == (
        "unsatisfied", "又反弹", "upheld",
    )  # fmt: skip
    assert len(ratings(call)) == 2
    assert figures(world, "rated", "unsatisfied", "rating_excluded", "quality_rated") == {
        "rated": 0, "unsatisfied": 0, "rating_excluded": 1, "quality_rated": 0,
    }  # fmt: skip
    with tenancy.everywhere(reason="a test looks"):
        entry = AuditEntry.objects.get(action="rating_excluded")
    assert (entry.detail["reason"], entry.detail["evidence"]) == ("经复核属实", "复核笔录一份")
    whole = System.beside(world.desk).get(f"calls/{call.uid}/").json()
    assert [one["overall"] for one in whole["ratings"]] == ["unsatisfied", "unsatisfied"]
    (appeal,) = whole["rating_appeals"]
    assert (appeal["outcome"], appeal["evidence"]) == ("upheld", "复核笔录一份")


def test_an_appeal_is_made_once_by_the_lead_within_the_countys_days(world: World) -> None:
    call = rated_twice(world)  # closed on Friday, 6 March
    late = at(3, 13, 17, 30)  # five working days later, at the end of office hours
    given = {"note": "评价与事实不符"}
    assert refused(world, "appeal_rating", call, world.officer(), late, **given) == (
        "appeal_window_closed"
    )
    assert refused(world, "keep_rating", call, world.desk, at(3, 9), **given) == "no_appeal"
    police = world.officer(world.police)
    assert refused(world, "appeal_rating", call, police, at(3, 9), **given) == "not_your_part"
    world.make("appeal_rating", call, by=world.officer(), when=late - timedelta(seconds=1), **given)
    world.make("keep_rating", call, by=world.desk, when=at(3, 16), note="问题属实")
    assert refused(world, "appeal_rating", call, world.officer(), at(3, 13), **given) == (
        "appealed_once"
    )
    assert figures(world, "rated", "unsatisfied") == {"rated": 1, "unsatisfied": 1}
    content = answered(world)
    world.make("rate", content, by=world.clerk, when=at(3, 4), rating="satisfied")
    assert refused(world, "appeal_rating", content, world.officer(), at(3, 5), **given) == (
        "nothing_to_appeal"
    )


def test_the_window_is_data_of_the_county(world: World) -> None:
    from common import reference  # noqa: PLC0415

    call = rated_twice(world)
    with tenancy.dispatching(reason="a test prepares"):
        CountyRules.objects.filter(county=world.county).update(appeal_days=1)
        reference.refresh()
    code = refused(world, "appeal_rating", call, world.officer(), at(3, 10), note="不符")
    assert code == "appeal_window_closed"


def test_nobody_changes_a_rating(world: World) -> None:
    call = rated_twice(world)
    for kind in (world.clerk.scope, world.desk.scope, tenancy.Scope("dispatch")):
        with pytest.raises(DatabaseError), transaction.atomic(), tenancy.scope(kind):
            CallRating.objects.filter(call=call).update(overall="satisfied")
    assert [one[1] for one in ratings(call)] == ["unsatisfied", "unsatisfied"]


def test_pages_of_an_appeal_from_department_to_desk(world: World) -> None:
    call = rated_twice(world)
    officer, desk = world.officer(), world.desk
    page = Browser(officer, at=at(3, 9)).get(url("call-detail", call.uid)).content.decode()
    assert url("call-appeal-rating", call.uid) in page or "do=appeal_rating" in page
    assert move(
        world, call, "appeal_rating", by=officer, at=at(3, 9), note="反弹系新案"
    ).status_code == 302  # fmt: skip
    waiting = Browser(desk, at=at(3, 10)).get(url("appeal-list"))
    assert [row["one"].call_id for row in waiting.context["rows"]] == [call.pk]
    answer = move(world, call, "exclude_rating", by=desk, at=at(3, 10), note="属实")
    assert (answer.status_code, list(answer.context["active"].form.errors)) == (422, ["evidence"])
    done = move(
        world, call, "exclude_rating", by=desk, at=at(3, 10), note="经复核属实", evidence="照片三张"
    )
    assert done.status_code == 302
    assert not Browser(desk, at=at(3, 11)).get(url("appeal-list")).context["rows"]
    decided = Browser(officer, at=at(3, 11)).get(url("appeal-list"), data={"show": "decided"})
    assert "经复核属实" in decided.content.decode()
    body = System.beside(officer).get("calls/appeals/", show="decided").json()
    assert [one["decision"] for one in body["results"]] == ["经复核属实"]
    elsewhere = System.beside(world.officer(world.housing)).get("calls/appeals/").json()
    assert elsewhere["results"] == []


def test_old_ratings_come_out_of_the_history(world: World) -> None:
    call = rated_twice(world)
    before = ratings(call)
    migration: Any = import_module("mandates.migrations.0012_ratings")
    taken = migration.OLD_RATINGS.split(";")[1]
    with tenancy.dispatching(reason="a test reads as the migration does"):
        select = taken.partition("select s.county_id")[2]
        with connection.cursor() as cursor:
            cursor.execute(f"select s.county_id{select} order by s.call_id, s.seq")
            found = [row for row in cursor.fetchall() if row[2] == call.pk]
    assert [(row[5], row[9], row[10]) for row in found] == [
        (n, o, note) for n, o, *_s, note in before
    ]
    assert apps.get_model("mandates", "CallRating") is CallRating


def test_signs_of_gaming_are_counted_and_lead_to_their_calls(world: World) -> None:
    hasty = answered(world)
    world.make("rate", hasty, by=world.clerk, when=at(3, 4, 9), rating="unsatisfied", note="没恢复")
    world.make("answer", hasty, by=world.officer(), when=at(3, 4, 9, 59), note="已恢复 河道！")
    world.make("rate", hasty, by=world.clerk, when=at(3, 5), rating="satisfied")
    twin = answered(world)
    world.make("rate", twin, by=world.clerk, when=at(3, 6, 9), rating="mostly")
    copied = answered(world)
    world.make("rate", copied, by=world.clerk, when=at(3, 6, 10), rating="satisfied")
    with tenancy.dispatching(reason="a test prepares"):
        clock = copied.clocks.get(kind="close", assignment__part="lead")
        ClockPause.objects.create(
            **clock.tenant, clock=clock, from_at=at(3, 3), to_at=at(3, 4), reason="补材料"
        )
        ClockExtension.objects.create(
            **clock.tenant, clock=clock, amount=1, reason="要检测",
            asked_at=clock.original_due_at - timedelta(hours=24),
        )  # fmt: skip
        clock = twin.clocks.get(kind="close", assignment__part="lead")
        ClockExtension.objects.create(
            **clock.tenant, clock=clock, amount=1, reason="要检测",
            asked_at=clock.original_due_at - timedelta(hours=25),
        )  # fmt: skip
    wanted = {
        "sign_sent_back": 1, "sign_hasty": 1, "sign_paused": 1, "sign_extended": 2,
        "sign_extended_late": 1, "sign_answered": 3, "sign_same_answer": 1,
    }  # fmt: skip
    assert figures(world, *wanted) == wanted
    assert set(wanted) == {code for code in COUNTS if code.startswith("sign_")}
    cut = Cut(county_id=world.county.pk)
    with tenancy.everywhere(reason="a test counts"):
        found = Call.objects.filter(behind("sign_same_answer", cut, MARCH, at=at(4, 20)))
        assert [call.pk for call in found] == [copied.pk]


def test_an_appeal_is_told_to_the_desk_and_its_end_to_the_department(world: World) -> None:
    desk, clerk = world.desk, world.clerk
    call = rated_twice(world)
    world.make("appeal_rating", call, by=world.officer(), when=at(3, 9), note="反弹系新案")
    world.make("keep_rating", call, by=desk, when=at(3, 10), note="问题属实")
    world.drain(when=at(3, 10))
    with tenancy.dispatching(reason="a test looks"):
        told = Notice.objects.filter(about=call.uid)
        asked = set(told.filter(kind="appeal_rating").values_list("user", flat=True))
        kept = set(told.filter(kind="keep_rating").values_list("user", flat=True))
        appeal = RatingAppeal.objects.get(call=call)
    assert {desk.user_id, clerk.user_id} <= asked
    assert world.officer().user_id in kept
    assert desk.user_id not in kept
    assert (appeal.outcome, appeal.decision, appeal.evidence) == ("rejected", "问题属实", "")
    assert appeal.due_at == at(3, 16, 17, 30)
