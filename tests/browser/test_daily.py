"""The daily pages in a browser: keys, type size, duplicates, filters, search, notices, the sheet."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from common import tenancy
from mandates.models import Call, SavedFilter, Step
from tests.browser.conftest import DESK, PASSWORD, PHONE, SCREENS, Somebody
from tests.factories.calls import World
from townships.models import User

pytestmark = pytest.mark.browser


def focused(one: Somebody) -> str:
    text: str = one.page.evaluate("document.activeElement.textContent.trim()")
    return text


def test_keys_lead_everywhere_and_move_nothing(world: World, somebody: Any) -> None:
    now = timezone.now()
    assert world.officer()  # who holds a post is told
    for n in range(3):
        world.routed(title=f"第{n}件", when=now)
    officer: Somebody = somebody(world.officer(), "officer")
    page, keys = officer.page, officer.page.keyboard
    officer.go("/calls/?order=-raised")
    page.wait_for_selector(".hy-views b")  # the counts have come

    keys.press("j")
    assert focused(officer) == "第2件"
    keys.press("j")
    keys.press("j")
    keys.press("j")  # there is nothing below the last
    assert focused(officer) == "第0件"
    keys.press("k")
    assert focused(officer) == "第1件"
    keys.press("Enter")
    page.wait_for_url("**/calls/*-*/")
    keys.press("e")
    assert page.evaluate("document.querySelector('details[data-why]').open") is True
    keys.press("?")
    assert page.locator("#hy-keys").is_visible()
    officer.look("keys")
    keys.press("Escape")
    assert not page.locator("#hy-keys").is_visible()
    for first, second, path in (("g", "l", "/calls/"), ("g", "n", "/notices/"), ("g", "w", "/")):
        keys.press(first)
        keys.press(second)
        page.wait_for_url(f"{officer.address}{path}")

    officer.go("/notices/")
    keys.press("j")
    keys.press("x")
    assert page.locator("input[name=notice]:checked").count() == 1
    keys.press("x")
    assert page.locator("input[name=notice]:checked").count() == 0
    officer.look("notices-officer")
    keys.press("/")
    keys.type("jkx e?")  # in a field they are letters
    assert page.evaluate("document.activeElement.value") == "jkx e?"
    keys.press("Escape")
    assert page.evaluate("document.activeElement === document.body")

    with tenancy.everywhere(reason="a test looks"):
        assert set(Call.objects.values_list("state", flat=True)) == {"routed"}

    keys.press("?")
    page.click("#hy-keys button[name=shortcuts]")
    page.wait_for_load_state()
    assert User.objects.get(pk=world.officer().user_id).shortcuts is False
    keys.press("/")
    assert page.evaluate("document.activeElement === document.body")
    keys.press("?")  # the way back stays open
    assert page.locator("#hy-keys").is_visible()


def test_large_type_before_and_after_signing_in(world: World, somebody: Any, browser: Any) -> None:
    world.handling(when=timezone.now())
    clerk: Somebody = somebody(world.clerk, "clerk")
    page = clerk.page
    clerk.page.set_viewport_size(DESK)  # type: ignore[arg-type]
    clerk.click(".hy-topnav details.hy-only-desk summary")
    clerk.click(".hy-topnav button[name=type_size][value=xlarge]")
    assert page.evaluate("document.documentElement.className") == "fs-xlarge"
    with tenancy.everywhere(reason="a test looks"):
        call = Call.objects.get()
    for name, path in {
        "work": "/", "calls": "/calls/", "raise": "/calls/new/", "notices": "/notices/",
        "settings": "/notices/settings/", "search": "/search/?q=采砂", "filters": "/calls/filters/",
        "call": call.get_absolute_url(), "matters": "/matters/", "deadline": "/deadlines/",
    }.items():  # fmt: skip
        clerk.go(path)
        clerk.look(f"xlarge-{name}")  # fails where something is wider than the phone
    page.context.clear_cookies(name="sessionid")
    clerk.go("/accounts/login/")
    assert page.evaluate("document.documentElement.className") == "fs-xlarge"
    clerk.look("xlarge-sign-in")
    clerk.click("button[name=type_size][value=standard]")
    assert page.evaluate("document.documentElement.className") == ""
    page.fill("[name=login]", world.clerk.user.username)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.btn-primary")
    page.wait_for_url(f"{clerk.address}/")
    assert page.evaluate("document.documentElement.className") == "fs-xlarge"  # the person's own


def test_a_duplicate_is_told_while_writing_and_added_to(world: World, somebody: Any) -> None:
    call = world.handling(
        title="大桥下游夜间采砂", body="乌溪村有挖掘机取砂。", when=timezone.now()
    )
    clerk: Somebody = somebody(world.clerk, "clerk")
    page = clerk.page
    clerk.go("/calls/new/")
    page.locator("[name=find]").press_sequentially("采砂")
    page.locator("#matters .hy-options b", has_text="河道采砂").wait_for()
    page.check("#matters [name=matter] >> nth=0")
    page.locator("#duplicates", has_text="大桥下游夜间采砂").wait_for()
    page.locator("[name=title]").press_sequentially("大桥下游又在夜间采砂")
    page.locator("#duplicates", has_text="两处都写到").wait_for()
    page.fill("[name=body]", "乌溪村又来了两台挖掘机。")
    clerk.look("raise-duplicate")
    clerk.click(f"button[value='add:{call.uid}']")
    page.wait_for_url(f"**{call.get_absolute_url()}")
    assert "乌溪村又来了两台挖掘机。" in clerk.text()
    clerk.look("call-added")
    with tenancy.everywhere(reason="a test looks"):
        assert Call.objects.count() == 1
        assert Step.objects.filter(move="add").count() == 1


def test_a_filter_is_kept_a_search_finds_and_a_sheet_prints(world: World, somebody: Any) -> None:
    call = world.handling(when=timezone.now())
    desk: Somebody = somebody(world.desk, "desk")
    page = desk.page
    desk.go("/calls/")
    page.select_option("#filter_state", "handling")
    page.click(".hy-filter button[type=submit]")
    page.locator(".hy-keep summary").click()
    page.fill("#keep_name", "办理中的")
    desk.look("calls-keep")
    page.click(".hy-keep button[type=submit]")
    page.wait_for_selector(".hy-views a[aria-current]:has-text('办理中的')")
    page.wait_for_selector(".hy-views a:has-text('办理中的') b")
    desk.look("calls-kept")
    desk.go("/calls/filters/")
    desk.look("filters")
    desk.click("a[href$='/delete/']") if page.locator("a[href$='/delete/']").is_visible() else None
    page.locator("details:has(a[href$='/delete/']) summary").first.click()
    desk.click("a[href$='/delete/']")
    desk.look("filter-delete")
    with tenancy.everywhere(reason="a test looks"):
        assert SavedFilter.objects.count() == 1
    desk.click("main form button[type=submit]")
    with tenancy.everywhere(reason="a test looks"):
        assert SavedFilter.objects.count() == 0

    for name, words in {"search": "采砂", "search-empty": "", "search-none": "没有的词"}.items():
        desk.go(f"/search/?q={words}")
        desk.look(name)
        assert desk.untranslated() == [], name
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.fill(".hy-search input", call.number) if page.locator(".hy-search").is_visible() else None
    desk.go(f"/search/?q={call.number}")
    assert page.url.endswith(call.get_absolute_url())

    desk.go(f"{call.get_absolute_url()}sheet/")
    desk.look("sheet")
    page.emulate_media(media="print")
    page.screenshot(path=SCREENS / "sheet-print.png", full_page=True, caret="initial")
    page.emulate_media(media="screen")
    desk.go("/notices/settings/")
    desk.look("notice-settings")


def test_the_same_pages_in_english(world: World, somebody: Any) -> None:
    call = world.handling(when=timezone.now())
    User.objects.filter(pk=world.desk.user_id).update(language="en")
    desk: Somebody = somebody(world.desk, "desk")
    page = desk.page
    for name, path in {
        "calls": "/calls/?state=handling", "filters": "/calls/filters/", "search": "/search/?q=采砂",
        "notices": "/notices/?show=all", "settings": "/notices/settings/",
        "sheet": f"{call.get_absolute_url()}sheet/",
    }.items():  # fmt: skip
        desk.go(path)
        assert page.evaluate("document.documentElement.lang") == "en"
        for size in (PHONE, DESK):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{name} at {size['width']}"
            path_ = SCREENS / f"en-{name}-{size['width']}.png"
            page.screenshot(path=path_, full_page=True, caret="initial")


def test_what_was_written_survives_the_end_of_the_session(world: World, somebody: Any) -> None:
    call = world.routed(when=timezone.now())
    world.make("accept", call, by=world.officer(), when=timezone.now())
    officer: Somebody = somebody(world.officer(), "officer")
    page = officer.page
    officer.go(f"{call.get_absolute_url()}?do=answer")
    page.fill("#do [name=note]", "已到现场查处，砂坑已经回填。")
    page.wait_for_timeout(800)  # kept in this browser a moment after the last key
    page.context.clear_cookies(name="sessionid")
    page.click("#do button[type=submit]")
    page.wait_for_load_state()
    page.fill("[name=login]", world.officer().user.username)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.btn-primary")
    page.wait_for_selector("[data-draft-take]:visible")
    officer.look("draft-offer")
    page.click("[data-draft-take]:visible")
    assert page.input_value("#do [name=note]") == "已到现场查处，砂坑已经回填。"
