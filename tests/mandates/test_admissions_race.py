"""Two townships speak at once: each is heard, and the step closes once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from common import tenancy
from mandates.operations import admitting
from mandates.operations.admission_work import Given
from tests.factories.admissions import make_office
from tests.factories.calls import MONDAY, make_world
from townships.http import Member


@pytest.mark.assurance("F13")
@pytest.mark.usefixtures("committed")
def test_the_last_two_opinions_at_once_close_the_step_once() -> None:
    office = make_office(make_world())
    one, gate = office.consulted(), Barrier(2)

    def speak(head: Member) -> str:
        try:
            gate.wait(timeout=20)
            with tenancy.scope(head.scope):  # type: ignore[arg-type]
                given = Given(verdict="agree")
                found: Any = admitting.make(
                    "give_opinion", one.uid, by=head, at=MONDAY, given=given
                )
                return str(found.state)
        finally:
            connections.close_all()

    heads = office.heads
    with ThreadPoolExecutor(2) as pool:
        states = sorted(pool.map(speak, heads))
    assert states == ["legality", "opinions"]
    moves = office.moves(one)
    assert (moves.count("give_opinion"), moves.count("close_opinions")) == (2, 1)
    assert {verdict for _area, _unit, verdict in office.voices(one, "opinion")} == {"agree"}


@pytest.mark.usefixtures("committed")
def test_two_applications_submitted_at_once_have_two_numbers() -> None:
    office = make_office(make_world())
    drafts, gate, by = [office.write(), office.write()], Barrier(2), office.applicant

    def submit(uid: Any) -> str:
        try:
            gate.wait(timeout=20)
            with tenancy.scope(by.scope):  # type: ignore[arg-type]
                return str(admitting.make("submit", uid, by=by, at=MONDAY).number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        numbers = sorted(pool.map(submit, [one.uid for one in drafts]))
    assert [number[-2:] for number in numbers] == ["1号", "2号"]
