"""Running clocks are set to the rules in force by a person, with a reason, and in no other way."""

from __future__ import annotations

from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import reference, tenancy
from common.errors import Invalid
from common.models import AuditEntry, Notice
from mandates.models import Call, Clock, ClockAction, Limit, Step
from mandates.operations import recalculating
from mandates.operations.recalculating import Changed, Difference, Which
from mandates.operations.sweep import sweep
from tests.factories.calls import World, at, make_world
from tests.mandates.pages import Browser, url
from townships.roles import Role

pytestmark = pytest.mark.django_db
NOW = at(3, 4)
CLOSE = Which(("close",))


@pytest.fixture
def world() -> World:
    return make_world()


def shorten(world: World, amount: int = 7, unit: str = "working_day", kind: str = "close") -> None:
    with tenancy.dispatching(reason="a test edits a limit"):
        Limit.objects.filter(county=world.county, kind=kind).update(
            amount=amount, unit=unit, source="试〔2026〕3号"
        )
        reference.refresh()


def looked(world: World, which: Which = CLOSE) -> list[Difference]:
    with tenancy.scope(world.desk.scope):
        return list(recalculating.outlook(world.county, which).differences)


def done(world: World, which: Which = CLOSE, *, when: datetime = NOW, **more: Any) -> Any:
    given = {"reason": "限时压缩", "by": world.desk, "at": when, **more}
    with tenancy.scope(world.desk.scope):
        return recalculating.recalculate(world.county, which, **given)


def clock_of(world: World, call: Call, kind: str = "close") -> Clock:
    with tenancy.everywhere(reason="a test looks"):
        found: Clock = Clock.objects.get(call=call, kind=kind, department=world.water)
        return found


def written() -> tuple[int, int]:
    with tenancy.everywhere(reason="a test looks"):
        return (
            Step.objects.filter(move="recalculated").count(),
            AuditEntry.objects.filter(action="clocks_recalculated").count(),
        )


def test_looking_changes_nothing_and_says_what_would_change(world: World) -> None:
    call = world.handling()
    before = clock_of(world, call)
    assert looked(world) == []
    shorten(world)

    found = looked(world)

    assert [(x.call_id, x.kind, x.before, x.after) for x in found] == [
        (call.pk, "close", at(3, 16, 17, 30), at(3, 11, 17, 30))
    ] * 2  # the lead's and the assistant's
    assert (found[0].limit_before, found[0].limit_after) == (
        (10, "working_day"), (7, "working_day"),
    )  # fmt: skip
    assert clock_of(world, call).due_at == before.due_at
    assert written() == (0, 0)


def test_doing_it_writes_old_and_new_and_why_and_tells_those_concerned(world: World) -> None:
    call, officer, clerk = world.handling(), world.officer(), world.clerk
    shorten(world)

    result = done(world)
    world.drain(when=NOW)

    assert (result.looked_at, len(result.differences), result.earlier) == (2, 2, 2)
    clock = clock_of(world, call)
    assert (clock.due_at, clock.amount, clock.basis) == (at(3, 11, 17, 30), 7, "试〔2026〕3号")
    assert clock.original_due_at == at(3, 16, 17, 30)
    with tenancy.everywhere(reason="a test looks"):
        step = Step.objects.filter(call=call, move="recalculated", assignment__part="lead").get()
        assert (step.note, step.by_id, step.role) == ("限时压缩", world.desk.user_id, "county_desk")
        assert datetime.fromisoformat(step.data["before"]) == at(3, 16, 17, 30)
        assert datetime.fromisoformat(step.data["after"]) == at(3, 11, 17, 30)
        assert (step.data["limit_before"], step.data["limit_after"]) == (
            [10, "working_day"], [7, "working_day"],
        )  # fmt: skip
        entry = AuditEntry.objects.get(action="clocks_recalculated")
        assert (entry.detail["reason"], entry.detail["clocks"]) == ("限时压缩", 2)
        told = set(Notice.objects.filter(kind="recalculated").values_list("user", flat=True))
        assert {officer.user_id, clerk.user_id} <= told
        action = ClockAction.objects.get(clock=clock, level="urge")
        assert action.at == at(3, 11, 17, 30)
    assert looked(world) == []
    assert done(world).differences == []
    assert written() == (2, 1)
    assert world.fresh(call).next_due_at is not None


