"""Rulings on objections as precedents: what they keep, who finds them, and what they bind."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from common import tenancy
from mandates.models import Assignment, Call, Clock, Precedent
from mandates.operations.precedents import without_numbers
from mandates.queries.precedents import Asked, narrowed, near
from tests.factories.calls import World, at, make_world
from tests.factories.townships import member as make_member
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db

RAISED, RULED, LATER = at(3, 2, 10), at(3, 2, 15), at(3, 3)


@pytest.fixture
def world() -> World:
    return make_world()


def objected(world: World, note: str = "属房屋，不归我局", **written: object) -> Call:
    call = world.routed(**written)  # type: ignore[arg-type]
    world.make(
        "object", call, by=world.officer(), when=RAISED, note=note,
        entry=world.building.uid, law="《城乡规划法》", article="第六十五条",
        proposed=world.housing.uid,
    )  # fmt: skip
    return call


def upheld(world: World, note: str = "违建由住建局查处", **written: object) -> Call:
    call = objected(world, **written)  # type: ignore[arg-type]
    world.make("uphold", call, by=world.desk, when=RULED, note=note, lead=world.housing.uid)
    return call


def rejected(world: World, note: str = "采砂由水利局查处", **written: object) -> Call:
    call = objected(world, **written)  # type: ignore[arg-type]
    world.make("reject", call, by=world.desk, when=RULED, note=note)
    return call


def found(by: Member, **asked: object) -> list[str]:
    with tenancy.scope(by.scope):
        rows = narrowed(by, Asked(**asked))  # type: ignore[arg-type]
        return [one.outcome for one in rows.order_by("id")]


@pytest.mark.assurance("E8")
def test_a_ruling_is_kept_for_the_whole_county_without_numbers_of_people(world: World) -> None:
    call = objected(world, note="当事人电话 13800138000，不归我局")
    world.make(
        "uphold", call, by=world.desk, when=RULED, lead=world.housing.uid,
        note="身份证 34180119800101123X 一户违建，由住建局查处",
    )  # fmt: skip

    reader = world.member(Role.TOWNSHIP_CLERK, world.sibling)
    with tenancy.scope(reader.scope):
        assert not Call.objects.filter(uid=call.uid).exists()
        one = Precedent.objects.get()
        assert (one.department, one.proposed, one.given_to) == (
            world.water, world.housing, world.housing,
        )  # fmt: skip
        assert (one.matter_name, one.outcome, one.part) == (
            "SL-01 河道采砂、侵占河道", "upheld", "lead",
        )  # fmt: skip
        assert one.cites == "JS-01 违法建设查处；《城乡规划法》 第六十五条"
        assert one.reason == "当事人电话 ***，不归我局"
        assert one.decision == "身份证 *** 一户违建，由住建局查处"
        assert (one.raised_at, one.decided_at) == (RAISED, RULED)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("2026年3月2日第65条", "2026年3月2日第65条"),
        ("电话138 0013 8000", "电话***"),
        ("0563-3021234", "***"),
        ("123456", "123456"),
    ],
)
def test_long_numbers_are_left_out(text: str, left: str) -> None:
    assert without_numbers(text) == left


def test_another_county_sees_nothing_and_nobody_changes_a_precedent(world: World) -> None:
    upheld(world)
    assert found(make_world().desk) == []
    assert found(make_member(Role.CITY_OVERSEER)) == ["upheld"]
    with tenancy.scope(world.desk.scope):
        for change in (
            lambda: Precedent.objects.update(decision="改了"),
            lambda: Precedent.objects.all().delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()


def test_precedents_are_found_by_words_matter_department_and_outcome(world: World) -> None:
    upheld(world)
    rejected(world)
    clerk = world.clerk
    assert found(clerk) == ["upheld", "rejected"]
    assert found(clerk, q="违建 住建") == ["upheld"]
    assert found(clerk, q="规划法") == ["upheld", "rejected"]
    assert found(clerk, outcome="rejected") == ["rejected"]
    assert found(clerk, department=world.housing.uid) == ["upheld"]
    assert found(clerk, department=world.water.uid) == ["upheld", "rejected"]
    assert found(clerk, matter="SL-01") == ["upheld", "rejected"]
    assert found(clerk, matter="JS-01") == []


def test_the_nearest_are_of_the_same_matter_then_of_like_words(world: World) -> None:
    upheld(world)
    unlike = world.routed(entry=world.building.uid, title="屋顶漏水", body="雨天渗进楼道。")
    alike = world.routed(entry=world.building.uid, title="河边违建", body="河边违建房屋一处。")
    same = world.routed()
    desk = world.desk
    with tenancy.scope(desk.scope):
        assert near(desk, unlike) == []
        (by_words,) = near(desk, alike)
        assert not by_words.is_same_matter
        assert "违建" in by_words.words
        (by_matter,) = near(desk, same)
        assert by_matter.is_same_matter


def test_whom_a_ruling_names_may_not_object_again(world: World) -> None:
    call = upheld(world)
    with tenancy.everywhere(reason="a test looks"):
        old, new = Assignment.objects.filter(call=call, part="lead").order_by("id")
        assert (old.is_wrong_dispatch, old.lost_minutes) == (True, 210)  # 9:00-12:00, 14:30-15:00
        assert new.may_object is False
        kinds = Clock.objects.filter(assignment=new).values_list("kind", flat=True)
        assert set(kinds) == {"accept", "first_reply", "close"}
        # The time of the call as a whole has not begun anew.
        assert Clock.objects.get(call=call, kind="case").started_at == at(3, 2)
    page = Browser(world.officer(world.housing), at=LATER).get(url("call-detail", call.uid))
    assert {move.name for move in page.context["moves"]} == {"accept"}


def test_the_time_of_a_wrong_objection_counts_for_whoever_objected(world: World) -> None:
    call = rejected(world)
    with tenancy.everywhere(reason="a test looks"):
        clock = Clock.objects.get(call=call, department=world.water, kind="accept")
        part = Assignment.objects.get(call=call, department=world.water)
    assert clock.started_at == at(3, 2)
    assert clock.due_at == clock.original_due_at == at(3, 3, 17, 30)
    assert (part.is_wrong_dispatch, part.lost_minutes) == (False, None)


# --- pages and API -----------------------------------------------------------------------------------


def test_the_page_of_a_ruling_leads_to_the_call_only_whom_it_concerns(world: World) -> None:
    call = upheld(world)
    with tenancy.everywhere(reason="a test looks"):
        where = url("precedent-detail", Precedent.objects.get().uid)
    own = Browser(world.clerk, at=LATER).get(where)
    other = Browser(world.member(Role.TOWNSHIP_CLERK, world.sibling), at=LATER).get(where)
    assert own.context["call"].uid == call.uid
    assert (other.status_code, other.context["call"]) == (200, None)
    assert str(call.uid) not in other.content.decode()
    assert Browser(make_world().clerk, at=LATER).get(where).status_code == 404


def test_the_list_turns_by_key_and_a_broken_filter_is_told(world: World) -> None:
    upheld(world)
    page = Browser(world.clerk, at=LATER)
    listed = page.get(url("precedent-list"), query_params={"q": "违建", "outcome": "upheld"})
    assert len(listed.context["rows"]) == 1
    assert len(listed.context["chips"]) == 2
    empty = page.get(url("precedent-list"), query_params={"q": "没有这样的"})
    assert (empty.status_code, empty.context["rows"]) == (200, [])
    assert page.get(url("precedent-list"), query_params={"outcome": "x"}).status_code == 422
    assert page.get(url("precedent-list"), query_params={"cursor": "x"}).status_code == 400


def test_precedents_stand_where_an_objection_or_a_ruling_is_written(world: World) -> None:
    upheld(world)
    call = objected(world)
    for member in (world.officer(world.water), world.desk):
        page = Browser(member, at=LATER).get(url("call-detail", call.uid))
        assert [one.precedent.outcome for one in page.context["precedents"]] == ["upheld"]
        assert 'id="precedents"' in page.content.decode()
    handled = world.handling()
    page = Browser(world.officer(), at=LATER).get(url("call-detail", handled.uid))
    assert page.context["precedents"] == []


def test_systems_read_precedents(world: World) -> None:
    call = upheld(world)
    browser = Browser(world.desk, at=LATER)
    listed = browser.get("/api/v1/precedents/", query_params={"outcome": "upheld"}).json()
    (row,) = listed["results"]
    assert (row["matter"], row["given_to"]["name"], listed["next"]) == (
        "SL-01", "住建局", None,
    )  # fmt: skip
    one = browser.get(f"/api/v1/precedents/{row['uid']}/").json()
    assert one["call"].endswith(f"/calls/{call.uid}/")
    stranger = Browser(world.member(Role.TOWNSHIP_CLERK, world.sibling), at=LATER)
    assert stranger.get(f"/api/v1/precedents/{row['uid']}/").json()["call"] is None
    assert browser.get("/api/v1/precedents/", query_params={"outcome": "x"}).status_code == 400
    assert Browser(make_world().desk, at=LATER).get(
        f"/api/v1/precedents/{row['uid']}/"
    ).status_code == 404  # fmt: skip
