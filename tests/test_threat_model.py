"""What the threat model says can be followed: its tests and ids exist, and no requirement is left out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from bench.assurance.results import promises
from tests.test_repository import ROOT

FOLDER = ROOT / "docs" / "threat-model"
PAGES = (ROOT / "docs" / "threat-model.md", *sorted(FOLDER.glob("*.md")))
STATES = {"met", "partly", "not met", "operator", "none"}
# The requirements of levels 1 and 2 of ASVS 5.0, by section, as its text of commit fe04986 has them.
ASVS = """
    1.1:1,2 1.2:1,2,3,4,5,6,7,8,9 1.3:1,2,3,4,5,6,7,8,9,10,11 1.4:1,2,3 1.5:1,2 2.1:1,2,3
    2.2:1,2,3 2.3:1,2,3,4 2.4:1 3.2:1,2 3.3:1,2,3,4 3.4:1,2,3,4,5,6 3.5:1,2,3,4,5 3.7:1,2
    4.1:1,2,3 4.2:1 4.3:1,2 4.4:1,2,3,4 5.1:1 5.2:1,2,3 5.3:1,2 5.4:1,2,3 6.1:1,2,3
    6.2:1,2,3,4,5,6,7,8,9,10,11,12 6.3:1,2,3,4 6.4:1,2,3,4 6.5:1,2,3,4,5 6.6:1,2,3
    6.8:1,2,3,4 7.1:1,2,3 7.2:1,2,3,4 7.3:1,2 7.4:1,2,3,4,5 7.5:1,2 7.6:1,2 8.1:1,2
    8.2:1,2,3 8.3:1 8.4:1 9.1:1,2,3 9.2:1,2,3,4 10.1:1,2 10.2:1,2 10.3:1,2,3,4
    10.4:1,2,3,4,5,6,7,8,9,10,11 10.5:1,2,3,4,5 10.6:1,2 10.7:1,2,3 11.1:1,2 11.2:1,2,3
    11.3:1,2,3 11.4:1,2,3,4 11.5:1 11.6:1 12.1:1,2,3 12.2:1,2 12.3:1,2,3,4 13.1:1
    13.2:1,2,3,4,5 13.3:1,2 13.4:1,2,3,4,5 14.1:1,2 14.2:1,2,3,4 14.3:1,2,3 15.1:1,2,3
    15.2:1,2,3 15.3:1,2,3,4,5,6,7 16.1:1 16.2:1,2,3,4,5 16.3:1,2,3,4 16.4:1,2,3 16.5:1,2,3
    17.1:1 17.2:1,2,3,4 17.3:1,2
"""


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def rows(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_test_and_id_that_is_named_exists(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert [one for one in named if not (ROOT / one[0]).is_file()] == []
    assert [one for one in named if one[1] and one[1] not in names_in(one[0])] == []
    last = " ".join(cell for cells in rows(page) for cell in cells[2:])
    ids = set(re.findall(r"\b(?:[FTBAERSI]\d{1,2}|HA)\b", last))
    assert ids - promises().keys() == set()
    assert ids


def test_every_requirement_of_asvs_stands_in_one_line_with_a_state() -> None:
    table = [cells for cells in rows((FOLDER / "asvs.md").read_text(encoding="utf-8"))
             if re.match(r"\d", cells[0])]  # fmt: skip
    found = Counter(one for cells in table for one in cells[0].split(", "))
    asked = {
        f"{section}.{number}"
        for section, _sep, numbers in (part.partition(":") for part in ASVS.split())
        for number in numbers.split(",")
    }
    assert len(asked) == 253
    assert found == Counter(asked)
    assert {cells[1] for cells in table} == STATES
    # Whoever says that something is met says how, or what shows it.
    assert [cells[0] for cells in table if cells[1] == "met" and not (cells[2] or cells[3])] == []
    assert [cells[0] for cells in table if cells[1] in ("partly", "not met") and not cells[2]] == []


def test_clauses_that_were_not_read_say_so_and_claim_nothing() -> None:
    page = (FOLDER / "gbt22239.md").read_text(encoding="utf-8")
    read, not_read = page.split("## Clauses whose text was not read")
    unread = [cells for cells in rows(not_read) if cells[0].startswith("8.")]
    assert len(unread) > 10
    assert {cells[1] for cells in unread} == {"text not read"}
    assert all(len(cells) == 5 for cells in rows(read))


def test_the_threat_model_is_read_in_ten_minutes() -> None:
    words = len(PAGES[0].read_text(encoding="utf-8").split())
    assert words < 2500
