"""常用筛选: kept in a post, shared in a unit, counted within bounds, and harmless when they are old."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from common import tenancy
from common.errors import Invalid, NotAllowed
from common.workflow import MoveRefused
from mandates.models import SavedFilter
from mandates.operations import filters
from mandates.queries.call_filters import CallFilters, conditions_of
from mandates.queries.call_list import counted
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import member
from tests.mandates.pages import Browser, url
from townships.http import Member

pytestmark = pytest.mark.django_db

NOW = at(3, 20, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def keep(
    who: Member, name: str = "超期的", query: str = "late=true", *, shared: bool = False
) -> Any:
    with tenancy.scope(who.scope):
        return filters.keep(name, QueryDict(query), shared=shared, by=who, at=NOW)


def names(who: Member) -> list[str]:
    with tenancy.scope(who.scope):
        rows = SavedFilter.objects.filter(user=who.user_id).order_by("position")
        return [one.name for one in rows]


def tabs(who: Member, query: str = "") -> list[str]:
    answer = Browser(who, at=NOW).get(f"/calls/{query}")
    assert answer.status_code == 200
    return [view.label for view in answer.context["views"]]


def test_what_is_on_the_list_is_kept_and_stands_as_a_tab(world: World) -> None:
    world.routed()
    browser = Browser(world.clerk, at=NOW)
    page = browser.get("/calls/?late=true&state=routed&cursor=&size=20")
    kept = page.context["keep_form"].initial["query"]
    assert kept == "state=routed&late=true"
    sent = {"name": " 超期未签收 ", "query": kept, "is_shared": "on"}
    answer = browser.post(url("filter-list"), sent)
    assert answer["Location"] == "/calls/?state=routed&late=true"
    page = browser.get(answer["Location"])
    (tab,) = [view for view in page.context["views"] if view.label == "超期未签收"]
    assert tab.is_current
    assert tabs(world.head)[-1] == "超期未签收"  # a colleague sees what is shared
    assert "超期未签收" not in tabs(world.officer())
    assert "keep_form" not in browser.get("/calls/?order=due").context  # nothing to keep


def test_what_is_not_shared_is_nobody_elses(world: World) -> None:
    kept = keep(world.clerk, "只给我")
    assert "只给我" not in tabs(world.head)
    for who in (world.head, world.officer(), world.desk, member("county_desk")):
        browser = Browser(who, at=NOW)
        for do in ("rename", "share", "up", "first"):
            sent = {"do": do, "name": "x"}
            assert browser.post(url("filter-change", kept.uid), sent).status_code == 404
        assert browser.get(url("filter-delete", kept.uid)).status_code == 404
        assert browser.post(url("filter-delete", kept.uid)).status_code == 404
    assert names(world.clerk) == ["只给我"]


@pytest.mark.assurance("T7")
def test_the_database_keeps_units_apart(world: World) -> None:
    keep(world.clerk, "本镇的", shared=True)
    keep(world.officer(), "本局的", shared=True)
    keep(world.desk, "中心的", shared=True)
    seen = {}
    sibling = world.member("township_clerk", world.sibling)
    people = (world.head, world.officer(), world.officer(world.police), world.desk, sibling)
    for who in people:
        with tenancy.scope(who.scope), connection.cursor() as cursor:
            cursor.execute("select name from mandates_savedfilter")
            seen[who] = {name for (name,) in cursor.fetchall()}
    assert [seen[who] for who in people] == [{"本镇的"}, {"本局的"}, set(), {"中心的"}, set()]
    with (
        pytest.raises(DatabaseError, match="row-level security"),
        transaction.atomic(),
        tenancy.scope(sibling.scope),
    ):
        SavedFilter.objects.create(
            county=world.county, unit_kind="township", unit_id=world.township.pk,
            user=sibling.user, name="越界", query="late=true", created_at=NOW,
        )  # fmt: skip


def test_names_order_first_shown_and_deletion(world: World) -> None:
    queries = {"甲": "q=甲", "乙": "q=乙", "丙": "q=丙"}
    a, b, c = (keep(world.clerk, name, query) for name, query in queries.items())
    browser = Browser(world.clerk, at=NOW)
    assert browser.post(url("filter-change", c.uid), {"do": "up"}).status_code == 302
    assert names(world.clerk) == ["甲", "丙", "乙"]
    browser.post(url("filter-change", a.uid), {"do": "up"})  # there is nothing above it
    browser.post(url("filter-change", a.uid), {"do": "rename", "name": "新名"})
    assert names(world.clerk) == ["新名", "丙", "乙"]
    twin = browser.post(url("filter-change", b.uid), {"do": "rename", "name": "丙"})
    assert twin.status_code == 400
    assert names(world.clerk) == ["新名", "丙", "乙"]
    browser.post(url("filter-change", b.uid), {"do": "first"})
    browser.post(url("filter-change", c.uid), {"do": "first"})
    page = browser.get("/calls/")
    assert [v.label for v in page.context["views"] if v.is_current] == ["丙"]
    assert page.context["search_words"] == "丙"
    assert page.context["clear_url"] == "/calls/?order=due"
    assert browser.get(url("filter-delete", c.uid)).status_code == 200
    assert names(world.clerk) == ["新名", "丙", "乙"]  # asking deletes nothing
    browser.post(url("filter-delete", c.uid))
    assert names(world.clerk) == ["新名", "乙"]
    assert browser.post(url("filter-change", b.uid), {"do": "\0"}).status_code == 404


def test_there_may_be_fifty_and_no_more(world: World) -> None:
    for n in range(filters.MOST):
        keep(world.clerk, f"第{n}个")
    with pytest.raises(MoveRefused) as refusal:
        keep(world.clerk, "再来一个")
    assert refusal.value.code == "too_many_filters"
    sent = {"name": "再来一个", "query": "late=true"}
    answer = Browser(world.clerk, at=NOW).post(url("filter-list"), sent)
    assert answer.status_code == 409
    assert "再来一个" in answer.content.decode()  # what was typed is kept
    assert len(names(world.clerk)) == filters.MOST
    keep(world.head, "别人不受影响")


@pytest.mark.assurance("B7")
@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("", "late=true"),
        ("长" * 31, "late=true"),
        ("\0", "late=true"),
        ("\ud800", "late=true"),
        ("空的", ""),
        ("只有页码", "cursor=x&size=3"),
        ("乱的", "state=nothing"),
        ("注入", "township=1' or '1'='1"),
        ("后缀", "state__in=closed"),
    ],
)
def test_hostile_names_and_conditions_are_refused(world: World, name: str, query: str) -> None:
    with pytest.raises(Invalid):
        keep(world.clerk, name, query)
    if "\ud800" not in name:
        sent = {"name": name, "query": query}
        assert Browser(world.clerk, at=NOW).post(url("filter-list"), sent).status_code in (400, 422)
    assert names(world.clerk) == []


def test_an_old_filter_that_no_longer_fits_breaks_nothing(world: World) -> None:
    keep(world.clerk, "旧的")
    for query in (
        "state=abolished", "department=00000000-0000-4000-8000-000000000000", "category=没有了",
        "late=maybe&late=true", "matter=%00", "q=" + quote("水" * 150), "%%%", "=&=",
    ):  # fmt: skip
        with tenancy.dispatching(reason="a test writes what no page would"):
            SavedFilter.objects.update(query=query, is_default=True)
        browser = Browser(world.clerk, at=NOW)
        for path in ("/calls/", "/calls/filters/", "/calls/counts/"):
            assert browser.get(path).status_code in (200, 400), (query, path)
        assert browser.get(f"/calls/?{query}").status_code in (200, 400)
        assert browser.get("/calls/?order=due").status_code == 200


def test_posts_that_only_watch_keep_none(world: World) -> None:
    overseer = member("city_overseer")
    with pytest.raises(NotAllowed):
        filters.unit_of(overseer)
    browser = Browser(overseer, at=NOW)
    assert browser.get(url("filter-list")).status_code == 403
    assert browser.get("/calls/").context["filters_url"] == ""


# --- counts and numbers --------------------------------------------------------------------------


def test_tabs_are_counted_in_one_query_and_no_further_than_the_bound(world: World) -> None:
    for _n in range(5):
        world.routed(when=MONDAY)
    wanted = [
        CallFilters(order="due"), CallFilters(late=True, order="due"),
        CallFilters(state=("routed",)), CallFilters(state=("closed",)), CallFilters(q="采砂"),
    ]  # fmt: skip
    with tenancy.scope(world.desk.scope), CaptureQueriesContext(connection) as ran:
        found = counted(world.desk, wanted, at=NOW, most=3)
    assert found == [3, 3, 3, None, None]
    assert len(ran) == 1
    with tenancy.scope(world.officer().scope):
        # A department's part has no date once it has answered: only what has one is counted.
        assert counted(world.officer(), wanted, at=NOW, most=9)[:3] == [5, 5, None]
    answer = Browser(world.desk, at=NOW).get("/calls/counts/?late=true")
    shown = {view.label: view.count for view in answer.context["views"]}
    assert (shown["在办"], shown["已超期"], shown["已办结"]) == ("5", "5", "")


@pytest.mark.parametrize("query", ["", "late=true", "order=due&q=桥"])
def test_conditions_are_written_in_one_way(query: str) -> None:
    expected = {"": "", "late=true": "late=true", "order=due&q=桥": "q=%E6%A1%A5&order=due"}
    assert conditions_of(QueryDict(query)) == expected[query]


def test_ten_thousand_filters_of_a_unit_cost_no_more_than_ten(world: World) -> None:
    keep(world.clerk, "我的")

    def queries(path: str) -> int:
        browser = Browser(world.clerk, at=NOW)
        browser.get(path)
        with CaptureQueriesContext(connection) as ran:
            answer = browser.get(path)
        assert answer.status_code == 200
        assert len(answer.content) < 200_000
        return len(ran)

    fill(world, 10)
    few = {path: queries(path) for path in ("/calls/", "/calls/filters/", "/calls/counts/")}
    fill(world, 10_000)
    many = {path: queries(path) for path in few}
    assert many == few
    page = Browser(world.clerk, at=NOW).get("/calls/filters/")
    assert len(page.context["shared"]) == 30
    following = Browser(world.clerk, at=NOW).get(page.context["pager"].next_url)
    assert following.context["shared"][0]["one"].pk < page.context["shared"][-1]["one"].pk


def fill(world: World, n: int) -> None:
    """Let a colleague share many: more than the limit of one person would let him."""
    with tenancy.dispatching(reason="a test prepares"):
        SavedFilter.objects.filter(user=world.head.user_id).delete()
        SavedFilter.objects.bulk_create(
            SavedFilter(
                county=world.county, unit_kind="township", unit_id=world.township.pk,
                user=world.head.user, name=f"第{k}个", query="late=true&state=routed",
                is_shared=True, position=k, created_at=NOW,
            )
            for k in range(n)
        )  # fmt: skip


def test_the_longest_conditions_are_kept_and_longer_ones_refused(world: World) -> None:
    longest = "&".join(
        [
            "q=" + quote("水" * 100),
            "category=" + quote("类" * 40),
            "state=" + ",".join(["routed"] * 2),
        ]
    )
    kept = keep(world.clerk, "长的", longest + "&state=routed" * 500)
    assert len(kept.query) < 1400
    with pytest.raises(Invalid):
        keep(world.clerk, "太长", "state=" + ",".join(["routed"] * 900))
    assert names(world.clerk) == ["长的"]
