"""The examples of docs/api.md, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.openapi import PROBLEMS
from tests.factories.calls import MONDAY, make_world
from tests.factories.townships import PostFactory
from townships.operations import people
from townships.roles import Role

DOCUMENT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```\n+```text\n(.*?)```", DOCUMENT, re.S)
RUN = {"sh": ["sh", "-c"], "python": [sys.executable, "-c"]}


def test_both_examples_are_there() -> None:
    assert [kind for kind, _code, _said in EXAMPLES] == ["sh", "python"]


@pytest.mark.parametrize(("kind", "code", "said"), EXAMPLES, ids=[one[0] for one in EXAMPLES])
def test_an_example_says_what_the_document_says(
    committed: Any, live_server: Any, settings: Any, tmp_path: Path, kind: str, code: str, said: str
) -> None:
    settings.MEDIA_ROOT = tmp_path
    world = make_world()
    _account, credentials = people.register_system(
        source_system="城运",
        post=PostFactory(role=Role.TOWNSHIP_HEAD, township=world.township),
        scopes=["calls.read", "calls.write", "reference.read"],
        by=None,
        at=MONDAY,
    )
    told = {
        "ADDRESS": live_server.url,
        "ID": credentials.client_id,
        "SECRET": credentials.client_secret,
        "PATH": os.environ["PATH"],
        "PYTHONUTF8": "1",
    }
    done = subprocess.run([*RUN[kind], code], env=told, capture_output=True, text=True, timeout=120)
    assert done.stdout == said, done.stderr


def test_the_table_of_errors_has_every_status_that_is_described() -> None:
    for status, (_name, _meaning, code, _detail) in PROBLEMS.items():
        assert re.search(rf"^\| {status} \|.*`{code}`", DOCUMENT, re.M), (status, code)
