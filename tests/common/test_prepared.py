"""Queries compiled once: the same rows as the queryset, inside the walls of whoever asks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from common import bulk, prepared, tenancy
from common.models import IdempotencyKey
from common.tenancy import NoScope, scope
from mandates.models import Call, Clock
from tests.factories.calls import MONDAY, World, make_world
from townships.roles import Role


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def by_title(slots: SimpleNamespace) -> QuerySet[Any]:
    rows: QuerySet[Any] = Call.objects.filter(title=slots.title).order_by("id")
    return rows


def find(title: str) -> list[str]:
    return [call.body for call in prepared.rows("by title", by_title, title=title)]


def test_a_prepared_query_takes_other_values_and_is_compiled_once(world: World) -> None:
    world.draft(title="一", body="甲")
    world.draft(title="二", body="乙")
    key, built = uuid4(), []

    def build(slots: SimpleNamespace) -> QuerySet[Any]:
        built.append(slots)
        return by_title(slots)

    with scope(world.clerk.scope):
        for title, body in (("一", "甲"), ("二", "乙"), ("一", "甲")):
            assert [call.body for call in prepared.rows(key, build, title=title)] == [body]
        assert prepared.rows(key, build, title="三") == []
    assert len(built) == 1


@pytest.mark.assurance("T9")
def test_each_unit_finds_its_own_rows_with_what_another_has_prepared(world: World) -> None:
    world.draft(title="同", body="本镇")
    neighbour = world.member(Role.TOWNSHIP_CLERK, world.sibling)
    with scope(world.clerk.scope):
        assert find("同") == ["本镇"]
    with scope(neighbour.scope), CaptureQueriesContext(connection) as ran:
        assert find("同") == []
    # The second wall: the query itself names the neighbour's township, and no other.
    assert f'"township_id" = {world.sibling.pk}' in ran.captured_queries[-1]["sql"]
    assert f'"township_id" = {world.township.pk}' not in ran.captured_queries[-1]["sql"]


def test_a_department_is_held_to_the_calls_that_concern_it(world: World) -> None:
    world.routed(title="同")  # the water department leads, the police assists
    with scope(world.officer().scope):
        assert len(find("同")) == 1
    with scope(world.officer(world.housing).scope):
        assert find("同") == []


@pytest.mark.assurance("A9")
def test_outside_every_scope_a_prepared_query_is_refused(world: World) -> None:
    with scope(world.clerk.scope):
        find("同")
    with pytest.raises(NoScope):
        find("同")


def test_a_value_that_is_no_slot_is_never_kept(world: World) -> None:
    own = world.draft().call.pk
    with (
        scope(world.clerk.scope),
        pytest.raises(prepared.NotPrepared, match="neither a slot nor a constant"),
    ):
        prepared.rows(uuid4(), lambda s: by_title(s).filter(pk=own), title="一")
    with scope(world.clerk.scope), pytest.raises(prepared.NotPrepared, match="no slot for title"):
        prepared.rows(uuid4(), lambda s: Call.objects.all(), title="一")
    with scope(world.clerk.scope), pytest.raises(prepared.NotPrepared, match="into the key"):
        prepared.rows(uuid4(), by_title, title=True)


def test_any_takes_any_number_of_keys(world: World) -> None:
    calls = [world.draft(then="raise").call for _n in range(3)]

    def build(slots: SimpleNamespace) -> QuerySet[Any]:
        clocks: QuerySet[Any] = Clock.objects.filter(call__any=slots.calls)
        return clocks.order_by("id")

    with scope(world.clerk.scope):
        for number in (1, 3, 2):
            keys = [call.pk for call in calls[:number]]
            asked = list(Clock.objects.filter(call__in=keys).order_by("id"))
            assert prepared.rows("clocks", build, calls=keys) == asked
            assert len(asked) == 2 * number


def test_memory_for_prepared_queries_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "LIMIT", 5)
    with scope(world.clerk.scope):
        for _n in range(20):
            prepared.rows(uuid4(), by_title, title="一")
    assert len(prepared._kept) <= 5


def test_inserted_rows_get_their_keys_in_order(world: World) -> None:
    with scope(world.clerk.scope):
        keys = [key_of(world, f"k{n}") for n in range(3)]
        bulk.insert(keys)
        assert [key.key for key in IdempotencyKey.objects.order_by("id")] == ["k0", "k1", "k2"]
        assert [key.pk for key in keys] == sorted(key.pk for key in keys)
        assert not any(key._state.adding for key in keys)
        again = key_of(world, "k1")
        bulk.insert([again], ignore_conflicts=True)
        assert again.pk is None
        assert IdempotencyKey.objects.count() == 3


def test_rows_of_a_tenant_are_written_only_inside_a_scope(world: World) -> None:
    with pytest.raises(NoScope):
        bulk.insert([key_of(world, "k")])
    with tenancy.everywhere(reason="nothing was written"):
        assert not IdempotencyKey.objects.exists()


def key_of(world: World, key: str) -> IdempotencyKey:
    return IdempotencyKey(
        county_id=world.county.pk, township_id=world.township.pk,
        user_id=world.clerk.user_id, key=key, body_hash="0" * 64, created_at=MONDAY,
    )  # fmt: skip
