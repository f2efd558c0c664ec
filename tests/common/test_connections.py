"""Connections that are kept: one that the server has ended is noticed before it is used."""

from __future__ import annotations

import time
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import tenancy
from config.demo.testbed import Access
from tests.factories.calls import make_world
from tests.factories.systems import System


def begin_request() -> None:
    """Do what Django does at the beginning of a request on a kept connection."""
    connection.health_check_enabled = True
    connection.health_check_done = False


def ask() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        found: int = cursor.fetchone()[0]
    return found


def test_a_living_connection_is_kept_without_asking_the_server(committed: Access) -> None:
    first = ask()
    begin_request()
    with CaptureQueriesContext(connection) as ran:
        assert ask() == first
    assert len(ran) == 1
    assert connection.health_check_done


def test_a_connection_that_the_server_ended_is_made_anew(committed: Access) -> None:
    first = ask()
    other = psycopg2.connect(committed.app)
    with other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s)", [first])
    other.close()
    time.sleep(0.3)
    begin_request()
    assert ask() != first


def test_after_an_error_the_server_itself_is_asked(committed: Access) -> None:
    ask()
    connection.errors_occurred = True
    asked: list[str] = []
    real = connection.connection.cursor

    class Link:
        """The driver's connection, with an ear at it."""

        closed = 0

        def cursor(self) -> Any:
            asked.append("cursor")
            return real()

        def __getattr__(self, name: str) -> Any:
            return getattr(original, name)

    original = connection.connection
    connection.connection = Link()
    try:
        assert connection.is_usable()
        assert asked == ["cursor"]
        connection.errors_occurred = False
        assert connection.is_usable()
        assert asked == ["cursor"]
    finally:
        connection.connection = original


@pytest.mark.assurance("T9")
def test_a_connection_that_serves_two_counties_in_turn_remembers_neither(committed: Access) -> None:
    """Answers, refusals and queries that the server cancelled, on one connection: nothing stays."""
    worlds = make_world(), make_world()
    own = [str(world.routed().uid) for world in worlds]
    systems = [System.beside(world.clerk) for world in worlds]
    for system in systems:
        system.client.raise_request_exception = False
    server = ask()

    def cancelled(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "mandates_call" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute("set local statement_timeout = 5; select pg_sleep(1)")
        return execute(sql, params, many, context)

    for turn in range(60):
        system, uid = systems[turn % 2], own[turn % 2]
        if turn % 5 == 4:
            with connection.execute_wrapper(cancelled):
                assert system.get("calls/").status_code >= 500
        elif turn % 5 == 3:
            assert system.get(f"calls/{own[1 - turn % 2]}/").status_code == 404
        else:
            assert [row["uid"] for row in system.get("calls/").json()["results"]] == [uid]
        assert tenancy.current() is None
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_backend_pid(), current_user::text, "
                "coalesce(current_setting('app.townships', true), ''), "
                "coalesce(current_setting('app.counties', true), '')"
            )
            assert cursor.fetchone() == (server, "huying_app", "", "")
