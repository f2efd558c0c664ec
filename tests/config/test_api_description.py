"""The description of the API is whole: what a client's generator and a reader rely on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from common.openapi import METHODS, PROBLEM_TYPE, PROBLEMS
from tests.factories.townships import member
from townships.roles import Role

# Clients are generated from these names: one that changes or goes breaks them. Add, never rename.
OPERATIONS = {
    "call_accept", "call_add", "call_answer",
    "call_ask_extension", "call_ask_information", "call_attach", "call_create", "call_detail",
    "call_dispatch", "call_feed_back", "call_file", "call_grant_extension", "call_list",
    "call_note", "call_object", "call_raise", "call_rate", "call_refuse_extension", "call_reject",
    "call_reply", "call_return_to_township", "call_revise", "call_send_back",
    "call_send_back_draft", "call_sheet", "call_similar", "call_submit",
    "call_supply_information", "call_uphold", "call_urge", "call_withdraw", "deadline_preview",
    "department_detail", "department_list", "division_detail", "division_list", "matter_detail",
    "matter_list", "statistics", "system_secret_change",
}  # fmt: skip


@pytest.fixture(scope="module")
def described() -> Any:
    GENERATOR_STATS.reset()
    with translation.override("en"):
        return SchemaGenerator().get_schema(request=None, public=True)


def operations(described: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def test_it_is_valid_and_nothing_had_to_be_guessed(described: Any) -> None:
    validate_schema(described)
    warnings = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert warnings == []


def test_no_operation_changes_its_name(described: Any) -> None:
    names = [operation["operationId"] for _path, _method, operation in operations(described)]
    assert len(names) == len(set(names))
    assert set(names) >= OPERATIONS


def test_every_operation_says_what_it_is_and_who_may(described: Any) -> None:
    bare = [
        f"{operation['operationId']}: {name}"
        for _path, _method, operation in operations(described)
        for name in ("summary", "description", "security", "tags")
        if not operation.get(name)
    ]
    assert bare == []
    long = {
        operation["operationId"]: operation["summary"]
        for _path, _method, operation in operations(described)
        if len(operation["summary"]) > 60 or operation["summary"].endswith(".")
    }
    assert long == {}


def test_every_body_has_an_example(described: Any) -> None:
    bare = [
        f"{operation['operationId']} {kind}"
        for _path, _method, operation in operations(described)
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if not content.get("examples") and "example" not in content
    ]
    assert bare == []


def test_every_refusal_is_described_as_a_problem(described: Any) -> None:
    for _path, _method, operation in operations(described):
        if operation["operationId"] == "token":
            continue  # RFC 6749 has errors of its own
        refusals = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert {"400", "401", "403", "406", "429", "503"} <= set(refusals)
        for status, response in refusals.items():
            name = PROBLEMS[status][0]
            assert response == {"$ref": f"#/components/responses/{name}"}
            assert PROBLEM_TYPE in described["components"]["responses"][name]["content"]


def test_what_a_move_may_answer_is_described(described: Any) -> None:
    moves = [
        operation
        for path, _method, operation in operations(described)
        if any(one["name"] == "If-Match" for one in operation.get("parameters", ()))
    ]
    assert len(moves) > 20
    for operation in moves:
        assert {"404", "409", "411", "412", "413", "415", "428"} <= set(operation["responses"])
        assert operation["responses"]["200"]["headers"]["ETag"]["required"]


def test_scopes_that_are_asked_for_are_scopes_that_are_given(described: Any) -> None:
    known = set(settings.OAUTH2_PROVIDER["SCOPES"])
    asked = {
        scope
        for _path, _method, operation in operations(described)
        for way in operation["security"]
        for scope in way.get("systems", ())
    }
    assert asked <= known


def test_the_page_of_the_description_is_open(client: Any, db: None) -> None:
    answer = client.get(reverse("api-schema"), headers={"accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")


WRONG = {405: "method_not_allowed", 406: "not_acceptable"}


@pytest.mark.parametrize(
    ("name", "wanted", "status"),
    [
        *(
            ("api-schema", wanted, 405)
            for wanted in ("*/*", "application/json", "application/yaml")
        ),
        *(("api-docs", wanted, 405) for wanted in ("*/*", "text/html")),
        ("api-docs", "application/json", 406),
    ],
)
def test_what_goes_wrong_is_told_as_json(
    client: Client, name: str, wanted: str, status: int
) -> None:
    answer = client.post(reverse(name), headers={"accept": wanted})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = json.loads(answer.content)
    assert (told["status"], told["code"]) == (status, WRONG[status])


def test_the_page_of_the_api_takes_no_form_of_others(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member(Role.TOWNSHIP_CLERK).user)
    answer = client.post(reverse("api-docs"), headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert json.loads(answer.content)["code"] == "csrf_failed"
