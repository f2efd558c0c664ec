"""A draft in a grid: line by line, over nobody's words, with every fault at its cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from common import tenancy
from common.models import AuditEntry
from mandates.models import Entry, EntryLimit, ListVersion
from mandates.operations import lists
from tests.factories.calls import MONDAY, World, make_world
from tests.mandates.pages import Browser
from townships.roles import Role

SAND = "SL-01"


@pytest.fixture
def world(db: None) -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


@pytest.fixture
def draft(world: World) -> ListVersion:
    with tenancy.dispatching(reason="a test prepares"):
        return lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)


def office(world: World) -> Browser:
    return Browser(world.member(Role.ESTABLISHMENT_OFFICER), at=MONDAY)


def line(draft: ListVersion, code: str = SAND) -> Entry:
    with tenancy.everywhere(reason="a test looks"):
        rows = Entry.objects.select_related("lead", "matter").prefetch_related("limits")
        found: Entry = rows.get(version=draft, matter__code=code)
        return found


def url(draft: ListVersion, *rest: Any) -> str:
    return f"/drafts/{draft.uid}/grid/" + "".join(f"{one}/" for one in rest)


def shown(page: Any, entry: Entry) -> dict[str, Any]:
    """Return what the page would send of a line."""
    (row,) = [one for one in page.context["rows"] if one.entry == entry]
    return {bound.name: bound.value() or "" for bound in row.form}


def test_a_line_is_written_cell_by_cell_and_the_rest_of_it_stays(
    world: World, draft: ListVersion
) -> None:
    browser, entry = office(world), line(draft)
    page = browser.get(url(draft))
    typed = shown(page, entry) | {
        "name": "河道非法采砂",
        "lead": str(world.housing.uid),
        "limits": "一般 答复 7 个工作日\nemergency close 1 working_day",
    }
    answer = browser.post(url(draft, entry.uid) + "?q=采砂", typed)

    assert answer.status_code == 302, answer.context["rows"][0].form.errors
    assert answer["Location"] == f"{url(draft)}?q=%E9%87%87%E7%A0%82#line-{entry.uid}"
    now = line(draft)
    assert (now.name, now.lead, now.township_duty) == (
        "河道非法采砂", world.housing, entry.township_duty,
    )  # fmt: skip
    assert {(x.urgency, x.kind, x.amount, x.unit) for x in now.limits.all()} == {
        ("general", "close", 7, "working_day"), ("emergency", "close", 1, "working_day"),
    }  # fmt: skip
    with tenancy.everywhere(reason="a test looks"):
        assert now.assists.count() == 1
        (told,) = AuditEntry.objects.filter(action="list_line_changed")
    assert set(told.detail["changes"]) == {"name", "lead", "limits"}


def test_what_another_officer_wrote_is_not_overwritten(world: World, draft: ListVersion) -> None:
    browser, entry = office(world), line(draft)
    mine = shown(browser.get(url(draft)), entry) | {"name": "我写的"}
    theirs = shown(browser.get(url(draft)), entry) | {"name": "别人写的", "category": "河湖"}
    browser.post(url(draft, entry.uid), theirs)
    answer = browser.post(url(draft, entry.uid), mine, headers={"X-Requested-With": "fetch"})

    assert answer.status_code == 412
    row = answer.context["row"]
    assert row.now == {"name": "别人写的", "category": "河湖"}
    text = answer.content.decode()
    assert "我写的" in text
    assert "<html" not in text
    assert line(draft).name == "别人写的"
    # Sent again knowingly, it replaces.
    again = {bound.name: bound.value() or "" for bound in row.form}
    assert browser.post(url(draft, entry.uid), again).status_code == 302
    assert (line(draft).name, line(draft).category) == ("我写的", "水利")


def test_the_form_of_the_console_overwrites_nobody_either(world: World, draft: ListVersion) -> None:
    browser, entry = office(world), line(draft)
    address = reverse("admin:mandates_entry_change", args=[entry.pk])
    page = browser.get(address)
    typed = form_of(page) | {"name": "表单里写的", "reason": "更正"}
    cells = shown(browser.get(url(draft)), entry) | {"category": "河湖"}
    browser.post(url(draft, entry.uid), cells)
    late = browser.post(address, typed)

    assert late.status_code == 200
    assert list(late.context["adminform"].form.errors) == ["__all__"]
    assert "河湖" in late.content.decode()
    assert (line(draft).name, line(draft).category) == (entry.name, "河湖")
    again = form_of(late) | {"reason": "更正"}
    done = browser.post(address, again)
    assert done.status_code == 302, done.context["errors"]
    assert (line(draft).name, line(draft).category) == ("表单里写的", "水利")


def form_of(page: Any) -> dict[str, Any]:
    """Return what the console's form would send, with the rows under it."""
    shown = page.context["adminform"].form
    sets = [one.formset for one in page.context["inline_admin_formsets"]]
    forms = [shown, *(one.management_form for one in sets), *(f for one in sets for f in one.forms)]
    found = {bound.html_name: bound.value() for form in forms for bound in form}
    return {
        name: value
        for name, value in found.items()
        if value not in (None, "") and value is not False
    }


