"""到期: what happens to admissions by themselves when the limit of a step has passed."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from common.tenancy import dispatching
from mandates.models import Admission, AdmissionState, Verdict, VoiceKind
from mandates.operations.admission_work import Work, due_of
from mandates.operations.casework import SYSTEM

BATCH = 100


def sweep(*, at: datetime, limit: int = BATCH) -> int:
    """Record the silence of townships, and press whoever else is late; return how many.

    Once a step and due instant. A due instant that a new calendar has put off is put off first.
    """
    with dispatching(reason="limits of admissions run in every county"):
        rows = Admission.objects.filter(due_at__lte=at).exclude(reminded_for=F("due_at"))
        found = list(
            rows.select_for_update(of=("self",), no_key=True, skip_locked=True).order_by(
                "due_at", "id"
            )[:limit]
        )
        for one in found:
            _look(one, at)
    return len(found)


def _look(one: Admission, at: datetime) -> None:
    work = Work(one, SYSTEM, at)
    one.due_at = due_of(one)
    if one.due_at is None or one.due_at > at:
        one.save(update_fields=["due_at"])
        return
    if one.state == AdmissionState.OPINIONS and one.pending_townships:
        for key in one.pending_townships:
            work.say(VoiceKind.OPINION, Verdict.SILENT, area_id=key)
        work.data = {"townships": len(one.pending_townships)}
        one.pending_townships = []
        work.step("stay_silent", one.state)
        work.go_on()
    if one.due_at <= at:  # it still stands there
        one.reminded_for = one.due_at
        work.step("overdue", one.state)
    work.save()
