"""Who uses the console, page by page: every model that is registered, everybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.urls import reverse

from tests.isolation import cells
from tests.isolation.stage import Stage, told
from tests.isolation.test_console import REGISTERED, address, do, each, key_of, people, ways

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T12")]


@each(REGISTERED)
def test_the_right_posts_use_the_console_and_nobody_else(stage: Stage, model: Any) -> None:
    name, key = f"console:{model._meta.label}", key_of(stage, model)
    if cells.is_noted(name):
        return
    if cells.FOLDER:
        written = {}
        for way, asked in ways(model, key).items():
            said = {who: do(stage.clients[who], *asked) for who in people(stage)}
            assert [who for who, one in said.items() if one.status_code >= 500] == [], way
            written[way] = [who for who, one in said.items() if cells.enters(one)]
        cells.note(name, written)
        return
    known, wrong = cells.known().get(name), []
    if known is None:
        assert not cells.WIDE, f"{name} is not in {cells.FILE.name}: make isolation WRITE=1"
        posts = ("system", "security", "audit", "establishment")
        listed = [do(stage.clients[who], "get", address(model, "changelist"), {}) for who in posts]
        assert any(cells.enters(one) for one in listed), "nobody gets in"
        return
    assert known.keys() == ways(model, key).keys(), f"{name}: make isolation WRITE=1"
    for way, asked in ways(model, key).items():
        for who in cells.chosen(f"{name} {way}", people(stage), known[way]):
            wrong += cells.judged(do(stage.clients[who], *asked), who, way, known[way])
    assert wrong == [], told(wrong)


LOOKED_UP = [
    (model, name)
    for model, options in admin.site._registry.items()
    for name in (*options.autocomplete_fields, *options.raw_id_fields)
]


@pytest.mark.parametrize(("model", "name"), LOOKED_UP, ids=str)
def test_a_lookup_answers_to_those_who_may_choose(stage: Stage, model: Any, name: str) -> None:
    field: models.Field[Any, Any] = model._meta.get_field(name)
    asked = {
        "app_label": model._meta.app_label, "model_name": model._meta.model_name,
        "field_name": field.name,
    }  # fmt: skip
    said = {who: do(stage.clients[who], "get", reverse("admin:autocomplete"), asked)
            for who in people(stage)}  # fmt: skip
    entered = {who for who, answer in said.items() if answer.status_code == 200}
    lists = {who: do(stage.clients[who], "get", address(field.related_model, "changelist"), {})
             for who in people(stage)}  # fmt: skip
    assert entered
    assert entered <= {who for who, answer in lists.items() if answer.status_code == 200}
