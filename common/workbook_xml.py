"""The XML inside an XLSX file, portion by portion: elements, shared texts, cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from xml.parsers import expat

from django.utils.translation import gettext as _

from common.attachments import BadFile

LONGEST_CELL = 32_767  # characters, as XLSX itself has it
EXACT_DIGITS = 15  # of a number; a spreadsheet forgets those beyond
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})$")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class BadWorkbook(BadFile):
    """A workbook that is not read at all; ``code`` says why."""

    code = "bad_workbook"


def damaged() -> BadWorkbook:
    return BadWorkbook(_("This is no XLSX file, or a damaged one."))


class Cell(NamedTuple):
    """A cell as text. ``top`` and ``left`` say where its text stands: elsewhere if merged."""

    text: str
    top: int
    left: int
    is_number: bool = False
    problem: str = ""


class Within:
    """Collects the elements of one name inside another."""

    def __init__(self, around: str, tag: str) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self._around, self._tag, self._inside = around, tag, False
        self.found: list[dict[str, str]] = []

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if local_name(name) == self._around:
            self._inside = True
        elif self._inside and local_name(name) == self._tag:
            self.found.append(attributes)

    def _end(self, name: str) -> None:
        self._inside = self._inside and local_name(name) != self._around


class Texts:
    """Joins what stands in <t> below certain elements; how it is to be read aloud is left out."""

    def __init__(self, around: tuple[str, ...], keep: Callable[[str], None]) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.parser.CharacterDataHandler = self._data
        self._around, self._keep = around, keep
        self._pieces: list[str] = []
        self._length, self._in_text, self._aloud = 0, False, False

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        local = local_name(name)
        self._aloud = self._aloud or local == "rPh"
        self._in_text = local == "t" and not self._aloud

    def _end(self, name: str) -> None:
        local = local_name(name)
        self._in_text = False
        if local == "rPh":
            self._aloud = False
        elif local in self._around:
            self._keep(_unescaped("".join(self._pieces)))
            self._pieces.clear()
            self._length = 0

    def _data(self, data: str) -> None:
        if self._in_text:
            self._length += len(data)
            _check_length(self._length)
            self._pieces.append(data)


class Cells:
    """Turns the XML of a sheet into rows of cells."""

    def __init__(self, text: Callable[[int], str], widths: list[int]) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.parser.CharacterDataHandler = self._data
        self.rows: list[tuple[int, dict[int, Cell]]] = []
        self._text, self._widths = text, widths
        self._row, self._column, self._length = 0, -1, 0
        self._cells: dict[int, Cell] = {}
        self._kind, self._style, self._formula, self._reading = "", "", False, False
        self._pieces: list[str] = []

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = local_name(name)
        if local == "c":
            address = attributes.get("r")
            self._column = place(address)[1] if address else self._column + 1
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._formula, self._length = False, 0
            self._pieces.clear()
        elif local == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), -1
            self._cells = {}
        elif local == "f":
            self._formula = True
        self._reading = local in ("v", "t")

    def _data(self, data: str) -> None:
        if self._reading:
            self._length += len(data)
            _check_length(self._length)
            self._pieces.append(data)

    def _end(self, name: str) -> None:
        local = local_name(name)
        self._reading = False
        if local == "c":
            self._close()
        elif local == "row":
            self.rows.append((self._row, self._cells))

    def _close(self) -> None:
        value = "".join(self._pieces)
        if not value and not self._formula:
            return
        problem, number = "", False
        if self._formula:
            problem = _("a formula; write its value instead")
        elif self._kind == "s":
            value = self._text(int(value))
        elif self._kind == "inlineStr":
            value = _unescaped(value)
        elif self._kind == "e":
            problem = _("an error of a formula: %s") % value[:20]
        elif self._kind == "n":
            number = True
            value, problem = self._number(value)
        if value or problem:
            self._cells[self._column] = Cell(value, self._row, self._column, number, problem)

    def _number(self, value: str) -> tuple[str, str]:
        try:
            exact = Decimal(value)
        except InvalidOperation:
            raise damaged() from None
        if not exact.is_finite() or abs(exact.adjusted()) > 30:
            return value, _("a number out of all bounds")
        text = format(exact.normalize(), "f")
        width = self._widths[int(self._style)] if int(self._style) < len(self._widths) else 0
        if exact.adjusted() >= EXACT_DIGITS:
            return text, _(
                "a number of more than 15 digits, whose last ones the spreadsheet forgot: "
                "enter it anew in a cell formatted as text"
            )
        return (text.zfill(width) if exact == exact.to_integral_value() else text), ""


def local_name(name: str) -> str:
    return name.rpartition(" ")[2]


def _unescaped(text: str) -> str:
    """Return a text as it was typed: XLSX writes some characters as _x000D_; line ends are one."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()


def _check_length(length: int) -> None:
    if length > LONGEST_CELL + 1000:
        raise BadWorkbook(_("A cell holds more text than a spreadsheet can."))


def place(address: str) -> tuple[int, int]:
    """Return row (from 1) and column (from 0) of an address such as B7. Raises BadWorkbook."""
    found = _ADDRESS.match(address)
    if not found:
        raise damaged()
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column - 1


def address(row: int, column: int) -> str:
    """Name a cell as a spreadsheet does; row from 1, column from 0."""
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"
