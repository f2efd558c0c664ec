"""催办单、督办单、通报: what the ladder says is written, numbered, addressed, and read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from common import pdf, reference, tenancy
from common.models import AuditEntry, Notice
from config.demo.checks import can_make_pdf
from mandates.models import Call, ClockAction, LadderLevel, Letter, Level, Step
from mandates.operations import letters
from mandates.operations.announce import announce
from mandates.operations.sweep import sweep
from tests.factories.calls import World, at, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from townships.roles import Role

pytestmark = pytest.mark.django_db
# Accepting (1 working day) is due on Tuesday at 17:30, urged then, supervised a working day later,
# and made known two more later.
DUE, SUPERVISED, KNOWN = at(3, 3, 17, 30), at(3, 4, 17, 30), at(3, 6, 17, 30)


@pytest.fixture
def world() -> World:
    return make_world()


def sweep_at(world: World, *instants: datetime) -> None:
    for when in instants:
        while sweep(at=when):
            pass
        world.drain(when=when)


def letters_of(call: Call, **only: Any) -> list[Letter]:
    with tenancy.everywhere(reason="a test looks"):
        return list(Letter.objects.filter(call=call, **only).order_by("id"))


def ladder(world: World, **rows: Any) -> None:
    """Change the county's ladder of general calls: what is given for each level."""
    with tenancy.dispatching(reason="a test sets the ladder"):
        for level, values in rows.items():
            LadderLevel.objects.filter(
                county=world.county, urgency="general", level=level, matter=None
            ).update(**values)
        reference.refresh()


# --- what is written ------------------------------------------------------------------------------


def test_each_level_writes_its_letter_with_a_number_and_a_date(world: World) -> None:
    call = world.routed()
    world.make("accept", call, by=world.officer(world.police), when=at(3, 2, 10))

    sweep_at(world, at(3, 3, 15), DUE, SUPERVISED, KNOWN)

    name, rows = world.county.short_name, letters_of(call, step__data__clock="accept")
    assert [(x.kind, x.number, x.issued_at, x.addressee) for x in rows[:2]] == [
        ("urging", f"{name}催办〔2026〕1号", DUE, "水利局"),
        ("supervision", f"{name}督办〔2026〕1号", SUPERVISED, "水利局"),
    ]
    bulletin = rows[2]
    assert bulletin.number.startswith(f"{name}通报〔2026〕")
    assert (bulletin.kind, bulletin.issued_at, bulletin.facts["told"]) == (
        "bulletin", KNOWN, ["party", "leader"],
    )  # fmt: skip
    assert datetime.fromisoformat(bulletin.facts["due"]) == DUE
    assert [x.seal() for x in rows] == [x.digest for x in rows]


def test_after_a_long_downtime_each_level_has_its_letter_and_numbers_have_no_gap(
    world: World,
) -> None:
    calls = [world.routed(), world.routed()]

    sweep_at(world, at(3, 20))

    for kind in ("urging", "supervision", "bulletin"):
        rows = [x for call in calls for x in letters_of(call, kind=kind)]
        assert sorted(x.sequence for x in rows) == list(range(1, len(rows) + 1))
        assert {x.issued_at for x in rows} == {at(3, 20)}
    with tenancy.everywhere(reason="a test looks"):
        assert not Step.objects.filter(call__in=calls, move="warned", data__clock="accept").exists()


def test_a_year_and_a_county_begin_at_one(world: World) -> None:
    first = world.routed()
    sweep_at(world, DUE)
    other = make_world()
    theirs = other.routed()
    second = world.routed(when=at(1, 4, year=2027))

    sweep_at(other, DUE)
    sweep_at(world, at(1, 5, 17, 30, year=2027))

    assert letters_of(first, kind="urging")[0].sequence == 1
    assert letters_of(theirs, kind="urging")[0].sequence == 1
    rows = [x for call in (first, second) for x in letters_of(call, kind="urging", year=2027)]
    assert sorted(x.sequence for x in rows) == list(range(1, len(rows) + 1))
    assert letters_of(second, kind="urging")


@pytest.mark.assurance("F12")
def test_telling_again_writes_no_letter_again(world: World) -> None:
    call = world.routed()
    sweep_at(world, DUE)
    before = [x.number for x in letters_of(call)]
    with tenancy.everywhere(reason="a test looks"):
        steps = list(Step.objects.filter(call=call).values_list("pk", flat=True))

    announce(steps, at=DUE)

    assert before
    assert [x.number for x in letters_of(call)] == before


