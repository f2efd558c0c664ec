"""XLSX as offices send it, read row by row at flat memory, with the text of merged cells in each.

Nothing in a file is run, fetched or believed: macros, links to other files, entities and what would
unfold to more than MOST_BYTES are refused, formulas are named by their cell.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
import zipfile
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple
from xml.parsers import expat

from django.utils.translation import gettext as _

from common.attachments import OLE
from common.workbook_xml import (
    BadWorkbook,
    Cell,
    Cells,
    Texts,
    Within,
    damaged,
    local_name,
    place,
)

MOST_BYTES = 256 * 1024 * 1024  # unfolded, all parts together
MOST_PARTS = 1000
MOST_SHEETS = 100
MOST_MERGED = 20_000  # ranges of one sheet
PORTION = 1 << 16
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    KeyError,
    ValueError,
    EOFError,
    NotImplementedError,
)
_ZEROS = re.compile(r"0+$")


class Row(NamedTuple):
    """A row that says something: its number from 1, its cells by column from 0."""

    number: int
    cells: dict[int, Cell]


class Range(NamedTuple):
    """Merged cells: rows from 1, columns from 0, both ends counted."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Sheet:
    """One sheet; ``empty`` counts rows without a word once it was read."""

    name: str
    part: str
    hidden: bool = False
    empty: int = 0


@contextmanager
def opened(path: Path) -> Iterator[Workbook]:
    """Open a workbook for reading. Raises BadWorkbook."""
    with path.open("rb") as file:
        if file.read(len(OLE)) == OLE:
            raise BadWorkbook(
                _(
                    "This is an old .xls file, or one with a password. Save it as .xlsx without one."
                ),
                code="workbook_encrypted",
            )
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise damaged() from error
    with archive, tempfile.TemporaryFile() as texts:
        yield Workbook(archive, texts)


