"""The main job in a browser: clerk, head, two departments, rating; with pictures of every page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from mandates.models import Call
from tests.browser.conftest import Somebody
from tests.factories.calls import World

pytestmark = pytest.mark.browser

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89"
    b"\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
)


def fresh(world: World, call: Call | None = None) -> Call:
    from common import tenancy  # noqa: PLC0415

    with tenancy.everywhere(reason="a test looks"):
        found: Call = Call.objects.get(pk=call.pk) if call else Call.objects.get()
        return found


def write(clerk: Somebody, picture: Path) -> None:
    """Find the matter by words, see what follows, fill in the rest, submit."""
    page = clerk.page
    clerk.go("/calls/new/")
    clerk.look("raise-empty")
    page.locator("[name=find]").press_sequentially("采砂")
    page.locator("#matters .hy-options b", has_text="河道采砂").wait_for()
    page.check("#matters [name=matter] >> nth=0")
    page.locator("#preview", has_text="公安局").wait_for()
    page.fill("[name=title]", "大桥下游夜间采砂")
    page.fill("[name=place]", "乌溪村大桥下游200米")
    page.fill("[name=body]", "一台挖掘机、两辆自卸车在河道内取砂装车，请求查处。")
    page.set_input_files("[name=files]", picture)
    clerk.look("raise-filled")
    clerk.click("button[name=do][value=submit]")


@pytest.mark.usefixtures("_own_media")
def test_from_the_clerk_to_the_rating(world: World, somebody: Any, tmp_path: Path) -> None:
    picture = tmp_path / "采坑.png"
    picture.write_bytes(PNG)
    clerk: Somebody = somebody(world.clerk, "clerk")
    write(clerk, picture)
    call = fresh(world)
    assert call.state == "submitted"
    clerk.look("call-submitted")

    head: Somebody = somebody(world.head, "head")
    head.look("work-head")
    head.click(f"a[href='{call.get_absolute_url()}']")
    head.look("call-head")
    head.click("form[action$='/raise/'] button")
    world.drain(when=timezone.now())
    call = fresh(world, call)
    assert (call.state, call.lead_id) == ("routed", world.water.pk)

    lead: Somebody = somebody(world.officer(), "lead")
    assist: Somebody = somebody(world.officer(world.police), "assist")
    for one in (lead, assist):
        one.look(f"work-{one.name}")
        one.click(f"a[href='{call.get_absolute_url()}']")
        one.look(f"call-{one.name}-sent")
        one.click("form[action$='/accept/'] button")
        one.look(f"call-{one.name}-accepted")
    assert fresh(world, call).state == "handling"

    assist.click("a[href*='do=feed_back']")
    assist.look("move-feed-back")
    assist.page.fill("#do [name=note]", "已调取卡口影像，锁定自卸车两辆。")
    assist.click("#do button[type=submit]")
    assist.look("call-assist-done")

    lead.go(call.get_absolute_url())
    lead.click("a[href*='do=answer']")
    lead.page.fill("#do [name=note]", "已立案查处，采坑回填，河道恢复。")
    lead.look("move-answer")
    lead.click("#do button[type=submit]")
    assert fresh(world, call).state == "answered"

    clerk.go("/")
    clerk.look("work-clerk-rate")
    clerk.go(call.get_absolute_url())
    clerk.click("a[href*='do=rate']")
    clerk.look("move-rate")
    clerk.page.check("#do [name=rating][value=satisfied]")
    clerk.click("#do button[type=submit]")
    clerk.look("call-closed")
    world.drain(when=timezone.now())
    call = fresh(world, call)
    assert (call.state, call.rating) == ("closed", "satisfied")


def test_the_other_pages_at_both_widths(world: World, somebody: Any) -> None:
    call = world.handling(when=timezone.now())
    clerk: Somebody = somebody(world.clerk, "clerk")
    pages = {
        "calls": "/calls/",
        "notices": "/notices/",
        "matters": "/matters/?q=河道",
        "matter": world.sand.get_absolute_url(),
        "deadline": "/deadlines/?start=2026-09-24T10:00&amount=8&unit=working_day",
        "calendar": "/calendar/",
        "call-handling": call.get_absolute_url(),
    }
    for name, path in pages.items():
        clerk.go(path)
        clerk.look(name)
        assert clerk.untranslated() == [], name
