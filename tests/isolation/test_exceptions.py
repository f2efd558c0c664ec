"""What is excepted is excepted for a reason, and no longer than it is needed."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from common.tenancy import Owned
from tests.isolation import canaries, policy
from tests.isolation.policy import ALIKE, PREFIXES, ROUTES, SHARED, UNPLANTED, Route, alike, thing
from tests.isolation.stage import CLOSED, Said, Stage, ask, kept_body, told

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T1")]

LISTS: dict[str, dict[str, Any]] = {
    name: getattr(policy, name)
    for name in (
        "UNPLANTED",
        "UNFILLED",
        "TASKS",
        "EVENTS",
        "SHARED",
        "BESIDE",
        "SHUT",
        "ALIKE",
        "MEANT",
        "UNSERVED",
        "STILL",
    )
}


def test_every_exception_gives_its_reason() -> None:
    without = [
        f"{name}[{key!r}]"
        for name, entries in LISTS.items()
        for key, value in entries.items()
        if len(str(getattr(value, "why", value)).strip()) < 8
    ]
    without += [
        f"COMMANDS[{name!r}]"
        for name, one in policy.COMMANDS.items()
        if one.asks is None and len(one.why.strip()) < 8
    ]
    assert without == []


def first_match(route: Route) -> str | None:
    if route.name in policy.POLICY or route.name.startswith("account_"):
        return route.name
    return next((prefix for prefix, _kind in PREFIXES if route.name.startswith(prefix)), None)


def test_no_line_of_the_policy_is_about_a_route_that_is_gone() -> None:
    met = {first_match(route) for route in ROUTES}
    named = {*policy.POLICY, *(prefix for prefix, _kind in PREFIXES)}
    assert sorted(named - met) == []


def test_no_thing_is_made_that_no_route_asks_for(stage: Stage) -> None:
    assert sorted(set(stage.things) - {thing(route) for route in ROUTES if route.takes}) == []


def test_a_field_without_a_canary_is_one_that_could_hold_one() -> None:
    """Neither gone by now, nor a choice from a list, nor excepted a second time by name."""
    could: set[str] = set()
    for model in apps.get_models():
        if not issubclass(model, Owned):
            continue
        label = model._meta.label
        for field in model._meta.local_concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            if not is_text and not isinstance(field, models.JSONField):
                continue
            everywhere = f"*.{field.name}"
            could.add(everywhere if everywhere in UNPLANTED else f"{label}.{field.name}")
    assert sorted(set(UNPLANTED) - could) == []


def test_no_value_is_given_to_a_row_that_could_do_without(stage: Stage) -> None:
    """Each value in FILLED was left out once, and the database refused the row (`filling.py`)."""
    differ = sorted(stage.needless ^ set(policy.MEANT))
    assert differ == [], told(differ)


def test_what_is_answered_in_other_words_still_is(stage: Stage) -> None:
    needed, client = set(), stage.clients["next-clerk"]
    for route in ROUTES:
        name = alike(route) if route.takes else None
        if name is not None and name not in needed:
            theirs = ask(client, "get", route, stage.values(route), follow=False)
            nothing = ask(client, "get", route, stage.nowhere(route), follow=False)
            is_open = theirs.status_code not in CLOSED
            needed |= {name} if is_open or Said.by(theirs) != Said.by(nothing) else set()
    assert sorted(set(ALIKE) - needed) == []


def test_what_is_shared_with_another_unit_is_heard_there(stage: Stage) -> None:
    heard: dict[str, set[str]] = {}
    routes = [one for one in ROUTES if one.name.partition(":")[2].startswith("power")]
    for who in sorted({who for one in SHARED.values() for who in one.who}):
        client = stage.clients[who]
        for route in routes:
            found = canaries.heard(kept_body(ask(client, "get", route, stage.values(route))))
            for one in found:
                if one[2] not in client.sees:
                    field = canaries.named(one)
                    for name in (field, field.rpartition(".")[0]):
                        if name in SHARED and who in SHARED[name].who:
                            heard.setdefault(name, set()).add(who)
    needed = {name: set(one.who) for name, one in SHARED.items()}
    assert {name: heard.get(name, set()) for name in needed} == needed
