"""Odd texts: what cannot be kept is refused with a reason, everything else comes back unchanged."""

from __future__ import annotations

import itertools
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from tests.factories.calls import MONDAY, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser
from tests.test_repository import APPS, ROOT

KEPT = (
    "𠮷野家門前　積水", "㐀𪚥𰻞镇", "１３８００１３８０００", "٠١٢٣", "a\u200bb\u200cc\ufeffd", "e\u0301 é", "ﬁ①Å Å",
    "\u202e倒写\u202c", "\u2066隔\u2069", "👩‍👩‍👧‍👦🇨🇳", "аdmin", "%00 \\0 &#0; \\ud800", "' OR 1=1 --", "{{ 7*7 }}",
    "\u2028行\u2029段", "=1+1", "\x7f\x1b[31m",
)  # fmt: skip
LOST = ("a\0b", "\ud800", "a\udfff")


def ours(base: type) -> list[type]:
    """Return every form or serializer of ours that can be imported."""
    for app in APPS:
        for folder in ("forms", "api", "views", "admin"):
            for path in sorted((ROOT / app / folder).rglob("*.py")):
                import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found, waiting = [], [base]
    while waiting:
        for one in waiting.pop().__subclasses__():
            waiting.append(one)
            if one.__module__.split(".")[0] in APPS:
                found.append(one)
    return found


@pytest.mark.assurance("B2")
def test_every_field_of_a_form_keeps_a_text_or_says_why_not() -> None:
    tried = kept = 0
    for form in ours(forms.BaseForm):
        for name, field in getattr(form, "base_fields", {}).items():
            if not isinstance(field, forms.CharField) or type(field).clean is not forms.Field.clean:
                continue
            for text in (*KEPT, "a\0b"):
                tried += 1
                try:
                    found = field.clean(text)
                except ValidationError:
                    continue
                # A phone number or a code may be put into one shape; words may not.
                assert "\0" not in found, (form, name)
                shaped = type(field) is not forms.CharField
                wanted = text.strip() if field.strip else text
                assert shaped or found == wanted, (form, name, text, found)
                kept += 1
    assert tried > 1000
    assert kept > 500


@pytest.mark.assurance("B2")
def test_every_field_of_a_serializer_keeps_a_text_or_says_why_not() -> None:
    tried = kept = 0
    for kind in ours(serializers.BaseSerializer):
        for name, field in getattr(kind, "_declared_fields", {}).items():
            if type(field) is not serializers.CharField or field.read_only:
                continue
            for text in (*KEPT, *LOST):
                tried += 1
                try:
                    found = field.run_validation(text)
                except serializers.ValidationError:
                    continue
                assert text not in LOST, (kind, name)
                assert found == (text.strip() if field.trim_whitespace else text), (kind, name)
                kept += 1
    assert tried > 100
    assert kept > 50


@pytest.mark.django_db
@pytest.mark.assurance("B2")
def test_what_cannot_be_kept_is_refused_by_every_operation_wherever_it_stands() -> None:
    """NUL and halves of characters in each text of each body, also deep inside, and as a key."""
    world = make_world()
    system = System.beside(world.head, scopes="calls.read calls.write reference.read secret.change")
    with translation.override("en"):
        described: Any = SchemaGenerator().get_schema(request=None, public=True)
    bad = itertools.cycle(json.dumps(text) for text in LOST)
    tried = 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if "requestBody" not in operation or "/token/" in path:
                continue
            where = path.replace("{uid}", "00000000-0000-4000-8000-000000000000")
            for form in (
                '{"title": %s, "note": %s}',
                '{"facts": [{"a": [%s, {"b": %s}]}]}',
                "{%s: %s}",
            ):
                body = form % (next(bad), next(bad))
                answer = system.client.generic(
                    method.upper(), where, body, content_type="application/json",
                    headers={"Idempotency-Key": f"k{tried}", "If-Match": '"1"'},
                )  # fmt: skip
                tried += 1
                assert 400 <= answer.status_code < 500, (path, body, answer.status_code)
                assert answer.json()["code"], (path, body)
    assert tried > 100


@pytest.mark.django_db
@pytest.mark.assurance("B2")
def test_a_call_says_what_was_written_to_the_letter(settings: Any, tmp_path: Path) -> None:
    """Through API, page and list: composed and decomposed letters stay two, nothing is normalised."""
    settings.MEDIA_ROOT = tmp_path
    world = make_world()
    system = System.beside(world.head)
    browser = Browser(world.head, at=MONDAY)
    for text in KEPT:
        answer = system.create({"title": text, "body": f"{text}\n{text}", "matter": "SL-01"})
        if answer.status_code == 400:
            assert answer.json()["errors"], text
            continue
        assert answer.status_code == 201, (text, answer.content)
        told = (
            system.read(answer.json()["uid"])
            if hasattr(system, "read")
            else system.get(f"calls/{answer.json()['uid']}/")
        )
        assert (told.json()["title"], told.json()["body"]) == (
            text.strip(),
            f"{text}\n{text}".strip(),
        )
        page = browser.get(f"/calls/{answer.json()['uid']}/")
        assert page.status_code == 200
        assert page.context["call"].title == text.strip()
