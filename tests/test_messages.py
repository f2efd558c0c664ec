"""Every message has its Chinese: nothing missing, nothing half-right, no placeholder lost."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.conf import settings

from config.catalogues import messages_of, untranslated, update_catalogue

ROOT = Path(settings.BASE_DIR)
SHIPPED = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")


def texts(value: object) -> list[str]:
    return [str(one) for one in (value if isinstance(value, tuple | list) else [value])]


def shipped() -> list[Message]:
    with SHIPPED.open("rb") as file:
        return [message for message in read_po(file, locale="zh_Hans") if message.id]


def test_the_catalogue_holds_every_message_of_code_and_templates(tmp_path: Path) -> None:
    copy = tmp_path / "django.po"
    shutil.copy(SHIPPED, copy)
    found = update_catalogue(copy, found=messages_of(ROOT), fragments=[])
    assert untranslated(found) == []


def test_nothing_is_fuzzy_or_empty() -> None:
    assert [m.id for m in shipped() if m.fuzzy or not all(texts(m.string))] == []


def test_placeholders_survive_translation() -> None:
    for message in shipped():
        wanted = {found for text in texts(message.id) for found in PLACEHOLDER.findall(text)}
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) <= wanted, message.id
            assert not set(PLACEHOLDER.findall(texts(message.id)[0])) - set(
                PLACEHOLDER.findall(text)
            ), message.id


def test_message_ids_are_english() -> None:
    han = re.compile(r"[一-鿿]")
    found = [m.id for m in shipped() if any(han.search(text) for text in texts(m.id))]
    # How a document number is written cannot be said in English.
    assert [text for text in found if "〔2026〕" not in text] == []
