"""The city's directory: loaded in versions that stand, held against a county's list, taken over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client

from common import tenancy
from common.errors import Invalid
from common.models import AuditEntry
from mandates.models import Directory, DirectoryEntry, Entry, Matter
from mandates.operations import directories, lists
from mandates.operations.directories import COLUMNS, Line
from mandates.operations.list_files import FileRefused
from mandates.operations.publications import BadDate
from mandates.queries.directories import coverage, directory_for
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System
from tests.factories.townships import member
from townships.http import Member
from townships.models import City, DivisionParent, Relation
from townships.roles import Role

PAGE = "/directory/"
TODAY = MONDAY.date()


@pytest.fixture
def world(db: None) -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


def line(number: int, code: str, name: str, **more: Any) -> Line:
    facts = {
        "category": "水利", "department_duty": "牵头查处", "township_duty": "巡查、劝阻、上报",
        "legal_basis": "《水法》第六十五条", "is_sample": True, "source_note": "示例", **more,
    }  # fmt: skip
    return Line(position=number, code=code, name=name, **facts)


LINES = (
    line(1, "SL-01", "河道采砂、侵占河道", township_duty="巡查、上报"),
    line(2, "JS-01", "违法建设查处"),
    line(3, "LY-01", "森林防灭火"),
)


def loaded(world: World, *, day: date = date(2021, 1, 1), lines: Any = LINES) -> Directory:
    city = City.objects.first() or City.objects.create(
        level="city", kind="city", code="990000000000", name="试验市", valid_from=date(2000, 1, 1)
    )
    DivisionParent.objects.get_or_create(
        division=world.county,
        relation=Relation.ADMINISTRATIVE,
        parent=city,
        valid_from=date(2000, 1, 1),
    )
    with tenancy.dispatching(reason="a test prepares"):
        made = directories.load(
            city, lines, name="指导目录", document_no="试编〔2021〕1号", valid_from=day, at=MONDAY
        )
    assert made is not None
    return made


def matched(world: World, directory: Directory) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        directories.link_by_code(world.version.duty_list, directory, by=None, at=MONDAY)


def get(one: Member, **query: Any) -> Any:
    client = Client()
    client.force_login(one.user)
    return client.get(PAGE, query)


def send(one: Member, what: str, **data: Any) -> Any:
    client = Client()
    client.force_login(one.user)
    return client.post(f"{PAGE}{what}/", data, follow=True)


def test_a_new_version_ends_the_one_before_and_stands(world: World) -> None:
    first = loaded(world)
    second = loaded(world, day=date(2024, 1, 1), lines=LINES[:2])
    first.refresh_from_db()

    assert (first.valid_to, second.number) == (date(2024, 1, 1), 2)
    assert directory_for(world.county.pk, date(2023, 12, 31)) == first
    assert directory_for(world.county.pk, TODAY) == second
    matters = {one.matter_id for one in first.entries.all()}
    assert {one.matter_id for one in second.entries.all()} < matters
    for act in (
        lambda: Directory.objects.filter(pk=first.pk).update(document_no="x"),
        lambda: Directory.objects.filter(pk=first.pk).update(valid_to=None),
        lambda: Directory.objects.filter(pk=second.pk).delete(),
        lambda: DirectoryEntry.objects.update(name="x"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    with pytest.raises(BadDate):
        loaded(world, day=date(2024, 1, 1))
    with pytest.raises(Invalid), tenancy.dispatching(reason="a test tries"):
        directories.load(first.city, LINES, name="x", document_no=" ", valid_from=TODAY, at=MONDAY)


def test_the_same_file_is_no_new_version(world: World) -> None:
    made = loaded(world)
    with tenancy.dispatching(reason="a test tries"):
        again = directories.load(
            made.city, LINES, name="x", document_no="x", valid_from=TODAY, at=MONDAY
        )

    assert again is None
    assert Directory.objects.count() == 1


def test_the_list_is_held_against_the_directory(world: World) -> None:
    directory = loaded(world)
    with tenancy.dispatching(reason="a test looks"):
        assert coverage(directory, world.version).covered == 0
    matched(world, directory)
    with tenancy.dispatching(reason="a test looks"):
        found = coverage(directory, world.version)

    assert (found.covered, found.total) == (2, 3)
    assert [row.guide.matter.code for row in found.missing] == ["LY-01"]
    assert [(row.guide.matter.code, [c.name for c in row.columns]) for row in found.differing] == [
        ("SL-01", ["township_duty"])
    ]
    assert list(found.own) == []


def test_the_page_tells_what_is_missing_and_what_differs(world: World) -> None:
    matched(world, loaded(world))
    page = get(world.clerk)
    told = page.content.decode()

    assert "森林防灭火" in told
    assert "清单缺项" in told
    assert [tab.count for tab in page.context["tabs"]] == ["3", "1", "1", "1", "0"]
    assert [one.guide.matter.code for one in get(world.clerk, state="missing").context["rows"]] == [
        "LY-01"
    ]
    assert get(world.clerk, day="2020-06-01").context["found"] is None
    assert get(world.clerk, day="x").status_code == 422
    overseer = member(Role.CITY_OVERSEER)
    assert get(overseer, county=str(world.county.uid)).context["found"].covered == 2


def test_an_officer_derives_and_takes_over(world: World) -> None:
    loaded(world)
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    assert send(world.clerk, "match").status_code == 403
    assert send(officer, "match").status_code == 200
    assert "先新建清单草稿" in send(officer, "take-over", code="LY-01").content.decode()
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
    send(officer, "take-over", code="LY-01")
    with tenancy.everywhere(reason="a test looks"):
        entry = Entry.objects.select_related("matter__directory_matter").get(
            version=draft, matter__code="LY-01"
        )
        trail = set(AuditEntry.objects.values_list("action", flat=True))

    assert (entry.name, entry.position, entry.lead_id) == ("森林防灭火", 3, None)
    assert entry.matter.directory_matter is not None
    assert entry.matter.directory_matter.code == "LY-01"
    assert {"matters_derived", "matter_derived", "directory_taken_over"} <= trail
    again = send(officer, "take-over", code="LY-01")
    assert "草稿中已有这个编码" in again.content.decode()
    assert send(officer, "take-over", code="XX").status_code == 404


def test_a_matter_is_derived_by_hand(world: World) -> None:
    directory = loaded(world)
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    guide = directory.entries.get(matter__code="LY-01").matter
    send(officer, "derive", directory=str(guide.uid), matter="JS-01")
    send(officer, "derive", directory="x", matter="JS-01")
    send(officer, "derive", directory=str(guide.uid), matter="XX-01")

    with tenancy.everywhere(reason="a test looks"):
        matter = Matter.objects.get(pk=world.building.matter_id)
    assert matter.directory_matter == guide


def test_a_file_is_read_whole_or_refused_with_its_lines() -> None:
    head = ",".join(COLUMNS)
    assert directories.read(f"{head}\n1,A,水利,河道,查处,巡查,,1,\n")[0].code == "A"
    with pytest.raises(FileRefused) as refused:
        directories.read(f"{head}\n1,A,,河道,,,,1,\nx,A,水利,湖,,,,2,\n")
    assert [(one.line, one.column) for one in refused.value.faults] == [
        (2, "category"), (3, "no"), (3, "is_sample"), (3, "code"),
    ]  # fmt: skip


def test_the_shipped_sample_is_loaded_by_command(world: World) -> None:
    loaded(world)
    out = StringIO()
    options = {"valid_from": date(2025, 1, 1), "document_no": "示例〔2025〕1号", "stdout": out}
    call_command("load_directory", **options)

    made = Directory.objects.get(number=2)
    assert made.entries.count() == 26
    assert not made.entries.filter(is_sample=False).exists()
    assert "26" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("load_directory", city="1", **options)


def test_other_systems_read_the_directory_and_its_coverage_as_of_a_day(world: World) -> None:
    directory = loaded(world, day=date(2021, 1, 1))
    loaded(world, day=date(2024, 1, 1), lines=LINES[:2])
    matched(world, directory)
    system = System.beside(world.clerk)

    page = system.get("directory/", as_of="2023-12-31", size=2).json()
    assert (page["directory"]["number"], page["directory"]["valid_to"]) == (1, "2024-01-01")
    following = system.get(page["next"].partition("testserver")[2]).json()
    assert [one["code"] for one in (*page["results"], *following["results"])] == [
        "SL-01", "JS-01", "LY-01",
    ]  # fmt: skip
    assert [one["code"] for one in system.get("directory/", q="采砂").json()["results"]] == [
        "SL-01"
    ]
    assert system.get("directory/", as_of="2020-12-31").status_code == 404

    told = system.get("directory/coverage/", as_of="2023-12-31", size=1).json()
    with tenancy.dispatching(reason="a test looks"):
        found = coverage(directory, world.version)
    assert (told["matters"], told["covered"], told["missing"], told["differing"]) == (
        3, found.covered, len(found.missing), len(found.differing),
    )  # fmt: skip
    assert (told["covered"], told["total"], len(told["results"])) == (2, 3, 1)
    assert told["list_version"] == str(world.version.uid)
    (missing,) = system.get("directory/coverage/", as_of="2023-12-31", state="missing").json()[
        "results"
    ]
    assert (missing["code"], missing["matters"], missing["columns"]) == ("LY-01", [], [])
    (differs, *_rest) = system.get(
        "directory/coverage/", as_of="2023-12-31", state="differs"
    ).json()["results"]
    assert differs["matters"] == [differs["code"]]
    assert "township_duty" in [one["name"] for one in differs["columns"]]
    today = system.get("directory/coverage/").json()
    assert (today["directory"]["number"], today["matters"]) == (2, 2)
    bare = system.get("directory/coverage/", as_of="2019-12-31")
    assert bare.status_code == 404
    other = system.get("directory/", county="5c3a1f0e-8d3b-4c58-9a55-0f6f2a1f7f10")
    assert (other.status_code, other.json()["errors"][0]["field"]) == (400, "county")
    assert len(system.get("versions/", as_of="2023-12-31").json()["results"]) == 1
    assert system.get("versions/", as_of="2019-12-31").json()["results"] == []
