"""Long pieces of work: asked for in a request, done by a worker, the result kept for a while.

An app registers a kind of job in a module that its ``tasks.py`` imports::

    @jobs.kind("export_calls", label=_("Export of calls"), check=_checked)
    def export_calls(work: jobs.Work) -> jobs.Result | None: ...

``check`` is asked when the job is requested, again when it runs and when its result is fetched: a
right that has gone meanwhile counts. The function runs outside every transaction. It opens the
requester's scope a portion at a time (``with work.scope():``), writes its result to ``work.path``,
and between portions says how far it is (``work.report``), which is also its sign of life: a portion
must be shorter than LEASE. It may be begun anew after a worker's death, so what it writes beside
its result must bear being written twice.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import Q
from django.utils import translation
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from common import tenancy
from common.attachments import discard, measured
from common.errors import Problem, Refused, outage
from common.models import Job, JobState
from common.models.jobs import ACTIVE

logger = logging.getLogger(__name__)

BESIDE = 2.0  # seconds between two words of a job that is one transaction
LEASE = timedelta(minutes=3)  # without a sign of life: then another worker begins anew
ATTEMPTS = 3  # a job that kills its workers is given up
AT_ONCE = 2  # running in the whole system: workers have calls to route
KEPT = timedelta(days=7)  # a result
REMEMBERED = timedelta(days=60)  # that there was a job
FOLDER = "jobs"

Clock = Callable[[], datetime]
Check = Callable[[Any, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """What stands at ``work.path`` when a job has ended: what to call it, and what it is."""

    file_name: str
    content_type: str


@dataclass(frozen=True)
class Kind:
    """``check`` returns the parameters in their one form; raises Problem for what may not be."""

    name: str
    label: Any
    run: Callable[[Work], Result | None]
    check: Check


_kinds: dict[str, Kind] = {}


def kind(name: str, *, label: Any, check: Check) -> Callable[[Any], Any]:
    """Register what is done for a kind of job. Raises ValueError for two of one name."""

    def register(run: Any) -> Any:
        if name in _kinds:
            raise ValueError(f"two kinds of job are called {name!r}")
        _kinds[name] = Kind(name, label, run, check)
        return run

    return register


def kind_of(name: str) -> Kind | None:
    """Return a kind of job; None for one that this version no longer has."""
    _discover()
    return _kinds.get(name)


@cache
def _discover() -> None:
    """Read every app's tasks, once, when first asked: they import the kinds."""
    autodiscover_modules("tasks")


class Interrupted(Exception):
    """The job was cancelled, or another worker has it: whatever was made is thrown away."""


class Broken(Problem):
    """Something went wrong that whoever asked can do nothing about."""

    code = "job_broken"
    detail = _("Something went wrong. Ask for it again; if it fails again, tell the administrator.")


class WorkerDied(Problem):
    code = "job_given_up"
    detail = _("It was begun several times and never came to an end. Ask for less at once.")


class KindGone(Problem):
    code = "job_kind_gone"
    detail = _("This version of the system no longer makes this.")


class PostEnded(Problem):
    """The post in which it was asked for is no longer held."""

    code = "post_ended"
    detail = _("You no longer hold the post in which you asked for this.")


@dataclass
class Work:
    """One attempt at a job, as its kind sees it; ``member`` as the person stands now."""

    job: Job
    member: Any
    parameters: dict[str, Any]
    at: datetime
    clock: Clock
    path: Path
    _told: tuple[int, int | None] = field(default=(0, None))

    def scope(self) -> AbstractContextManager[Any]:
        """Enter the requester's own scope, in a transaction, for a portion of the work."""
        return tenancy.scope(self.member.scope)

    def report(self, done: int, total: int | None = None) -> None:
        """Say how far it is, and stay alive. Raises Interrupted."""
        self._told = (done, self._told[1] if total is None else total)
        extend(self.job, *self._told, at=self.clock())

    @contextmanager
    def beside(self, total: int) -> Iterator[Callable[[int], None]]:
        """Say how far it is from a thread of its own, on a connection of its own.

        For work that is one transaction: what that says of itself nobody sees before it ends. What
        is yielded takes how much is done; it raises Interrupted once the job is no longer this
        worker's, so that the transaction is given up.
        """
        done, is_over, is_lost = [0], threading.Event(), threading.Event()

        def speak() -> None:
            try:
                while not is_over.wait(BESIDE):
                    try:
                        self.report(done[0], total)
                    except Interrupted:
                        is_lost.set()
                        return
                    except DatabaseError:  # the lease bears some silence
                        logger.warning("a job could not say how far it is", exc_info=True)
            finally:
                connections.close_all()

        def note(n: int) -> None:
            done[0] = n
            if is_lost.is_set():
                raise Interrupted

        speaker = threading.Thread(target=speak, name="job", daemon=True)
        speaker.start()
        try:
            yield note
        finally:
            is_over.set()
            speaker.join()


