"""What-if replay: the same rules change nothing, and one change changes exactly what it should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, time
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.models.base import ModelState

from common import tenancy
from common.worktime import SHANGHAI
from mandates.models import Call, ListVersion
from mandates.operations import replays
from mandates.operations.replaying import Outcome, Rules, Tally
from mandates.queries.proposed import Changes, DayChange, Hours, LadderChange, LimitChange
from mandates.queries.replay_facts import DESK
from tests.factories.calls import World, make_world
from tests.factories.weeks import ENDS, lived

pytestmark = pytest.mark.django_db
NOTHING = Changes()
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


@dataclass
class Lived:
    world: World
    calls: dict[str, Call]

    def name(self, outcome: Outcome) -> str:
        return next(name for name, call in self.calls.items() if call.pk == outcome.call.id)


@pytest.fixture(scope="module")
def lived_weeks(django_db_setup: None, django_db_blocker: Any) -> Iterator[Lived]:
    """Live once: what a test does to it is rolled back to here."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world()
        yield Lived(world, lived(world))
        transaction.set_rollback(True)


def rules(lived: Lived, changes: Changes = NOTHING, version: Any = None) -> Rules:
    with tenancy.everywhere(reason="a test looks"):
        return replays.rules_for(lived.world.county.pk, changes, version, at=ENDS)


def run(lived: Lived, given: Rules) -> tuple[Tally, dict[str, Outcome]]:
    """Replay March; return the tally and what changes, by name."""
    found: dict[str, Outcome] = {}
    told: list[tuple[int, int]] = []
    tally = replays.over(
        lived.world.county.pk,
        FIRST,
        LAST,
        given,
        tell=lambda done, total: told.append((done, total)),
        keep=lambda outcomes: found.update({lived.name(one): one for one in outcomes}),
    )
    assert told[0] == (0, 9)
    assert told[-1] == (9, 9)
    return tally, found


def test_the_same_rules_over_the_same_life_change_nothing(lived_weeks: Lived) -> None:
    """Every clock is worked out anew, by a calendar of the same days and the list in force."""
    same = rules(lived_weeks, version=lived_weeks.world.version)
    calendar = replace(same.base.calendar, version="again")
    anew = replace(
        same, proposed=replace(same.proposed, calendar=calendar), changed_days=None, at=ENDS
    )
    tally, changed = run(lived_weeks, anew)
    assert changed == {}
    assert (tally.calls, tally.changed, tally.moved, tally.failed) == (9, 0, 0, 0)
    assert tally.late_now == tally.late_no_more == 0
    assert tally.late_calls[0] == tally.late_calls[1] > 3
    assert sum(line.levels["urge"][0] for line in tally.kinds.values()) > 3


def test_one_limit_changes_exactly_the_calls_it_should(lived_weeks: Lived) -> None:
    """Nine working days to answer instead of ten: what was answered on the tenth is late."""
    shorter = Changes(limits=[LimitChange("general", "close", 9, "working_day")])
    tally, changed = run(lived_weeks, rules(lived_weeks, shorter))
    late = {name: [c for c in one.clocks if c.changes] for name, one in changed.items()}
    newly = {
        name: (str(c.was.due_at.astimezone(SHANGHAI)), str(c.would.due_at.astimezone(SHANGHAI)))
        for name, clocks in late.items()
        for c in clocks
        if c.would.late and not c.was.late
    }
    assert newly == {
        # Two days of pause stay two days of pause.
        "paused": ("2026-03-18 17:30:00+08:00", "2026-03-17 17:30:00+08:00"),
        "slow to accept": ("2026-03-16 17:30:00+08:00", "2026-03-13 17:30:00+08:00"),
    }
    assert {c.facts.kind for clocks in late.values() for c in clocks} == {"close"}
    water = tally.departments[lived_weeks.world.water.pk]
    assert water.late[1] - water.late[0] == 2
    assert tally.kinds["close"].late[1] - tally.kinds["close"].late[0] == 2
    assert tally.kinds["accept"].late[0] == tally.kinds["accept"].late[1]
    assert tally.moved == tally.on_no_entry == 0


def test_a_later_limit_takes_back_what_was_late(lived_weeks: Lived) -> None:
    longer = Changes(limits=[LimitChange("general", "accept", 3, "working_day")])
    tally, changed = run(lived_weeks, rules(lived_weeks, longer))
    accept = tally.kinds["accept"]
    assert accept.late[1] < accept.late[0]
    mended = changed["slow to accept"]
    was, would = next(
        (c.was, c.would) for c in mended.clocks if c.facts.kind == "accept" and c.facts.is_first
    )
    assert (was.late, would.late) == (True, False)
    assert was.levels >= {"warn", "urge"}
    assert would.levels == frozenset()
    assert tally.late_now == 0
    assert tally.late_no_more == 1


def test_a_ladder_changes_levels_and_nothing_else(lived_weeks: Lived) -> None:
    gone = Changes(
        ladder=[LadderChange("general", "supervise"), LadderChange("general", "escalate", after=1)]
    )
    tally, changed = run(lived_weeks, rules(lived_weeks, gone))
    assert set(changed) <= set(lived_weeks.calls)
    for line in tally.kinds.values():
        assert line.levels["supervise"][1] == 0
        assert line.levels["warn"][0] == line.levels["warn"][1]
        assert line.late[0] == line.late[1]
    # Whatever was supervised a working day after its due time would have gone to the leader then.
    for kind, line in tally.kinds.items():
        assert line.levels["escalate"][1] == line.levels["supervise"][0], kind


