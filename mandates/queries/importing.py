"""Who looks at a workbook, and how far that is."""

from __future__ import annotations

from common.models import Job
from mandates.models import ListImport


def job_of(imported: ListImport) -> Job | None:
    """Return the job that checks an import, as long as it is remembered."""
    rows = Job.objects.filter(uid=imported.job)
    found: Job | None = rows.first() if imported.job else None
    return found
