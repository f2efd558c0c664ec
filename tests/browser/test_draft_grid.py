"""A draft in a browser: written in the grid by keys, put before a unit, published."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from common import tenancy
from mandates.models import Entry, ListVersion
from mandates.operations import lists
from tests.factories.calls import World
from townships.roles import Role

pytestmark = pytest.mark.browser


def of_draft(code: str) -> Entry:
    with tenancy.everywhere(reason="a test looks"):
        rows = Entry.objects.select_related("lead").prefetch_related("limits")
        found: Entry = rows.get(version__number=2, matter__code=code)
        return found


def test_from_the_grid_over_a_review_to_publication(world: World, somebody: Any) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(
            world.version.duty_list, reason="年度修订", by=None, at=timezone.now()
        )
    officer = somebody(world.member(Role.ESTABLISHMENT_OFFICER), "officer")
    page = officer.page
    officer.go("/matters/")
    officer.click(f'a[href="/drafts/{draft.uid}/grid/"]')
    officer.look("draft-grid")
    assert officer.untranslated() == []

    sand = page.locator("tr[data-row]").nth(0)
    building = page.locator("tr[data-row]").nth(1)
    name = sand.locator("[data-cell][name=name]")
    name.focus()
    page.keyboard.type("写错了")
    page.keyboard.press("Escape")
    assert name.input_value() == "河道采砂、侵占河道"
    page.keyboard.type("河道非法采砂")
    page.keyboard.press("Enter")  # down, and the line that was left is saved
    sand.locator("[data-state]").get_by_text("已保存").wait_for()
    assert page.evaluate("document.activeElement.name") == "name"
    assert of_draft("SL-01").name == "河道非法采砂"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id").endswith("-lead")
    limits = building.locator("[data-cell][name=limits]")
    limits.focus()
    page.keyboard.type("尽快")
    page.keyboard.press("ArrowUp")  # writing: the caret's, not the grid's
    page.keyboard.press("Control+s")
    building.locator(".hy-bad").first.wait_for()
    officer.look("draft-grid-wrong")
    limits.fill("一般 答复 7 个工作日")
    sand.locator("[data-cell][name=code]").focus()
    building.locator("[data-state]").get_by_text("已保存").wait_for()
    assert [one.amount for one in of_draft("JS-01").limits.all()] == [7]

    for row in (sand, building):  # without one, nothing is published
        platform = row.locator("[data-cell][name=platform]")
        platform.focus()
        platform.select_option(index=1)
    sand.locator("[data-cell][name=code]").focus()
    building.locator("[data-state]").get_by_text("已保存").wait_for()
    sand.locator("[data-state]").get_by_text("已保存").wait_for()

    # Somebody else was there first: nothing is written over their words unawares.
    with tenancy.dispatching(reason="a colleague writes"):
        Entry.objects.filter(pk=of_draft("SL-01").pk).update(category="河湖")
    name.fill("河道采砂")
    building.locator("[data-cell][name=code]").focus()
    sand.locator(".hy-now").first.wait_for()
    officer.look("draft-grid-overtaken")
    sand.locator("[data-take]").click()
    sand.locator("[data-take]").wait_for(state="detached")
    assert sand.locator("[data-cell][name=category]").input_value() == "河湖"
    assert of_draft("SL-01").name == "河道非法采砂"

    # The browser itself remarks on answers that are refusals: there were two.
    refused = [text for text in officer.complaints if "status of 4" in text]
    assert [text for text in officer.complaints if text not in refused] == []
    assert len(refused) == 2
    officer.complaints.clear()

    chief = world.head  # in post before anybody is told
    officer.click(f'.hy-head a[href="/drafts/{draft.uid}/review/"]')
    page.fill("[name=until]", "2030-01-31")
    page.check(f'[name=townships][value="{world.township.uid}"]')
    officer.click('form[action$="/invite/"] button')
    page.locator('form[action$="/close/"]').wait_for()
    head = somebody(chief, "head")
    head.go("/notices/")
    head.look("draft-asked")
    head.click('main a[href^="/notices/"]:has-text("清单草稿征求")')
    line = head.page.locator("tbody tr", has=head.page.locator("[name=matter][value=SL-01]"))
    line.locator("textarea[name=text]").last.fill("应由县里巡查")
    line.locator("button", has_text="意见").last.click()
    line.locator("summary").click()
    line.locator("details textarea").fill("应由水利局巡查")
    line.locator("details button", has_text="保存").click()
    line.locator("summary").nth(1).wait_for()
    head.look("draft-remark")
    assert head.untranslated() == []
    head.page.locator("#own button[value=agree]").click()
    head.page.locator("#own .hy-tag", has_text="同意").wait_for()
    officer.go("/notices/")
    officer.look("draft-told")
    officer.go(f"/drafts/{draft.uid}/review/")
    officer.look("draft-opinions")
    officer.click('form[action$="/close/"] button')
    page.locator(".hy-tag", has_text="已结束").wait_for()
    officer.click(f'.hy-head a[href="/drafts/{draft.uid}/grid/"]')
    officer.click('.hy-head a[href$="/publish/"]')
    page.fill("[name=valid_from]", timezone.localdate().isoformat())
    page.fill("[name=document_no]", "试办〔2026〕1号")
    page.check("[name=confirmed]")
    officer.click(".submit-row input.default")
    page.locator(".hy-tag", has_text="待第二人").wait_for()
    assert officer.untranslated() == []
    officer.look("publication-proposed")
    leader = somebody(world.member("county_leader"), "leader")
    leader.go("/publications/")
    leader.look("publication-waits")
    leader.click("th a.hy-title")
    leader.look("publication-to-confirm")
    leader.page.check("[name=confirm-checked]")
    leader.click(".hy-panel--do button[type=submit]")
    leader.page.locator(".hy-tag", has_text="已确认").wait_for()
    assert leader.untranslated() == []
    leader.look("publication-confirmed")
    with tenancy.everywhere(reason="a test looks"):
        assert ListVersion.objects.get(pk=draft.pk).state == "published"