def test_a_day_off_moves_what_ran_over_it(lived_weeks: Lived) -> None:
    free = Changes(days=[DayChange(date(2026, 3, 16), "off", "设想")])
    given = rules(lived_weeks, free)
    assert given.changed_days == [date(2026, 3, 16)]
    _tally, changed = run(lived_weeks, given)
    assert "prompt" not in changed  # everything of it was over before
    untouched = rules(lived_weeks, Changes(days=[DayChange(date(2026, 7, 1), "off", "")]))
    assert run(lived_weeks, untouched)[1] == {}


def test_what_need_not_be_worked_out_anew_is_as_if_it_were(lived_weeks: Lived) -> None:
    free = Changes(
        days=[DayChange(date(2026, 3, 10), "off", ""), DayChange(date(2026, 3, 7), "worked", "")]
    )
    given = rules(lived_weeks, free)
    quick, quickly = run(lived_weeks, given)
    slow, slowly = run(lived_weeks, replace(given, changed_days=None, at=ENDS))
    assert replays.as_json(quick) == replays.as_json(slow)
    assert quickly.keys() == slowly.keys()


def test_other_office_hours_are_worked_out_for_every_clock(lived_weeks: Lived) -> None:
    hours = Hours(*(time(h) for h in (9, 12, 13, 16)))
    given = rules(lived_weeks, Changes(hours=hours))
    assert given.changed_days is None
    tally, _changed = run(lived_weeks, given)
    assert tally.failed == 0
    with tenancy.everywhere(reason="a test looks"):
        page = next(replays.pages(lived_weeks.world.county.pk, *replays.bounds(FIRST, LAST)))
    call = next(iter(replays.facts_of(page)))
    due = {c.facts.kind: c.would.due_at for c in replays.replay(call, given).clocks if c.was.counts}
    assert due["case"].astimezone(SHANGHAI).hour == 16


# --- a list --------------------------------------------------------------------------------------


@pytest.fixture
def draft(lived_weeks: Lived) -> ListVersion:
    """A draft in which the police lead against sand mining, and houses stand no more."""
    world = lived_weeks.world
    with tenancy.dispatching(reason="a test prepares"):
        made = ListVersion.objects.create(
            county=world.county, duty_list_id=world.version.duty_list_id, number=2
        )
        line = copy(world.sand)
        line.pk, line.uid, line.version, line.lead = None, uuid4(), made, world.police
        line._state = ModelState()
        line.save()
    return made


def test_a_draft_says_who_would_have_got_the_calls(lived_weeks: Lived, draft: ListVersion) -> None:
    world = lived_weeks.world
    tally, changed = run(lived_weeks, rules(lived_weeks, version=draft))
    moved = {name: (one.was_to, one.would_to) for name, one in changed.items() if one.moves}
    assert moved == {
        name: (world.water.pk, world.police.pk)
        for name in lived_weeks.calls
        if name not in ("houses", "unlisted")
    } | {"houses": (world.housing.pk, DESK)}
    assert (tally.dispatched, tally.moved, tally.on_no_entry, tally.unlisted) == (9, 8, 1, 1)
    water, police = tally.departments[world.water.pk], tally.departments[world.police.pk]
    assert (water.calls, water.lost, police.calls, police.gained) == ([7, 0], 7, [0, 7], 7)
    assert tally.departments[DESK].calls == [1, 2]
    # Late is what it was: the facts are those of whoever had them.
    assert tally.late_calls[0] == tally.late_calls[1]


def test_a_role_that_only_reads_reads(lived_weeks: Lived) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        tenancy.everywhere(reason="a test tries"),
    ):
        Call.objects.filter(pk=1).update(title="x")


# --- the command ---------------------------------------------------------------------------------


def command(lived: Lived, tmp_path: Path, *more: str, changes: Any = None) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    given = [*more]
    if changes is not None:
        (tmp_path / "changes.json").write_text(json.dumps(changes), encoding="utf-8")
        given += ["--changes", str(tmp_path / "changes.json")]
    with time_machine.travel(ENDS, tick=False):
        call_command("replay", "--county", lived.world.county.code, *given, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_tells_progress_and_the_same_figures(
    lived_weeks: Lived, tmp_path: Path
) -> None:
    changes = {
        "limits": [{"urgency": "general", "kind": "close", "amount": 9, "unit": "working_day"}]
    }
    out, err = command(lived_weeks, tmp_path, "--json", "--begins", "2026-03-01", changes=changes)
    shorter = Changes(limits=[LimitChange("general", "close", 9, "working_day")])
    tally, _changed = run(lived_weeks, rules(lived_weeks, shorter))
    assert json.loads(out) == replays.as_json(tally)
    assert "9" in err
    table, _err = command(lived_weeks, tmp_path, "--list", "1")
    assert "水利局\t" in table


@pytest.mark.parametrize(
    ("changes", "more", "told"),
    [
        (None, [], "--scenario"),
        ({"limits": [{"urgency": "general"}]}, [], "limits.0.amount"),
        ({"limits": "all"}, [], "limits"),
        ({"other": []}, [], "hours"),
        ([], [], "hours"),
        ({"hours": {"morning_from": "8"}}, [], "hours"),
        ({}, ["--list", "77"], "清单版本"),
        (None, ["--scenario", "没有的"], "方案"),
        ({}, ["--begins", "2026-03-02", "--ends", "2026-03-01"], "ends"),
    ],
)
def test_the_command_refuses_in_words(
    lived_weeks: Lived, tmp_path: Path, changes: Any, more: list[str], told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        command(lived_weeks, tmp_path, *more, changes=changes)