def test_every_fault_stands_at_its_cell_and_nothing_is_written(
    world: World, draft: ListVersion
) -> None:
    browser, entry = office(world), line(draft)
    good = shown(browser.get(url(draft)), entry)
    bad = {
        "code": "JS-01",  # stands in other versions: neither code may change
        "name": "",
        "category": "长" * 41,
        "lead": str(world.police.uid),  # assists already
        "urgency": "soon",
        "limits": "尽快\n一般 答复 0 个工作日",
        "township_duty": "x\0",
    }
    for name, value in bad.items():
        answer = browser.post(url(draft, entry.uid), good | {"name": "改", name: value})
        assert answer.status_code == 422, name
        (row,) = [one for one in answer.context["rows"] if one.entry == entry]
        assert list(row.form.errors) == [name]
    assert line(draft).name == entry.name
    with tenancy.everywhere(reason="a test looks"):
        assert not EntryLimit.objects.filter(entry__version=draft).exists()
        assert not AuditEntry.objects.filter(action="list_line_changed").exists()


def test_lines_are_added_and_their_codes_changed_while_no_version_knows_them(
    world: World, draft: ListVersion
) -> None:
    browser = office(world)
    new = {"code": "NY-07", "name": "秸秆禁烧", "category": "农业", "urgency": "general"}
    made = browser.post(url(draft, "new"), new)
    twice = browser.post(url(draft, "new"), new)

    assert made.status_code == 302
    assert (twice.status_code, list(twice.context["new"].form.errors)) == (422, ["code"])
    entry = line(draft, "NY-07")
    assert (entry.position, entry.lead) == (3, None)
    typed = shown(browser.get(url(draft)), entry)
    assert browser.post(url(draft, entry.uid), typed | {"code": "NY-08"}).status_code == 302
    assert line(draft, "NY-08").pk == entry.pk
    typed = shown(browser.get(url(draft)), entry)
    taken = browser.post(url(draft, entry.uid), typed | {"code": SAND})
    assert taken.status_code == 422
    assert line(draft, "NY-08").pk == entry.pk


def test_who_may_not_and_what_is_no_draft(world: World, draft: ListVersion) -> None:
    entry, stranger = line(draft), make_world()
    for member in (world.desk, world.head, world.officer()):
        assert Browser(member, at=MONDAY).get(url(draft)).status_code == 403
        assert Browser(member, at=MONDAY).post(url(draft, entry.uid)).status_code == 403
    assert office(stranger).get(url(draft)).status_code == 404
    assert office(stranger).post(url(draft, entry.uid)).status_code == 404
    browser = office(world)
    typed = shown(browser.get(url(draft)), entry)
    assert browser.get(url(world.version)).status_code == 302
    with tenancy.dispatching(reason="a test prepares"):
        lists.discard_draft(draft, reason="重来", by=None, at=MONDAY)
    assert browser.post(url(draft, entry.uid), typed).status_code == 404


def test_an_officer_finds_the_way_into_a_draft_from_every_page_of_the_list(world: World) -> None:
    browser = office(world)
    duty_list, matter = world.version.duty_list, world.sand
    asked = f"/drafts/open/?list={duty_list.uid}"
    pages = {
        "/matters/": asked,
        f"/matters/{matter.uid}/": f"{asked}&amp;matter={SAND}",
        reverse("admin:mandates_dutylist_changelist"): asked,
        reverse("admin:mandates_listversion_change", args=[world.version.pk]): asked,
        reverse("admin:mandates_listversion_changelist"): "/drafts/open/",
    }
    for page, way in pages.items():
        assert f'href="{way}"' in browser.get(page).content.decode(), page

    form = browser.get(f"{asked}&matter={SAND}")
    assert (form.context["last"], form.context["matters"]) == (world.version, 2)
    assert browser.post(asked, {"reason": ""}).status_code == 422
    made = browser.post(f"{asked}&matter={SAND}", {"reason": "新修订的水法"})
    with tenancy.everywhere(reason="a test looks"):
        draft = ListVersion.objects.get(duty_list=duty_list, state="draft")
    assert made["Location"] == f"{url(draft)}?q={SAND}"

    for page in pages:
        text = browser.get(page).content.decode()
        assert url(draft) in text or page.endswith("listversion/"), page
    assert browser.get(asked).context["draft_url"] == url(draft)
    again = browser.post(asked, {"reason": "再来一次"})
    assert again["Location"] == url(draft)
    with tenancy.everywhere(reason="a test looks"):
        assert ListVersion.objects.filter(duty_list=duty_list).count() == 2


def test_nobody_else_is_shown_or_let_into_opening_a_draft(world: World) -> None:
    clerk = Browser(world.clerk, at=MONDAY)
    asked = f"/drafts/open/?list={world.version.duty_list.uid}"

    assert "/drafts/open/" not in clerk.get("/matters/").content.decode()
    assert clerk.post(asked, {"reason": "试试看"}).status_code == 403
    assert office(world).get("/drafts/open/?list=of-another-county").status_code == 404