# --- what happens to a job ------------------------------------------------------------------------


def claim(*, at: datetime) -> Job | None:
    """Take the oldest job that nobody works on; None if there is none, or enough are running.

    A job whose worker gave no sign of life is begun anew, and after some attempts given up.
    """
    with tenancy.dispatching(reason="jobs are one queue for all units"):
        if Job.objects.filter(state=JobState.RUNNING, leased_until__gt=at).count() >= AT_ONCE:
            return None
        free = Q(state=JobState.WAITING) | Q(state=JobState.RUNNING, leased_until__lte=at)
        rows = Job.objects.filter(free, state__in=ACTIVE).order_by("id")
        for job in rows.select_for_update(skip_locked=True, no_key=True)[:20]:
            if job.attempts >= ATTEMPTS:
                _end(job, JobState.FAILED, at=at, problem=WorkerDied())
                continue
            job.state, job.token, job.leased_until = JobState.RUNNING, uuid4(), at + LEASE
            job.attempts += 1
            job.started_at, job.done, job.total = at, 0, None
            job.save()
            found: Job = job
            return found
    return None


def extend(job: Job, done: int, total: int | None, *, at: datetime) -> None:
    """Write down how far a job is. Raises Interrupted if it is no longer this worker's."""
    with tenancy.dispatching(reason="a worker speaks of its own job"):
        kept = _mine(job).update(done=done, total=total, leased_until=at + LEASE)
    if not kept:
        raise Interrupted


def hold(job: Job) -> None:
    """Lock a job until the transaction ends, so that nobody cancels what is about to be written.

    Raises Interrupted if it is no longer this worker's.
    """
    if not _mine(job).select_for_update(no_key=True).exists():
        raise Interrupted


def finish(job: Job, path: Path, result: Result | None, *, at: datetime) -> None:
    """End a job well: its file is whole before the row names it. Raises Interrupted."""
    columns: dict[str, Any] = {}
    if result is not None:
        size, digest = _measured(path)
        columns = {
            "path": path.relative_to(settings.MEDIA_ROOT).as_posix(),
            "file_name": result.file_name[:200],
            "content_type": result.content_type,
            "size": size,
            "sha256": digest,
            "expires_at": at + KEPT,
        }
    with tenancy.dispatching(reason="a worker speaks of its own job"):
        kept = _mine(job).update(**_ended(JobState.DONE, at), **columns)
    if not kept:
        raise Interrupted


def fail(job: Job, problem: Problem, *, at: datetime) -> None:
    """End a job badly, saying why; nothing if it is no longer this worker's."""
    with tenancy.dispatching(reason="a worker speaks of its own job"):
        _mine(job).update(**_ended(JobState.FAILED, at), **_why(problem))


def give_back(job: Job) -> None:
    """Let a job wait again: the ground gave way, which says nothing about it."""
    with tenancy.dispatching(reason="a worker speaks of its own job"):
        _mine(job).update(state=JobState.WAITING, token=None, leased_until=None)


def cancel(job: Job, *, at: datetime) -> None:
    """End a job because nobody wants it any more. Raises Refused for one that has ended.

    Whoever works on it finds out when next it says how far it is.
    """
    rows = Job.objects.filter(pk=job.pk, state__in=ACTIVE)
    if not rows.update(**_ended(JobState.CANCELLED, at)):
        raise Refused(_("This has ended already."), code="job_ended")


