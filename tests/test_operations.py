"""The pages for operators: alarms, runbook and settings must fit the code beside them."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.utils.module_loading import autodiscover_modules

from common import logs, measuring, metrics

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "operations"
RUNBOOK = (FOLDER / "runbook.md").read_text()
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def known_figures() -> dict[str, str]:
    """Return every series that can be read, with its label."""
    autodiscover_modules("queries.metrics")
    found = {name: label for name, (_told, label) in metrics.OWN.items()}
    for one in metrics.all_sources():
        found |= {name: label for name, (_told, label) in one.metrics.items()}
    found |= {"huying_http_requests_total": "kind,method,status", measuring.NAMES[2]: "kind"}
    found |= {f"{measuring.NAMES[1]}{end}": "kind,le" for end in ("_bucket", "_sum", "_count")}
    return {**found, "up": "job"}


class Expression:
    """Reads the part of PromQL that the alarms use. Raises ValueError where it is wrong."""

    TOKEN = re.compile(
        r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*|\d+(?:\.\d+)?|\{[^}]*\}|\[\d+[smhd]\]|==|!=|>=|<=|[-+*/<>(),])"
    )
    OPERATORS = frozenset(
        {"==", "!=", ">", "<", ">=", "<=", "+", "-", "*", "/", "and", "or", "unless"}
    )
    RANGED = frozenset({"rate", "increase", "max_over_time"})
    PLAIN = frozenset({"absent", "histogram_quantile"})
    AGGREGATES = frozenset({"sum", "max", "min", "count"})

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.series: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = self.TOKEN.match(text, place)
            if not found:
                raise ValueError(f"unreadable: {text[place:]}")
            self.tokens.append(found[1])
            place = found.end()
        self._expression()
        if self.tokens:
            raise ValueError(f"too much: {self.tokens}")

    def _take(self, wanted: str = "") -> str:
        if not self.tokens or (wanted and self.tokens[0] != wanted):
            raise ValueError(f"{wanted or 'something'} missing before {self.tokens[:1]}")
        return self.tokens.pop(0)

    def _next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def _expression(self) -> None:
        self._term()
        while self._next() in self.OPERATORS:
            self._take()
            if self._next() in ("on", "ignoring"):
                self._take()
                self._names()
            self._term()

    def _names(self) -> None:
        self._take("(")
        while self._next() != ")":
            self._take()
        self._take(")")

    def _term(self, *, ranged: bool = False) -> None:
        token = self._take()
        if token == "(":
            self._expression()
            self._take(")")
        elif token in self.AGGREGATES | self.PLAIN | self.RANGED:
            if self._next() == "by" and token in self.AGGREGATES:
                self._take()
                self._names()
            self._take("(")
            if token in self.RANGED:
                self._term(ranged=True)
            else:
                self._expression()
            while self._next() == ",":
                self._take()
                self._expression()
            self._take(")")
        elif token[0].isdigit():
            return
        elif re.match(r"[a-zA-Z_:]", token):
            labels = self._take() if self._next().startswith("{") else "{}"
            self.series.append((token, labels[1:-1]))
            if ranged != self._next().startswith("["):
                raise ValueError(f"{token}: a range is {'missing' if ranged else 'too much'}")
            if ranged:
                self._take()
        else:
            raise ValueError(f"unexpected {token}")


def anchors() -> set[str]:
    heads = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alarm_reads_figures_that_exist(rule: dict[str, Any]) -> None:
    known = known_figures()

    series = Expression(rule["expr"]).series

    assert series
    for name, labels in series:
        assert name in known, name
        for label, _how, _value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', labels):
            assert label in known[name].split(","), f"{name} has no label {label}"


@pytest.mark.parametrize("text", ["a >", "rate(a) > 1", "a[5m] > 1", "sum(a", "a b", "a > 1)", "§"])
def test_wrong_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Expression(text)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alarm_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert (ROOT / page).exists()
    assert anchor in anchors()


def test_every_section_of_the_runbook_belongs_to_an_alarm_and_is_whole() -> None:
    asked_for = {rule["annotations"]["runbook"].partition("#")[2] for rule in RULES}
    sections = re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]

    assert anchors() == asked_for
    assert len({rule["alert"] for rule in RULES}) == len(RULES) == len(sections)
    for section in sections:
        for part in ("Seen", "Look", "Do", "Over when"):
            assert f"- **{part}**:" in section, f"{section.splitlines()[0]}: {part}"


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.name)
def test_commands_services_and_links_of_a_page_exist(page: Path) -> None:
    text = page.read_text()
    commands = set(re.findall(r"(?:\$RUN|manage\.py) ([a-z_]+)", text))
    services = set(
        re.findall(r"docker compose (?:restart|up --detach|run --rm|ps|exec) (\w+)", text)
    )

    assert commands - set(get_commands()) == set()
    assert services - set(SERVICES) == set()
    for target in re.findall(r"\]\(([\w./-]+\.\w+)(?:#[\w-]+)?\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.assurance("E9")
def test_logs_are_shipped_whole_and_nobody_writes_a_line_of_his_own() -> None:
    shipped = tomllib.loads((FOLDER / "vector.toml").read_text())
    known = {**shipped["sources"], **shipped["transforms"]}
    for part in (*shipped["transforms"].values(), *shipped["sinks"].values()):
        assert set(part["inputs"]) <= set(known)
    (sink,) = shipped["sinks"].values()
    assert sink["uri"].startswith("https://")
    assert (sink["buffer"]["type"], sink["buffer"]["when_full"]) == ("disk", "block")
    program = shipped["transforms"]["lines"]["source"]
    assert program.count("{") == program.count("}")
    plain = (FOLDER / "rsyslog.conf").read_text()
    for opening, closing in ("()", "{}"):
        assert plain.count(opening) == plain.count(closing)
    ruleset = re.search(r'input\(.*?ruleset="(\w+)"', plain, re.DOTALL)
    assert ruleset
    assert f'ruleset(name="{ruleset[1]}")' in plain
    assert 'action.resumeRetryCount="-1"' in plain
    # What these read is what our processes write: one object a line, whatever is in it.
    forged = 'x\r\n{"event": "signed in", "user_id": 1}\u2028'
    record = logging.LogRecord("huying", logging.WARNING, "", 0, forged, None, None)
    line = logs.formatter().format(record)
    assert len(line.splitlines()) <= 2, "U+2028 is no end of a line for them"
    assert "\n" not in line
    assert "\r" not in line
    told = json.loads(line)
    assert (told["event"], told["level"], told["logger"]) == (forged, "warning", "huying")
    assert "user_id" not in told
