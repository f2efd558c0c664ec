"""Rows of the API's list are written by hand; they are what their description says."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.test import RequestFactory

from common.tenancy import scope
from mandates.api.shapes import CallAfter, CallRow, Rows, after
from mandates.models import CallState
from mandates.operations.casework import Casework
from mandates.operations.guards import available_moves
from mandates.queries.call_filters import CallFilters
from mandates.queries.call_list import facts_of, page_of
from mandates.queries.rulebook import rulebook
from tests.factories.calls import MONDAY, World, make_world
from townships.http import Member
from townships.roles import Role

NOW = MONDAY + timedelta(days=3)
QUERIES: tuple[dict[str, Any], ...] = (
    {}, {"order": "due"}, {"late": True, "order": "due"}, {"waiting": "department", "order": "due"},
    {"state": (CallState.ROUTED,)}, {"state": (CallState.ROUTED, CallState.CLOSED)}, {"size": 2},
    {"q": "采砂"}, {"matter": "SL-01"},
)  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    world.draft()
    world.draft(then="raise")
    world.draft(entry=None, unlisted_reason="清单没有", then="raise")
    world.routed()
    world.handling(when=MONDAY + timedelta(minutes=1))
    return world


def readers(world: World) -> list[Member]:
    roles = (Role.GRID_WORKER, Role.TOWNSHIP_CLERK, Role.DEPARTMENT_OFFICER, Role.COUNTY_LEADER)
    return [world.officer(world.police), *(world.member(role) for role in roles)]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_facts_make_the_rows_that_models_make(world: World, query: dict[str, Any]) -> None:
    request = RequestFactory().get("/")
    for member in readers(world):
        filters = CallFilters(**query)
        while True:
            with scope(member.scope):
                models = page_of(member, filters, at=NOW)
                facts = facts_of(member, filters, at=NOW)
                context = {"request": request, "at": NOW, "books": cache(rulebook)}
                described = CallRow(models.rows, many=True, context=context).data
                shape = Rows(request=request, at=NOW)
                written = [shape.row(call) for call in facts.rows]
            assert written == described, member.role
            assert [list(row) for row in written] == [list(row) for row in described]
            assert (facts.next, facts.previous) == (models.next, models.previous)
            if facts.next is None:
                break
            filters = CallFilters(**query, cursor=facts.next)


def test_what_stands_after_a_move_is_what_its_description_says(world: World) -> None:
    request = RequestFactory().get("/")
    call = world.routed()
    for member in (world.officer(), world.head, world.desk):
        with scope(member.scope):
            work = Casework.of([world.fresh(call)])[0]
            moves = available_moves(member, work, at=NOW)
            context = {"request": request, "moves": moves}
            written = after(work, moves, request=request)
            described = CallAfter(work, context=context).data
        assert written == described
        assert list(written) == list(described)
        assert {move["name"] for move in written["available_moves"]}
