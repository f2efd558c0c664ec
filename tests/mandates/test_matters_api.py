"""Matters, deadlines, tokens and the description of the API, as another system meets them."""

from __future__ import annotations

import base64
import io
import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from oauth2_provider.models import AccessToken, Application
from rest_framework.renderers import JSONRenderer

from common import reference, tenancy
from mandates.api.matters import MatterRow
from mandates.models import Entry, ListVersion
from mandates.models.moves import MOVES
from tests.factories.calls import World, make_world
from tests.factories.systems import System
from tests.factories.townships import PostFactory, member
from townships.models import SystemAccount
from townships.roles import Role

SECRET = "a secret"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def system(world: World) -> System:
    return System.beside(world.clerk)


def codes(answer: Any) -> list[str]:
    return [row["code"] for row in answer.json()["results"]]


# --- matters ----------------------------------------------------------------------------------------


def test_the_list_of_the_county_is_found_by_two_characters(world: World, system: System) -> None:
    make_world()
    assert codes(system.get("matters/")) == ["SL-01", "JS-01"]
    assert codes(system.get("matters/", q="采砂")) == ["SL-01"]
    assert codes(system.get("matters/", q="住建")) == ["JS-01"]
    assert codes(system.get("matters/", category="没有")) == []
    assert codes(system.get("matters/", size=1)) == ["SL-01"]
    following = system.get("matters/", size=1).json()["next"].partition("testserver")[2]
    assert codes(system.get(following)) == ["JS-01"]
    assert codes(system.get("matters/", as_of="2019-12-31")) == []


def test_a_row_says_what_the_description_says(world: World, system: System) -> None:
    with tenancy.dispatching(reason="a test looks"):
        entries = Entry.objects.with_columns().filter(version=world.version).order_by("position")
        documented = json.loads(JSONRenderer().render(MatterRow(entries, many=True).data))
    for query in ({}, {"q": "水法"}, {"law": "水法"}, {"size": 2}):
        found = system.get("matters/", **query).json()["results"]
        assert found == documented
        assert list(found[0]) == list(documented[0])


def test_one_matter_shows_both_duties_and_its_source(world: World, system: System) -> None:
    shown = system.get("matters/SL-01/").json()
    assert (shown["lead"]["name"], shown["assists"][0]["name"]) == ("水利局", "公安局")
    assert (shown["department_duty"], shown["township_duty"]) == ("牵头查处", "巡查、劝阻、上报")
    assert (shown["version"], shown["document_no"]) == (1, "试政办〔2020〕1号")
    with tenancy.dispatching(reason="a test ends a list"):
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=date(2021, 1, 1))
        reference.refresh()
    assert system.get("matters/SL-01/").status_code == 404
    assert system.get("matters/SL-01/", as_of="2020-12-31").json()["valid_to"] == "2021-01-01"


def test_a_reader_of_the_city_names_the_county(world: World) -> None:
    other = make_world()
    city = System.beside(member(Role.CITY_OVERSEER))
    assert len(codes(city.get("matters/"))) == 4
    assert codes(city.get("matters/", county=other.county.uid)) == ["SL-01", "JS-01"]
    assert city.get("matters/SL-01/").status_code == 400
    shown = city.get("matters/SL-01/", county=other.county.uid).json()
    assert shown["entry"] == str(other.sand.uid)


@pytest.mark.parametrize(
    "query",
    [
        {"q": "长" * 101}, {"q": "a\0"}, {"as_of": "2020-02-30"}, {"size": 0}, {"size": 10**30},
        {"cursor": "x"}, {"county": "x"}, {"colour": "red"},
    ],
)  # fmt: skip
def test_a_wrong_question_is_answered_with_a_code(system: System, query: dict[str, Any]) -> None:
    answer = system.get("matters/", **query)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid", "bad_cursor", "unknown_parameter")


@pytest.mark.assurance("T2")
def test_another_countys_list_is_not_shown(world: World, system: System) -> None:
    other = make_world()
    assert system.get("matters/", county=other.county.uid).status_code == 400
    assert system.get("matters/NO-1/").status_code == 404


# --- deadlines ----------------------------------------------------------------------------------------


def test_a_deadline_is_worked_out_as_on_the_command_line(system: System) -> None:
    question = {
        "id": "x", "start": "2026-09-24T09:00:00+08:00", "amount": 5, "unit": "working_day",
        "pauses": [["2026-09-28T09:00:00+08:00", "2026-09-29T09:00:00+08:00"]],
    }  # fmt: skip
    answer = system.post("deadlines/preview/", question)
    assert answer.status_code == 200, answer.json()
    shown = answer.json()
    assert set(shown) == {"id", "due", "provisional", "explanation"}
    assert (shown["id"], shown["due"]) == ("x", "2026-10-10T17:30:00+08:00")
    names = {day["name"] for day in shown["explanation"]["skipped"]}
    assert {"中秋节", "国庆节"} <= names


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"start": "2026-02-30T09:00:00+08:00"}, "not_an_instant"),
        ({"start": "2026-03-02T09:00:00"}, "not_an_instant"),
        ({"start": 5}, "not_an_instant"),
        ({"start": "2019-03-02T09:00:00+08:00"}, "before_calendar"),
        ({"amount": 0}, "bad_amount"),
        ({"amount": "5"}, "bad_amount"),
        ({"amount": True}, "bad_amount"),
        ({"amount": 10**30}, "beyond_calendar"),
        ({"unit": "week"}, "unknown_unit"),
        ({"unit": ["minute"]}, "unknown_unit"),
        ({"roll": "yes"}, "bad_roll"),
        ({"pauses": "x"}, "bad_pause"),
        ({"pauses": [["2026-03-02T09:00:00+08:00", None]]}, "unfinished_pause"),
        ({"extension": -1}, "bad_amount"),
        ({"colour": 1}, "invalid"),
        ({"id": "\0"}, "bad_text"),
    ],
)
def test_a_period_that_does_not_fit_has_a_code(
    system: System, changed: dict[str, Any], code: str
) -> None:
    sound = {"start": "2026-03-02T09:00:00+08:00", "amount": 5, "unit": "working_day"}
    answer = system.post("deadlines/preview/", {**sound, **changed})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["detail"]


