"""A workbook in a browser: taken in with errors, mended, written into the draft, and published."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from common import tenancy
from mandates.models import Entry
from tests.factories.calls import World
from tests.factories.workbooks import write
from townships.models import Platform
from townships.operations.jobs import run_next
from townships.roles import Role

pytestmark = pytest.mark.browser


def rows(lead: str, name: str) -> list[tuple[Any, ...]]:
    return [
        (1, "水利局", name, "《中华人民共和国水法》第三十九条", "1.巡查；\n2.依法查处。", "发现并报告。"),
        (2, "水利局", "山洪灾害防御", "《中华人民共和国防洪法》", "组织防御。", "组织群众转移。"),
        (3, lead, "校外培训机构监管执法", "示例，待替换", "1.制定计划；\n2.查处。", "摸排线索。"),
    ]  # fmt: skip


def checked(officer: Any) -> None:
    while run_next(clock=lambda: datetime.now(UTC)):
        pass
    officer.page.locator("#rows").wait_for()


def test_from_a_faulty_workbook_to_the_list_in_force(
    world: World, somebody: Any, tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    officer = somebody(world.member(Role.ESTABLISHMENT_OFFICER), "officer")
    page = officer.page
    officer.go("/matters/")
    officer.click('a[href="/matters/imports/"]')
    officer.look("import-list")
    faulty = tmp_path / "清单.xlsx"
    write(faulty, {"水利": rows("市教体局", "")})
    page.set_input_files("[name=file]", str(faulty))
    officer.click('main form button[type="submit"]')
    officer.look("import-columns")
    officer.click('form[action$="/columns/"] button')
    page.locator("#progress").wait_for()
    checked(officer)
    assert page.locator("#rows tr[data-row]").count() >= 2
    assert page.locator('form[action$="/apply/"]').count() == 0
    assert officer.untranslated() == []
    officer.look("import-problems")
    page.select_option("[name=u-0]", index=1)
    officer.click('form[action$="/columns/"] button')
    page.locator("#progress").wait_for()
    checked(officer)

    # The department is remembered for the workbook that is sent again, mended.
    write(faulty, {"水利": rows("市教体局", "河道非法采砂")})
    officer.go("/matters/imports/")
    page.set_input_files("[name=file]", str(faulty))
    officer.click('main form button[type="submit"]')
    officer.click('form[action$="/columns/"] button')
    page.locator("#progress").wait_for()
    checked(officer)
    officer.look("import-changes")
    page.fill("[name=reason]", "按新印发的清单")
    officer.click('form[action$="/apply/"] button')
    page.locator("#progress").wait_for()
    officer.look("import-being-written")
    checked(officer)
    page.locator("#undo").wait_for()
    assert officer.untranslated() == []
    officer.look("import-applied")
    officer.click('.hy-head a[href*="/listversion/"]')
    with tenancy.everywhere(reason="a test looks"):
        drafted = Entry.objects.filter(version__state="draft")
        assert set(drafted.values_list("name", flat=True)) == {
            "河道非法采砂", "山洪灾害防御", "校外培训机构监管执法",
        }  # fmt: skip
    # No column of this workbook names platforms; without them nothing is published.
    with tenancy.dispatching(reason="a test fills a gap"):
        platform = Platform.objects.earliest("pk")
        Entry.objects.filter(version__state="draft").update(platform=platform)
    officer.click('a[href$="/publish/"]')
    page.fill("[name=valid_from]", f"{timezone.localdate()}")
    page.fill("[name=document_no]", "试编办〔2026〕8号")
    page.check("[name=confirmed]")
    assert officer.untranslated() == []
    officer.click('#content-main button[type="submit"], #content-main input[type="submit"]')
    page.locator(".hy-tag", has_text="待第二人").wait_for()
    leader = somebody(world.member("county_leader"), "leader")
    leader.go("/publications/")
    leader.click("th a.hy-title")
    leader.page.check("[name=confirm-checked]")
    leader.click(".hy-panel--do button[type=submit]")
    leader.page.locator(".hy-tag", has_text="已确认").wait_for()
    officer.go("/matters/")
    assert page.get_by_text("试编办〔2026〕8号").count()
    assert page.get_by_text("河道非法采砂").count()
    officer.look("import-published")
