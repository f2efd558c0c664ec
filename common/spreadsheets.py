"""CSV as offices write and read it: GB18030 or UTF-8 in, and out what a spreadsheet cannot run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

BOM = "\ufeff"
# A cell that begins with one of these is run as a formula by spreadsheets.
# Some read the full-width signs of Chinese input methods alike.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FOREIGN = {
    b"PK\x03\x04": "xlsx",
    b"\xd0\xcf\x11\xe0": "xls",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


# What a column may be called in Chinese besides its code; the first is the one that we propose.
# Words of files, not of pages: they are the same in every language.
HEADINGS: dict[str, tuple[str, ...]] = {
    "no": ("序号", "编号"),
    "code": ("事项编码", "事项代码"),
    "category": ("类别", "事项类别"),
    "name": ("事项名称", "名称", "节日名称"),
    "lead": ("牵头单位", "牵头部门"),
    "assists": ("配合单位", "配合部门"),
    "department_duty": ("部门职责", "县级部门职责"),
    "township_duty": ("乡镇职责", "乡镇（街道）职责"),
    "platform": ("归口平台", "所属平台"),
    "urgency": ("呼叫类别", "紧急程度"),
    "limits": ("时限", "单独时限"),
    "legal_basis": ("法律依据", "依据"),
    "evidence": ("办结材料", "佐证材料"),
    "evidence_files": ("附件数", "最少附件数"),
    "is_sample": ("是否示例", "示例"),
    "source_note": ("来源说明", "备注"),
    "kind": ("种类", "类型"),
    "amount": ("数量", "时长"),
    "unit": ("单位", "时间单位"),
    "roll": ("顺延", "遇休息日顺延"),
    "source": ("来源", "文号"),
    "level": ("层级", "催办层级"),
    "share": ("时限百分比", "已用百分比"),
    "after": ("超期天数", "逾期后"),
    "matter": ("适用事项",),
    "does": ("督办方式",),
    "told": ("告知对象",),
    "date": ("日期",),
}
_CODES = {word: code for code, words in HEADINGS.items() for word in words}


class Unreadable(ValueError):
    """No text that we read; ``line`` 0 means the whole file."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line, self.text = line, text


def text_of(content: bytes) -> str:
    """Decode a CSV file: UTF-8 with or without its mark, or GB18030, as Excel writes it in China.

    Raises Unreadable.
    """
    if not content.strip():
        raise Unreadable(0, _("the file is empty"))
    for mark, kind in FOREIGN.items():
        if content.startswith(mark):
            raise Unreadable(
                0, _("this is %(kind)s, not CSV: save it as “CSV” and send that") % {"kind": kind}
            )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _is_damaged_utf8(content):
            raise _not_text(content, error.start) from None
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as second:
            raise _not_text(content, second.start) from None
    if "\0" in text:
        raise Unreadable(text[: text.index("\0")].count("\n") + 1, _("a NUL character"))
    # A form sends other line ends than the file had.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_damaged_utf8(content: bytes) -> bool:
    """Say whether most of what is not ASCII is right UTF-8: then GB18030 would be nonsense."""
    if content.startswith(b"\xef\xbb\xbf"):
        return True
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for char in text if char > "\x7f") - bad
    return good > bad * 4


def _not_text(content: bytes, position: int) -> Unreadable:
    return Unreadable(content[:position].count(b"\n") + 1, _("neither UTF-8 nor GB18030"))


def codes_of(head: Iterable[str]) -> list[str]:
    """Return the columns that a first line names, by code; what is not known stays as it is."""
    cells = (cell.strip() for cell in head)
    return [_CODES.get(cell, cell) for cell in cells]


def is_formula(cell: str) -> bool:
    """Say whether a cell would be run by a spreadsheet; a negative number or a dash would not."""
    return cell.startswith(("=", "@"))


def safe(value: Any) -> str:
    """Write a value so that no spreadsheet takes it for a formula."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def written(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write a table as CSV in UTF-8 with the mark that Excel goes by."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out)
    writer.writerow([safe(cell) for cell in head])
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8")


def plain_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write a table that is to be edited and read back: its cells are what we keep, and no formula
    is among them, because none is let in (`is_formula`).
    """
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode("utf-8")
