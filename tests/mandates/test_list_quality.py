"""What a list says against itself: overlaps, duties shifted to townships, tracked topics."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common import tenancy
from mandates.models import Entry, ListVersion, Matter
from mandates.operations import lists
from mandates.queries.findings import quality_of
from mandates.queries.quality import Article, Clash, articles, clauses, quality, topics
from tests.factories.calls import MONDAY, World, make_world
from townships.models import Department
from townships.roles import Role

WATER, HOUSING = Department(pk=1, name="水利局"), Department(pk=2, name="住建局")


def entry(name: str, *, code: str = "", lead: Department = WATER, **texts: str) -> Entry:
    entry.made = getattr(entry, "made", 0) + 1  # type: ignore[attr-defined]
    key: int = entry.made  # type: ignore[attr-defined]
    made = Entry(pk=key, name=name, matter_id=key, **texts)
    made.lead = lead
    made.matter = Matter(pk=key, code=code or f"M-{key}")
    return made


def kinds(found: Any) -> list[tuple[str, bool]]:
    return [(one.kind, one.has_two_leads) for one in found.clashes]


# --- overlaps ----------------------------------------------------------------------------------


def test_one_name_under_two_codes_clashes_and_says_when_two_lead() -> None:
    same = quality([entry("河道采砂"), entry("河道 采砂", lead=HOUSING), entry("防汛")])

    assert kinds(same) == [("name", True)]


def test_names_in_the_same_words_clash_and_others_do_not() -> None:
    found = quality(
        [
            entry("乡村违法建设查处"),
            entry("乡村违法建设的查处"),
            entry("河道采砂"),
            entry("森林防火"),
        ]
    )

    assert kinds(found) == [("words", False)]
    assert found.clashes[0].likeness == pytest.approx(12 / 15)


def test_the_same_article_under_two_leads_is_an_overlap() -> None:
    found = quality(
        [
            entry("采砂", legal_basis="《中华人民共和国水法》第六十五条、第66条"),
            entry("围垦", lead=HOUSING, legal_basis="《水法》第65条；《河道管理条例》"),
            entry("取水", legal_basis="《水法》第65条"),
        ]
    )

    assert [(one.kind, list(one.articles)) for one in found.clashes] == [
        ("basis", [Article("水法", 65)]),
        ("basis", [Article("水法", 65)]),
    ]
    assert all(one.second.lead == HOUSING or one.first.lead == HOUSING for one in found.clashes)


def test_a_list_is_read_law_by_law() -> None:
    laws = quality(
        [
            entry(
                "采砂",
                code="A",
                legal_basis="《中华人民共和国水法》（2002年修订）第六十五条、第66条",
            ),
            entry("围垦", code="B", legal_basis="《水法（2016年修正）》第65条；《河道管理条例》"),
            entry("防汛", code="C", legal_basis="《河道管理条例》"),
            entry("无据", code="D", legal_basis="按老规矩办"),
        ]
    ).laws

    def codes(entries: Any) -> str:
        return "".join(one.matter.code for one in entries)

    assert [(law.key, codes(law.entries)) for law in laws.laws] == [
        ("水法", "AB"), ("河道管理条例", "BC"),
    ]  # fmt: skip
    assert [(one.text, codes(one.entries)) for one in laws.laws[0].places] == [
        ("第六十五条", "AB"), ("第六十六条", "A"),
    ]  # fmt: skip
    assert [(codes([one]), list(said)) for one, said in laws.whole] == [("C", ["《河道管理条例》"])]
    assert [(codes([one.entry]), one.title, one.newest) for one in laws.older] == [
        ("A", "《中华人民共和国水法》（2002年修订）", "《水法（2016年修正）》")
    ]
    assert laws.of("水法") == laws.laws[0]
    assert laws.of("民法典") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("《水法》第六十五条", [("水法", 65)]),
        ("《水法》第一百零二条、第十条、第二十一条", [("水法", 102), ("水法", 10), ("水法", 21)]),
        ("《中华人民共和国水法》第65条、第65条", [("水法", 65)]),
        ("《河道管理条例》", [("河道管理条例", 0)]),
        ("没有书名号的依据第5条", []),
    ],
)
def test_articles_are_read_in_both_writings(text: str, found: list[tuple[str, int]]) -> None:
    assert [tuple(one) for one in articles(text)] == found


def test_ten_thousand_matters_are_read_without_comparing_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = [entry(f"事项{n:05d}号", legal_basis="《水法》第65条") for n in range(3000)]
    compared = 0

    def counted(*args: Any) -> Any:
        nonlocal compared
        compared += 1
        return Clash(*args)

    monkeypatch.setattr("mandates.queries.quality.Clash", counted)
    quality(made)

    assert compared < 3000


# --- the two sides -----------------------------------------------------------------------------


def test_clauses_are_cut_at_stops_semicolons_and_lines() -> None:
    assert clauses("巡查、劝阻；上报。\n配合 ；") == ["巡查、劝阻", "上报", "配合"]


def test_both_sides_are_counted_and_heavy_townships_come_first() -> None:
    heavy = entry("甲", township_duty="一；二；三；四；五", department_duty="指导")
    fair = entry("乙", township_duty="一；二", department_duty="查处")
    none = entry("丙", township_duty="承担")
    found = quality([fair, none, heavy])

    assert [one.entry for one in found.heavy] == [heavy, none]
    assert (found.department, found.township) == (2, 8)
    assert found.share == 0.8
    assert quality([]).share is None


def test_duties_that_the_version_before_did_not_give_are_named() -> None:
    before = entry("甲", township_duty="巡查；上报")
    after = entry("甲", township_duty="巡查；上报；承担属地管理责任")
    after.matter_id = before.matter_id
    new = entry("乙", township_duty="管理")

    assert [(e.name, list(said)) for e, said in quality([after, new], before=[before]).grown] == [
        ("甲", ["承担属地管理责任"]),
        ("乙", ["管理"]),
    ]
    assert quality([after, new]).grown == []


def test_tracked_topics_are_found_in_the_names_of_matters() -> None:
    straw = entry("秸秆露天禁烧", department_duty="查处", township_duty="巡查；劝阻")
    found = {one.name: one for one in quality([straw]).topics}

    assert list(found) == ["乱占耕地", "违法建设", "私挖乱采", "环保治污", "秸秆禁烧"]
    assert found["秸秆禁烧"].entries == [straw]
    assert (found["秸秆禁烧"].department, found["秸秆禁烧"].township) == (1, 2)
    assert found["违法建设"].entries == []


def test_every_shipped_topic_has_words_and_says_where_it_comes_from() -> None:
    text = Path(quality.__code__.co_filename).parents[1].joinpath("data/topics.csv").read_text()

    assert all(one.words for one in topics())
    assert all("待替换" in line for line in text.splitlines()[1:])


# --- in the console ----------------------------------------------------------------------------


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def revised(world: World) -> ListVersion:
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        sand = draft.entries.get(matter=world.sand.matter_id)
        sand.township_duty = f"{sand.township_duty}；承担属地管理责任"
        sand.save()
    return draft


def test_a_version_is_read_against_the_one_before_by_four_queries(world: World) -> None:
    draft = revised(world)
    with tenancy.dispatching(reason="a test looks"), CaptureQueriesContext(connection) as asked:
        found = quality_of(draft)

    assert len(asked) == 4
    assert [(e.matter.code, list(said)) for e, said in found.grown] == [
        ("SL-01", ["承担属地管理责任"])
    ]


def test_the_officer_finds_it_among_the_gaps(world: World) -> None:
    draft = revised(world)
    client = Client()
    client.force_login(world.member(Role.ESTABLISHMENT_OFFICER).user)
    page = client.get(reverse("admin:mandates_listversion_gaps", args=[draft.pk]))
    told = page.content.decode()

    assert page.status_code == 200
    for text in ("交叉的事项", "新增的乡镇职责", "承担属地管理责任", "重点事项", "秸秆禁烧"):
        assert text in told
    law = page.context["quality"].laws.laws[0]
    assert f"law={quote(law.key)}#laws" in told
    assert client.get(page.request["PATH_INFO"], {"law": law.key}).context["law"] == law
