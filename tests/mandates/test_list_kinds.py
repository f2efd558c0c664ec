"""Lists of three generations side by side: only one routes; sides, shares, steps; what is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import translation

from common import reference, tenancy
from common.errors import Invalid
from common.models import AuditEntry
from common.workflow import MoveRefused
from mandates.models import (
    DutyList,
    DutyRole,
    Entry,
    EntryStep,
    ListKind,
    ListLevel,
    ListVersion,
    Matter,
    Share,
)
from mandates.operations import lists
from mandates.queries.differences import difference
from mandates.queries.flow import flow, wrapped
from mandates.queries.rulebook import rulebook
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.mandates import let_hold
from tests.factories.systems import System
from tests.factories.townships import TownshipFactory
from townships.http import Member
from townships.roles import Role

TODAY = MONDAY.date()


@pytest.fixture
def world(db: None) -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


def get(member: Member, url: str, **query: Any) -> Any:
    client = Client()
    client.force_login(member.user)
    return client.get(url, query)


def beside(world: World, kind: str = ListKind.PERFORMANCE, **entry: Any) -> Any:
    """Publish another list of the county, with one matter under the code of a matter that routes."""
    with tenancy.dispatching(reason="a test prepares"):
        duty_list = DutyList.objects.create(
            county=world.county, kind=kind, name="履职事项清单", of_township=entry.pop("of", None)
        )
        version = ListVersion.objects.create(county=world.county, duty_list=duty_list, number=1)
        matter = Matter.objects.create(county=world.county, duty_list=duty_list, code="SL-01")
        made = Entry.objects.create(
            county=world.county, version=version, matter=matter, position=1, category="水利",
            name="河道管理", **{"township_duty": "巡河", **entry},
        )  # fmt: skip
        EntryStep.objects.bulk_create(
            EntryStep(county=world.county, entry=made, position=n, who=who, what=what, limit=limit)
            for n, who, what, limit in (
                (1, "村（社区）", "巡查发现，劝阻并报告乡镇。", ""),
                (2, "乡镇", "到场核实，登记，能处理的当场处理。", "1个工作日"),
                (3, "县水利局", "立案查处，结果反馈乡镇。", "10个工作日"),
            )
        )
        publish(version)
        return Entry.objects.select_related("version__duty_list").get(pk=made.pk)


def publish(version: ListVersion, day: date = date(2020, 1, 1)) -> None:
    let_hold(version, valid_from=day, document_no="试办〔2020〕9号", at=MONDAY)
    reference.refresh()


# --- which list routes --------------------------------------------------------------------------


def test_only_the_countys_own_list_routes(world: World) -> None:
    other = beside(world)
    beside(world, ListKind.TERRITORIAL, of=world.township)
    with tenancy.dispatching(reason="a test looks"):
        book = rulebook(world.county.pk)

    assert {one.id for one in book.in_force(TODAY)} == {world.sand.pk, world.building.pk}
    assert book.entry_by_uid(other.uid) is None
    with pytest.raises(Invalid) as refused:
        world.draft(entry=other.uid)
    assert "entry" in refused.value.fields
    assert world.routed().entry_id == world.sand.pk


def test_a_county_has_one_list_of_a_kind_and_township(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        for of in (world.township, world.sibling):
            DutyList.objects.create(
                county=world.county, kind="performance", name="x", of_township=of
            )
        for again in ({"of_township": world.township}, {}):
            DutyList.objects.get_or_create(
                county=world.county, kind="performance", of_township=None, defaults={"name": "x"}
            )
            with pytest.raises(IntegrityError), transaction.atomic():
                DutyList.objects.create(county=world.county, kind="performance", name="x", **again)
        levels = [one.level for one in DutyList.objects.order_by("id")]

    assert levels == [
        ListLevel.COUNTY, ListLevel.TOWNSHIP, ListLevel.TOWNSHIP, ListLevel.COUNTY,
    ]  # fmt: skip


def test_a_list_is_of_a_township_of_the_same_county(world: World) -> None:
    afar = TownshipFactory()

    def make() -> None:
        DutyList.objects.create(county=world.county, kind="performance", name="x", of_township=afar)
        connection.check_constraints()

    with (
        tenancy.dispatching(reason="a test tries"),
        pytest.raises(IntegrityError),
        transaction.atomic(),
    ):
        make()


def test_lists_are_read_side_by_side(world: World) -> None:
    other = beside(world, share=Share.BASIC, township_role=DutyRole.PRIMARY)
    page = get(world.clerk, "/matters/", list=str(other.version.duty_list.uid))

    assert [one.pk for one in page.context["entries"]] == [other.pk]
    assert [one.pk for one in get(world.clerk, "/matters/").context["entries"]] == [
        world.sand.pk,
        world.building.pk,
    ]
    assert get(world.clerk, "/matters/", list=str(world.sand.uid)).status_code == 404
    stranger = make_world()
    asked = get(stranger.clerk, "/matters/", list=str(other.version.duty_list.uid))
    assert asked.status_code == 404


def test_systems_read_lists_and_their_matters(world: World) -> None:
    other = beside(world, share=Share.BASIC, village_duty="日常巡查", discretion="情节轻微的先劝阻")
    system = System.beside(world.clerk)
    told = system.get("lists/").json()["results"]
    row = system.get("matters/SL-01/", list=str(other.version.duty_list.uid)).json()

    assert [(one["kind"], one["level"], one["routes"], one["version"]) for one in told] == [
        ("territorial", "county", True, 1),
        ("performance", "county", False, 1),
    ]
    assert (row["name"], row["share"], row["discretion"]) == (
        "河道管理",
        "basic",
        "情节轻微的先劝阻",
    )
    assert [(one["side"], one["role"]) for one in row["duties"]] == [
        ("township", "supporting"),
        ("village", "supporting"),
    ]
    assert row["flow"][1] == {
        "who": "乡镇", "what": "到场核实，登记，能处理的当场处理。", "limit": "1个工作日",
    }  # fmt: skip
    own = system.get("matters/SL-01/").json()
    assert [(one["law"], one["article"], one["place"]) for one in own["basis"]] == [
        ("水法", 65, "第六十五条")
    ]
    assert own["name"] == "河道采砂、侵占河道"


# --- what stands under an entry -------------------------------------------------------------------


def test_steps_are_copied_into_a_draft_and_compared(world: World) -> None:
    other = beside(world)
    with tenancy.dispatching(reason="a test prepares"), translation.override("zh-hans"):
        draft = lists.open_draft(other.version.duty_list, reason="修订", by=None, at=MONDAY)
        assert list(difference(other.version, draft).pairs) == []
        last = draft.entries.get().steps.last()
        last.limit = "7个工作日"
        last.save()
        draft.entries.update(township_role=DutyRole.PRIMARY, village_duty="劝阻")
        changed = difference(other.version, draft).changes()[0]

    columns = {one.name: (one.before, one.after) for one in changed.columns}
    assert set(columns) == {"township_role", "village_role", "village_duty", "steps"}
    assert columns["township_role"] == ("配合责任", "主体责任")
    assert columns["steps"][1].endswith("3. 县水利局 立案查处，结果反馈乡镇。（7个工作日）")


def test_steps_of_a_published_version_stand(world: World) -> None:
    other = beside(world)
    for act in (
        lambda: EntryStep.objects.filter(entry=other).update(what="x"),
        lambda: EntryStep.objects.filter(entry=other).delete(),
        lambda: EntryStep.objects.create(
            county=world.county, entry=other, position=9, who="x", what="x"
        ),
        lambda: Entry.objects.filter(pk=other.pk).update(village_duty="x"),
    ):
        with (
            tenancy.dispatching(reason="a test tries"),
            pytest.raises(DatabaseError, match="stands"),
            transaction.atomic(),
        ):
            act()


def test_a_file_keeps_what_it_has_no_column_for(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        sand = draft.entries.get(matter=world.sand.matter_id)
        sand.village_duty, sand.contact = "劝阻", "水政科"
        sand.save()
        EntryStep.objects.create(**sand.tenant, entry=sand, position=1, who="村", what="巡查")
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=date(2026, 3, 1))
        publish(draft, date(2026, 3, 1))
        draft.refresh_from_db()
        line = next(one for one in lists._says(draft) if one.code == "SL-01")
        loaded = lists.load(world.county, [line], by=None, at=MONDAY)
        assert loaded.version is not None
        made = loaded.version.entries.get()

        assert (made.village_duty, made.contact) == ("劝阻", "水政科")
        assert [one.what for one in made.steps.all()] == ["巡查"]


# --- the flow chart -------------------------------------------------------------------------------


def test_the_flow_chart_is_a_drawing(world: World) -> None:
    other = beside(world)
    page = get(world.clerk, other.get_absolute_url())
    drawn = get(world.clerk, f"{other.get_absolute_url()}flow.svg")

    assert drawn["Content-Type"] == "image/svg+xml"
    root = ElementTree.fromstring(drawn.content)  # noqa: S314  # drawn by ourselves
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["1 村（社区）", "巡查发现，劝阻并报告乡镇。"]
    assert "10个工作日" in texts
    assert "<svg" in page.content.decode()
    assert get(world.clerk, f"{world.sand.get_absolute_url()}flow.svg").status_code == 404


def test_text_is_broken_where_chinese_may_be() -> None:
    text = (
        "乡镇接到报告后到场核实情况，能够当场处理的当场处理并登记；不能处理的按 GB/T 19001 上报。"
    )
    lines = wrapped(text, 10)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not [one for one in lines if one[0] in "，；。"]
    assert any("GB/T" in one for one in lines)
    assert max(len(one) for one in lines) <= 11
    assert wrapped("a" * 40, 10) == ["a" * 17, "a" * 17, "a" * 6]
    assert wrapped("  ") == []
    assert flow([]) is None


# --- taken back -----------------------------------------------------------------------------------


def take_back(world: World, day: date) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        Matter.objects.filter(pk=world.sand.matter_id).update(
            taken_back_from=day, taken_back_by="省编办〔2026〕3号"
        )
        reference.refresh()


def test_nothing_new_is_begun_under_a_matter_taken_back(world: World) -> None:
    open_call, waiting = world.handling(), world.draft().call
    take_back(world, TODAY)

    with pytest.raises(Invalid) as refused, translation.override("zh-hans"):
        world.draft()
    assert "省编办〔2026〕3号" in str(refused.value.fields["entry"])
    with pytest.raises(MoveRefused) as stopped:
        world.make("raise", waiting, by=world.head, when=MONDAY)
    assert stopped.value.code == "matter_taken_back"
    page = get(world.clerk, "/calls/new/matters/", find="采砂").content.decode()
    assert "河道采砂" not in page
    system = System.beside(world.clerk)
    found = system.post("matters/suggest/", {"body": "有人夜里采砂"}).json()["results"]
    assert "SL-01" not in str(found)
    answered = world.make(
        "answer",
        open_call,
        by=world.officer(),
        when=at(3, 3),
        note="已查处，砂船已拖离。",
        override="协办无需到场",
    )
    assert answered.call.state == "answered"


def test_until_the_day_calls_are_raised(world: World) -> None:
    take_back(world, date(2026, 3, 3))

    assert world.routed().entry_id == world.sand.pk
    page = get(world.clerk, world.sand.get_absolute_url()).content.decode()
    assert "省编办〔2026〕3号" in page
    with time_machine.travel(at(3, 3), tick=False):
        page = get(world.clerk, world.sand.get_absolute_url())
    assert page.context["raise_matter_url"] == ""


def test_a_version_may_say_that_a_matter_is_taken_back(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        draft.entries.filter(matter=world.sand.matter_id).update(share=Share.TAKEN_BACK)
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=TODAY)
        publish(draft, TODAY)
        entry = draft.entries.get(matter=world.sand.matter_id)

    with pytest.raises(Invalid) as refused:
        world.draft(entry=entry.uid)
    assert "试办〔2020〕9号" in str(refused.value.fields["entry"])


def test_a_day_needs_its_document(world: World) -> None:
    with (
        tenancy.dispatching(reason="a test tries"),
        pytest.raises(IntegrityError),
        transaction.atomic(),
    ):
        Matter.objects.filter(pk=world.sand.matter_id).update(taken_back_from=TODAY)


def test_an_officer_takes_a_matter_back_and_undoes_it(world: World) -> None:
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    url = f"{world.sand.get_absolute_url()}take-back/"
    client = Client()
    client.force_login(officer.user)

    assert get(world.clerk, url).status_code == 403
    assert client.post(url, {"day": "2026-03-02", "document_no": " "}).status_code == 422
    late = client.post(url, {"day": "2026-03-01", "document_no": "省编办〔2026〕3号"})
    assert (late.status_code, list(late.context["form"].errors)) == (422, ["day"])
    assert (
        client.post(url, {"day": "2026-03-02", "document_no": "省编办〔2026〕3号"}).status_code
        == 302
    )
    with pytest.raises(Invalid):
        world.draft()
    assert client.get(url).context["is_back"]
    for change in ({"taken_back_from": None, "taken_back_by": ""}, {"taken_back_by": "x"},
                   {"taken_back_from": date(2026, 3, 3)}):  # fmt: skip
        with (
            tenancy.dispatching(reason="a test tries"),
            pytest.raises(IntegrityError, match="mandates_returnedmatter first"),
            transaction.atomic(),
        ):
            Matter.objects.filter(pk=world.sand.matter_id).update(**change)
    with time_machine.travel(at(3, 3), tick=False):
        client.force_login(officer.user)
        assert client.post(url, {"reason": "更正"}).status_code == 302
    # Whatever is asked of a day on which it was taken back is answered as it was then.
    with pytest.raises(Invalid):
        world.draft()
    with tenancy.scope(world.desk.scope):
        line = rulebook(world.county.pk).entries[world.sand.pk]
    assert line.is_taken_back_on(MONDAY.date())
    assert not line.is_taken_back_on(date(2026, 3, 3))
    with tenancy.everywhere(reason="a test looks"):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["matter_taken_back", "matter_given_back"]


def test_a_matter_is_read_as_it_stood_on_a_day(world: World) -> None:
    url = world.sand.get_absolute_url()

    assert get(world.clerk, url, day="2021-01-01").status_code == 200
    before = get(world.clerk, url, day="2001-01-01")
    assert (before.status_code, before["Location"]) == (302, url)
