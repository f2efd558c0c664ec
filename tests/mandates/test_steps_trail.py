"""Steps of calls are found by person, call, kind and day, by the audit administrator alone (E5)."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from common import attachments, tenancy
from common.worktime import SHANGHAI
from mandates.models import Step
from mandates.queries.steps_trail import StepFilters, steps
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.console import signed_in, trail
from tests.factories.townships import member
from townships.operations import jobs
from townships.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("E5")]
LIST = "/audit/steps/"


@pytest.fixture
def world() -> Any:
    with time_machine.travel(MONDAY + timedelta(hours=3), tick=False):
        yield make_world()


def shown(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200
    return [(row["step"].move, row["call"]) for row in answer.context["rows"]]


def test_the_auditor_finds_steps_of_every_county(world: World) -> None:
    other = make_world()
    first, second = world.routed(), other.routed()
    auditor = signed_in(Role.AUDIT_ADMINISTRATOR)
    with tenancy.everywhere(reason="a test counts"):
        number, elsewhere = first.number, second.number
        many = Step.objects.count()

    everything = shown(auditor.get(LIST))
    assert len(everything) == many
    assert {call for _move, call in everything} >= {number, elsewhere}
    assert {c for _m, c in shown(auditor.get(LIST, {"call": number}))} == {number}
    assert {m for m, _c in shown(auditor.get(LIST, {"move": "raise"}))} == {"raise"}
    by_head = auditor.get(LIST, {"person": world.head.user.name})
    assert {row["step"].by_id for row in by_head.context["rows"]} == {world.head.user_id}
    assert shown(auditor.get(LIST, {"to_day": "2025-12-31"})) == []
    assert auditor.get(LIST, {"cursor": "x"}).status_code in (200, 400)
    for role in set(Role) - {Role.AUDIT_ADMINISTRATOR}:
        assert signed_in(role).get(LIST).status_code == 403, role


def test_a_day_is_found_by_halving(world: World) -> None:
    """Steps recorded on several days: each day holds its own, whatever stands before and after."""
    with tenancy.everywhere(reason="a test counts"):
        start = Step.objects.count()
    for day in range(3):
        with time_machine.travel(MONDAY + timedelta(days=day, hours=3), tick=False):
            world.draft(when=MONDAY + timedelta(days=day, hours=3))
    with tenancy.everywhere(reason="a test looks"):
        kept = list(Step.objects.order_by("pk"))[start:]
        days = sorted({one.recorded_at.astimezone(SHANGHAI).date() for one in kept})
        assert len(days) == 3
        for day in days:
            found = steps(StepFilters(from_day=day, to_day=day)).order_by("pk")
            assert [one.pk for one in found] == [
                one.pk for one in kept if one.recorded_at.astimezone(SHANGHAI).date() == day
            ]


def test_they_are_taken_as_a_file_and_that_is_written_down(
    world: World, tmp_path: Any, settings: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    call = world.routed()
    who = member(Role.AUDIT_ADMINISTRATOR)
    now = MONDAY + timedelta(hours=3)
    with tenancy.everywhere(reason="a test looks"):
        call.refresh_from_db()
        wanted = call.steps.count()
    assert who.scope is not None
    with tenancy.scope(who.scope):
        asked = {"format": "csv", "conditions": {"call": call.number}}
        job = jobs.request("export_steps", asked, by=who, at=now)
    assert jobs.run_next(clock=lambda: now)
    with tenancy.dispatching(reason="a test looks"):
        job.refresh_from_db()
    assert job.state == "done", job.words
    with attachments.opened(job.path) as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"))))

    assert len(rows) == wanted
    assert {row["呼叫"] for row in rows} == {call.number}
    assert trail("list_exported")[-1].detail["rows"] == wanted
    assert reverse("townships:export-new", args=["steps"]) == "/exports/steps/"
