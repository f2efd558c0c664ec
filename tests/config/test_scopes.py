"""A route that says in nobody's reach it works keeps the site from starting."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, ApiViewSet
from config import scopes, urls
from mandates.models import Call

pytestmark = pytest.mark.assurance("A9")


def page(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


class Unscoped(ApiView):
    read_scope = "calls.read"

    def get(self, request: Request) -> Response:
        raise NotImplementedError

    def post(self, request: Request) -> Response:
        raise NotImplementedError


class Misspelt(Unscoped):
    write_scope = "calls.wirte"


class Whole(Unscoped):
    write_scope = "calls.write"


class Anybody(Whole):
    permission_classes = [AllowAny]


class Rows(ApiViewSet):
    read_scope = write_scope = "calls.read"

    class queryset:
        model = Call

    def list(self, request: Request) -> Response:
        raise NotImplementedError


LACKING = [
    (page, "page: asks for no signing in"),
    (Unscoped.as_view(), "page: names no write_scope for post"),
    (Misspelt.as_view(), "page: names no write_scope for post"),
    (Anybody.as_view(), "page: lets in whoever is no member"),
    (Rows.as_view({"get": "list"}), "page: keeps a queryset of mandates.Call"),
]


def with_route(settings: Any, view: Any) -> None:
    conf = ModuleType("conf")
    conf.urlpatterns = [*urls.urlpatterns, path("page/", view, name="page")]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = conf


def test_every_route_of_ours_says_in_whose_reach_it_works(tried: Any) -> None:
    assert list(scopes.faults()) == []
    assert all(len(reason) > 15 for reason in scopes.OUTSIDE.values())
    tried(len(list(scopes.walked())), "routes")


@pytest.mark.parametrize(("view", "why"), LACKING, ids=[why for _view, why in LACKING])
def test_without_it_nothing_starts(settings: Any, view: Any, why: str) -> None:
    with_route(settings, view)
    found = [one for one in run_checks() if one.id == "huying.E026"]
    assert [one.msg.startswith(why) for one in found] == [True]
    with pytest.raises(ImproperlyConfigured, match=why):
        scopes.refuse()


@pytest.mark.parametrize("view", [login_required(page), Whole.as_view()])
def test_what_says_so_starts_and_an_exception_goes_once_it_is_not_needed(
    settings: Any, monkeypatch: pytest.MonkeyPatch, view: Any
) -> None:
    with_route(settings, view)
    assert list(scopes.faults()) == []
    monkeypatch.setitem(scopes.OUTSIDE, "page", "not needed")
    monkeypatch.setitem(scopes.OUTSIDE, "gone", "not needed")
    assert [one.partition(":")[0] for one in scopes.faults()] == ["page", "gone"]
