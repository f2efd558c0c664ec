"""The list of calls: what each post finds in it, and what the database does for a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from common import tenancy
from common.errors import Invalid
from common.paging import Page
from config.demo.testbed import Access
from mandates.models import Assignment, Call
from mandates.queries.call_filters import CallFilters
from mandates.queries.call_list import facts_of, page_of
from tests.factories.calls import MONDAY, World, at, make_world
from townships.http import Member

NOW = at(3, 20)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def titles(member: Member, **query: Any) -> list[str]:
    with tenancy.scope(member.scope):
        found = page_of(member, CallFilters.parse(query), at=NOW)
    return [call.title for call in found.rows]


@pytest.mark.django_db
def test_every_post_finds_its_own(world: World) -> None:
    world.draft(title="草稿")
    world.routed(title="采砂")
    world.routed(title="违建", entry=world.building.uid)
    assert titles(world.clerk) == ["违建", "采砂", "草稿"]
    assert titles(world.desk) == ["违建", "采砂"]
    assert titles(world.officer()) == ["采砂"]
    assert titles(world.officer(world.police)) == ["采砂"]
    assert titles(world.officer(world.housing)) == ["违建"]
    assert titles(world.member("township_clerk", world.sibling)) == []
    assert titles(world.member("county_leader")) == ["违建", "采砂"]


@pytest.mark.django_db
def test_filters_narrow(world: World) -> None:
    world.draft(title="草稿")
    world.routed(title="采砂", place="南岸")
    world.routed(title="违建", entry=world.building.uid, urgency="emergency")
    clerk, officer = world.clerk, world.officer()
    assert titles(clerk, state="draft,raised") == ["草稿"]
    assert titles(clerk, urgency="emergency") == ["违建"]
    assert titles(clerk, matter="SL-01") == ["采砂", "草稿"]
    assert titles(clerk, category="水利", order="due") == ["采砂", "违建"]
    assert titles(clerk, department=str(world.housing.uid)) == ["违建"]
    assert titles(world.desk, township=str(world.township.uid), q="南岸") == ["采砂"]
    assert titles(clerk, late="true") == ["采砂", "违建"]
    assert titles(officer, late="true", waiting="mine") == ["采砂"]
    assert titles(clerk, waiting="mine") == []
    assert titles(clerk, waiting="department") == ["采砂", "违建"]
    assert titles(clerk, raised_from="2026-03-02", raised_to="2026-03-02") == ["违建", "采砂"]
    assert titles(clerk, raised_from="2026-03-03") == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "open"}, "state"),
        ({"urgency": "draft"}, "urgency"),
        ({"matter": "XX-99"}, "matter"),
        ({"matter": "S" * 21}, "matter"),
        ({"category": "没有"}, "category"),
        ({"department": "5"}, "department"),
        ({"department": "00000000-0000-4000-8000-000000000000"}, "department"),
        ({"township": "00000000-0000-4000-8000-000000000000"}, "township"),
        ({"late": "perhaps"}, "late"),
        ({"waiting": "me"}, "waiting"),
        ({"raised_from": "2026-02-30"}, "raised_from"),
        ({"raised_to": "0001-01-01"}, "raised_to"),
        ({"raised_to": "9999-12-31"}, "raised_to"),
        ({"order": "title"}, "order"),
        ({"size": "0"}, "size"),
        ({"size": "101"}, "size"),
        ({"size": "²"}, "size"),
        ({"q": "a\0b"}, "q"),
        ({"q": "\ud800"}, "q"),
        ({"q": "水" * 101}, "q"),
    ],
)
def test_a_filter_that_does_not_fit_is_named(
    world: World, query: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        titles(world.clerk, **query)
    assert set(refusal.value.fields) == {field}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor", ["!", "WzAsMV0", "WzAsIngiXQ", "WzAsMSwyXQ", "WzAsOTk5OTk5OTk5OTk5OTk5OTk5OTld"]
)
def test_a_broken_cursor_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(Invalid) as refusal:
        titles(world.clerk, order="due", cursor=cursor)
    assert refusal.value.code == "bad_cursor"


def test_a_condition_may_stand_once() -> None:
    with pytest.raises(Invalid):
        CallFilters.parse(QueryDict("late=true&late=false"))
    assert CallFilters.parse(QueryDict("state=draft&state=raised")).state == ("draft", "raised")
    assert not CallFilters.parse(QueryDict("order=due&size=20")).is_narrowed
    assert CallFilters.parse(QueryDict("q=桥")).is_narrowed


@pytest.mark.django_db
@pytest.mark.parametrize("order", ["due", "-raised"])
def test_pages_follow_one_another_both_ways(world: World, order: str) -> None:
    for n in range(7):
        world.routed(title=f"第{n}件")
    for member in (world.clerk, world.officer(), world.desk):
        whole = titles(member, order=order)
        assert len(whole) == 7
        with tenancy.scope(member.scope):
            first = page_of(member, CallFilters(order=order, size=3), at=NOW)
            second = page_of(member, CallFilters(order=order, size=3, cursor=first.next), at=NOW)
            third = page_of(member, CallFilters(order=order, size=3, cursor=second.next), at=NOW)
            back = page_of(member, CallFilters(order=order, size=3, cursor=third.previous), at=NOW)
        assert [c.title for page in (first, second, third) for c in page.rows] == whole
        assert (first.previous, third.next) == (None, None)
        assert [c.pk for c in back.rows] == [c.pk for c in second.rows]


# --- plans -----------------------------------------------------------------------------------------

MANY = 6000


@pytest.fixture
def crowded(bench: Any, committed: Access) -> World:
    """A county of thousands of calls, and another beside it."""
    # Tests before this one have rolled back into the same files: plans must not go by what is left.
    bench.renew()
    world, other = make_world(), make_world()
    for place in (world, other):
        _fill(place)
    with psycopg2.connect(committed.owner) as owner:
        owner.set_session(autocommit=True)
        owner.cursor().execute("analyze")
    owner.close()
    return world


def _fill(world: World) -> None:
    user = world.clerk.user_id
    units = (world.water.pk, world.police.pk, world.housing.pk)
    calls, parts = [], []
    for n in range(MANY):
        unit, open_ = units[n % 3], n % 10 == 0
        # One of several: going through everybody's rows for its own must not pay.
        township = world.sibling if n % 2 else world.township
        due = MONDAY + timedelta(minutes=n) if open_ else None
        calls.append(
            Call(
                county_id=world.county.pk, township_id=township.pk, title=f"第{n}件", body="正文",
                number=f"{n}号", entry=world.sand, matter_id=world.sand.matter_id,
                state="handling" if open_ else "closed", rating="" if open_ else "satisfied",
                waiting_on="department" if open_ else "", lead_id=unit, departments=[unit],
                next_due_at=due, created_at=MONDAY, created_by_id=user, raised_at=MONDAY,
                routed_at=MONDAY,
            )
        )  # fmt: skip
    with tenancy.dispatching(reason="a test prepares"):
        Call.objects.bulk_create(calls)
        for call in calls:
            parts.append(
                Assignment(
                    **call.tenant, call=call, department_id=call.lead_id,
                    departments=call.departments, part="lead", sent_at=MONDAY,
                    state="accepted" if call.next_due_at else "answered",
                    next_due_at=call.next_due_at,
                )
            )  # fmt: skip
        Assignment.objects.bulk_create(parts)


def plan_of(member: Member, read: Callable[..., Page] = page_of, **query: Any) -> str:
    """Return the plan of a page's one query, made under the role and ids of the member's scope."""
    with tenancy.scope(member.scope):
        read(member, CallFilters.parse(query), at=NOW)  # warm caches
        with CaptureQueriesContext(connection) as ran:
            found = read(member, CallFilters.parse(query), at=NOW)
        assert len(ran) == 1
        assert len(found.rows) == 20
        with connection.cursor() as cursor:
            cursor.execute("explain " + ran.captured_queries[0]["sql"])
            return "\n".join(row[0] for row in cursor.fetchall())


def test_an_index_gives_the_order_of_every_list(crowded: World) -> None:
    keys = {
        "township_id": crowded.clerk,
        "department_id": crowded.officer(),
        "county_id": crowded.desk,
    }
    for key, member in keys.items():
        for query in (
            {"order": "due"}, {"order": "-raised"}, {"late": "true"},
            {"waiting": "department"}, {"matter": "SL-01"},
        ):  # fmt: skip
            if key == "department_id" and "waiting" in query:
                continue  # whose turn it is stands on the call: the few open ones are looked through
            for read in (page_of, facts_of):  # as pages show it, and as the API does
                plan = plan_of(member, read, size="20", **query)
                told = (read.__name__, key, query, plan)
                assert not re.search("Seq Scan on mandates_(call|assignment)", plan), told
                assert not re.search(r"\bSort\b", plan), told
                assert re.search(rf"Index Cond: .*{key} = ", plan), told
