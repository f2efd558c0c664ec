"""What the columns of a county's workbook may mean: the one table of it, and how a cell is read.

A value is what the database has: texts by their field, ``lead_id`` and ``platform_id`` as keys,
``assists`` as pairs of a department's key and its duty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.spreadsheets import HEADINGS
from mandates.models import DepartmentWord, Entry, Matter, Share, Urgency
from mandates.operations.list_files import LONGEST_TEXT, by_word
from townships.models import Department, Platform

# Words of files, not of pages. Whatever is named here and in `spreadsheets.HEADINGS` is found in a
# heading by itself; brackets and blanks do not count.
MORE_HEADINGS: dict[str, tuple[str, ...]] = {
    "code": ("项目编码", "编码"),
    "category": ("权力类型", "领域"),
    "name": ("项目名称", "事项"),
    "lead": ("责任部门", "主管部门", "县级责任部门"),
    "assists": ("协办单位", "协办部门"),
    "legal_basis": ("实施依据", "设定依据"),
    "department_duty": ("县级部门", "市级部门", "县直部门", "县（市、区）部门"),
    "township_duty": ("乡镇", "乡镇（街道）", "乡镇街道"),
    "village_duty": ("村（社区）", "村", "村级"),
    "share": ("履职类别",),
    "discretion": ("裁量基准", "裁量"),
    "contact": ("咨询电话", "联系方式", "联系电话"),
    "source_note": ("来源",),
}
TEXTS = (
    "category", "name", "legal_basis", "department_duty", "township_duty", "village_duty",
    "evidence", "contact", "discretion", "source_note",
)  # fmt: skip
CHOICES: dict[str, Any] = {"urgency": Urgency, "share": Share}
FIELDS: dict[str, Any] = {
    "no": gettext_lazy("number in the file"),
    "code": gettext_lazy("code"),
    "category": gettext_lazy("category"),
    "lead": gettext_lazy("lead department"),
    "name": gettext_lazy("name"),
    "legal_basis": gettext_lazy("legal basis"),
    "department_duty": gettext_lazy("duty of the county department"),
    "township_duty": gettext_lazy("duty of the township"),
    "village_duty": gettext_lazy("duty of the village"),
    "assists": gettext_lazy("assisting departments"),
    "platform": gettext_lazy("owner platform"),
    "urgency": gettext_lazy("usual urgency"),
    "share": gettext_lazy("share"),
    "evidence": gettext_lazy("evidence for the answer"),
    "contact": gettext_lazy("contact"),
    "discretion": gettext_lazy("discretion"),
    "source_note": gettext_lazy("where this comes from"),
}
ATTRIBUTES = {"lead": "lead_id", "platform": "platform_id"}  # what a column is called as a value
NEEDED = ("name",)
BETWEEN = re.compile(r"[、,，;；/\n]+")


def plain(text: str) -> str:
    """Return a heading without what offices write differently: blanks, kinds of brackets."""
    return re.sub(r"\s", "", text).replace("(", "（").replace(")", "）")


_MEANT = {
    plain(word): name
    for name in FIELDS
    for word in (*HEADINGS.get(name, ()), *MORE_HEADINGS.get(name, ()))
}


def guess(heading: str) -> str:
    """Return the field that a heading names, "" for none; of two lines the lower one tells."""
    *_above, last = heading.split("／")
    return _MEANT.get(plain(last), "") or _MEANT.get(plain(heading.replace("／", "")), "")


@dataclass
class Units:
    """A county's departments as its files name them, and what to call each when writing one."""

    by_word: Mapping[str, Department]
    words: Mapping[int, str]
    platforms: Mapping[str, int]
    names: Mapping[int, str]
    platform_names: Mapping[int, str]
    unknown: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, county_id: int, day: date) -> Units:
        """Read them; needs a scope of the county."""
        units = list(Department.objects.filter(county_id=county_id))
        known = dict(by_word(units, day))
        own = DepartmentWord.objects.filter(county_id=county_id).select_related("department")
        words = {one.department_id: one.word for one in own.order_by("-id")}
        known |= {one.word: one.department for one in own}
        for unit in units:
            if known.get(unit.name) == unit:
                words.setdefault(unit.pk, unit.name)
        platforms = list(Platform.objects.all())
        return cls(
            known,
            {unit.pk: words.get(unit.pk, unit.code) for unit in units},
            {word: one.pk for one in platforms for word in (one.code, one.name)},
            {unit.pk: unit.name for unit in units},
            {one.pk: one.name for one in platforms},
        )

    def find(self, word: str) -> Department:
        """Raises ValueError, and remembers the word, for a department that nobody knows."""
        unit = self.by_word.get(word)
        if unit is None:
            self.unknown.add(word)
            raise ValueError(_("the county has no department called “%s”") % word)
        return unit


