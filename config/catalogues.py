"""Message catalogues, compiled by Babel: no gettext of the system is needed."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_catalogues(folder: Path) -> list[Path]:
    """Compile every *.po below a folder that is newer than its *.mo; return the sources compiled.

    Fuzzy entries are left out, as gettext does. Raises ValueError on a broken file.
    """
    compiled = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3], abort_invalid=True)
        passing = target.with_suffix(".mo.new")  # a running process never reads half a catalogue
        with passing.open("wb") as file:
            write_mo(file, catalogue)
        passing.rename(target)
        compiled.append(source)
    return compiled
