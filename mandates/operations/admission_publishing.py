"""公布: when a version of the list comes out, the admissions it takes in are in force."""

from __future__ import annotations

from datetime import datetime, time

from common.worktime import SHANGHAI
from mandates.models import Admission, AdmissionState, Entry, ListVersion
from mandates.models.admission_parts import AdmissionLimitKind
from mandates.operations.admission_work import Work, due_of, limits_of
from mandates.operations.casework import SYSTEM, CalendarEnds, compute_due
from mandates.queries.rulebook import rulebook


def published(version: ListVersion, *, at: datetime) -> None:
    """Let the admissions be in force whose matter stands in a version that was just published.

    They are evaluated from and until some months after the day on which the version begins.
    """
    matters = Entry.objects.filter(version=version).values("matter")
    rows = Admission.objects.filter(
        county=version.county_id, state=AdmissionState.LISTING, matter__in=matters
    )
    for one in rows.select_for_update(of=("self",), no_key=True).order_by("pk"):
        work = Work(one, SYSTEM, at)
        work.data = {"version": version.number, "document_no": version.document_no}
        work.enter(AdmissionState.IN_FORCE)
        _evaluate_later(one, version)
        work.step("publish", AdmissionState.LISTING)
        work.save()


def _evaluate_later(one: Admission, version: ListVersion) -> None:
    assert version.valid_from is not None
    begins = datetime.combine(version.valid_from, time(0), tzinfo=SHANGHAI)
    one.began_at = begins
    amount, unit = limits_of(one.county_id)[AdmissionLimitKind.EVALUATE_FROM]
    try:
        one.due_at = due_of(one)
        one.evaluate_from = compute_due(rulebook(one.county_id), begins, amount, unit).at
    except CalendarEnds:  # a list that begins so late is published all the same
        one.due_at = one.evaluate_from = None