def test_a_missed_date_that_moves_on_was_not_missed(world: World) -> None:
    call = world.handling()
    world.make("reply", call, by=world.officer(), when=at(3, 3), note="已到现场")
    while sweep(at=at(3, 17)):
        pass
    assert clock_of(world, call).breached_at == at(3, 16, 17, 30)
    shorten(world, amount=20)

    done(world, when=at(3, 17))

    clock = clock_of(world, call)
    assert (clock.due_at, clock.breached_at) == (at(3, 30, 17, 30), None)


def test_what_stands_still_and_what_was_extended_in_another_unit_is_left(world: World) -> None:
    asked, extended, plain = world.handling(), world.handling(), world.handling()
    world.make("ask_information", asked, by=world.officer(), when=at(3, 3), note="请补位置")
    world.make("ask_extension", extended, by=world.officer(), when=at(3, 3), note="检测", amount=5)
    world.make("grant_extension", extended, by=world.desk, when=at(3, 3))
    shorten(world, amount=3000, unit="working_minute")

    found = [one for one in looked(world) if one.department_id == world.water.pk]

    assert [one.call_id for one in found] == [plain.pk]
    shorten(world, amount=7)
    found = [one for one in looked(world) if one.department_id == world.water.pk]
    # 7 + 5 working days: the extension is kept.
    assert [(one.call_id, one.after) for one in found] == [
        (extended.pk, at(3, 18, 17, 30)),
        (plain.pk, at(3, 11, 17, 30)),
    ]


def test_kinds_and_matters_narrow_it(world: World) -> None:
    sand, building = world.handling(), world.handling(entry=world.building.uid, title="违建")
    shorten(world)
    shorten(world, amount=1, kind="first_reply")

    matters = (world.building.matter_id,)
    assert {x.call_id for x in looked(world, Which(("close",), matters))} == {building.pk}
    assert {x.kind for x in looked(world, Which(("first_reply",)))} == {"first_reply"}
    assert {(x.call_id, x.kind) for x in looked(world, Which())} == {
        (call.pk, kind) for call in (sand, building) for kind in ("close", "first_reply")
    }


@pytest.mark.parametrize("reason", ["", " ", "短", "长" * 301])
def test_without_a_reason_nothing_is_done(world: World, reason: str) -> None:
    call = world.handling()
    shorten(world)

    with pytest.raises(Invalid) as refused:
        done(world, reason=reason)

    assert set(refused.value.fields) == {"reason"}
    assert clock_of(world, call).due_at == at(3, 16, 17, 30)
    assert written() == (0, 0)


def test_what_was_not_looked_at_is_not_done(world: World) -> None:
    call = world.handling()
    shorten(world)
    with tenancy.scope(world.desk.scope):
        mark = recalculating.outlook(world.county, CLOSE).mark
    shorten(world, amount=6)

    with pytest.raises(Changed):
        done(world, mark=mark)

    assert clock_of(world, call).due_at == at(3, 16, 17, 30)
    assert written() == (0, 0)


def test_another_countys_clocks_are_not_touched(world: World) -> None:
    other = make_world()
    theirs = other.handling()
    shorten(world)
    shorten(other)
    world.handling()

    done(world, Which())

    assert clock_of(other, theirs).due_at == at(3, 16, 17, 30)


# --- the command -----------------------------------------------------------------------------------


