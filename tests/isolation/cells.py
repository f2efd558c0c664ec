"""Who gets in where: read from `cells.txt`, and written there anew by `make isolation WRITE=1`.

A line is a route or a page of the console, a method, and who is let in; whoever is not named must be
refused. What has changed there is read like any change of the code.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from django.urls import reverse

from tests.isolation.policy import SHUT
from tests.isolation.stage import WIDE

FILE = Path(__file__).with_name("cells.txt")
FOLDER = os.environ.get("HUYING_ISOLATION_WRITE", "")
SHARE = 2  # of those who are refused, for each route and method

Cells = dict[str, dict[str, list[str]]]


@cache
def known() -> Cells:
    """Return, by route and method, who gets in."""
    found: Cells = {}
    for line in FILE.read_text().splitlines():
        if line and not line.startswith("#"):
            route, method, *names = line.split()
            found.setdefault(route, {})[method] = [name for name in names if name != "-"]
    return found


def chosen(cell: str, everybody: list[str], inside: list[str]) -> list[str]:
    """Return who is asked in: everybody, or one who enters and a share of those who do not."""
    if WIDE:
        return everybody
    turn = crc32(cell.encode())
    outside = [name for name in everybody if name not in inside]
    picked = [outside[(turn + n * 7) % len(outside)] for n in range(SHARE)] if outside else []
    return [*([inside[turn % len(inside)]] if inside else []), *dict.fromkeys(picked)]


def enters(answer: Any) -> bool:
    """Say whether somebody was let in: whatever is wrong with the words or the time (400, 409, 422,
    428 …) is told only to those who may come at all.

    The console sends whoever it refuses to sign in, or to its first page where there is no such row.
    """
    first = answer.headers.get("Location", "").partition("?")[0]
    elsewhere = {reverse("account_login"), reverse("admin:login"), reverse("admin:index")}
    return first not in elsewhere and answer.status_code not in (401, 403, 404, 405)


def serves(answer: Any) -> bool:
    """Say whether somebody got what was asked for in order: nothing short of it counts."""
    return bool(answer.status_code < 400) and enters(answer)


def judged(
    answer: Any, who: str, way: str, inside: list[str], *, served: bool = False
) -> list[str]:
    """Return what is wrong with an answer; empty where it is as the file says.

    Where what was asked is in order the right ones must be ``served``, and nobody else let in.
    """
    right = serves(answer) if served and who in inside else enters(answer) == (who in inside)
    if answer.status_code < 500 and right:
        return []
    text = "is served" if served else "enters"
    text = text if who in inside else "is refused"
    body = "" if answer.streaming or answer.status_code < 400 else kept(answer.content)
    return [f"{who} {way} {answer.status_code}: {text} by {FILE.name} {body}"]


def kept(body: bytes) -> str:
    """Return what an answer of the API says is wrong; nothing of a page."""
    return body.decode("utf-8", "replace")[:400] if body.startswith(b"{") else ""


def of(name: str) -> dict[str, list[str]]:
    """Return who gets in by each method. Raises AssertionError where nobody has said so."""
    cells = known().get(name)
    assert cells is not None, f"{name} is not in {FILE.name}: make isolation WRITE=1, and read it"
    return cells


def is_noted(name: str) -> bool:
    """Say whether a run that was cut off has asked this already."""
    return bool(FOLDER) and Path(FOLDER, name.replace(":", "+")).exists()


def note(name: str, cells: dict[str, list[str]]) -> None:
    """Keep what was found, for the file to be written anew."""
    told = (f"{name} {method} {' '.join(who) or '-'}\n" for method, who in cells.items())
    Path(FOLDER, name.replace(":", "+")).write_text("".join(told))


def assemble() -> None:
    """Put what all processes have noted together."""
    found = {one.name: one.read_text() for one in Path(FOLDER).iterdir()}
    head = "".join(f"# {line}\n" for line in HEAD)
    FILE.write_text(head + "".join(found[name] for name in sorted(found)))


HEAD = (
    "Who gets in: route, method, and everybody who is let in against the call, the list, the paper …",
    "of the first township. Not named: refused. Written by `make isolation WRITE=1`; read the changes.",
)


def shut() -> list[str]:
    """Return the lines by which nobody gets in; each needs its reason in SHUT.

    What the console never does (adding, changing, deleting) is said by its registry.
    """
    return sorted(
        f"{name} {method}"
        for name, methods in known().items()
        for method, inside in methods.items()
        if not inside and not name.startswith("console:")
    )


def unreasoned() -> list[str]:
    return sorted(set(shut()) ^ set(SHUT))
