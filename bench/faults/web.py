"""The web application, which dies where a request tells it to: only fault runs start it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import connection

from bench.faults.points import AFTER_ANSWER, AFTER_COMMIT, AFTER_INSERT, BEFORE_INSERT, POINTS
from config.wsgi import application as huying


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    point = environ.get("HTTP_X_FAULT", "")
    if point not in POINTS:
        return huying(environ, start_response)

    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        is_call = sql.startswith('INSERT INTO "mandates_call" ')
        if is_call and point == BEFORE_INSERT:
            die()
        done = run(sql, *rest)
        if is_call and point == AFTER_INSERT:
            die()
        return done

    with connection.execute_wrapper(execute):
        answer = huying(environ, start_response)
    if point == AFTER_COMMIT:
        die()
    return _Last(answer) if point == AFTER_ANSWER else answer


class _Last:
    """The body of an answer; when all of it has been sent, the process dies."""

    def __init__(self, answer: Iterable[bytes]) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.answer)

    def close(self) -> None:
        die()
