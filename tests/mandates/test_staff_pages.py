"""People of a unit: who can be reached, who is away, and work that goes to a colleague."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from common import tenancy
from common.ledger import Check
from common.models import Notice
from common.worktime import SHANGHAI
from mandates.models import Assignment, Call, Step
from mandates.queries.ledger import steps_form_chains
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.console import all_of, signed_in, trail
from tests.factories.townships import PostFactory, member
from tests.mandates.pages import Browser
from townships.http import Member
from townships.models import Absence, Duty, Post
from townships.operations import staffing
from townships.queries.staff import reachable, shift_at
from townships.roles import Role

pytestmark = pytest.mark.django_db

TODAY = MONDAY.date()


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def head(world: World) -> Any:
    return world.member(Role.DEPARTMENT_HEAD)


@pytest.fixture
def page(head: Any) -> Browser:
    return Browser(head, at=MONDAY)


def colleague(world: World, **fields: Any) -> Post:
    return PostFactory(role=Role.DEPARTMENT_OFFICER, department=world.water, **fields)


def rows(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200
    return {row["post"].user.name: row for row in answer.context["rows"]}


# --- Hand-over ------------------------------------------------------------------------------------


def test_the_open_work_of_an_officer_goes_to_a_colleague(world, head, page) -> None:
    officer = world.officer()
    first, second = world.handling(), world.handling(title="另一件")
    answered = world.handling(title="已答复")
    world.make("answer", answered, by=officer, when=MONDAY, note="已查处", override="公安未复")
    taker = colleague(world)
    url = f"/people/{officer.user.uid}/hand-over/"

    assert rows(page.get("/people/"))[officer.user.name]["count"] == 2
    assert "2 件" in page.get(url).content.decode()
    answer = page.post(url, {"taker": taker.uid, "reason": "调离岗位"})

    assert answer["Location"] == "/people/"
    parts = {p.call_id: p.handled_by_id for p in all_of(Assignment, department=world.water)}
    assert parts == {
        first.pk: taker.user_id,
        second.pk: taker.user_id,
        answered.pk: officer.user_id,
    }
    step = all_of(Step, call=first)[-1]
    assert (step.move, step.from_state, step.to_state) == ("reassign", "handling", "handling")
    assert (step.note, step.by_id) == ("调离岗位", head.user_id)
    assert step.data == {
        "giver": officer.user.name,
        "taker": taker.user.name,
        "taker_id": taker.user_id,
    }
    entry = trail("work_handed_over")[0]
    assert (entry.target, entry.detail["calls"]) == (officer.user.name, 2)
    assert entry.detail["reason"] == "调离岗位"
    before = world.fresh(first)
    assert before.due_at == first.due_at
    with tenancy.everywhere(reason="a test verifies"):
        assert list(steps_form_chains(Check(at=MONDAY, tell=lambda *_: None))) == []


def test_the_colleague_is_told_once_a_call(world, page) -> None:
    call = world.handling()
    taker = colleague(world)
    page.post(
        f"/people/{world.officer().user.uid}/hand-over/", {"taker": taker.uid, "reason": "请假"}
    )

    world.drain(when=MONDAY)

    notices = all_of(Notice, user=taker.user_id, kind="reassign")
    assert [one.about for one in notices] == [call.uid]


def test_the_history_shows_the_hand_over(world, page) -> None:
    call = world.handling()
    taker = colleague(world)
    page.post(
        f"/people/{world.officer().user.uid}/hand-over/", {"taker": taker.uid, "reason": "请假"}
    )

    text = page.get(f"/calls/{call.uid}/").content.decode()

    assert "移交给同事" in text
    assert taker.user.name in text


def test_a_township_hands_over_drafts_and_calls_of_somebody_who_left(world) -> None:
    clerk = world.clerk
    draft, call = world.draft(when=MONDAY).call, world.routed()
    with tenancy.dispatching(reason="a test arranges"):
        Call.objects.filter(pk=call.pk).update(created_by=clerk.user_id)
    Post.objects.filter(pk=clerk.post_id).update(valid_to=TODAY)
    taker = PostFactory(role=Role.TOWNSHIP_CLERK, township=world.township)
    page = Browser(world.head, at=MONDAY)

    shown = page.get("/people/")
    assert [(one["user"], one["count"]) for one in shown.context["left"]] == [(clerk.user, 2)]
    page.post(f"/people/{clerk.user.uid}/hand-over/", {"taker": taker.uid, "reason": "离职"})

    assert {world.fresh(one).created_by_id for one in (draft, call)} == {taker.user_id}
    assert page.get("/people/").context["left"] == []
    inbox = Browser(world.head, at=MONDAY).client
    inbox.force_login(taker.user)
    assert "河道夜间采砂" in inbox.get("/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_call_somebody_acts_on_is_left_and_named(committed) -> None:
    world = make_world()
    head, officer = world.member(Role.DEPARTMENT_HEAD), world.officer()
    call, other = world.handling(), world.handling(title="另一件")
    taker = colleague(world)
    held, done = threading.Event(), threading.Event()

    def act() -> None:
        try:
            with tenancy.dispatching(reason="somebody acts"):
                Call.objects.select_for_update().get(pk=call.pk)
                held.set()
                done.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    held.wait(20)
    try:
        answer = Browser(head, at=MONDAY).post(
            f"/people/{officer.user.uid}/hand-over/",
            {"taker": taker.uid, "reason": "请假"},
            follow=True,
        )
    finally:
        done.set()
        thread.join()

    assert "1 件没有移交" in answer.content.decode()
    parts = {p.call_id: p.handled_by_id for p in all_of(Assignment, department=world.water)}
    assert parts == {call.pk: officer.user_id, other.pk: taker.user_id}


@pytest.mark.parametrize("wrong", ["self", "other_unit", "ended", "no_reason", "nobody"])
def test_a_hand_over_that_does_not_fit_changes_nothing(world, page, wrong) -> None:
    officer = world.officer()
    world.handling()
    good = colleague(world)
    taker: Any = {
        "self": officer.post.uid,
        "other_unit": world.officer(world.housing).post.uid,
        "ended": colleague(world, valid_to=TODAY).uid,
        "no_reason": good.uid,
        "nobody": "x",
    }[wrong]

    answer = page.post(
        f"/people/{officer.user.uid}/hand-over/",
        {"taker": taker, "reason": " " if wrong == "no_reason" else "请假"},
    )

    assert answer.status_code == 422
    assert all_of(Assignment, department=world.water)[0].handled_by_id == officer.user_id
    assert not trail("work_handed_over")


def test_only_heads_hand_over_and_only_within_their_unit(world) -> None:
    officer = world.officer()
    world.handling()
    url = f"/people/{officer.user.uid}/hand-over/"

    assert Browser(officer, at=MONDAY).get(url).status_code == 403
    assert Browser(world.head, at=MONDAY).get(url).status_code == 404
    others = world.member(Role.DEPARTMENT_HEAD, world.housing)
    assert Browser(others, at=MONDAY).get(url).status_code == 404
    stranger = make_world().member(Role.DEPARTMENT_HEAD)
    assert Browser(stranger, at=MONDAY).get(url).status_code == 404


def test_ending_a_post_warns_of_work_left_behind(world) -> None:
    officer = world.officer()
    world.handling()
    client = signed_in(Role.SECURITY_ADMINISTRATOR)

    answer = client.post(
        f"/console/townships/post/{officer.post_id}/change/",
        {"title": "", "valid_from": "2020-01-01", "valid_to": "2026-05-01"},
        follow=True,
    )

    assert f"{officer.user.name} 在该岗位还有 1 件呼叫在办" in answer.content.decode()


@pytest.mark.parametrize("people", [1, 5])
def test_the_page_of_people_asks_as_much_for_one_as_for_five(
    world, page, django_assert_num_queries, people
) -> None:
    for _n in range(people):
        colleague(world)
    page.get("/people/")

    with django_assert_num_queries(QUERIES):
        page.get("/people/")


QUERIES = 16


# --- Duty -----------------------------------------------------------------------------------------


def put(
    page: Browser, post: Post, day: date, shift: str = "day", phone: str = "0563-5020001"
) -> Any:
    return page.post(
        "/duty/set/", {"day": day.isoformat(), "shift": shift, "post": post.uid, "phone": phone}
    )


@pytest.mark.parametrize(
    ("hour", "day", "shift"),
    [(7, date(2026, 3, 1), "night"), (8, TODAY, "day"), (17, TODAY, "day"), (18, TODAY, "night")],
)
def test_a_night_belongs_to_the_day_it_begins_on(hour, day, shift) -> None:
    assert shift_at(datetime(2026, 3, 2, hour, tzinfo=SHANGHAI)) == (day, shift)


def test_who_is_on_duty_stands_in_the_roster_and_on_the_calls_page(world, page) -> None:
    call = world.handling()
    person = colleague(world)

    answer = put(page, person, TODAY)

    assert answer["Location"] == "/duty/?month=2026-03"
    roster = page.get("/duty/", data={"month": "2026-03"})
    shown = {d["day"]: d["shifts"][0][1] for d in roster.context["days"]}
    assert [one.post_id for one in shown[TODAY]] == [person.pk]
    # 30 days from the 2nd on, two shifts each, one of them taken.
    assert roster.context["gaps"] == 59
    text = Browser(world.clerk, at=MONDAY).get(f"/calls/{call.uid}/").content.decode()
    assert "0563-5020001" in text
    assert "水利局，正在值班" in text
    night = Browser(world.clerk, at=MONDAY.replace(hour=20)).get(f"/calls/{call.uid}/")
    assert "0563-5020001" not in night.content.decode()


def test_duty_of_the_desk_and_the_township_is_found_in_one_query(
    world, django_assert_num_queries
) -> None:
    for who, post in (
        (world.desk, world.desk.post),
        (world.head, world.clerk.post),
        (world.member(Role.DEPARTMENT_HEAD), world.officer().post),
    ):
        with tenancy.scope(who.scope):
            staffing.put_on_duty(post.uid, day=TODAY, shift="day", phone="110", by=who, at=MONDAY)

    with tenancy.scope(world.clerk.scope), django_assert_num_queries(1):
        found = reachable(
            county_id=world.county.pk,
            township_id=world.township.pk,
            departments=[world.water.pk, world.police.pk],
            at=MONDAY,
        )

    assert {key: [one.name for one in people] for key, people in found.items()} == {
        ("county", world.county.pk): [world.desk.user.name],
        ("township", world.township.pk): [world.clerk.user.name],
        ("department", world.water.pk): [world.officer().user.name],
    }


def test_the_week_before_is_repeated_without_those_who_left(world, head, page) -> None:
    stays, leaves = colleague(world), colleague(world, valid_to=TODAY)
    for post, day in ((stays, 23), (leaves, 24), (stays, 25)):
        with tenancy.scope(head.scope):
            Duty.objects.create(
                county=world.county, department=world.water, day=date(2026, 2, day), shift="day",
                post=post, phone="1", set_by=head.user, set_at=MONDAY,
            )  # fmt: skip
    put(page, stays, TODAY, phone="2")

    page.post("/duty/copy/", {"monday": "2026-03-02"})
    page.post("/duty/copy/", {"monday": "2026-03-02"})

    made = [(d.day.day, d.post_id, d.phone) for d in all_of(Duty, day__gte=TODAY)]
    assert made == [(2, stays.pk, "2"), (4, stays.pk, "1")]


@pytest.mark.parametrize("monday", ["", "x", "2026-03-03", "0001-01-01", "9999-12-27"])
def test_only_a_week_is_copied(page, monday) -> None:
    assert page.post("/duty/copy/", {"monday": monday}).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"phone": "不知道"},
        {"phone": ""},
        {"phone": "1" * 31},
        {"day": "2026-02-30"},
        {"day": "2030-01-01"},
        {"shift": "noon"},
        {"post": "x"},
    ],
)
def test_a_line_of_the_roster_that_does_not_fit_is_refused(world, page, fields) -> None:
    good = {"day": "2026-03-02", "shift": "day", "post": colleague(world).uid, "phone": "110"}

    answer = page.post("/duty/set/", {**good, **fields})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == list(fields)
    assert all_of(Duty) == []


def test_nobody_changes_the_roster_of_another_unit(world, head, page) -> None:
    put(page, colleague(world), TODAY)
    duty = all_of(Duty)[0]
    others = Browser(world.member(Role.DEPARTMENT_HEAD, world.housing), at=MONDAY)

    assert others.post("/duty/remove/", {"duty": duty.pk}).status_code == 404
    assert (
        Browser(world.officer(), at=MONDAY).post("/duty/remove/", {"duty": duty.pk}).status_code
        == 403
    )
    assert put(others, colleague(world), TODAY).status_code == 422
    assert all_of(Duty) == [duty]
    assert page.post("/duty/remove/", {"duty": duty.pk}).status_code == 302
    assert all_of(Duty) == []
    assert [one.action for one in (*trail("duty_set"), *trail("duty_removed"))] == [
        "duty_set",
        "duty_removed",
    ]


@pytest.mark.parametrize("key", ["", "x", "٣", "9" * 30])
def test_a_line_that_is_none_is_not_there(page, key) -> None:
    assert page.post("/duty/remove/", {"duty": key}).status_code == 404


@pytest.mark.parametrize("month", ["", "x", "2026-13", "0001-01", "9999-12", "\0"])
def test_an_odd_month_is_this_month(page, month) -> None:
    assert page.get("/duty/", data={"month": month}).context["month"] == date(2026, 3, 1)


@pytest.mark.assurance("T2")
def test_another_county_reads_no_duty(world, page) -> None:
    put(page, colleague(world), TODAY)

    with tenancy.scope(make_world().desk.scope):
        assert not Duty.objects.exists()


# --- Absence --------------------------------------------------------------------------------------


def absence(page: Browser, post: Post, deputy: Post, **changes: Any) -> Any:
    form = {
        "post": post.uid, "deputy": deputy.uid, "from_day": "2026-03-02", "to_day": "2026-03-06",
        "reason": "年休假",
    }  # fmt: skip
    return page.post("/people/absences/", {**form, **changes})


def test_who_is_away_is_shown_with_who_stands_in_until_it_ends(world, page) -> None:
    one, other = colleague(world), colleague(world)

    assert absence(page, one, other)["Location"] == "/people/"

    shown = rows(page.get("/people/"))
    assert shown[one.user.name]["absence"].deputy_id == other.pk
    assert f"{other.user.name}代理" in page.get("/people/").content.decode()
    row = all_of(Absence)[0]
    page.post(f"/people/absences/{row.uid}/end/")
    assert all_of(Absence) == []
    assert [trail(name)[0].detail["person"] for name in ("absence_written", "absence_ended")] == [
        one.user.name
    ] * 2


def holding(post: Post) -> Member:
    return Member.holding(Post.objects.with_units().select_related("user").get(pk=post.pk))


def absent(world: World, person: Any, deputy: Any, *, by: Any) -> Absence:
    with tenancy.scope(by.scope):
        return staffing.write_absence(
            person.post.uid, deputy.post.uid, from_day=TODAY, to_day=TODAY + timedelta(days=2),
            reason="参加培训", by=by, at=MONDAY,
        )  # fmt: skip


def test_the_deputy_is_told_what_the_absent_head_would_be(world: World) -> None:
    """A clerk is not told of what waits for approval; one who stands in for the head is."""
    clerks = [PostFactory(role=Role.TOWNSHIP_CLERK, township=world.township) for _ in range(2)]
    deputy, other = map(holding, clerks)
    absent(world, world.head, deputy, by=world.head)

    call = world.draft(then="submit").call
    world.drain(when=MONDAY)

    told = {one.user_id for one in all_of(Notice, about=call.uid, kind="submit")}
    assert deputy.user_id in told
    assert world.head.user_id in told
    assert other.user_id not in told
    by_user = {one.user_id: one for one in all_of(Notice, about=call.uid, kind="submit")}
    assert by_user[deputy.user_id].facts["instead_of"] == world.head.user.name
    assert "instead_of" not in by_user[world.head.user_id].facts
    page = Browser(deputy, at=MONDAY).get("/notices/").content.decode()
    assert f"您代理{world.head.user.name}" in page


def test_an_absence_in_another_unit_sends_nothing_there(world: World) -> None:
    """Who holds posts in two units is deputised in one of them only."""
    elsewhere = PostFactory(
        role=Role.DEPARTMENT_HEAD, department=world.police, user=world.head.user
    )
    stranger = holding(PostFactory(role=Role.DEPARTMENT_OFFICER, department=world.police))
    boss = holding(PostFactory(role=Role.DEPARTMENT_HEAD, department=world.police))
    absent(world, holding(elsewhere), stranger, by=boss)

    call = world.draft(then="submit").call
    world.drain(when=MONDAY)

    told = {one.user_id for one in all_of(Notice, about=call.uid, kind="submit")}
    assert world.head.user_id in told
    assert stranger.user_id not in told


def test_the_calls_page_says_who_is_away_and_who_stands_in(world, page, head) -> None:
    officer, deputy = world.officer(), colleague(world, user__name="代理人甲")
    call = world.handling()
    absent(world, officer, holding(deputy), by=head)

    text = Browser(world.clerk, at=MONDAY).get(f"/calls/{call.uid}/").content.decode()

    assert "3月4日" in text
    assert "代理人：代理人甲" in text


def test_who_comes_back_early_was_away_until_yesterday(world, head) -> None:
    one, other = colleague(world), colleague(world)
    absence(Browser(head, at=MONDAY), one, other)
    row = all_of(Absence)[0]

    Browser(head, at=MONDAY + timedelta(days=2)).post(f"/people/absences/{row.uid}/end/")

    assert all_of(Absence)[0].to_day == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"to_day": "2026-03-01"}, "to_day"),
        ({"to_day": "2028-03-01"}, "to_day"),
        ({"reason": "x"}, "reason"),
        ({"from_day": "x"}, "from_day"),
        ({"deputy": "same"}, "deputy"),
    ],
)
def test_an_absence_that_does_not_fit_is_refused(world, page, changes, field) -> None:
    one, other = colleague(world), colleague(world)
    changes = dict(changes)
    deputy = one if changes.pop("deputy", "") else other

    answer = absence(page, one, deputy, **changes)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert all_of(Absence) == []


def test_nobody_is_away_twice_on_a_day(world, head, page) -> None:
    one, other = colleague(world), colleague(world)
    absence(page, one, other)

    assert absence(page, one, other, from_day="2026-03-06", to_day="2026-03-09").status_code == 422

    row = all_of(Absence)[0]
    with (
        tenancy.scope(head.scope),
        pytest.raises(IntegrityError, match="absence_once"),
        transaction.atomic(),
    ):
        Absence.objects.create(
            county=world.county, department=world.water, post=one, deputy=other,
            from_day=row.to_day, to_day=row.to_day, reason="再请", set_by=head.user, set_at=MONDAY,
        )  # fmt: skip


def test_those_who_are_no_heads_read_and_change_nothing(world) -> None:
    page = Browser(world.officer(), at=MONDAY)
    one, other = colleague(world), colleague(world)

    assert page.get("/people/").context["form"] is None
    assert page.get("/duty/").context["form"] is None
    assert absence(page, one, other).status_code == 403
    assert put(page, one, TODAY).status_code == 403
    assert all_of(Absence) == all_of(Duty) == []


@pytest.mark.parametrize("role", [Role.COUNTY_LEADER, Role.GRID_WORKER, Role.CITY_OVERSEER])
def test_others_have_no_people_to_look_after(role) -> None:
    page = Browser(member(role), at=MONDAY)

    assert page.get("/people/").status_code == 403
    assert page.get("/duty/").status_code == 403
