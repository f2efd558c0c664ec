"""Who does get in: the other half of the matrix, so that a wall before everybody fails too.

Each test asks one route. In every run a share of those who ask, another for each route and method;
with HUYING_ISOLATION=full all of them, as `make isolation` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

import pytest
from django.http import HttpResponse
from django.urls import resolve, reverse

from common import pdf
from tests.isolation import cells, proper
from tests.isolation.policy import (
    CALL,
    COUNTY,
    OPEN,
    PERSON,
    ROUTES,
    UNSERVED,
    Route,
    alike,
    kind_of,
)
from tests.isolation.stage import ABROAD, HOME, METHODS, WIDE, Asking, Stage, ask, told

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T1")]

ASKED = [route for route in ROUTES if kind_of(route) != OPEN]
API = [route for route in ASKED if route.name.startswith("api:")]
# Asked for every route by other tests.
ELSEWHERE = ("next-clerk", "next-township", "next-officer", "none", "nobody")


@pytest.fixture(autouse=True)
def _pages_are_not_drawn(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a paper would say is listened to as it is written down, and of refusals only the number
    is looked at: drawing either is most of the time that a question takes.
    """
    settings.MEDIA_ROOT = str(tmp_path_factory.getbasetemp())
    monkeypatch.setattr(pdf, "render", lambda html: html.encode())
    monkeypatch.setattr("config.views.render", lambda *_given, status: HttpResponse(status=status))


def may_ask(stage: Stage, route: Route) -> list[str]:
    """Everybody; systems have only the API."""
    api = route.name.startswith("api:")
    return [name for name, client in stage.clients.items()
            if name not in ELSEWHERE and (api or not client.is_system)]  # fmt: skip


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.name)
def test_the_right_ones_get_in_and_nobody_else(stage: Stage, route: Route) -> None:
    if cells.is_noted(route.name):
        return
    if cells.FOLDER:
        cells.note(route.name, found(stage, route))
        return
    known, wrong, api = cells.of(route.name), [], route.name.startswith("api:")
    everybody = [one for one in may_ask(stage, route) if WIDE or "." not in one]
    for method, named in known.items():
        inside = [one for one in named if one in everybody]
        asks, served = asking(stage, route, method)
        for who in cells.chosen(f"{route.name} {method}", everybody, inside):
            answer = asks(stage.clients[who])
            wrong += cells.judged(answer, who, method, inside, served=served)
            is_named = f"{route.name} {method}" in UNSERVED
            if is_named and who in inside and cells.serves(answer):
                wrong.append(f"{who} {method}: served: take it out of UNSERVED")
    # A page answers put as it does get.
    others = [method for method in METHODS if method not in known] if api else []
    turn = crc32(route.name.encode())
    for method in others if WIDE else others[turn % len(others) :][:1] if others else []:
        answer = ask(stage.clients["clerk"], method, route, stage.values(route), follow=False)
        if answer.status_code not in (403, 404, 405):
            wrong.append(f"clerk {method} {answer.status_code}: not answered, by {cells.FILE.name}")
    assert wrong == [], told(wrong)


def asking(stage: Stage, route: Route, method: str) -> tuple[Callable[[Asking], Any], bool]:
    """Return how a route is asked, and whether that is in order: then the right ones are served.

    Operations of the API get what their description gives as an example, and a record that stands
    where they begin.
    """
    in_order = f"{route.name} {method}" not in UNSERVED
    if route.name.startswith("api:"):
        near = proper.case(stage, route, method)
        # What belongs to nobody yet is made with what the asker's own county has.
        far = near if route.takes else proper.case(stage, route, method, abroad=True)

        def asks(client: Asking) -> Any:
            said = far if ABROAD in client.sees and HOME not in client.sees else near
            return proper.puts(client, method, route, said)

        return asks, in_order
    values = stage.values(route)
    served = in_order and method == "get"
    return (lambda client: ask(client, method, route, values, follow=False)), served


def found(stage: Stage, route: Route) -> dict[str, list[str]]:
    """Ask for everybody, and return who gets in by which method that is answered at all."""
    values, noted = stage.values(route), {}
    for method in METHODS if route.name.startswith("api:") else ("get", "post"):
        first = ask(stage.clients["desk"], method, route, values, follow=False)
        if first.status_code == 405:
            continue
        if method == "get" and first.status_code == 302 and not route.name.startswith("api:"):
            continue  # leads everybody to another page, which has its own line
        asks, served = asking(stage, route, method)
        said = {who: asks(stage.clients[who]) for who in may_ask(stage, route)}
        broken = [f"{who} {one.status_code}" for who, one in said.items() if one.status_code >= 500]
        assert broken == [], f"{method}: {broken}"
        gets_in = cells.serves if served else cells.enters
        noted[method] = [who for who, answer in said.items() if gets_in(answer)]
    return noted


# --- systems ---------------------------------------------------------------------------------------


def held(route: Route, method: str, stage: Stage) -> str | None:
    """Return the scope by which a system may use a route, as the view says; None: people only."""
    values = stage.values(route)
    view = resolve(reverse(route.name, kwargs={name: values[name] for name in route.takes})).func
    said = getattr(view, "view_class", None) or view.cls
    scope: str | None = getattr(said, "read_scope" if method == "get" else "write_scope", None)
    return scope


@pytest.mark.parametrize("route", API, ids=lambda route: route.name)
def test_a_system_gets_as_far_as_the_scopes_of_its_token(stage: Stage, route: Route) -> None:
    """Each scope alone: what it opens is what all scopes together open there, and nothing else."""
    scopes = [name for name in stage.clients if name.startswith("token:") and "." in name]
    wrong = []
    for method, inside in cells.of(route.name).items():
        wanted = held(route, method, stage)
        asks, served = asking(stage, route, method)
        for who in scopes:
            answer = asks(stage.clients[who])
            wrong += cells.judged(answer, who, method, inside, served=served)
            if who == f"token:{wanted}":
                if (who in inside) != ("token" in inside):
                    wrong.append(f"{who} {method}: not what all scopes together may")
                continue
            refused = (answer.status_code, answer.json().get("code"))
            if refused != (403, "not_allowed"):
                wrong.append(f"{who} {method} {refused}: has no {wanted}")
    assert wrong == [], told(wrong)


# --- the file itself -------------------------------------------------------------------------------


def test_no_cell_lets_in_who_has_no_relation_to_the_thing() -> None:
    """Whatever is written into the file: some never enter, and what is a call's is its own people's."""
    nobody = {"nobody", "disabled", "none", "token:disabled"}
    wrong = []
    for route in ASKED:
        kind, far = kind_of(route), set()
        for method, inside in cells.known().get(route.name, {}).items():
            if kind in (CALL, COUNTY, PERSON) and route.takes and not alike(route):
                far = {one for one in inside if "next" in one}
            if kind == CALL and route.takes:
                far |= {"sibling", "other-department"}
            if out := (nobody | far) & set(inside):
                wrong.append(f"{route.name} {method}: {sorted(out)}")
    assert wrong == [], told(wrong)


def test_where_nobody_gets_in_a_reason_is_given_and_no_longer_than_needed() -> None:
    assert cells.unreasoned() == [], "SHUT in policy.py and the lines with - in cells.txt differ"


def test_the_file_names_no_route_that_is_gone() -> None:
    names = {name for name in cells.known() if not name.startswith("console:")}
    assert sorted(names - {route.name for route in ASKED}) == []
    asked = {f"{name} {method}" for name, methods in cells.known().items() for method in methods}
    assert sorted(UNSERVED.keys() - asked) == []
