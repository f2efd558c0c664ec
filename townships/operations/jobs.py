"""Long pieces of work that people ask for in a post: asked for, done in that post, fetched there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from common import audit, jobs
from common.api import KeyReused
from common.errors import Invalid, NotAllowed, Refused
from common.models import Job
from common.models.jobs import ACTIVE
from common.worktime import SHANGHAI
from townships.http import Member
from townships.models import Post, SystemAccount, User

if TYPE_CHECKING:
    from common.jobs import Clock

MOST = 5  # waiting or running, of one person


class ResultGone(Refused):
    """There is no file to fetch: not yet, not any more, or never one."""

    code = "no_result"
    detail = _("There is no file to fetch: it is not made yet, or its time has run out.")


def unit_of(member: Member) -> tuple[str, int]:
    """Return the kind and the id of the unit that a member's jobs belong to. Raises NotAllowed."""
    if member.scope is None:
        raise NotAllowed
    kind = "city" if member.scope.kind == "all" else member.scope.kind
    ids = {
        "township": member.township_id,
        "department": member.department_id,
        "county": member.county_id,
        "city": member.post.city_id,
    }
    found = ids.get(kind)
    if found is None:
        raise NotAllowed
    return kind, found


def request(
    kind: str, parameters: Mapping[str, Any], *, by: Member, at: datetime, key: str = ""
) -> Job:
    """Ask for a job in one's own post, and in one's own language; a worker takes it up.

    The same ``key`` from the same person asks for nothing new. Raises NotAllowed, Invalid, Refused,
    KeyReused, and what the kind refuses.
    """
    unit_kind, unit_id = unit_of(by)
    known = jobs.kind_of(kind)
    if known is None:
        raise Invalid(fields={"kind": _("There is no such kind of job.")})
    wanted = known.check(by, parameters)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("pk").get(pk=by.user_id)
        if key and (before := own(by).filter(key=key).first()):
            if (before.kind, before.parameters) != (kind, wanted):
                raise KeyReused
            twin: Job = before
            return twin
        if own(by).filter(state__in=ACTIVE).count() >= MOST:
            raise Refused(
                _("%(n)d of your jobs are waiting already. Cancel one, or wait for it.")
                % {"n": MOST},
                code="too_many_jobs",
            )
        job: Job = Job.objects.create(
            unit_kind=unit_kind,
            unit_id=unit_id,
            user_id=by.user_id,
            post_id=by.post_id,
            key=key,
            kind=kind,
            parameters=wanted,
            language=translation.get_language() or "zh-hans",
            requested_at=at,
        )
        audit.record("job_requested", job, by=by, at=at, what=kind, asked=wanted)
    return job


def own(member: Member) -> QuerySet[Any]:
    """Return the jobs of a member in the post in use: another post may see more, or less."""
    unit_of(member)
    rows: QuerySet[Any] = Job.objects.filter(user=member.user_id, post=member.post_id)
    return rows


def cancel(uid: UUID, *, by: Member, at: datetime) -> Job:
    """End one's own job before it is done. Raises Job.DoesNotExist, Refused."""
    job: Job = own(by).get(uid=uid)
    with transaction.atomic():
        jobs.cancel(job, at=at)
        audit.record("job_cancelled", job, by=by, at=at, what=job.kind)
    job.refresh_from_db()
    return job


def result(uid: UUID, *, by: Member, at: datetime) -> Job:
    """Return one's own job whose file may be fetched now, and write down who takes it.

    Raises Job.DoesNotExist, ResultGone, and what its kind refuses today.
    """
    job: Job = own(by).get(uid=uid)
    kind = jobs.kind_of(job.kind)
    if kind is None or not job.path or job.expires_at is None or job.expires_at <= at:
        raise ResultGone
    kind.check(by, job.parameters)
    audit.record(
        "job_result_taken", job, by=by, at=at, what=job.kind, sha256=job.sha256, name=job.file_name
    )
    return job


def member_of(job: Job, at: datetime) -> Member:
    """Find who asked for a job, as they stand now. Raises PostEnded."""
    posts = Post.objects.as_of(timezone.localdate(at, SHANGHAI)).with_units()
    found = posts.select_related("user").filter(pk=job.post_id, user__is_active=True)
    post = found.filter(user=job.user_id).first()
    if post is None:
        raise jobs.PostEnded
    member = Member.holding(post)
    if post.user.is_machine:
        account = SystemAccount.objects.filter(user=post.user, post=post, is_active=True).first()
        if account is None:
            raise jobs.PostEnded
        allowed = frozenset(account.allowed_scopes.split())
        member = replace(member, limited_to=allowed, system=account)
    if unit_of(member) != (job.unit_kind, job.unit_id):
        raise jobs.PostEnded
    return member


def run_next(*, clock: Clock) -> bool:
    """Take one waiting job and do it as whoever asked; False if there was none."""
    return jobs.run_next(clock=clock, member_of=member_of)
