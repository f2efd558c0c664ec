"""What lists stand on, as rows: written when a version is published, shared, never changed, asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from common import tenancy
from mandates.models import Citation, Entry, LegalBasis, ListVersion
from mandates.operations import bases as operations
from mandates.operations import lists
from mandates.queries import bases
from mandates.queries.differences import difference
from mandates.queries.gaps import gaps
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.mandates import let_hold, publish
from tests.factories.systems import System
from townships.http import Member
from townships.models import Platform

NEW = "《中华人民共和国水法》第六十五条第二款：“责令停止”；国办发〔2021〕16号"


@pytest.fixture
def world(db: None) -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


def get(member: Member, url: str, **query: Any) -> Any:
    client = Client()
    client.force_login(member.user)
    return client.get(url, query)


def published(world: World, text: str) -> ListVersion:
    """Publish a version whose matter of sand stands on a text."""
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        draft.entries.update(platform=Platform.objects.order_by("pk").first())
        draft.entries.filter(matter=world.sand.matter_id).update(legal_basis=text)
        return publish(draft, valid_from=MONDAY.date(), document_no="试〔2026〕2号", at=MONDAY)


def rows() -> list[tuple[Any, ...]]:
    with tenancy.dispatching(reason="a test looks"):
        found = Citation.objects.order_by("basis_id", "position")
        return list(found.values_list("law", "key", "document_no", "article", "first", "clause"))


def codes(answer: Any) -> list[str]:
    return [row["code"] for row in answer.json()["results"]]


def test_versions_share_the_rows_of_what_they_word_alike(world: World) -> None:
    before = rows()
    published(world, NEW)
    added = [one for one in rows() if one not in before]
    with tenancy.dispatching(reason="a test looks"):
        texts = {entry.legal_basis for entry in Entry.objects.all()}
        assert LegalBasis.objects.count() == len(texts)
        assert operations.settle(world.version) == 0

    assert added == [
        ("中华人民共和国水法", "水法", "", "第六十五条第二款", 65, "责令停止"),
        ("", "国办发〔2021〕16号", "国办发〔2021〕16号", "", 0, ""),
    ]


def test_nothing_is_published_unread_and_no_reading_grows(world: World) -> None:
    with tenancy.dispatching(reason="a test tries"):
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=MONDAY.date())
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        draft.entries.filter(matter=world.sand.matter_id).update(legal_basis=NEW)
        draft.state, draft.document_no, draft.published_at = "published", "试〔2026〕2号", MONDAY
        draft.valid_from = MONDAY.date()
        with pytest.raises(IntegrityError, match="legal bases read"), transaction.atomic():
            draft.save()
        assert operations.settle(draft) == 1
        let_hold(draft, valid_from=MONDAY.date(), document_no="试〔2026〕2号", at=MONDAY)
        known = LegalBasis.objects.get(text=NEW)
        more = Citation(**known.tenant, basis=known, position=3, law="甲法", key="甲法")
        with pytest.raises(IntegrityError, match="no more parts"), transaction.atomic():
            more.save()
        first = known.citations.get(position=1)
        for change in (lambda: first.delete(), lambda: known.save(), lambda: known.delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()


def test_matters_are_asked_for_by_the_law_they_stand_on(world: World) -> None:
    published(world, "《中华人民共和国水法》第六十四条至第六十六条；《刑法》第一百三十三条之一")
    system = System.beside(world.clerk)
    asked = {
        law: codes(system.get("matters/", law=law))
        for law in (
            "《水法》", "水法第65条", "《水法》第六十七条", "水法第六十五条第二款", "《水》", "水",
            "刑法第133条", "刑法第一百三十三条之一", "国办发〔2021〕16号",
        )
    }  # fmt: skip
    assert {law for law, found in asked.items() if "SL-01" in found} == {
        "《水法》", "水法第65条", "水", "刑法第一百三十三条之一",
    }  # fmt: skip
    page = get(world.clerk, "/matters/", law="水法第65条")
    assert page.context["total"] == 2
    assert "law=" in page.context["export_url"]


def test_a_matter_shows_what_it_cites_and_leads_to_its_like(world: World) -> None:
    version = published(world, NEW)
    row = System.beside(world.clerk).get("matters/SL-01/").json()
    with tenancy.dispatching(reason="a test looks"):
        entry = version.entries.get(matter=world.sand.matter_id)
    page = get(world.clerk, entry.get_absolute_url())

    assert row["legal_basis"] == NEW
    assert row["basis"][0] == {
        "law": "中华人民共和国水法", "document_no": "", "article": 65, "last_article": 65,
        "place": "第六十五条第二款", "clause": "责令停止", "wording": "",
    }  # fmt: skip
    assert [one["text"] for one in page.context["laws"]] == [
        "《中华人民共和国水法》第六十五条第二款", "国办发〔2021〕16号",
    ]  # fmt: skip
    like = get(world.clerk, page.context["laws"][0]["url"])
    assert [one.pk for one in like.context["entries"]] == [entry.pk]
    assert NEW in page.content.decode()


def test_differences_name_the_law_only_where_it_differs(world: World) -> None:
    with translation.override("zh-hans"):
        worded = published(world, "《水法》第65条。")
        with tenancy.dispatching(reason="a test looks"):
            columns = [one.columns for one in difference(world.version, worded).changes()]
            assert {column.name for one in columns for column in one} == {"platform", "legal_basis"}
            draft = lists.open_draft(worded.duty_list, reason="修订", by=None, at=MONDAY)
            draft.entries.filter(matter=world.sand.matter_id).update(legal_basis=NEW)
            changed = difference(worded, draft).changes()[0].columns
    assert [(one.name, one.label, one.before, one.after) for one in changed][1:] == [
        (
            "basis", "法律及条款", "《水法》第六十五条",
            "《中华人民共和国水法》第六十五条第二款\n国办发〔2021〕16号",
        )
    ]  # fmt: skip


def test_what_names_no_law_is_a_mild_finding(world: World) -> None:
    with tenancy.dispatching(reason="a test looks"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        draft.entries.filter(matter=world.sand.matter_id).update(legal_basis="按三定方案办理")
        found = [one for one in gaps(draft, on=MONDAY.date()) if one.code == "no_law"]
    assert [(one.entry, one.is_blocking) for one in found] == [("SL-01 河道采砂、侵占河道", False)]


def test_any_number_of_lines_is_read_in_one_query(world: World) -> None:
    with tenancy.dispatching(reason="a test looks"):
        entries = list(Entry.objects.filter(version=world.version))
        with CaptureQueriesContext(connection) as asked:
            bases.attach(entries)
    assert len(asked) == 1
    assert [[str(one) for one in entry.cited] for entry in entries][0] == ["《水法》第六十五条"]
