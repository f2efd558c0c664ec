"""清单导入: a workbook is taken in, its columns are named, and a worker says what it would change.

Nothing of the list is written here; `list_applying` does that, once somebody has looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import attachments, audit, tenancy, workbooks
from common.attachments import Upload
from common.errors import Invalid, Refused
from common.models import Job
from common.models.jobs import ACTIVE
from common.workbook_xml import BadWorkbook
from mandates.models import (
    ColumnMapping,
    DepartmentWord,
    DutyList,
    ListImport,
    ListVersion,
    VersionState,
)
from mandates.operations import list_layouts
from mandates.operations.list_columns import (
    FIELDS,
    NEEDED,
)
from mandates.permissions import Permission
from mandates.queries import sql
from townships.models import Department
from townships.operations import jobs as asked_jobs
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

FOLDER = "imports"
State = ListImport.State


class Moved(Refused):
    """The list is not as it was when the workbook was looked at."""

    code = "list_changed"
    detail = gettext_lazy(
        "The list has changed since the workbook was checked. Check it again; nothing was written."
    )


# --- taking in -----------------------------------------------------------------------------------


def take(duty_list: DutyList, upload: Upload, *, by: Member, at: datetime) -> ListImport:
    """Keep a workbook and find its tables. Raises BadFile, BadWorkbook; then nothing is kept."""
    require(by, Permission.LIST_EDIT)
    name = attachments.clean_name(upload.name or "")
    if name.lower().endswith((".xlsm", ".xltm", ".xlsb")):
        raise BadWorkbook(
            _("The workbook has macros. Save it as .xlsx without them."), code="workbook_macros"
        )
    if not name.lower().endswith((".xlsx", ".xls")):
        raise BadWorkbook(_("Only .xlsx files are read here."), code="file_kind")
    keeping = attachments.keep_all([upload], folder=FOLDER, by=by, at=at)
    with keeping as (kept,), transaction.atomic():
        with workbooks.opened(Path(settings.MEDIA_ROOT) / kept.path) as book:
            sheets, notices = list_layouts.find(book)
        _remembered(duty_list.county_id, sheets)
        made: ListImport = ListImport.objects.create(
            county_id=duty_list.county_id,
            duty_list=duty_list,
            file_name=kept.name,
            path=kept.path,
            size=kept.size,
            sha256=kept.sha256,
            layout={"sheets": sheets},
            notices=notices,
            at=at,
            by_id=by.user_id,
        )
        audit.record("list_import_taken", made, by=by, at=at, file=kept.name, sha256=kept.sha256)
    return made


def known_paths(paths: Sequence[str]) -> set[str]:
    """Return those of some stored files that belong to an import."""
    with tenancy.dispatching(reason="files of every county"):
        return set(ListImport.objects.filter(path__in=paths).values_list("path", flat=True))


def _remembered(county_id: int, sheets: list[dict[str, Any]]) -> None:
    """Give headings that were named before the meaning they had then."""
    known = ColumnMapping.objects.filter(
        county_id=county_id, signature__in=[one["signature"] for one in sheets]
    )
    before = {one.signature: one.columns for one in known}
    for one in sheets:
        if one["signature"] in before:
            one["columns"], one["remembered"] = before[one["signature"]], True


# --- naming columns ------------------------------------------------------------------------------


def name_columns(
    imported: ListImport,
    columns: Mapping[str, Sequence[str]],
    units: Mapping[str, Department],
    *,
    by: Member,
    at: datetime,
    ask: bool = True,
) -> ListImport:
    """Keep what the columns mean, and which departments are meant by words, and ask for the check.

    ``columns`` are the fields of the headings of each signature. Without ``ask`` the caller checks
    the workbook itself, in this process. Raises Invalid, Refused.
    """
    require(by, Permission.LIST_EDIT)
    with transaction.atomic():
        row: ListImport = ListImport.objects.select_for_update().get(pk=imported.pk)
        if row.state in (State.APPLIED, State.UNDONE):
            raise Refused(_("This workbook was applied already."), code="import_applied")
        if row.state == State.APPLYING and _is_worked_on(row):
            raise Refused(
                _("The workbook is being written into the draft already."),
                code="import_being_applied",
            )
        for sheet in row.layout["sheets"]:
            named = list(columns.get(sheet["signature"], sheet["columns"]))
            _check_columns(sheet, named)
            sheet["columns"] = named
            ColumnMapping.objects.update_or_create(
                county_id=row.county_id,
                signature=sheet["signature"],
                defaults={
                    "headings": sheet["headings"],
                    "columns": named,
                    "changed_at": at,
                    "by_id": by.user_id,
                },
            )
        for word, unit in units.items():
            DepartmentWord.objects.update_or_create(
                county_id=row.county_id, word=word[:60], defaults={"department": unit}
            )
        row.state, row.job = State.CHECKING, None
        if ask:
            job = asked_jobs.request("list_import", {"import": str(row.uid)}, by=by, at=at)
            row.job = job.uid
        row.save()
        meant = {sheet["name"]: sheet["columns"] for sheet in row.layout["sheets"]}
        words = {word: str(unit) for word, unit in units.items()}
        audit.record("import_columns_named", row, by=by, at=at, columns=meant, words=words)
    return row


def _is_worked_on(row: ListImport) -> bool:
    return Job.objects.filter(uid=row.job, state__in=ACTIVE).exists()


def _check_columns(sheet: Mapping[str, Any], named: Sequence[str]) -> None:
    used = [name for name in named if name]
    if len(named) != len(sheet["headings"]) or set(used) - set(FIELDS):
        raise Invalid(fields={"columns": _("These are not the columns of the workbook.")})
    for name in NEEDED:
        if name not in used:
            text = _("“%(sheet)s”: no column is named as “%(field)s”.")
            raise Invalid(
                fields={"columns": text % {"sheet": sheet["name"], "field": FIELDS[name]}}
            )
    twice = {name for name in used if used.count(name) > 1}
    if twice:
        text = _("“%(sheet)s”: two columns are named as “%(field)s”.")
        field = FIELDS[sorted(twice)[0]]
        raise Invalid(fields={"columns": text % {"sheet": sheet["name"], "field": field}})


# --- what a workbook is compared with ------------------------------------------------------------


def of_member(member: Any, uid: str) -> ListImport:
    """Return an import of a member's county. Raises Invalid."""
    rows = ListImport.objects.filter(county_id=member.county_id)
    found: ListImport | None = rows.filter(uid=uid).select_related("duty_list").first()
    if found is None:
        raise Invalid(fields={"import": _("Your county has no such import.")})
    return found


def base_of(duty_list: DutyList) -> ListVersion | None:
    """Return the version a workbook is compared with: the draft, else the last one."""
    versions = ListVersion.objects.filter(duty_list=duty_list)
    draft = versions.filter(state=VersionState.DRAFT).first()
    found: ListVersion | None = draft or versions.order_by("-number").first()
    return found


def mark_of(version: ListVersion | None) -> str:
    """Name exactly what a version says; "" for none."""
    return sql.list_mark(version.pk) if version else "none"
