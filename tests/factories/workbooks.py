"""Workbooks as counties publish their lists: a title, headings of two lines, merged cells, sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

# The columns of a published list of supporting matters of a township.
HEAD = ("序号", "牵头部门", "事项名称", "实施依据")
PARTS = ("县级部门", "乡镇（街道）")
FIRST = 3  # row of the first matter, from 0
Rows = Sequence[Sequence[Any]]


def write(path: Path, sheets: Mapping[str, Rows], *, title: str = "配合事项清单（示例）") -> bytes:
    """Write such a workbook; the same department in rows that follow one another is one cell."""
    book = xlsxwriter.Workbook(str(path))
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        sheet.merge_range(0, 0, 0, 5, title)
        for column, text in enumerate(HEAD):
            sheet.merge_range(1, column, 2, column, text)
        sheet.merge_range(1, 4, 1, 5, "职责边界划分")
        sheet.write_row(2, 4, PARTS)
        for n, row in enumerate(rows, start=FIRST):
            for column, value in enumerate(row):
                if isinstance(value, int):
                    sheet.write_number(n, column, value)
                elif value:
                    sheet.write_string(n, column, value)
        _merge(sheet, rows)
    book.close()
    return path.read_bytes()


def _merge(sheet: Any, rows: Rows) -> None:
    begin = 0
    for n in range(1, len(rows) + 1):
        if n < len(rows) and rows[n][1] and rows[n][1] == rows[begin][1]:
            continue
        if n - begin > 1:
            sheet.merge_range(FIRST + begin, 1, FIRST + n - 1, 1, rows[begin][1])
        begin = n


SAMPLE: dict[str, Rows] = {
    "自然资源": [
        (1, "自然资源和规划局", "农村乱占耕地建房整治", "《中华人民共和国土地管理法》第七十八条",
         "1.查处违法占地建设；\n2.督促复耕；\n3.通报处理结果。", "1.日常巡查；\n2.发现后制止并报告。"),
        (2, "自然资源和规划局", "私挖乱采矿产资源", "《中华人民共和国矿产资源法》",
         "查处无证勘查、开采矿产资源的行为。", "发现、报告、配合取缔。"),
        (3, "水利局", "河道非法采砂", "《中华人民共和国水法》第三十九条",
         "1.巡查河道；\n2.依法查处。", "1.发现线索；\n2.劝阻并报告。"),
    ],
    "教育体育": [
        (1, "教育体育局", "校外培训机构监管执法", "《中华人民共和国教育法》（示例，待替换）",
         "1.制定检查计划；\n2.依法查处违规培训。", "1.摸排线索；\n2.协助检查。"),
    ],
}  # fmt: skip
