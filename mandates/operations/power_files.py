"""The catalogue of powers as a file: one line a power, read whole or refused whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit
from mandates.models import PowerItem, PowerKind
from mandates.operations.list_files import Fault, FileRefused, table
from townships.models import County, Department

if TYPE_CHECKING:
    from common.audit import Actor

COLUMNS = [
    "code", "kind", "field", "name", "department", "law", "article", "sanction", "is_sample",
    "source_note",
]  # fmt: skip
TEXTS = ("kind", "field", "name", "law", "article", "sanction", "source_note")
NEEDED = ("code", "field", "name", "law", "article")


def load(text: str, *, county: County, by: Actor | None, at: datetime) -> tuple[int, int]:
    """Add and change the powers of a county by a file; return how many of each. None is taken out.

    Raises FileRefused with the number of every faulty line.
    """
    units = dict(Department.objects.filter(county=county).values_list("code", "pk"))
    lines = table(text, COLUMNS)
    if faults := [one for number, row in lines for one in _faults(number, row, units)]:
        raise FileRefused(faults)
    with transaction.atomic():
        known = {one.code: one for one in PowerItem.objects.filter(county=county)}
        added, changed = [], []
        for _number, row in lines:
            item = known.get(row["code"]) or PowerItem(county=county, code=row["code"])
            told: dict[str, Any] = {name: row[name] for name in TEXTS}
            told |= {
                "department_id": units.get(row["department"]),
                "is_sample": row["is_sample"] == "1",
            }
            if item.pk is None:
                added.append(item)
            elif any(getattr(item, name) != value for name, value in told.items()):
                changed.append(item)
            for name, value in told.items():
                setattr(item, name, value)
            known[item.code] = item
        PowerItem.objects.bulk_create({id(one): one for one in added}.values())
        PowerItem.objects.bulk_update(changed, [*TEXTS, "department", "is_sample"])
        if added or changed:
            audit.record(
                "powers_loaded", str(county), by=by, at=at, added=len(added), changed=len(changed)
            )
    return len(added), len(changed)


def _faults(number: int, row: dict[str, str], units: dict[str, Any]) -> Iterator[Fault]:
    for name in NEEDED:
        if not row[name]:
            yield Fault(number, _("this must be filled in"), name)
    for name in ("code", "field", "name", "law", "article", "source_note"):
        longest = getattr(PowerItem._meta.get_field(name), "max_length", None)
        if longest and len(row[name]) > longest:
            yield Fault(number, _("longer than %d characters") % longest, name, row[name][:40])
    if row["kind"] not in PowerKind.values:
        yield Fault(number, _("not one of %s") % "、".join(PowerKind.values), "kind", row["kind"])
    if row["department"] and row["department"] not in units:
        text = _("the county has no such department")
        yield Fault(number, text, "department", row["department"])
    if row["is_sample"] not in ("0", "1"):
        yield Fault(number, _("not one of %s") % "0、1", "is_sample", row["is_sample"])
