"""The console, by its registry: closed to those without a post in it, and blind to other counties."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from common import tenancy
from tests.isolation.stage import Stage

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T12")]

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


def console_urls(model: Any, key: Any) -> list[str]:
    meta = model._meta
    base = f"admin:{meta.app_label}_{meta.model_name}"
    return [
        reverse(f"{base}_change", args=[key]),
        reverse(f"{base}_history", args=[key]),
        reverse(f"{base}_delete", args=[key]),
    ]


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_the_console_is_closed_to_those_without_a_post_in_it(stage: Stage, model: Any) -> None:
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for who in ("clerk", "lead"):
        assert stage.clients[who].get(listed).status_code in (302, 403, 404), who
    assert stage.clients["nobody"].get(listed).status_code == 302


@pytest.mark.parametrize(
    "model",
    [m for m in REGISTERED if issubclass(m, tenancy.Owned)],
    ids=lambda model: model._meta.label,
)
def test_the_console_shows_nothing_of_another_county(stage: Stage, model: Any) -> None:
    with tenancy.everywhere(reason="a test looks"):
        key = model.objects.filter(county=stage.world.county).values_list("pk", flat=True).first()
    if key is None:
        pytest.fail(f"the world holds no {model._meta.label}: add one")
    officer = stage.clients["next-establishment"]
    for url in console_urls(model, key):
        there, nothing = officer.get(url), officer.get(url.replace(f"/{key}/", "/987654321/"))
        assert there.status_code == nothing.status_code
        assert there.status_code in (302, 403, 404)
