"""`manage.py due`: JSON lines in, JSON lines out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import calendars, due_lines
from common.worktime import Unit

ROOT = Path(__file__).resolve().parents[2]
START = "2026-11-23T09:30:00+08:00"
GOOD = {"id": 1, "start": START, "amount": 1, "unit": "working_day"}


def run(content: bytes, *options: str) -> tuple[int, list[dict]]:
    """Run the command as an operator does, with no database to be found."""
    environment = {name: text for name, text in os.environ.items() if "DATABASE" not in name}
    done = subprocess.run(
        [sys.executable, "manage.py", "due", "--shipped-calendar", *options],
        cwd=ROOT, input=content, capture_output=True, timeout=60, check=False,
        env=environment | {"DJANGO_SETTINGS_MODULE": "config.settings.dev"},
    )  # fmt: skip
    assert done.stderr == b""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def ask(question) -> dict:
    line = question if isinstance(question, bytes) else json.dumps(question).encode()
    reply, _good = due_lines.answer(line, calendars.shipped())
    return json.loads(due_lines.written(reply))


def test_good_lines_are_answered_without_a_database():
    lines = [
        {**GOOD, "id": "a"},
        {**GOOD, "id": "b", "unit": "calendar_day", "amount": 40, "roll": True},
        {**GOOD, "id": None, "extension": 2, "pauses": [[START, "2026-11-25T00:00:00Z"]]},
    ]

    status, replies = run("\n".join(map(json.dumps, lines)).encode())

    assert status == 0
    assert [(r["id"], r["due"], r["provisional"]) for r in replies] == [
        ("a", "2026-11-24T17:30:00+08:00", False),
        ("b", "2027-01-05T00:00:00+08:00", True),
        (None, "2026-11-27T17:30:00+08:00", False),
    ]
    assert all(set(r) == {"id", "due", "provisional", "explanation"} for r in replies)


def test_bad_line_is_named_and_the_rest_goes_on():
    content = b"\xef\xbb\xbf" + b"\r\n".join(
        [json.dumps(GOOD).encode(), b"", b"{\x00}", b"\xff", json.dumps({**GOOD, "id": 2}).encode()]
    )

    status, replies = run(content)

    assert status == 1
    assert [reply["id"] for reply in replies] == [1, None, None, 2]
    assert [set(reply) == {"id", "error"} for reply in replies] == [False, True, True, False]


def test_no_lines_are_no_error():
    assert run(b"") == (0, [])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[1]",
        b'"text"',
        b"{",
        b"\x00",
        b'{"id": "\x00"}',  # a raw NUL
        b"[" * 100_000,  # too deep to read
        b'{"id": 1} {"id": 2}',
    ],
)
def test_what_is_no_object_has_no_id(line):
    reply = ask(line)

    assert reply["id"] is None
    assert reply["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"start": None},
        {"start": 5},
        {"start": "2026-11-23"},
        {"start": "2026-11-23T09:30:00"},  # no offset
        {"start": "2026-02-30T09:30:00+08:00"},
        {"start": "2026-11-23T09:30:00+08:00\x00"},
        {"start": "2026-11-23\x0009:30:00+08:00"},
        {"start": "2026-11-23-09:30:00+08:00"},
        {"start": "２０２６-11-23T09:30:00+08:00"},
        {"start": "\ud800"},
        {"start": "2019-12-31T23:59:59+08:00"},
        {"start": "2031-01-01T00:00:00+08:00"},
        {"start": "0001-01-01T00:00:00+14:00"},
        {"start": "9999-12-31T23:59:59-12:00"},
        {"amount": None},
        {"amount": True},
        {"amount": "1"},
        {"amount": 1.0},
        {"amount": 0},
        {"amount": -1},
        {"amount": [1]},
        {"amount": float("nan")},
        {"amount": float("inf")},
        {"amount": 10**30},
        {"amount": 10**399},
        {"unit": None},
        {"unit": "day"},
        {"unit": "WORKING_DAY"},
        {"unit": {}},
        {"unit": "minute\x00"},
        {"roll": 1},
        {"roll": "yes"},
        {"extension": -1},
        {"extension": True},
        {"extension": 1.5},
        {"extension": "1"},
        {"pauses": 5},
        {"pauses": "ab"},
        {"pauses": {}},
        {"pauses": [START]},
        {"pauses": [[START]]},
        {"pauses": [[START, START, START]]},
        {"pauses": [[START, "2026-11-23T09:29:00+08:00"]]},  # ends before it begins
        {"pauses": [[START, "2026-11-23T10:00:00"]]},  # no offset
        {"pauses": [[START, None]]},  # not over
        {"pauses": [[None, START]]},
        {"pauses": [["2019-12-31T23:59:59+08:00", START]]},
    ],
)
def test_wrong_value_is_an_error_that_names_the_line(change):
    reply = ask({**GOOD, "id": "mine", **change})

    assert reply["id"] == "mine"
    assert set(reply) == {"id", "error"}
    assert "%" not in reply["error"]


@pytest.mark.parametrize("missing", ["start", "amount", "unit"])
def test_missing_value_is_an_error(missing):
    assert "error" in ask({name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize("digits", [b"1" * 500, b"1" * 10_000, b"1e999", b"-Infinity", b"NaN"])
def test_number_that_cannot_be_kept_does_not_lose_the_id(digits):
    reply = ask(b'{"id": "mine", "start": "' + START.encode() + b'", "amount": ' + digits + b"}")

    assert reply["id"] == "mine"
    assert "error" in reply


@pytest.mark.parametrize(
    ("mark", "echoed"),
    [
        (7, 7),
        ("七", "七"),
        ("\x00", "\x00"),
        ("\ud800", "\ud800"),
        (1.5, 1.5),
        (None, None),
        ({"a": 1}, None),
        ([1], None),
    ],
)
def test_id_comes_back(mark, echoed):
    reply = ask({**GOOD, "id": mark})

    assert reply["id"] == echoed
    assert reply["due"] == "2026-11-24T17:30:00+08:00"


def test_empty_extras_are_as_if_missing():
    plain = ask(GOOD)

    assert ask({**GOOD, "roll": None, "pauses": None, "extension": None}) == plain
    assert ask({**GOOD, "roll": False, "pauses": [], "extension": 0}) == plain


def test_overlapping_pauses_are_merged_in_the_explanation():
    pauses = [
        ["2026-11-24T10:00:00+08:00", "2026-11-24T12:00:00+08:00"],
        ["2026-11-24T01:00:00Z", "2026-11-24T03:00:00Z"],
    ]

    reply = ask({**GOOD, "pauses": pauses})

    assert reply["explanation"]["pauses"] == [
        ["2026-11-24T09:00:00+08:00", "2026-11-24T12:00:00+08:00"]
    ]


@pytest.mark.parametrize("unit", list(Unit))
def test_every_unit_is_explained_in_json(unit):
    told = ask({**GOOD, "unit": unit, "amount": 3})["explanation"]

    assert told["unit"] == unit
    assert told["calendar"] == calendars.shipped().version
