"""Forms as a browser reads them off a page, filled in as a person would who knows what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from tests.factories.calls import MONDAY

TYPED = {
    "date": MONDAY.date().isoformat(),
    "datetime-local": f"{MONDAY:%Y-%m-%dT%H:%M}",
    "time": "09:00",
    "month": f"{MONDAY:%Y-%m}",
    "number": "1",
    "email": "someone@example.cn",
    "tel": "0563-1234567",
    "url": "https://example.cn/",
}
WORDS = "试一试，写清楚为什么"
LATER = (MONDAY + timedelta(days=30)).date().isoformat()


@dataclass
class Field:
    """One control: what it holds, and what may be chosen in it."""

    name: str
    kind: str
    value: str = ""
    required: bool = False
    checked: bool = False
    options: list[tuple[str, bool]] = field(default_factory=list)  # value, chosen
    limits: dict[str, str] = field(default_factory=dict)


@dataclass
class Form:
    """One form of a page, and where it is sent."""

    action: str
    method: str
    key: str = ""
    fields: list[Field] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, known: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what is sent by somebody who fills in what is empty and must not be.

        ``known`` gives values by name; a choice among several is its first one that is no blank.
        """
        given, sent = known or {}, {}
        radios: dict[str, list[Field]] = {}
        for one in self.fields:
            if one.name in given:
                sent[one.name] = given[one.name]
            elif one.kind == "radio":
                radios.setdefault(one.name, []).append(one)
            elif one.kind == "checkbox":
                if one.checked or one.required:
                    sent.setdefault(one.name, []).append(one.value or "on")
            elif one.kind in ("select", "selects"):
                chosen = [value for value, is_chosen in one.options if is_chosen]
                if one.kind == "select" and not chosen:
                    chosen = [value for value, _is in one.options][:1]
                if one.required and not any(chosen):
                    chosen = [value for value, _is in one.options if value][:1]
                sent[one.name] = chosen
            elif one.kind != "file":
                sent[one.name] = one.value or (_typed(one) if one.required else "")
        for name, several in radios.items():
            chosen = [one.value for one in several if one.checked]
            if not chosen and any(one.required for one in several):
                chosen = [several[0].value]
            if chosen:
                sent[name] = chosen
        return sent


def _typed(one: Field) -> str:
    if one.kind == "number":
        return one.limits.get("min") or TYPED["number"]
    if one.kind in TYPED:
        return TYPED[one.kind]
    longest = int(one.limits.get("maxlength") or 300)
    return WORDS[:longest]


class Reader(HTMLParser):
    """Reads the forms of a page, with the controls that stand elsewhere and name theirs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.select: Field | None = None
        self.area: Field | None = None
        self.away: list[tuple[str, Field | tuple[str, str]]] = []
        self.feed(page)
        for key, one in self.away:
            for form in self.forms:
                if form.key == key:
                    self._put(form, one)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = has.get("method", "get").lower()
            self.open = Form(has.get("action", ""), method, has.get("id", ""))
            self.forms.append(self.open)
        elif tag == "option" and self.select is not None:
            value = has.get("value", "")
            if "disabled" not in has:
                self.select.options.append((value, "selected" in has))
        elif tag in ("input", "select", "textarea", "button") and "disabled" not in has:
            self._control(tag, has)

    def _control(self, tag: str, has: dict[str, str]) -> None:
        name = has.get("name", "")
        kind = has.get("type", "text" if tag == "input" else tag)
        if tag == "select" and "multiple" in has:
            kind = "selects"
        if kind in ("submit", "button", "reset", "image"):
            if name and kind == "submit":
                self._place(has, (name, has.get("value", "")))
            return
        one = Field(
            name, kind, has.get("value", ""), "required" in has, "checked" in has,
            limits={key: has[key] for key in ("maxlength", "min", "max", "pattern") if key in has},
        )  # fmt: skip
        if tag == "select":
            self.select = one
        if tag == "textarea":
            self.area = one
        if name:
            self._place(has, one)

    def _place(self, has: dict[str, str], one: Field | tuple[str, str]) -> None:
        if "form" in has:
            self.away.append((has["form"], one))
        elif self.open is not None:
            self._put(self.open, one)

    def _put(self, form: Form, one: Field | tuple[str, str]) -> None:
        if isinstance(one, Field):
            form.fields.append(one)
        else:
            form.buttons.append(one)

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area.value += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None


def forms_to(page: str, address: str, here: str) -> Iterator[Form]:
    """Return the forms of a page at ``here`` that are sent to an address."""
    for form in Reader(page).forms:
        to = form.action.partition("?")[0] or here
        if form.method == "post" and to == address:
            yield form
