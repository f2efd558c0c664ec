"""Asks every operation of the API what its description allows, and what it does not.

Requests go through the real middleware, as the application's role, to real rows. Each is undone
before the next, so that one number, the seed, gives the same run again.
"""

from __future__ import annotations

import random
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit

import schemathesis
from django.core.signals import got_request_exception
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.urls import Resolver404, resolve
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from tests.fuzz.county import Client, Fuzzed

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
# Ways to refuse what the description does not allow; the library knows fewer.
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "411", "412", "413", "415", "422", "428",
           "429"]  # fmt: skip


@dataclass
class Told:
    """What came of asking one operation as one client."""

    operation: str
    client: str
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def examples(self) -> int:
        return self.statuses.total()

    def row(self) -> tuple[str, str, int, dict[int, int], int]:
        statuses = dict(sorted(self.statuses.items()))
        return (self.operation, self.client, self.examples, statuses, len(self.failures))


def load(description: dict[str, Any]) -> Any:
    """Read the description of the API; requests go to the application in this process."""
    schema = schemathesis.openapi.from_dict(description)
    schema.app = _to_the_end(get_wsgi_application())
    schema.config.checks.negative_data_rejection.expected_statuses = REFUSED
    return schema


def _to_the_end(application: Any) -> Any:
    """Read an answer and close it, as servers do."""

    def run(environ: dict[str, Any], start: Any) -> list[bytes]:
        answer = application(environ, start)
        try:
            return [b"".join(answer)]
        finally:
            answer.close()

    return run


def operations(schema: Any) -> list[Any]:
    return [result.ok() for result in schema.get_all_operations()]


class Asking:
    """Puts questions as one client, and writes down what is wrong with the answers."""

    def __init__(self, county: Fuzzed, client: Client, *, number: int) -> None:
        self.county, self.client, self.number = county, client, number

    def ask(self, operation: Any, *, examples: int, covered: int = 0) -> Told:
        """Ask with ``examples`` drawn at random, and ``covered`` made by rule."""
        told = Told(operation.definition.raw["operationId"], self.client.name)
        for mode in MODES if examples else ():
            self._draw(operation, mode, (examples + 1) // 2, told)
        for place, case in enumerate(islice(self._cover(operation), covered)):
            self._send(case, place, told)
        return told

    def _draw(self, operation: Any, mode: Any, examples: int, told: Told) -> None:
        strategy = operation.as_strategy(generation_mode=mode)

        @seed(f"{self.number} {told.operation} {self.client.name} {mode.name}")
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy, aim=st.integers(0, 2**32 - 1))
        def one(case: Any, aim: int) -> None:
            self._send(case, aim, told)

        try:
            one()
        except Unsatisfiable:  # nothing of this operation can be wrong
            if mode is not GenerationMode.NEGATIVE:
                raise

    def _cover(self, operation: Any) -> Iterator[Any]:
        config = operation.schema.config.generation_for(operation=operation)
        found: Iterator[Any] = operation.schema.iter_coverage_cases(
            operation, generation_modes=list(MODES), generation_config=config
        )
        return found

    def _send(self, case: Any, aim: int, told: Told) -> None:
        self.county.aim(case, self.client, random.Random(aim))
        with undone() as at_the_end, raised_inside() as raised:
            try:
                answer = case.call(headers=self.client.headers, cookies=self.client.cookies)
                if case.method.upper() != "GET" and answer.status_code < 300:
                    at_the_end()
            except Exception as error:
                told.statuses[500] += 1
                self._note(told, f"raised {type(error).__name__}", f"{error}\n{_curl(case)}")
                return
        told.statuses[answer.status_code] += 1
        for name, problem in self._wrong_with(case, answer):
            self._note(told, name, "\n".join((problem, *raised, _curl(case))))

    def _wrong_with(self, case: Any, answer: Any) -> Iterator[tuple[str, str]]:
        for check in OWN_CHECKS:
            if problem := check(case, answer, self.client):
                yield check.__name__, problem
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                yield f"{type(failure).__name__} {answer.status_code}", str(failure)

    def _note(self, told: Told, name: str, problem: str) -> None:
        told.failures.setdefault(name, problem)


def _curl(case: Any) -> str:
    try:
        return str(case.as_curl_command())[:1500]
    except Exception:  # what cannot be written as a command is still to be told
        return f"{case.method} {case.formatted_path}"


# --- checks of our own -----------------------------------------------------------------------------


def no_server_error(case: Any, answer: Any, client: Client) -> str:
    return f"{answer.status_code}: {_text(answer)[:300]}" if answer.status_code >= 500 else ""


def no_foreign_canary(case: Any, answer: Any, client: Client) -> str:
    """No row of a unit out of reach shows in any answer, whatever was asked."""
    sung = sorted(set(re.findall(r"CANARY-[A-Z]+", _text(answer))) & client.foreign)
    return f"{', '.join(sung)} in an answer to {client.name}" if sung else ""


def _text(answer: Any) -> str:
    text: str = answer.content.decode("utf-8", "replace")
    return text


def nobody_gets_in(case: Any, answer: Any, client: Client) -> str:
    """Without a token of ours there is 401, whatever else is wrong with the request."""
    if client.is_known or answer.status_code in (401, 405):
        return ""
    if answer.status_code == 404 and _is_nowhere(answer.request.url):
        return ""  # no such address at all: nobody is asked who they are
    return f"{answer.status_code} to somebody without a valid token"


def _is_nowhere(address: str) -> bool:
    """Say whether no operation has such an address: a number that is none, a name of no kind."""
    try:
        return resolve(unquote(urlsplit(address).path)).url_name == "nothing"
    except Resolver404:
        return True


def problems_say_what_is_wrong(case: Any, answer: Any, client: Client) -> str:
    if answer.status_code < 400:
        return ""
    body = answer.json()
    if answer.headers["content-type"] != ["application/problem+json"]:
        return f"{answer.headers['content-type']}"
    if body["status"] != answer.status_code or not body["code"] or not body["detail"]:
        return f"{body}"
    return ""


def answers_are_not_kept(case: Any, answer: Any, client: Client) -> str:
    """Nothing between us and a client keeps what was meant for the client."""
    if not client.is_known:
        return ""
    said = ",".join(answer.headers.get("cache-control", []))
    return "" if "no-store" in said and "private" in said else f"Cache-Control: {said!r}"


OWN_CHECKS: list[Callable[[Any, Any, Client], str]] = [
    no_server_error,
    no_foreign_canary,
    nobody_gets_in,
    problems_say_what_is_wrong,
    answers_are_not_kept,
]


@contextmanager
def raised_inside() -> Iterator[list[str]]:
    """Hear what was raised behind an answer of 500."""
    heard: list[str] = []

    def hear(**_told: Any) -> None:
        heard.append(traceback.format_exc()[-1500:])

    got_request_exception.connect(hear)
    try:
        yield heard
    finally:
        got_request_exception.disconnect(hear)


@contextmanager
def undone() -> Iterator[Callable[[], None]]:
    """Undo what happens inside; yields what has the database check all it checks at the end.

    It goes through every constraint there is, so it is asked for only where something was written.
    """
    with transaction.atomic():
        try:
            yield connection.check_constraints
        finally:
            if connection.in_atomic_block:
                transaction.set_rollback(True)
