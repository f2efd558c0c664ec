"""Long pieces of work, for whoever asked for them: how far they are, and their results."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import FileResponse, Http404, HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from common import attachments, paging
from common.api import ApiView, AsItIs, checked, page_answer
from common.errors import NotAllowed
from common.models import Job, JobState
from common.openapi import REFUSED
from townships.api.pages import PageQuery
from townships.http import Member
from townships.operations import jobs


class FileOfJob(serializers.Serializer[Any]):
    """The result of a job."""

    url = serializers.SerializerMethodField()
    name = serializers.CharField(source="file_name")
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    expires_at = serializers.DateTimeField()

    def get_url(self, job: Job) -> str:
        found: str = reverse("api:job-file", args=[job.uid], request=self.context["request"])
        return found

    def to_representation(self, job: Job) -> Any:
        at: datetime = self.context["at"]
        gone = not job.path or job.expires_at is None or job.expires_at <= at
        return None if gone else super().to_representation(job)


class JobShape(serializers.Serializer[Any]):
    """A long piece of work."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(JobState.choices)
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True, help_text="null while nobody knows")
    requested_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    code = serializers.CharField(help_text="why it failed; empty otherwise")
    detail = serializers.CharField(source="words", help_text="the same in words")
    parameters = serializers.DictField(help_text="what was asked for")
    file = FileOfJob(source="*", allow_null=True, help_text="null without one to fetch")

    def get_url(self, job: Job) -> str:
        found: str = reverse("api:job-detail", args=[job.uid], request=self.context["request"])
        return found


class JobPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = JobShape(many=True)


def asker(request: Request) -> Member:
    """Return who asks. Raises NotAllowed for a post that has no jobs."""
    member: Member | None = getattr(request._request, "member", None)
    if member is None:
        raise NotAllowed
    jobs.unit_of(member)
    return member


def shown(request: Request, job: Job | list[Job], *, at: datetime) -> Any:
    """Return jobs as the API shows them."""
    context = {"request": request, "at": at}
    return JobShape(job, many=isinstance(job, list), context=context).data


class JobList(ApiView):
    """Long pieces of work."""

    read_scope = "calls.read"
    parameters = PageQuery().fields.keys()

    @extend_schema(operation_id="job_list", parameters=[PageQuery], responses=JobPage)
    def get(self, request: Request) -> Response:
        """List one's own jobs.

        What this account asked for in this post, the newest first.
        """
        member, now = asker(request), timezone.now()
        asked = checked(PageQuery, request.query_params.dict())
        page = paging.page(
            jobs.own(member), order=("-id",), cursor=asked.get("cursor", ""), size=asked["size"]
        )
        return Response(page_answer(request, page, shown(request, page.rows, at=now)))


class JobDetail(ApiView):
    """One of them."""

    read_scope = "calls.read"

    @extend_schema(operation_id="job_detail", responses=JobShape)
    def get(self, request: Request, uid: UUID) -> Response:
        """Ask how far a job is.

        `state` goes from `waiting` over `running` to `done`, `failed` or `cancelled`. Ask every few
        seconds, no more often.
        """
        member, now = asker(request), timezone.now()
        job = jobs.own(member).filter(uid=uid).first()
        if job is None:
            raise Http404
        return Response(shown(request, job, at=now))


class JobCancel(ApiView):
    """Ending one."""

    write_scope = "calls.read"

    @extend_schema(operation_id="job_cancel", request=None, responses={200: JobShape, 409: REFUSED})
    def post(self, request: Request, uid: UUID) -> Response:
        """Cancel a job.

        Whoever may ask for it may end it. 409 `job_ended` if it has ended already.
        """
        member, now = asker(request), timezone.now()
        try:
            job = jobs.cancel(uid, by=member, at=now)
        except Job.DoesNotExist:
            raise Http404 from None
        return Response(shown(request, job, at=now))


class JobFile(ApiView):
    """The result of one."""

    read_scope = "calls.read"
    renderer_classes = [JSONRenderer, AsItIs]

    @extend_schema(
        operation_id="job_file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 409: REFUSED},
    )
    def get(self, request: Request, uid: UUID) -> HttpResponseBase:
        """Fetch the result of a job.

        Under its own type, until `expires_at`; 409 `no_result` before it is done and after. That it
        was taken is written into the audit trail.
        """
        member, now = asker(request), timezone.now()
        try:
            job = jobs.result(uid, by=member, at=now)
            content = attachments.opened(job.path)
        except (Job.DoesNotExist, FileNotFoundError):
            raise Http404 from None
        return FileResponse(
            content,
            as_attachment=True,
            filename=job.file_name,
            headers={"Content-Type": job.content_type, "X-Content-Type-Options": "nosniff"},
        )
