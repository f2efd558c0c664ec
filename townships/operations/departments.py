"""The units of counties: the set every county starts with, and what becomes of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit
from common.errors import Refused
from townships.models import County, Department, DepartmentKind, Platform

COLUMNS = ["code", "name", "short_name", "kind", "platform", "note"]


class ListRefused(Exception):
    """The file is wrong; nothing was written."""


@dataclass(frozen=True)
class Loaded:
    """What a load did: units made, and units that stood already and were left alone."""

    created: int
    kept: int


def read(text: str) -> list[dict[str, str]]:
    """Return the units of a file. Raises ListRefused with the line of the first fault."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if reader.fieldnames != COLUMNS:
        raise ListRefused(_("The columns must be: %s") % ", ".join(COLUMNS))
    rows: list[dict[str, str]] = []
    platforms = {"", *Platform.objects.values_list("code", flat=True)}
    for row in reader:
        if fault := _fault(row, {known["code"] for known in rows}, platforms):
            raise ListRefused(
                _("line %(line)d: %(text)s") % {"line": reader.line_num, "text": fault}
            )
        rows.append(row)
    return rows


def _fault(row: dict[str, str], codes: set[str], platforms: set[str]) -> str:
    if None in row or None in row.values():
        return _("the number of fields is wrong.")
    if not (row["code"] and row["name"] and row["short_name"]):
        return _("code, name and short name must be given.")
    if row["code"] in codes:
        return _("code %s stands there twice.") % row["code"]
    if row["kind"] not in DepartmentKind.values:
        return _("unknown kind “%s”.") % row["kind"]
    if row["platform"] not in platforms:
        return _("unknown platform “%s”.") % row["platform"]
    return ""


def load(
    rows: Iterable[dict[str, str]], *, at: datetime, counties: Iterable[County] | None = None
) -> Loaded:
    """Give every county, and the city, the units it lacks; what stands already is theirs to keep.

    ``counties`` narrows to some. Dates of foundation are not known, so they stay empty.
    """
    platforms = dict(Platform.objects.values_list("code", "pk"))
    if counties is None:
        counties = County.objects.filter(valid_to=None).order_by("code")
    counties = list(counties)
    with transaction.atomic():
        standing = set(Department.objects.values_list("county", "code"))
        wanted = [
            (county, row)
            for row in rows
            for county in ([None] if row["kind"] == DepartmentKind.CITY else counties)
        ]
        missing = [
            Department(
                county=county,
                code=row["code"],
                name=row["name"],
                short_name=row["short_name"],
                kind=row["kind"],
                platform_id=platforms.get(row["platform"]),
                note=row["note"],
            )
            for county, row in wanted
            if (county.pk if county else None, row["code"]) not in standing
        ]
        Department.objects.bulk_create(missing)
        if missing:
            audit.record("departments_loaded", "", by=None, at=at, created=len(missing))
    return Loaded(created=len(missing), kept=len(wanted) - len(missing))


def merge(
    department: Department, *, into: Department, on: date, by: audit.Actor | None, at: datetime
) -> None:
    """End a unit on a day and name the one that follows it, of the same county.

    Raises Refused, and writes nothing, if it ended already or the successor is not there then.
    """
    if department.valid_to is not None:
        raise Refused(_("%s has ended already.") % department)
    if into.pk == department.pk or into.county_id != department.county_id:
        raise Refused(_("The successor must be another unit of the same county."))
    if not into.in_force_on(on):
        raise Refused(_("%(unit)s does not exist on %(day)s.") % {"unit": into, "day": on})
    with transaction.atomic():
        department.valid_to = on
        department.successor = into
        department.save(update_fields=["valid_to", "successor"])
        audit.record(
            "department_merged", department, by=by, at=at, into=into.name, on=on.isoformat()
        )