def test_a_weekend_does_not_spend_the_ladder(world: World) -> None:
    call = world.routed(when=at(3, 5))  # a Thursday: due on Friday

    sweep_at(world, at(3, 6, 17, 30), at(3, 8, 23))
    assert {x.kind for x in letters_of(call)} == {"urging"}

    sweep_at(world, at(3, 9, 17, 29))
    assert {x.kind for x in letters_of(call)} == {"urging"}
    sweep_at(world, at(3, 9, 17, 30))
    assert {x.kind for x in letters_of(call)} == {"urging", "supervision"}


# --- the ladder is data, of a county and of a matter -----------------------------------------------


def test_the_ladder_says_what_happens_and_who_is_told(world: World) -> None:
    leader, clerk, water = world.member(Role.COUNTY_LEADER), world.clerk, world.officer()
    ladder(world, urge={"does": "notice", "told": ["township", "leader"]})
    call = world.routed()

    sweep_at(world, DUE)

    assert letters_of(call) == []
    with tenancy.everywhere(reason="a test looks"):
        told = set(Notice.objects.filter(kind="urged").values_list("user", flat=True))
    assert {leader.user_id, clerk.user_id} <= told
    assert water.user_id not in told


def test_a_matter_with_rows_of_its_own_has_those_alone(world: World) -> None:
    with tenancy.dispatching(reason="a test sets the ladder"):
        LadderLevel.objects.create(
            county=world.county, matter_id=world.sand.matter_id, urgency="general", level="urge",
            after=2, does="bulletin", told=["desk"],
        )  # fmt: skip
        reference.refresh()
    own, others = world.routed(), world.routed(entry=world.building.uid, title="违法建设")

    sweep_at(world, at(3, 3, 15), DUE, SUPERVISED)
    assert letters_of(own) == []
    sweep_at(world, at(3, 5, 17, 30))

    # The general ladder goes on for other matters; two levels up to now.
    assert {x.kind for x in letters_of(others, step__data__clock="accept")} == {
        "urging",
        "supervision",
    }
    assert {x.kind for x in letters_of(own)} == {"bulletin"}
    with tenancy.everywhere(reason="a test looks"):
        rows = ClockAction.objects.filter(clock__call=own, clock__kind="accept")
        assert {row.level for row in rows} == {"urge"}


def test_a_warning_whose_successor_has_come_is_skipped_after_downtime(world: World) -> None:
    ladder(world, warn={"share": 50}, urge={"share": 80, "after": None, "does": "notice"})
    call = world.routed()

    sweep_at(world, at(3, 3, 16))

    with tenancy.everywhere(reason="a test looks"):
        rows = ClockAction.objects.filter(
            clock__call=call, clock__kind="accept", clock__department=world.water
        )
        levels = {row.level: (row.done_at, row.passed_at) for row in rows}
        assert levels["warn"] == (None, at(3, 3, 16))
        assert levels["urge"] == (at(3, 3, 14, 54), None)
        clocks = rows[0].clock
        assert clocks.breached_at is None  # a level before the due instant is no breach


# --- urged by people ---------------------------------------------------------------------------------


def test_urging_by_hand_writes_a_letter_where_the_ladder_does(world: World) -> None:
    call = world.handling()
    world.make("urge", call, by=world.head, when=at(3, 3), note="群众又来问了")
    world.drain(when=at(3, 3))

    (letter,) = letters_of(call)

    assert (letter.kind, letter.sequence, letter.addressee) == ("urging", 1, "水利局")
    assert letter.facts["note"] == "群众又来问了"
    assert str(world.head.user) in letter.facts["by"]

    ladder(world, urge={"does": "notice"})
    world.make("urge", call, by=world.desk, when=at(3, 4))
    world.drain(when=at(3, 4))
    assert len(letters_of(call)) == 1


# --- read, printed, listed ------------------------------------------------------------------------------


def urged(world: World) -> tuple[Call, Letter]:
    call = world.handling()
    world.make("urge", call, by=world.desk, when=at(3, 3), note="请尽快")
    world.drain(when=at(3, 3))
    return call, letters_of(call)[0]


def test_opening_a_letter_leaves_the_receipt_of_whom_it_is_addressed_to(world: World) -> None:
    call, letter = urged(world)
    page = url("letter", call.uid, letter.uid)
    for reader in (world.desk, world.clerk, world.officer(world.police)):
        answer = Browser(reader, at=at(3, 3, 10)).get(page)
        assert (answer.status_code, list(answer.context["receipts"])) == (200, [])

    Browser(world.officer(), at=at(3, 3, 11)).get(page)
    answer = Browser(world.officer(), at=at(3, 4, 11)).get(page)

    text = answer.content.decode()
    assert letter.number in text
    assert letter.digest in text
    assert "2026年3月3日 11:00" in text
    assert "2026年3月4日" not in text
    listed = Browser(world.clerk, at=at(3, 4, 12)).get(url("call-detail", call.uid))
    assert str(world.officer().user) in listed.content.decode()
    assert letter.number in listed.content.decode()


