"""Catalogues are collected from code and templates, and compiled, without tools of the system."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from config.catalogues import (
    compile_catalogues,
    messages_of,
    read_catalogue,
    untranslated,
    update_catalogue,
)

PO = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Call"
msgstr "呼叫"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "models.py").write_text(
        'from django.utils.translation import gettext_lazy as _, ngettext\nNAME = _("Call")\n'
        'def days(n): return ngettext("%(n)d day", "%(n)d days", n) % {"n": n}\n'
    )
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(
        "<p>it's\n    {% translate 'Sign in' %}\n  <b>\n"
        "{% blocktranslate with n=unit.name trimmed %}\n  Calls of\n  {{ n }}\n{% endblocktranslate %}"
    )
    return tmp_path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"


def test_messages_come_from_code_and_templates(project):
    found = {m.id for m in messages_of(project) if m.id}

    assert found == {"Call", ("%(n)d day", "%(n)d days"), "Sign in", "Calls of %(n)s"}


def test_update_keeps_translations_and_forgets_what_is_gone(project, target):
    fragment = project / "fragment.po"
    fragment.write_text(PO + '\nmsgid "Gone"\nmsgstr "没有了"\n')

    update_catalogue(target, found=messages_of(project), fragments=[fragment])
    again = update_catalogue(target, found=messages_of(project))

    assert again.get("Call").string == "呼叫"
    assert again.get("Gone") is None
    assert len(untranslated(again)) == 3


def test_update_without_changes_leaves_the_file_as_it_is(project, target):
    update_catalogue(target, found=messages_of(project))
    before = target.read_bytes()

    update_catalogue(target, found=messages_of(project))

    assert target.read_bytes() == before


def test_compile_writes_what_gettext_reads_once(target):
    target.parent.mkdir(parents=True)
    target.write_text(PO)
    folder = target.parents[2]

    assert compile_catalogues(folder) == [target]
    assert compile_catalogues(folder) == []

    with target.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Call") == "呼叫"


def test_broken_catalogue_is_refused(target):
    target.parent.mkdir(parents=True)
    target.write_bytes('msgid "Call"\nmsgstr "呼叫"\n'.encode("gb18030"))

    with pytest.raises(ValueError, match="utf-8"):
        read_catalogue(target)
