"""Connections that are kept: one that the server has ended is noticed before it is used."""

from __future__ import annotations

import time
from typing import Any

import psycopg2
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.demo.testbed import Access


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
