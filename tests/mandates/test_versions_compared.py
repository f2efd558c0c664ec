"""Two versions of a list side by side: what counts as a change, who reads it, in what words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from common import reference, tenancy
from mandates.models import Entry, EntryAssist, EntryLimit, ListVersion, Matter
from mandates.operations import lists
from mandates.queries.differences import Difference, Sort, difference, pieces
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.mandates import let_hold
from tests.factories.systems import System
from tests.factories.townships import member
from tests.mandates.test_call_sheet import needs_pango, words_of
from townships.http import Member
from townships.roles import Role

PAGE = "/matters/compare/"
PDF = "/matters/compare/list.pdf"


@pytest.fixture
def world(db: None) -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


def get(member: Member, url: str = PAGE, **query: Any) -> Any:
    client = Client()
    client.force_login(member.user)
    return client.get(url, query)


def opened(world: World) -> ListVersion:
    """Open a draft that is a copy of the version in force."""
    with tenancy.dispatching(reason="a test prepares"):
        return lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)


def revised(world: World) -> ListVersion:
    """Publish a second version: sand says and has otherwise, building is gone, a matter is new."""
    draft = opened(world)
    with tenancy.dispatching(reason="a test prepares"):
        sand = draft.entries.get(matter=world.sand.matter_id)
        sand.department_duty = "牵头查处河道管理范围内非法采砂、取土、弃置阻水物行为"
        sand.lead = world.housing
        sand.save()
        EntryAssist.objects.create(
            **sand.tenant, entry=sand, department=world.water, duty="配合勘验"
        )
        EntryLimit.objects.create(
            **sand.tenant, entry=sand, urgency="general", kind="close", amount=5,
            unit="working_day", source="示例",
        )  # fmt: skip
        draft.entries.exclude(pk=sand.pk).delete()
        matter = Matter.objects.create(
            **draft.tenant, duty_list_id=draft.duty_list_id, code="LY-01"
        )
        Entry.objects.create(
            **draft.tenant, version=draft, matter=matter, position=3, category="林业",
            name="森林防灭火", lead=world.water,
        )  # fmt: skip
        published(world, draft)
    return draft


def published(world: World, draft: ListVersion) -> None:
    ListVersion.objects.filter(pk=world.version.pk).update(valid_to=date(2026, 6, 1))
    let_hold(draft, valid_from=date(2026, 6, 1), document_no="试政办〔2026〕2号", at=MONDAY)
    reference.refresh()


def found(world: World, after: ListVersion) -> Difference:
    with tenancy.dispatching(reason="a test looks"), translation.override("zh-hans"):
        before = ListVersion.objects.select_related("duty_list").get(pk=world.version.pk)
        return difference(before, after)


# --- what counts -------------------------------------------------------------------------------


def test_a_copy_says_nothing_otherwise(world: World) -> None:
    assert list(found(world, opened(world)).pairs) == []


def test_the_place_in_the_list_is_no_change(world: World) -> None:
    draft = opened(world)
    with tenancy.dispatching(reason="a test prepares"):
        draft.entries.update(position=9)

    assert list(found(world, draft).pairs) == []


def test_matters_are_changed_added_and_removed_column_by_column(world: World) -> None:
    told = found(world, revised(world))
    with tenancy.dispatching(reason="a test looks"), translation.override("zh-hans"):
        changes = told.changes()

    assert told.counts == {"added": 1, "removed": 1, "changed": 1}
    assert [(one.code, one.sort) for one in changes] == [
        ("SL-01", Sort.CHANGED),
        ("JS-01", Sort.REMOVED),
        ("LY-01", Sort.ADDED),
    ]
    columns = {one.name: (one.before, one.after) for one in changes[0].columns}
    assert set(columns) == {"lead", "department_duty", "assists", "limits"}
    assert columns["lead"] == ("水利局", "住建局")
    assert columns["limits"] == ("", "一般 答复 5个工作日")
    assert columns["assists"][1].startswith("水利局（配合勘验）；")
    assert {one.sort for one in changes[1].columns} == {Sort.REMOVED}
    assert {one.sort for one in changes[2].columns} == {Sort.ADDED}


def test_any_number_of_matters_is_compared_by_one_question_and_read_by_five(world: World) -> None:
    draft = revised(world)
    told = found(world, draft)
    with tenancy.dispatching(reason="a test looks"):
        with CaptureQueriesContext(connection) as asked:
            difference(told.before, told.after)
        with CaptureQueriesContext(connection) as read:
            told.changes()

    assert (len(asked), len(read)) == (1, 5)


def test_versions_of_two_lists_are_not_compared(world: World) -> None:
    other = make_world()
    overseer = member(Role.CITY_OVERSEER)
    answer = get(overseer, after=world.version.uid, before=other.version.uid)

    assert answer.status_code == 200
    assert answer.context["form"].errors["before"]


@given(st.text("采砂取土；，。水", max_size=40), st.text("采砂取土；，。水", max_size=40))
def test_the_pieces_of_a_text_are_the_text(before: str, after: str) -> None:
    old, new = pieces(before, after)

    assert "".join(one.text for one in old) == before
    assert "".join(one.text for one in new) == after
    kept = ["".join(one.text for one in side if not one.is_own) for side in (old, new)]
    assert kept[0] == kept[1]


def test_long_texts_are_cut_at_their_clauses() -> None:
    old, new = pieces("查处违法行为，" * 400, "查处违法行为，" * 399 + "报告，")

    assert (old[-1].text, new[-1].text) == ("查处违法行为，", "报告，")


# --- the page ----------------------------------------------------------------------------------


def test_the_page_shows_the_version_in_force_against_the_one_before(world: World) -> None:
    draft = revised(world)
    with time_machine.travel(MONDAY.replace(year=2027), tick=False):
        page = get(world.clerk)
    told = page.content.decode()

    assert page.context["found"].after == draft
    assert "牵头查处<ins>河道管理范围内非法采砂、取土、弃置阻水物行为</ins>" in told
    assert "第1版→第2版" in told
    assert [tab.count for tab in page.context["tabs"]] == ["3", "1", "1", "1"]


def test_one_matter_is_shown_with_what_becomes_of_its_calls(world: World) -> None:
    world.routed()
    draft = revised(world)
    page = get(world.clerk, after=draft.uid, matter="SL-01")

    assert [one.code for one in page.context["changes"]] == ["SL-01"]
    assert page.context["effects"] == {"open": 1}
    assert "matter=" not in page.context["whole_url"]


def test_a_kind_of_change_narrows(world: World) -> None:
    draft = revised(world)

    assert [one.code for one in get(world.clerk, after=draft.uid, sort="added").context["changes"]] == [
        "LY-01"
    ]  # fmt: skip


def test_a_first_version_has_nothing_to_be_compared_with(world: World) -> None:
    page = get(world.clerk)

    assert "found" not in page.context
    assert "没有更早的版本" in page.content.decode()


def test_a_draft_is_compared_by_those_who_write_it_alone(world: World) -> None:
    draft = opened(world)

    assert get(world.member(Role.ESTABLISHMENT_OFFICER), after=draft.uid).status_code == 200
    assert get(world.clerk, after=draft.uid).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"before": str(UUID(int=7))},
        {"matter": "没有"},
        {"page": "-1"},
        {"sort": "x"},
    ],
)
def test_odd_addresses_are_answered_in_words(world: World, query: dict[str, str]) -> None:
    revised(world)

    assert get(world.clerk, **query).status_code in (200, 404)


@needs_pango
def test_the_comparison_is_drawn_as_a_pdf(world: World) -> None:
    draft = revised(world)
    answer = get(world.clerk, PDF, after=draft.uid)

    assert answer["Content-Type"] == "application/pdf"
    told = words_of(answer.content)
    assert "版本比较" in told
    assert "森林防灭火" in told


# --- other systems -----------------------------------------------------------------------------


def test_systems_read_versions_and_their_changes(world: World) -> None:
    draft = revised(world)
    system = System.beside(world.clerk)
    listed = system.get("versions/").json()["results"]
    told = system.get(f"versions/{draft.uid}/changes/").json()

    assert [one["number"] for one in listed] == [2, 1]
    assert (told["before"]["number"], told["after"]["number"]) == (1, 2)
    assert (told["added"], told["removed"], told["changed"], told["total"]) == (1, 1, 1, 3)
    assert [one["code"] for one in told["results"]] == ["SL-01", "JS-01", "LY-01"]
    only = system.get(f"versions/{draft.uid}/changes/", sort="removed", size=1).json()
    assert [one["code"] for one in only["results"]] == ["JS-01"]
    assert system.get(f"versions/{world.version.uid}/changes/").status_code == 404
    refused = system.get(f"versions/{draft.uid}/changes/", since=str(uuid4()))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")


def test_the_comparison_is_taken_as_a_table(world: World) -> None:
    draft = revised(world)
    answer = get(world.clerk, "/matters/compare/list.xlsx", after=draft.uid)

    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert answer.content.startswith(b"PK")
    first = get(world.clerk, "/matters/compare/list.xlsx", after=world.version.uid)
    assert first.status_code == 404