@pytest.mark.assurance("E2")
def test_a_letter_is_never_changed(world: World) -> None:
    _call, letter = urged(world)

    with tenancy.dispatching(reason="a test writes past the operations"):
        for change in (
            lambda: Letter.objects.filter(pk=letter.pk).update(number="改"),
            lambda: Letter.objects.filter(pk=letter.pk).delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
    with tenancy.scope(world.officer().scope), pytest.raises(DatabaseError), transaction.atomic():
        Letter.objects.create(
            **letter.tenant, call_id=letter.call_id, step_id=letter.step_id, kind="urging",
            year=2026, sequence=9, number="假", party="desk", addressee="x",
            issued_at=at(3, 3), facts={}, algorithm="sha256", digest="0" * 64,
        )  # fmt: skip


def test_the_list_shows_each_post_its_own_letters(world: World) -> None:
    call, letter = urged(world)
    other = make_world()
    shown = {}
    for reader in (
        world.desk, world.clerk, world.officer(), world.officer(world.housing),
        world.member(Role.TOWNSHIP_HEAD, world.sibling), other.desk,
    ):  # fmt: skip
        answer = Browser(reader, at=at(3, 4)).get(url("letter-list"))
        assert answer.status_code == 200
        shown[reader.label] = letter.number in answer.content.decode()
    assert list(shown.values()) == [True, True, True, False, False, False]
    narrowed = Browser(world.desk, at=at(3, 4)).get(url("letter-list") + "?kind=bulletin&cursor=x")
    assert narrowed.status_code in (200, 400)
    assert call.title not in narrowed.content.decode()


@pytest.mark.skipif(not can_make_pdf(), reason="Pango is missing")
def test_the_pdf_leaves_a_receipt_and_a_row_in_the_trail(world: World) -> None:
    call, letter = urged(world)

    answer = Browser(world.officer(), at=at(3, 3, 11)).get(url("letter-pdf", call.uid, letter.uid))

    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    with tenancy.everywhere(reason="a test looks"):
        entry = AuditEntry.objects.get(action="letter_exported")
        assert (entry.detail["digest"], entry.actor_id) == (letter.digest, world.officer().user_id)
        assert letter.readings.count() == 1


def test_without_the_libraries_the_page_says_so(world: World, monkeypatch: Any) -> None:
    call, letter = urged(world)
    monkeypatch.setattr(pdf, "engine", lambda: None)

    answer = Browser(world.officer(), at=at(3, 3, 11)).get(url("letter-pdf", call.uid, letter.uid))

    assert answer.status_code == 406
    with tenancy.everywhere(reason="a test looks"):
        assert letter.readings.count() == 0


def test_what_comes_next_stands_on_the_page_and_in_the_api(world: World) -> None:
    call = world.routed()
    answer = Browser(world.clerk, at=at(3, 2, 10)).get(url("call-detail", call.uid))
    planned = answer.context["planned"]
    assert (planned["level"], planned["clock"], planned["unit"]) == ("预警", "签收", "水利局")
    sweep_at(world, at(3, 3, 15))

    system = System.beside(world.clerk)
    told = system.get(f"/api/v1/calls/{call.uid}/").json()

    assert told["planned_action"] | {"at": DUE} == {
        "level": "urge", "label": str(Level.URGE.label), "at": DUE, "clock": "accept", "party": "department",
        "department": {"uid": str(world.water.uid), "name": "水利局"}, "does": "urging",
        "told": ["party"],
    }  # fmt: skip
    assert datetime.fromisoformat(told["planned_action"]["at"]) == DUE
    sweep_at(world, DUE)
    told = system.get(f"/api/v1/calls/{call.uid}/").json()
    assert [(one["kind"], one["readings"]) for one in told["letters"]] == [("urging", [])] * 2
    assert told["letters"][0]["pdf"].endswith(f"/letters/{told['letters'][0]['uid']}.pdf")
    assert told["planned_action"]["level"] in ("warn", "supervise")


def test_a_step_that_asks_for_a_letter_to_nobody_writes_none(world: World) -> None:
    call = world.routed()
    with tenancy.dispatching(reason="a test looks"):
        step = Step.objects.filter(call=call).select_related("call")[0]
        step.data = {"does": "urging", "party": "department", "department": None}
        letters.issue([step])
    assert letters_of(call) == []
