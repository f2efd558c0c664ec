"""What a page says, and which of its words are in the wrong language.

What people have written is data and is not translated: names, titles, texts. It is known, because
it stands in the database. Whatever else a page says is the program's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from django.apps import apps
from django.db import ProgrammingError, models, transaction

from common import tenancy

APPS = ("common", "townships", "mandates", "grid", "enforcement", "services")
SPOKEN = (
    "title",
    "aria-label",
    "alt",
    "placeholder",
    "aria-description",
    "label",
    "data-confirm",
    "data-wrong-type",
    "data-too-large",
)
SILENT = {"script", "style", "template", "kbd", "code", "pre"}
EMPTY = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"),
    *("use", "path", "circle"),
}
UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b")  # error references
OWN_NAMES = {"zh": "简体中文", "en": "English"}  # a language is named in itself
MEDIA_TYPE = re.compile(r"\b[a-z]+/[a-z.+-]+\b")  # is told back as it was sent
HAN = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\u3001-\u3002\u3008-\u301b\uff01-\uff0f\uff1a-\uff1f]+"
)
LATIN = re.compile(r"[A-Za-z][A-Za-z'’]+")
# Names that are the same in both languages. Whatever is not a name is written in Chinese.
NAMES = frozenset(
    [
        *("Huying", "API", "REST", "OpenAPI", "OAuth", "JSON", "HTTP", "URL", "UTF", "UUID", "SHA"),
        *("Idempotency", "If", "Match", "ETag", "Enter", "Esc", "Ctrl", "ID", "KB", "MB", "GB"),
        *(
            "PDF",
            "USB",
            "IP",
            "OFD",
            "Office",
            "WPS",
            "Excel",
            "XLSX",
            "CSV",
            "JPG",
            "JPEG",
            "PNG",
            "ZIP",
            "MP",
            "Git",
        ),
        *("GET", "POST", "PUT", "PATCH", "DELETE"),
        *("True", "False"),  # how Django's icons are called
    ]
)


class Reader(HTMLParser):
    """Collects what a page says, with whatever is marked as being in another language left out."""

    def __init__(self, language: str) -> None:
        super().__init__(convert_charrefs=True)
        self.language = language
        self.open: list[tuple[str, bool]] = []  # element, and whether it is silent
        self.said: list[str] = []
        self.lang = ""

    @property
    def is_silent(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.lang = given.get("lang", "")
        foreign = tag != "html" and not given.get("lang", self.language).startswith(self.language)
        silent = self.is_silent or tag in SILENT or foreign or given.get("translate") == "no"
        if not silent:
            self.said += [given[name] for name in SPOKEN if given.get(name)]
            if tag == "input" and given.get("type") in ("submit", "button", "reset"):
                self.said.append(given.get("value", ""))
        if tag not in EMPTY:
            self.open.append((tag, silent))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _silent in self.open):
            if self.open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.is_silent:
            self.said.append(" ".join(data.split()))


def said_on(page: str, language: str) -> list[str]:
    """Return what a page says, piece by piece."""
    reader = Reader(language)
    reader.feed(page)
    reader.close()
    return reader.said


def said_in(answer: Any, keys: Iterable[str] = ()) -> Iterator[str]:
    """Yield the texts of an answer of the API; only those under some names where they are given."""
    wanted = set(keys)
    if isinstance(answer, dict):
        for name, value in answer.items():
            if isinstance(value, str):
                if not wanted or name in wanted:
                    yield value
            else:
                yield from said_in(value, keys)
    elif isinstance(answer, list):
        for value in answer:
            if isinstance(value, str):
                if not wanted:
                    yield value
            else:
                yield from said_in(value, keys)


def written() -> str:
    """Return everything that people have written, or that came with data: one text of all columns.

    What the program chose from its own list of words is none of it.
    """
    found: set[str] = set()
    left = [model for model in apps.get_models() if model._meta.app_label in APPS]
    # No scope may read every table; what one of them does read, it reads whole.
    for scope in (tenancy.everywhere, tenancy.dispatching):
        with scope(reason="a test reads what was written"):
            for model in left[:]:
                with suppress(ProgrammingError), transaction.atomic():
                    if texts := _texts(model):
                        left.remove(model)
                        found |= texts
    return "\n".join(sorted(" ".join(text.split()) for text in found if text))


def _texts(model: Any) -> set[str]:
    """Return what stands in a table, asked for at once: there are some thousand columns."""
    found: set[str] = set()
    fields = [
        field
        for field in model._meta.concrete_fields
        if (isinstance(field, models.CharField | models.TextField) and not field.choices)
        or isinstance(field, models.JSONField)
    ]
    if not fields:
        return found
    for row in model._default_manager.order_by().values_list(*(field.name for field in fields)):
        for field, value in zip(fields, row, strict=True):
            if isinstance(field, models.JSONField):  # what a step keeps of what was written
                found |= {text for text in said_in(value) if HAN.search(text)}
            else:
                found.add(value)
    return found


def foreign(said: Iterable[str], language: str, data: str) -> list[str]:
    """Return what is said in the wrong language: Chinese in English pages, English in Chinese."""
    wrong = []
    other = OWN_NAMES["zh" if language == "en" else "en"]
    for text in (MEDIA_TYPE.sub("", UID.sub("", one)) for one in said):
        if text == other:
            continue
        if language == "en":
            found = [run for run in HAN.findall(text) if run not in data]
        else:
            found = [w for w in LATIN.findall(text) if w not in NAMES and w not in _words(data)]
        if found:
            wrong.append(f"{' '.join(found)} ← {text[:120]}")
    return wrong


@lru_cache(maxsize=2)
def _words(data: str) -> frozenset[str]:
    return frozenset(LATIN.findall(data))
