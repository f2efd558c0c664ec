"""后台任务: what somebody has asked for in a post, how far it is, and its files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common import attachments, jobs
from common.display import Pager
from common.errors import Problem
from common.models import Job, JobState
from common.paging import page
from common.sent import typed_in
from townships.http import MemberRequest
from townships.operations import jobs as work

SIZE = 20
TONES = {JobState.DONE: "lead", JobState.FAILED: "urgent"}


@login_required
@require_safe
def job_list(request: MemberRequest) -> HttpResponse:
    """One's own jobs in this post, the newest first; refreshed by itself while one is active."""
    cursor = typed_in(request.GET, "cursor")
    found = page(work.own(request.member), order=("-id",), cursor=cursor, size=SIZE)
    here, now = reverse("townships:job-list"), timezone.now()

    def at(other: str | None) -> str:
        return f"{here}?cursor={other}" if other else ""

    context = {
        "rows": [_row(job, now) for job in found.rows],
        "is_busy": any(job.is_active for job in found.rows),
        "here": at(cursor) or here,
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "kept_days": jobs.KEPT.days,
    }
    template = "_rows" if request.htmx else "list"
    return render(request, f"townships/jobs/{template}.html", context)


@login_required
@require_POST
def job_cancel(request: MemberRequest, uid: UUID) -> HttpResponse:
    """End one's own job before it is done."""
    try:
        work.cancel(uid, by=request.member, at=timezone.now())
    except Job.DoesNotExist as error:
        raise Http404 from error
    except Problem as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("Cancelled."))
    return redirect("townships:job-list")


@login_required
@require_safe
def job_file(request: MemberRequest, uid: UUID) -> HttpResponseBase:
    """Hand out the file of one's own job; that it was taken stands in the audit trail."""
    try:
        job = work.result(uid, by=request.member, at=timezone.now())
        content = attachments.opened(job.path)
    except (Job.DoesNotExist, FileNotFoundError) as error:
        raise Http404 from error
    answer = FileResponse(
        content, as_attachment=True, filename=job.file_name, content_type=job.content_type
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _row(job: Job, now: Any) -> dict[str, Any]:
    kind = jobs.kind_of(job.kind)
    is_there = bool(job.path) and job.expires_at is not None and job.expires_at > now
    return {
        "job": job,
        "label": str(kind.label) if kind else job.kind,
        "tone": TONES.get(JobState(job.state), ""),
        "words": _("%(done)d of %(total)d") % {"done": job.done, "total": job.total}
        if job.state == JobState.RUNNING and job.total
        else job.words,
        "file_url": reverse("townships:job-file", args=[job.uid]) if is_there else "",
        "is_gone": job.state == JobState.DONE and bool(job.file_name) and not is_there,
        "cancel_url": reverse("townships:job-cancel", args=[job.uid]) if job.is_active else "",
    }
