"""Imports of a county's lists, the rows of one, and who looks at a workbook and how far that is."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from common.models import Job
from mandates.models import ImportRow, ListImport


def of_county(county_id: int) -> QuerySet[Any]:
    """Return the imports of a county, with what a page shows of each."""
    rows: QuerySet[Any] = ListImport.objects.filter(county_id=county_id)
    return rows.select_related("duty_list", "by", "version")


def rows_of(imported: ListImport, *, kind: str = "", words: str = "") -> QuerySet[Any]:
    """Return what an import would change and what is wrong with it; all but what stays the same.

    ``kind`` narrows to one kind, also that; ``words`` to names, codes or one sheet.
    """
    rows: QuerySet[Any] = ImportRow.objects.filter(county_id=imported.county_id, imported=imported)
    rows = rows.filter(kind=kind) if kind else rows.exclude(kind=ImportRow.Kind.SAME)
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(code__icontains=words) | Q(sheet=words))
    return rows


def job_of(imported: ListImport) -> Job | None:
    """Return the job that checks an import, as long as it is remembered."""
    rows = Job.objects.filter(uid=imported.job)
    found: Job | None = rows.first() if imported.job else None
    return found
