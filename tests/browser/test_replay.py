"""A replay in a browser: a scenario written, run by a worker, and opened down to its calls."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from tests.factories.calls import World
from tests.factories.weeks import ENDS, lived
from townships.operations.jobs import run_next
from townships.roles import Role

pytestmark = pytest.mark.browser


def test_from_a_scenario_to_the_calls_that_would_be_late(world: World, somebody: Any) -> None:
    lived(world)
    officer = somebody(world.member(Role.ESTABLISHMENT_OFFICER), "officer")
    page = officer.page
    officer.go("/replays/")
    officer.click('a[href="/replays/scenarios/new/"]')
    page.fill("[name=name]", "九日答复")
    page.select_option("[name=limits-0-urgency]", "general")
    page.select_option("[name=limits-0-kind]", "close")
    page.fill("[name=limits-0-amount]", "9")
    page.select_option("[name=limits-0-unit]", "working_day")
    officer.click('button[value="keep"]')
    page.locator("#run").wait_for()
    officer.look("replay-scenario")
    page.fill("[name=begins]", "2026-03-01")
    page.fill("[name=ends]", "2026-03-31")
    officer.click('form[action$="/run/"] button')
    page.locator("#progress").wait_for()
    with time_machine.travel(ENDS, tick=True):
        while run_next(clock=lambda: ENDS):
            pass
    # The page looks again by itself.
    page.locator("#table-departments").wait_for()
    assert officer.untranslated() == []
    officer.look("replay-result")
    figure = page.locator('#table-whole a[href*="show=late"]')
    assert (figure.text_content() or "").startswith("2/9")
    figure.click()
    page.wait_for_url("**show=late**")
    assert page.locator("[data-total]").get_attribute("data-total") == "2"
    assert page.locator("#calls tr[data-row]").count() == 2