def _mine(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, token=job.token)


def _ended(state: JobState, at: datetime) -> dict[str, Any]:
    return {"state": state, "finished_at": at, "token": None, "leased_until": None}


def _why(problem: Problem) -> dict[str, str]:
    texts = [str(text) for text in problem.fields.values()] or [str(problem.detail)]
    return {"code": problem.code[:60], "words": " ".join(texts)[:500]}


def _end(job: Job, state: JobState, *, at: datetime, problem: Problem) -> None:
    with translation.override(job.language):
        Job.objects.filter(pk=job.pk).update(**_ended(state, at), **_why(problem))


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        os.fsync(file.fileno())  # the row must not outlive its file
    return measured(path)


# --- running ----------------------------------------------------------------------------------------


def run_next(*, clock: Clock, member_of: Callable[[Job, datetime], Any]) -> bool:
    """Take one job and do it; False if there was none to take.

    ``member_of`` finds who asked, as they stand now. Raises PostEnded where they have left.
    """
    job = claim(at=clock())
    if job is None:
        return False
    path = Path(settings.MEDIA_ROOT) / FOLDER / UUID(str(job.token)).hex
    try:
        with translation.override(job.language):
            _run(job, path, clock, member_of)
    except Interrupted:
        discard(f"{FOLDER}/{path.name}")
        logger.info("job interrupted", extra={"job": str(job.uid)})
    return True


def _run(job: Job, path: Path, clock: Clock, member_of: Callable[[Job, datetime], Any]) -> None:
    """Do a job and end it, whatever comes. Raises Interrupted."""
    try:
        at = clock()
        made = kind_of(job.kind)
        if made is None:
            raise KindGone
        member = member_of(job, at)
        with tenancy.scope(member.scope):
            parameters = made.check(member, job.parameters)
        path.parent.mkdir(parents=True, exist_ok=True)
        result = made.run(Work(job, member, parameters, at, clock, path))
        finish(job, path, result, at=clock())
    except Interrupted:
        raise
    except Exception as failure:
        discard(f"{FOLDER}/{path.name}")
        _failed(job, failure, clock())


def _failed(job: Job, failure: Exception, at: datetime) -> None:
    told = {"job": str(job.uid), "kind": job.kind}
    if (away := outage(failure)) and job.attempts < ATTEMPTS:
        logger.warning("job must wait", exc_info=failure, extra=told)
        give_back(job)
    elif isinstance(failure, Problem) or away:
        fail(job, failure if isinstance(failure, Problem) else away or Broken(), at=at)
    else:
        logger.error("job failed", exc_info=failure, extra=told)
        fail(job, Broken(), at=at)


# --- what has run out -----------------------------------------------------------------------------------


def clear_expired(*, at: datetime, portion: int = 500) -> int:
    """Remove results that have run out, and what nobody asks for any more; return how many."""
    gone = 0
    for job in _expired(at, portion):
        # The file first: should this end here, the row is found again tomorrow.
        discard(job.path)
        with tenancy.dispatching(reason="results run out in every unit"):
            Job.objects.filter(pk=job.pk).update(path="")
        gone += 1
    with tenancy.dispatching(reason="jobs are forgotten in every unit"):
        Job.objects.filter(path="", finished_at__lte=at - REMEMBERED).delete()
    return gone


def _expired(at: datetime, portion: int) -> Iterator[Job]:
    while True:
        with tenancy.dispatching(reason="results run out in every unit"):
            rows = Job.objects.filter(~Q(path=""), expires_at__lte=at).order_by("id")
            found = list(rows[:portion])
        yield from found
        if len(found) < portion:
            return


def known_paths(paths: Sequence[str]) -> set[str]:
    """Return those of some files that a row names or a worker is writing."""
    with tenancy.dispatching(reason="files of every unit"):
        kept = set(Job.objects.filter(path__in=paths).values_list("path", flat=True))
        running = Job.objects.filter(token__isnull=False).values_list("token", flat=True)
        return kept | {f"{FOLDER}/{UUID(str(token)).hex}" for token in running}