def run(*args: str) -> str:
    out = StringIO()
    call_command("recompute_clocks", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_shows_and_only_shows_unless_told_to_apply(world: World) -> None:
    call = world.handling()
    shorten(world)

    shown = run(world.county.code, "--kind", "close", "--matter", "SL-01")

    assert f"{call.number} close: 2026-03-16 17:30 → 2026-03-11 17:30" in shown
    assert written() == (0, 0)
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    run(
        world.county.code, "--kind", "close", "--apply", "--reason", "限时压缩",
        "--by", officer.user.username,
    )  # fmt: skip
    assert clock_of(world, call).due_at == at(3, 11, 17, 30)
    assert written() == (2, 1)


@pytest.mark.parametrize(
    "args",
    [
        ["--apply"],
        ["--apply", "--reason", "限时压缩"],
        ["--apply", "--reason", "限时压缩", "--by", "nobody"],
        ["--apply", "--reason", "限时压缩", "--by", "CLERK"],
        ["--apply", "--dry-run"],
        ["--matter", "XX-99"],
    ],
)
def test_the_command_refuses_what_it_cannot_answer_for(world: World, args: list[str]) -> None:
    world.handling()
    shorten(world)
    given = [world.clerk.user.username if one == "CLERK" else one for one in args]

    with pytest.raises(CommandError):
        run(world.county.code, *given)

    assert written() == (0, 0)
    with pytest.raises(CommandError):
        run("000000")


# --- the page -----------------------------------------------------------------------------------------


def test_the_page_shows_first_and_does_it_with_a_reason(world: World) -> None:
    call = world.handling()
    shorten(world)
    officer = Browser(world.member(Role.ESTABLISHMENT_OFFICER), at=NOW)
    page = url("deadline-recalculate")
    assert officer.get(page).status_code == 200

    seen = officer.get(f"{page}?kind=close&look=1")
    text = seen.content.decode()
    assert call.number in text
    assert len(seen.context["rows"]) == 2
    mark = seen.context["outlook"].mark
    here = f"{page}?kind=close&look=1"
    for wrong in ({"reason": ""}, {"reason": "限时压缩", "confirmed": ""}):
        answer = officer.post(here, {"mark": mark, "confirmed": "on", **wrong})
        assert answer.status_code == 422
    stale = officer.post(here, {"mark": "0" * 64, "reason": "限时压缩", "confirmed": "on"})
    assert (stale.status_code, stale["Location"]) == (302, here)
    assert written() == (0, 0)

    answer = officer.post(here, {"mark": mark, "reason": "限时压缩", "confirmed": "on"})

    assert (answer.status_code, answer["Location"]) == (302, page)
    assert written() == (2, 1)
    assert clock_of(world, call).due_at == at(3, 11, 17, 30)
    assert officer.get(here).context["why"] is None


@pytest.mark.parametrize("query", ["kind=sleep", "matter=999999", "matter=x"])
def test_a_strange_choice_on_the_page_is_named(world: World, query: str) -> None:
    answer = Browser(world.desk, at=NOW).get(f"{url('deadline-recalculate')}?{query}")

    assert answer.status_code == 422
    assert answer.context["form"].errors


@pytest.mark.parametrize("role", [Role.TOWNSHIP_HEAD, Role.DEPARTMENT_HEAD, Role.COUNTY_LEADER])
def test_the_page_is_for_those_who_answer_for_it(world: World, role: Role) -> None:
    assert Browser(world.member(role), at=NOW).get(url("deadline-recalculate")).status_code == 403


def test_any_number_of_calls_takes_as_many_queries(world: World) -> None:
    counts = []
    for amount, calls in ((9, 1), (8, 5)):
        for _ in range(calls):
            world.handling()
        shorten(world, amount=amount)
        looked(world)  # the rules are in memory then
        with CaptureQueriesContext(connection) as ran:
            assert len(done(world).differences) == 2 * calls + (2 if calls > 1 else 0)
        counts.append(len(ran))

    assert counts[0] == counts[1]