@dataclass
class Workbook:
    """An open workbook: its sheets, and the rows of each."""

    archive: zipfile.ZipFile
    texts: IO[bytes]
    sheets: list[Sheet] = field(default_factory=list)
    _begins: array[int] = field(default_factory=lambda: array("Q", [0]))
    _widths: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._refuse()
        targets = self._targets()
        for attributes in self._found("xl/workbook.xml", "sheet"):
            part = targets.get(attributes.get("id", ""), "")
            if not part.startswith("xl/worksheets/"):
                continue  # a sheet of charts
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append(Sheet(attributes.get("name", ""), part, hidden))
        if not self.sheets or len(self.sheets) > MOST_SHEETS:
            raise BadWorkbook(_("The workbook has no sheets, or too many."))
        self._read_texts()
        self._read_formats()

    def merged(self, sheet: Sheet) -> list[Range]:
        """Return the merged ranges of a sheet."""
        found = []
        for attributes in self._found(sheet.part, "mergeCell"):
            first, _colon, last = attributes.get("ref", "").partition(":")
            (top, left), (bottom, right) = place(first), place(last or first)
            found.append(Range(top, left, bottom, right))
            if len(found) > MOST_MERGED:
                raise BadWorkbook(_("The sheet has too many merged cells."))
        return found

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Yield the rows that say something, merged text filled in; memory does not grow."""
        merged: dict[int, list[Range]] = defaultdict(list)
        for one in self.merged(sheet):
            merged[one.top].append(one)
        starts = sorted(merged, reverse=True)
        active: list[tuple[Range, Cell | None]] = []
        sheet.empty = 0
        for number, cells in self._plain_rows(sheet):
            active = [pair for pair in active if pair[0].bottom >= number]
            while starts and starts[-1] <= number:
                at = starts.pop()
                active += [
                    (one, cells.get(one.left) if at == number else None)
                    for one in merged[at]
                    if one.bottom >= number
                ]
            own = any(cell.text or cell.problem for cell in cells.values())
            if not own:
                sheet.empty += not active
                continue
            for area, cell in active:
                if cell is not None:
                    for column in range(area.left, min(area.right, area.left + 500) + 1):
                        cells[column] = cell
            yield Row(number, cells)

    # --- what is refused -------------------------------------------------------------------------

    def _refuse(self) -> None:
        """Raises BadWorkbook for what may not come in at all."""
        parts = self.archive.infolist()
        if len(parts) > MOST_PARTS or sum(one.file_size for one in parts) > MOST_BYTES:
            raise BadWorkbook(
                _("Unpacked, this file is larger than %(mb)d MB. It is not opened.")
                % {"mb": MOST_BYTES // (1024 * 1024)},
                code="workbook_too_large",
            )
        if any(one.flag_bits & 1 for one in parts):
            raise BadWorkbook(_("The file has a password."), code="workbook_encrypted")
        names = [one.filename.lower() for one in parts]
        with self._open("[Content_Types].xml") as file:
            kinds = file.read(1 << 20)
        if b"macroEnabled" in kinds or any("vbaproject" in one for one in names):
            raise BadWorkbook(
                _("The workbook has macros. Save it as .xlsx without them."), code="workbook_macros"
            )
        if any(one.startswith("xl/externallinks/") or one == "xl/connections.xml" for one in names):
            raise BadWorkbook(
                _("The workbook takes values from other files. Break the links, then send it."),
                code="workbook_links",
            )

    # --- parts -------------------------------------------------------------------------------------

    def _parse(self, part: str, parser: Any) -> Iterator[None]:
        """Feed a part to a parser, portion by portion."""

        def refuse(*_declaration: Any) -> None:
            raise BadWorkbook(_("The file declares entities. It is not opened."))

        parser.StartDoctypeDeclHandler = refuse
        with self._open(part) as file:
            more = True
            while more:
                try:
                    portion = file.read(PORTION)
                    parser.Parse(portion, not portion)
                except BROKEN as error:
                    raise damaged() from error
                more = bool(portion)
                yield

    def _open(self, part: str) -> IO[bytes]:
        try:
            return self.archive.open(part)
        except BROKEN as error:
            raise damaged() from error

    def _found(self, part: str, tag: str) -> Iterator[dict[str, str]]:
        """Yield the attributes of every element of a name, without their namespaces."""
        parser, found = expat.ParserCreate(namespace_separator=" "), []

        def start(name: str, attributes: dict[str, str]) -> None:
            if local_name(name) == tag:
                found.append({local_name(key): value for key, value in attributes.items()})

        parser.StartElementHandler = start
        for _portion in self._parse(part, parser):
            yield from found
            found.clear()

    def _targets(self) -> dict[str, str]:
        found = {}
        for attributes in self._found("xl/_rels/workbook.xml.rels", "Relationship"):
            target = attributes.get("Target", "")
            part = target[1:] if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            found[attributes.get("Id", "")] = part
        return found

    def _read_texts(self) -> None:
        """Lay the shared texts into a file: their number is no reason to hold them."""
        if "xl/sharedStrings.xml" not in self.archive.namelist():
            return
        words = Texts(("si",), self._keep)
        for _portion in self._parse("xl/sharedStrings.xml", words.parser):
            pass

    def _keep(self, text: str) -> None:
        self.texts.write(text.encode("utf-8", "surrogatepass"))
        self._begins.append(self.texts.tell())

    def _text(self, number: int) -> str:
        if not 0 <= number < len(self._begins) - 1:
            raise damaged()
        self.texts.seek(self._begins[number])
        size = self._begins[number + 1] - self._begins[number]
        return self.texts.read(size).decode("utf-8", "surrogatepass")

    def _read_formats(self) -> None:
        """Remember which styles show a number with leading zeros, as codes are often kept."""
        if "xl/styles.xml" not in self.archive.namelist():
            return
        zeros = {
            one.get("numFmtId", ""): len(one["formatCode"])
            for one in self._found("xl/styles.xml", "numFmt")
            if _ZEROS.match(one.get("formatCode", ""))
        }
        styles = Within("cellXfs", "xf")
        for _portion in self._parse("xl/styles.xml", styles.parser):
            pass
        self._widths = [zeros.get(one.get("numFmtId", ""), 0) for one in styles.found]

    def _plain_rows(self, sheet: Sheet) -> Iterator[tuple[int, dict[int, Cell]]]:
        reader = Cells(self._text, self._widths)
        for _portion in self._parse(sheet.part, reader.parser):
            yield from reader.rows
            reader.rows.clear()
