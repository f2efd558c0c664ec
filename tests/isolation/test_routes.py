"""Who reaches what: every route, for every kind of stranger, against an object that is not theirs.

The routes are walked, not listed. One test asks one route for everybody and tells all wrong cells.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from zlib import crc32

import pytest

from mandates.models.moves import MOVES
from tests.isolation.policy import CALL, COUNTY, OPEN, PERSON, ROUTES, Route, alike, kind_of
from tests.isolation.stage import (
    CLOSED,
    METHODS,
    STRANGERS,
    WIDE,
    Said,
    Stage,
    ask,
    told,
    writes,
)
from townships.models import Post

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T1"), pytest.mark.assurance("T2")]


def with_objects(*kinds: str) -> list[Route]:
    return [route for route in ROUTES if route.takes and kind_of(route) in kinds]


def each(routes: list[Route]) -> Any:
    return pytest.mark.parametrize("route", routes, ids=lambda route: route.name)


INSIDE = [route for route in ROUTES if kind_of(route) not in (OPEN, None)]


def test_every_route_says_whose_it_is() -> None:
    assert [route.name for route in ROUTES if kind_of(route) is None] == []


def compared(stage: Stage, route: Route, who: str, methods: list[str]) -> list[str]:
    """Ask for what is not theirs and for what never was; return the cells that differ."""
    wrong, client = [], stage.clients[who]
    for method in methods:
        with writes() as written:
            theirs = ask(client, method, route, stage.values(route))
        nothing = ask(client, method, route, stage.nowhere(route))
        cell = f"{who} {method} {theirs.status_code}/{nothing.status_code}"
        if alike(route) == "matter" and theirs.status_code == 200:
            continue
        if alike(route) == "mfa_" and theirs.status_code == nothing.status_code:
            continue
        if theirs.status_code not in CLOSED:
            wrong.append(f"{cell}: not closed")
        elif (method, kind_of(route)) == ("get", CALL) and theirs.status_code != hidden(who, route):
            wrong.append(f"{cell}: not {hidden(who, route)}")
        elif Said.by(theirs) != Said.by(nothing):
            wrong.append(f"{cell}: not what is said of nothing")
        if written:
            wrong.append(f"{cell}: wrote {sorted(written)}")
    return wrong


def hidden(who: str, route: Route) -> int:
    # Who may not write a call at all is told so before anything is looked for.
    return (
        403
        if route.name == "mandates:call-edit" and who not in ("sibling", "next-township")
        else 404
    )


def some(people: tuple[str, ...], route: Route, *, always: int = 0) -> list[str]:
    """Return who asks: the first ones always, of the others one by the route's name, or all of them.

    All of them ask in `make isolation`.
    """
    if WIDE:
        return list(people)
    others = people[always:]
    return [*people[:always], others[crc32(route.name.encode()) % len(others)]]


def methods_of(stage: Stage, route: Route) -> list[str]:
    """Return the methods that the route answers at all: the others are refused to everybody."""
    asked = ((m, ask(stage.clients["sibling"], m, route, stage.nowhere(route))) for m in METHODS)
    return [method for method, answer in asked if answer.status_code != 405]


@each(with_objects(CALL))
def test_a_call_of_others_is_as_if_it_were_not_there(stage: Stage, route: Route) -> None:
    methods = methods_of(stage, route)
    wrong = [
        cell
        for who in some(STRANGERS, route, always=1)
        for cell in compared(stage, route, who, methods)
    ]
    assert wrong == [], told(wrong)


@each(with_objects(COUNTY, PERSON))
def test_what_is_another_countys_is_as_if_it_were_not_there(stage: Stage, route: Route) -> None:
    methods = methods_of(stage, route)
    everybody = some(("next-clerk", "next-desk"), route)
    wrong = [cell for who in everybody for cell in compared(stage, route, who, methods)]
    assert wrong == [], told(wrong)


@each(INSIDE)
def test_nobody_gets_in_without_signing_in(stage: Stage, route: Route) -> None:
    wrong = []
    for method in ("get", "post"):
        answer = ask(stage.clients["nobody"], method, route, stage.values(route))
        if route.name.startswith("api:"):
            code = answer.json().get("code")
            if (answer.status_code, code) != (401, "not_authenticated"):
                wrong.append(f"{method} {answer.status_code} {code}")
            continue
        sent_to = answer.redirect_chain[0][0] if method == "get" else answer["Location"]
        if not sent_to.startswith("/accounts/login/"):
            wrong.append(f"{method} {answer.status_code} {sent_to}")
    assert wrong == [], told(wrong)


@each(INSIDE)
def test_without_a_post_there_is_nothing_to_see(stage: Stage, route: Route) -> None:
    answer = ask(stage.clients["none"], "get", route, stage.values(route))
    assert answer.status_code == 403


@each(with_objects(CALL))
def test_after_the_post_has_ended_nothing_is_reached(stage: Stage, route: Route) -> None:
    Post.objects.filter(pk=stage.world.clerk.post_id).update(valid_to=date(2021, 1, 1))
    answer = ask(stage.clients["clerk"], "get", route, stage.values(route))
    assert answer.status_code == 403


def test_the_matrix_is_not_empty() -> None:
    names = {route.name for route in with_objects(CALL)}
    moves = {f"mandates:call-{name.replace('_', '-')}" for name in MOVES if MOVES[name].by_people}
    assert moves <= names
