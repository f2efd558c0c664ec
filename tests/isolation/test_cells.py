"""Who does get in: the other half of the matrix, so that a wall before everybody fails too.

Each test asks one route. In every run a share of those who ask, another for each route and method;
with HUYING_ISOLATION=full all of them, as `make isolation` does.
"""

from __future__ import annotations

from zlib import crc32

import pytest
from django.http import HttpResponse

from common import pdf
from tests.isolation import cells
from tests.isolation.policy import CALL, COUNTY, OPEN, PERSON, ROUTES, Route, kind_of
from tests.isolation.stage import METHODS, Stage, ask, told

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T1")]

ASKED = [route for route in ROUTES if kind_of(route) != OPEN]


# Asked for every route by other tests, or told apart from the desk of their county by them alone.
FAR = ("next-clerk", "next-township", "next-officer", "next-establishment", "none", "nobody")


@pytest.fixture(autouse=True)
def _pages_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a paper would say is listened to as it is written down, and of refusals only the number
    is looked at: drawing either is most of the time that a question takes.
    """
    monkeypatch.setattr(pdf, "render", lambda html: html.encode())
    monkeypatch.setattr("config.views.render", lambda *_given, status: HttpResponse(status=status))


def may_ask(stage: Stage, route: Route) -> list[str]:
    """Everybody; systems have only the API."""
    api = route.name.startswith("api:")
    return [name for name, client in stage.clients.items()
            if name not in FAR and (api or not client.is_system)]  # fmt: skip


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.name)
def test_the_right_ones_get_in_and_nobody_else(stage: Stage, route: Route) -> None:
    if cells.is_noted(route.name):
        return
    if cells.FOLDER:
        cells.note(route.name, found(stage, route))
        return
    known, wrong = cells.known().get(route.name), []
    if known is None:
        assert not cells.WIDE, f"{route.name} is not in {cells.FILE.name}: make isolation WRITE=1"
        assert somebody_enters(stage, route), "nobody gets in: a wall before everybody"
        return
    for method, inside in known.items():
        for who in cells.chosen(f"{route.name} {method}", may_ask(stage, route), inside):
            answer = ask(stage.clients[who], method, route, stage.values(route), follow=False)
            wrong += cells.judged(answer, who, method, inside)
    others = [method for method in METHODS if method not in known]
    for method in others if cells.WIDE else others[crc32(route.name.encode()) % len(others) :][:1]:
        status = ask(
            stage.clients["clerk"], method, route, stage.values(route), follow=False
        ).status_code
        if status not in (403, 405):
            wrong.append(f"clerk {method} {status}: not answered, by {cells.FILE.name}")
    assert wrong == [], told(wrong)


def somebody_enters(stage: Stage, route: Route) -> bool:
    """Say whether any post of the county gets in; all that is asked where the file has no line."""
    return any(
        cells.enters(ask(stage.clients[who], method, route, stage.values(route), follow=False))
        for method in ("get", "post", "put")
        for who in ("desk", "head", "lead", "establishment", "clerk", "system", "audit")
    )


def found(stage: Stage, route: Route) -> dict[str, list[str]]:
    """Ask for everybody, and return who gets in by which method that is answered at all."""
    values = stage.values(route)
    likely = METHODS if route.name.startswith("api:") else ("get", "post")
    answered = [
        m
        for m in likely
        if ask(stage.clients["desk"], m, route, values, follow=False).status_code != 405
    ]
    if not route.name.startswith("api:") and "get" in answered:
        elsewhere = ask(stage.clients["desk"], "get", route, values, follow=False)
        if elsewhere.status_code == 302:
            answered.remove("get")  # leads everybody to another page, which has its own line
    cells_: dict[str, list[str]] = {}
    for method in answered:
        everybody = may_ask(stage, route)
        said = {
            who: ask(stage.clients[who], method, route, values, follow=False) for who in everybody
        }
        broken = [f"{who} {one.status_code}" for who, one in said.items() if one.status_code >= 500]
        assert broken == [], f"{method}: {broken}"
        cells_[method] = [who for who, answer in said.items() if cells.enters(answer)]
    return cells_


def test_no_cell_lets_in_who_has_no_relation_to_the_thing() -> None:
    """Whatever is written into the file: some never enter."""
    nobody = {"nobody", "disabled", "none", "token:disabled"}
    abroad = {name for rows in cells.known().values() for names in rows.values() for name in names
              if "next" in name}  # fmt: skip
    wrong = []
    for route in ASKED:
        far = abroad if kind_of(route) in (CALL, COUNTY, PERSON) and route.takes else set()
        for method, inside in cells.known().get(route.name, {}).items():
            if out := (nobody | far) & set(inside):
                wrong.append(f"{route.name} {method}: {sorted(out)}")
    assert wrong == [], told(wrong)


def test_the_file_names_no_route_that_is_gone() -> None:
    names = {name for name in cells.known() if not name.startswith("console:")}
    assert sorted(names - {route.name for route in ASKED}) == []