# --- tokens ---------------------------------------------------------------------------------------------


def application(world: World, *, allowed: str, secret: str = SECRET) -> Application:
    post = PostFactory(role=Role.TOWNSHIP_HEAD, township=world.township)
    made = Application.objects.create(
        name="城运平台", client_secret=secret,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )  # fmt: skip
    SystemAccount.objects.create(
        application=made, user=post.user, post=post, source_system="城运", allowed_scopes=allowed
    )
    return made


def ask_token(made: Application, secret: str = SECRET, **more: Any) -> Any:
    basic = base64.b64encode(f"{made.client_id}:{secret}".encode()).decode()
    return Client().post(
        "/api/token/",
        {"grant_type": "client_credentials", **more},
        headers={"Authorization": f"Basic {basic}"},
    )


def test_a_system_gets_a_token_and_works_with_it(world: World) -> None:
    made = application(world, allowed="calls.read reference.read")
    assert SECRET not in Application.objects.get(pk=made.pk).client_secret
    answer = ask_token(made)
    assert answer.status_code == 200, answer.content
    token = answer.json()["access_token"]
    assert set(answer.json()["scope"].split()) == {"calls.read", "reference.read"}
    assert answer.json()["expires_in"] == 3600
    kept = AccessToken.objects.get()
    assert token not in (kept.token, kept.token_checksum)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/calls/").status_code == 200
    sent = client.post(
        "/api/v1/calls/", {}, content_type="application/json", headers={"Idempotency-Key": "k"}
    )
    assert sent.status_code == 403
    SystemAccount.objects.update(is_active=False)
    assert client.get("/api/v1/calls/").status_code == 401
    assert ask_token(made).status_code == 401


@pytest.mark.assurance("A6")
def test_a_token_holds_no_scope_the_account_was_not_given(world: World) -> None:
    made = application(world, allowed="calls.read")
    refused = ask_token(made, scope="calls.read calls.write")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert ask_token(made, scope="calls.read").json()["scope"] == "calls.read"
    assert not AccessToken.objects.exclude(scope="calls.read").exists()


@pytest.mark.assurance("A6")
def test_wrong_credentials_get_nothing(world: World) -> None:
    made = application(world, allowed="calls.read")
    for answer in (
        ask_token(made, secret="another"),
        ask_token(made, secret="\0"),
        Client().post("/api/token/", {"grant_type": "client_credentials", "client_id": "\0"}),
        Client().post("/api/token/", {"grant_type": "client_credentials", "client_id": "nobody"}),
        Client().post("/api/token/", {"grant_type": "password", "username": "a", "password": "b"}),
        Client().post("/api/token/", b"\xff", content_type="application/json"),
        Client().post("/api/token/", headers={"Authorization": "Basic AA=="}),
        Client().post("/api/token/", headers={"Authorization": "Basic AAA6AA=="}),
        Client().post("/api/token/", {"client_id": "a" * 3_000_000}),
    ):
        assert answer.status_code in (400, 401), answer.content
        assert "error" in answer.json()
    assert not AccessToken.objects.exists()


# --- the description -------------------------------------------------------------------------------------


def test_the_description_is_valid_and_complete() -> None:
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    text = out.getvalue()
    for name, move in MOVES.items():
        assert (f"/{name.replace('_', '-')}/:" in text) == move.by_people


@pytest.mark.django_db
def test_the_description_names_what_a_move_needs() -> None:
    shown = Client().get("/api/schema/?format=json").json()
    post = shown["paths"]["/api/v1/calls/{uid}/ask-extension/"]["post"]
    ref = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert shown["components"]["schemas"][ref]["required"] == ["amount", "note"]
    assert post["security"][0] == {"systems": ["calls.write"]}
    assert reverse("api:call-ask-extension", args=[uuid4()]).endswith("/ask-extension/")


@pytest.mark.assurance("A13")
@pytest.mark.django_db
def test_the_page_that_shows_it_keeps_the_content_policy() -> None:
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "<style" not in html
    assert "style=" not in html
    assert "http://" not in html
    assert "https://" not in html
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    script = Client().get("/api/docs/?script=")
    assert "SwaggerUIBundle" in script.content.decode()
    assert '"validatorUrl": null' in script.content.decode()
