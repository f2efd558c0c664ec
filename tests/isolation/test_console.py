"""The console, by its registry: every model, every page, everybody; and blind to other counties."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import reverse

from common import tenancy
from tests.isolation.stage import CLOSED, Asking, Said, Stage, told, writes

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T12")]

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OWNED = [model for model in REGISTERED if issubclass(model, tenancy.Owned)]
NOWHERE = 987654321


def each(registered: list[Any]) -> Any:
    return pytest.mark.parametrize("model", registered, ids=lambda model: model._meta.label)


def address(model: Any, what: str, *args: Any, query: str = "") -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}"
    return reverse(name, args=args) + query


def ways(model: Any, key: Any) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return method, address and form of everything the console does with a model, by its name."""
    found: dict[str, tuple[str, str, dict[str, Any]]] = {
        "list": ("get", address(model, "changelist"), {}),
        "search": ("get", address(model, "changelist", query="?q=1"), {}),
        "popup": ("get", address(model, "changelist", query="?_popup=1&_to_field=id"), {}),
        "add": ("get", address(model, "add", query="?_popup=1"), {}),
        "change": ("get", address(model, "change", key), {}),
        "history": ("get", address(model, "history", key), {}),
        "delete": ("get", address(model, "delete", key), {}),
        "added": ("post", address(model, "add"), {}),
        "changed": ("post", address(model, "change", key), {}),
        "deleted": ("post", address(model, "delete", key), {"post": "yes"}),
    }
    names = {"delete_selected", *(str(getattr(one, "__name__", one)) for one in acts(model))}
    for name in sorted(names):
        form = {"action": name, "_selected_action": [str(key)]}
        found[name] = ("post", address(model, "changelist"), form)
    return found


def acts(model: Any) -> list[Any]:
    return list(admin.site._registry[model].actions or ())


def key_of(stage: Stage, model: Any) -> Any:
    """A row of the first county, or of nobody in particular."""
    with tenancy.everywhere(reason="a test looks"):
        rows = model.objects.all()
        if issubclass(model, tenancy.Owned):
            rows = rows.filter(county=stage.world.county)
        return rows.order_by("pk").values_list("pk", flat=True).first() or NOWHERE


def do(client: Asking, method: str, url: str, form: dict[str, Any]) -> Any:
    with transaction.atomic():
        answer = getattr(client, method)(url, form) if form else getattr(client, method)(url)
        transaction.set_rollback(True)
    return answer


def people(stage: Stage) -> list[str]:
    return [name for name, client in stage.clients.items() if not client.is_system]


@each(REGISTERED)
def test_the_console_is_closed_to_those_without_a_post_in_it(stage: Stage, model: Any) -> None:
    listed = address(model, "changelist")
    for who in ("clerk", "lead", "desk", "none"):
        assert stage.clients[who].get(listed).status_code in (302, *CLOSED), who
    for who in ("nobody", "disabled"):
        assert stage.clients[who].get(listed).status_code == 302


@each(OWNED)
def test_the_console_does_nothing_with_what_is_another_countys(stage: Stage, model: Any) -> None:
    key, officer, wrong = key_of(stage, model), stage.clients["next-establishment"], []
    assert key != NOWHERE, f"the stage holds no {model._meta.label}"
    there, nothing = ways(model, key), ways(model, NOWHERE)
    for way in there.keys() - {"list", "search", "popup", "add", "added"}:
        with writes() as written:
            theirs = do(officer, *there[way])
        said, of_nothing = Said.by(theirs), Said.by(do(officer, *nothing[way]))
        if written:
            wrong.append(f"{way}: wrote {sorted(written)}")
        if there[way][2].get("action") and theirs.status_code in (200, 302):
            continue  # an action on nothing: it was told that nothing was chosen
        if theirs.status_code not in (302, *CLOSED) or said.status != of_nothing.status:
            wrong.append(f"{way}: {theirs.status_code}/{of_nothing.status}")
    assert wrong == [], told(wrong)


@each(OWNED)
def test_lists_and_choices_of_the_console_are_of_ones_own_county(stage: Stage, model: Any) -> None:
    """Every condition that names the other county, and every list of choices, also of lookups."""
    officer, key = stage.clients["next-establishment"], key_of(stage, model)
    for query in (f"id__exact={key}", f"county__id__exact={stage.world.county.pk}", "all="):
        answer = do(officer, "get", address(model, "changelist", query=f"?{query}"), {})
        assert answer.status_code in (200, 302, 403), query
        if answer.status_code == 200 and query.startswith("id"):
            assert [row.pk for row in answer.context["cl"].result_list] == []