def read(name: str, text: str, units: Units) -> dict[str, Any]:
    """Return the values a cell gives. Raises ValueError, saying what is wrong with it."""
    if name == "lead":
        return _leads(text, units)
    if name == "assists":
        return {"assists": _assists(text, units)}
    if name == "platform":
        if text and text not in units.platforms:
            raise ValueError(_("unknown platform “%s”") % text)
        return {"platform_id": units.platforms.get(text)}
    if name in CHOICES:
        return {name: _choice(CHOICES[name], name, text)}
    model = Matter if name == "code" else Entry
    longest = getattr(model._meta.get_field(name), "max_length", None) or LONGEST_TEXT
    if len(text) > longest:
        raise ValueError(_("longer than %(max)d characters") % {"max": longest})
    return {name: text}


def _leads(text: str, units: Units) -> dict[str, Any]:
    """The first leads; those named behind it assist, without a duty said of them."""
    if not text:
        return {"lead_id": None}
    if text in units.by_word:
        return {"lead_id": units.by_word[text].pk}
    found = [units.find(word).pk for one in BETWEEN.split(text) if (word := one.strip())]
    if not found:
        return {"lead_id": None}
    if len(set(found)) != len(found):
        raise ValueError(_("a department stands there twice"))
    more: dict[str, Any] = {"beside": [[key, ""] for key in found[1:]]} if found[1:] else {}
    return {"lead_id": found[0], **more}


def _assists(text: str, units: Units) -> list[list[Any]]:
    found: list[list[Any]] = []
    for piece in re.split(r"[;；\n]+", text):
        for one in [piece] if "=" in piece else BETWEEN.split(piece):
            word, _equals, duty = (part.strip() for part in one.partition("="))
            if word:
                found.append([units.find(word).pk, duty])
    if len({key for key, _duty in found}) != len(found):
        raise ValueError(_("a department assists twice"))
    if any(len(duty) > 300 for _key, duty in found):
        raise ValueError(_("longer than %(max)d characters") % {"max": 300})
    return found


def _choice(choices: Any, name: str, text: str) -> str:
    blank = "" if name == "share" else Urgency.GENERAL.value
    if not text:
        return blank
    for one in choices:
        if text in (one.value, str(one.label)):
            return str(one.value)
    known = "、".join(str(one.label) for one in choices)
    raise ValueError(_("possible are %(known)s") % {"known": known})


def values_of(entry: Entry) -> dict[str, Any]:
    """Return what an entry says, as values; its assists are fetched already."""
    return {
        "code": entry.matter.code,
        **{name: getattr(entry, name) for name in (*TEXTS, *CHOICES)},
        "lead_id": entry.lead_id,
        "platform_id": entry.platform_id,
        "assists": [
            [one.department_id, one.duty]
            for one in sorted(entry.assists.all(), key=lambda one: one.pk)
        ],
    }


def field_label(name: str) -> str:
    """Name a field of a change in words."""
    if name == "position":
        return _("position")
    if name == "basis":
        return _("law and article")
    return str(FIELDS.get(name.removesuffix("_id"), name))


def written(name: str, values: Mapping[str, Any], units: Units, *, assists: bool) -> str:
    """Write a value as a cell that `read` takes back.

    ``assists`` says whether these have a column of their own: else whoever assists without a duty
    of its own stands behind the lead.
    """
    value = values.get(ATTRIBUTES.get(name, name))
    if name == "lead":
        keys = [value] if value else []
        if keys and not assists:
            keys += [key for key, duty in values["assists"] if not duty]
        return "、".join(units.words.get(key, "") for key in keys)
    if name == "assists":
        return "；".join(
            f"{units.words.get(key, '')}={duty}".rstrip("=") for key, duty in value or ()
        )
    if name == "platform":
        return units.platform_names.get(value, "") if value else ""
    if name in CHOICES:
        return str(CHOICES[name](value).label) if value else ""
    return str(value or "")


def in_words(name: str, value: Any, units: Units) -> str:
    """Say a value as a page does."""
    if name == "lead_id":
        return units.names.get(value, "") if value else ""
    if name == "assists":
        return "；".join(f"{units.names.get(key, '')} {duty}".strip() for key, duty in value or ())
    if name == "platform_id":
        return units.platform_names.get(value, "") if value else ""
    if name in CHOICES:
        return str(CHOICES[name](value).label) if value else ""
    return str(value or "")
