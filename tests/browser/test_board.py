"""The board in a browser: the chart is its table, and a figure opens its calls on the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories.calls import World, at
from tests.factories.figures import scatter

pytestmark = pytest.mark.browser


def test_the_chart_draws_what_its_table_says(world: World, somebody: Any) -> None:
    scatter(world, count=120, seed=12)
    desk = somebody(world.desk, "desk")
    desk.go("/board/?during=2026-Q1")
    page = desk.page
    page.locator("[data-chart] svg").wait_for()
    rows = page.locator("#table-trend tbody tr")
    raised = [rows.nth(n).locator("td").first.text_content() or "" for n in range(rows.count())]
    drawn = page.locator("[data-chart] svg text").all_text_contents()
    assert len(raised) == 12
    assert [count for count in raised if count.strip() not in drawn] == []
    assert not page.locator("[data-chart-table]").evaluate("box => box.open")
    desk.look("board")
    assert desk.untranslated() == []


def test_bars_draw_the_column_they_stand_above(world: World, somebody: Any) -> None:
    scatter(world, count=120, seed=12)
    desk = somebody(world.desk, "desk")
    desk.go("/board/?during=2026-Q1")
    page = desk.page
    page.locator("[data-bars=table-states] svg").wait_for()
    cells = page.locator("#table-states tbody tr td:nth-child(2)").all_text_contents()
    drawn = page.locator("[data-bars=table-states] svg text").all_text_contents()
    assert cells
    assert [count for count in cells if count.strip() not in drawn] == []


def test_the_chart_is_printed(world: World, somebody: Any) -> None:
    scatter(world, count=30, seed=15)
    desk = somebody(world.desk, "desk")
    desk.go("/board/?during=2026-Q1")
    desk.page.locator("[data-chart] svg").wait_for()
    desk.page.emulate_media(media="print")
    box = desk.page.locator("[data-chart]").bounding_box()
    drawing = desk.page.locator("[data-chart] svg").bounding_box()
    assert box["height"] > 100
    assert drawing["height"] <= box["height"] + 1
    assert desk.page.locator("[data-chart] > div").first.bounding_box()["height"] > 100


def test_a_figure_opens_its_calls_on_the_same_page(world: World, somebody: Any) -> None:
    scatter(world, count=60, seed=13)
    desk = somebody(world.desk, "desk")
    desk.go("/board/?during=2026-Q1")
    page = desk.page
    page.evaluate("window.same = true")
    figure = page.locator("#table-times tbody td a").first
    count = (figure.text_content() or "").strip()
    figure.click()
    page.locator("#drill [data-total]").wait_for()
    assert page.locator("#drill [data-total]").get_attribute("data-total") == count
    assert page.evaluate("window.same") is True
    assert "show=accept_due" in page.url
    # The board is renewed below the calls that are open, and the page stays.
    page.evaluate("document.activeElement.blur()")
    raised = page.locator("[data-live=tiles] .hy-kpi strong").first.text_content()
    world.routed(title="又来一件", when=at(3, 31, 16))
    with page.expect_response(lambda answer: "live=1" in answer.url) as renewed:
        page.clock.set_fixed_time(datetime.now(UTC) + timedelta(minutes=2))
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert renewed.value.status == 200
    page.wait_for_function(
        "was => document.querySelector('[data-live=tiles] .hy-kpi strong').textContent !== was",
        arg=raised,
    )
    assert page.evaluate("window.same") is True
    assert page.locator("[data-chart] svg").count() == 1
    page.locator("#drill header a").first.click()
    page.wait_for_url("**/calls/?**")
    assert page.locator("[data-total]").get_attribute("data-total") == count


def test_the_screen_on_the_wall_is_calm(world: World, somebody: Any) -> None:
    scatter(world, count=60, seed=14)
    desk = somebody(world.desk, "desk")
    desk.go("/board/wall/?during=2026-Q1")
    desk.page.locator("[data-chart] svg").wait_for()
    desk.look("board-wall")
    assert desk.page.locator("nav").count() == 0
    assert desk.page.evaluate("document.getAnimations().length") == 0
