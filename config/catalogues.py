"""Message catalogues, collected and compiled by Babel: no gettext of the system is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

LAZY = {
    f"{name}_lazy": DEFAULT_KEYWORDS[name]
    for name in ("gettext", "ngettext", "pgettext", "npgettext")
}
KEYWORDS = {**DEFAULT_KEYWORDS, **LAZY, "gettext_noop": None}
NOT_OURS = {".venv", ".demo", ".test", ".git", "tests", "bench", "node_modules", "staticfiles"}


def compile_catalogues(folder: Path) -> list[Path]:
    """Compile every *.po below a folder that is newer than its *.mo; return the sources compiled.

    Fuzzy entries are left out, as gettext does. Raises ValueError on a broken file.
    """
    compiled = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        catalogue = read_catalogue(source)
        passing = target.with_suffix(".mo.new")  # a running process never reads half a catalogue
        with passing.open("wb") as file:
            write_mo(file, catalogue)
        passing.rename(target)
        compiled.append(source)
    return compiled


def read_catalogue(source: Path) -> Catalog:
    """Read a *.po. Raises ValueError where it is broken."""
    with source.open("rb") as file:
        return read_po(file, locale=_locale(source), abort_invalid=True)


def _locale(source: Path) -> str | None:
    return source.parts[-3] if source.parent.name == "LC_MESSAGES" else "zh_Hans"


def messages_of(root: Path) -> Catalog:
    """Collect what the code and the templates below a folder want translated."""
    found = Catalog(charset="utf-8")
    for path in sorted(_sources(root)):
        name = path.relative_to(root).as_posix()
        for message, context in _messages(path):
            # Without line numbers: a catalogue changes when a message does, not when it moves.
            found.add(message, locations=[(name, None)], context=context)  # type: ignore[list-item]
    return found


def _sources(root: Path) -> Iterator[Path]:
    for top in root.iterdir():
        if top.is_dir() and top.name not in NOT_OURS:
            yield from (p for p in top.rglob("*.py") if "migrations" not in p.parts)
            yield from (
                p for s in ("*.html", "*.txt") for p in top.rglob(s) if "templates" in p.parts
            )


def _messages(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Django's own view of a template as calls of gettext; only its indentation is no Python.
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).splitlines())
    for _line, function, found, _comments in extract_python(
        BytesIO(text.encode()), KEYWORDS, (), {"encoding": "utf-8"}
    ):
        parts = (found,) if isinstance(found, str) else tuple(found)
        context = None
        if str(function).startswith(("pgettext", "npgettext")):
            context, parts = parts[0], parts[1:]
        wanted = tuple(p for p in parts[: 2 if "ngettext" in function else 1] if p)
        if wanted:
            yield (wanted if len(wanted) > 1 else wanted[0]), context


def update_catalogue(target: Path, *, found: Catalog, fragments: Iterable[Path] = ()) -> Catalog:
    """Bring a *.po up to what was found, keeping its translations; return what it holds now.

    A fragment is a *.po with translations to take over; earlier ones win over later ones.
    """
    known = [read_catalogue(path) for path in (target, *fragments) if path.exists()]
    result = Catalog(locale=_locale(target), charset="utf-8", fuzzy=False, header_comment="#")
    for message in found:
        if not message.id:
            continue
        translations = (c.get(message.id, message.context) for c in known)
        done = next((t.string for t in translations if t and _is_done(t.string)), None)
        result.add(
            message.id,
            done,
            locations=message.locations,
            context=message.context,
            flags=message.flags,
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_written(result))
    return result


def _written(catalogue: Catalog) -> bytes:
    """Return the text of a *.po, without the header's dates and names that only make noise."""
    written = BytesIO()
    write_po(written, catalogue, width=100, sort_output=True)
    noise = (b'"Project', b'"Report', b'"POT-', b'"PO-', b'"Last', b'"Language-T', b'"Generated')
    head, _, body = written.getvalue().partition(b"\n\n")
    kept = [line for line in head.splitlines() if line != b"#" and not line.startswith(noise)]
    return b"\n".join(kept) + b"\n\n" + body


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the message ids without a translation."""
    return [str(m.id) for m in catalogue if m.id and not _is_done(m.string)]


def _is_done(translation: object) -> bool:
    if isinstance(translation, (tuple, list)):
        return bool(translation) and all(translation)
    return bool(translation)
