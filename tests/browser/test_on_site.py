"""吹哨报到 in a browser: a township whistles, departments report on site, one of them late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from common import tenancy
from mandates.models import Call, Clock
from mandates.operations.sweep import sweep
from tests.browser.conftest import Somebody
from tests.factories.calls import World
from townships.models import Department

pytestmark = pytest.mark.browser


def clock_of(call: Call, unit: Department) -> Clock:
    with tenancy.everywhere(reason="a test looks"):
        found: Clock = Clock.objects.get(call=call, kind="report", department=unit)
        return found


def report(officer: Somebody, call: Call, people: str) -> None:
    officer.go(call.get_absolute_url())
    officer.click("a[href*='do=report_on_site']")
    officer.page.fill("#do [name=people]", people)
    officer.look(f"move-report-{officer.name}")
    officer.click("#do button[type=submit]")


def test_two_departments_are_called_and_one_comes_late(world: World, somebody: Any) -> None:
    now = timezone.now()
    whistled = now - timedelta(minutes=50)
    call = world.routed(
        when=now - timedelta(hours=1), title="大桥下游堤坝渗水", urgency="emergency"
    )
    given = {"place": "乌溪村大桥下游200米", "note": "带测距仪、执法记录仪，联合查看渗水点。"}
    world.make("call_on_site", call, by=world.head, when=whistled, **given)
    came = {"people": "防汛办王强等3人"}
    world.make(
        "report_on_site", call, by=world.officer(), when=whistled + timedelta(minutes=18), **came
    )
    world.drain(when=now)
    while sweep(at=now):
        pass
    world.drain(when=now)

    late: Somebody = somebody(world.officer(world.police), "late")
    late.look("work-late-on-site")
    assert "到场报到" in late.text()
    report(late, call, "派出所李明、周军")
    late.look("call-reported-late")

    clerk: Somebody = somebody(world.clerk, "clerk")
    clerk.go(call.get_absolute_url())
    clerk.look("call-on-site-late")
    text = clerk.page.inner_text("#on-site")
    for words in ("水利局", "公安局", "防汛办王强等3人", "派出所李明、周军", "按期报到", "晚"):
        assert words in text, words
    assert clerk.untranslated() == []
    in_time, too_late = clock_of(call, world.water), clock_of(call, world.police)
    assert in_time.met_at is not None
    assert in_time.met_at < in_time.due_at
    assert too_late.met_at is not None
    assert too_late.met_at >= too_late.due_at


def test_a_township_whistles_and_calls_off_who_is_still_awaited(
    world: World, somebody: Any
) -> None:
    officer = world.officer()
    call = world.routed(when=timezone.now(), title="山洪冲断村道", urgency="emergency")
    head: Somebody = somebody(world.head, "head")
    head.go(call.get_absolute_url())
    head.click("a[href*='do=call_on_site']")
    head.look("move-call-on-site")
    head.page.fill("#do [name=place]", "乌溪村二组村口")
    head.page.fill("#do [name=note]", "请带抢险车辆，协助转移群众。")
    head.click("#do button[type=submit]")
    head.look("call-on-site-called")
    world.drain(when=timezone.now())

    lead: Somebody = somebody(officer, "lead")
    lead.go("/notices/")
    assert "吹哨" in lead.text()
    report(lead, call, "抢险队12人")
    assert clock_of(call, world.water).met_at is not None

    head.go(call.get_absolute_url())
    head.click("a[href*='do=call_off']")
    head.page.fill("#do [name=note]", "道路已抢通，群众已转移。")
    head.click("#do button[type=submit]")
    head.look("call-on-site-called-off")
    assert "已解除" in head.page.inner_text("#on-site")
    assert head.untranslated() == []
    assert clock_of(call, world.police).cancelled_at is not None
