import uuid
from typing import Any, ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global, Scope, TenantManager, TenantQuerySet, among

LONGEST_KEY = 200


class JobState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


ACTIVE = (JobState.WAITING, JobState.RUNNING)


class JobQuerySet(TenantQuerySet):
    """Jobs; only the workers' scope sees those of every unit."""

    def in_scope(self, opened: Scope) -> Self:
        return self if opened.kind == "dispatch" else self.filter(Job.reach(opened))


class Job(Global):
    """A long piece of work that somebody asked for: done by a worker, its result kept for a while.

    It belongs to a person in a post; the unit of the post is the wall of the row, as of a saved
    filter. City posts, which are in no county, have jobs too.
    """

    GLOBAL_REASON = "city posts have jobs and no county; row security goes by the unit of the post"

    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    unit_kind = models.CharField(max_length=10)
    unit_id = models.BigIntegerField()
    user = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    post = models.ForeignKey("townships.Post", models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=LONGEST_KEY, blank=True)
    kind = models.CharField(_("kind"), max_length=40)
    parameters = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    language = models.CharField(max_length=10)
    state = models.CharField(
        _("state"), max_length=10, choices=JobState.choices, default=JobState.WAITING
    )
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("total"), null=True)
    requested_at = models.DateTimeField(_("asked for at"))
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Who works on it, and until when without a sign of life.
    token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    # Why it failed: for machines, and in the words of whoever asked.
    code = models.CharField(max_length=60, blank=True)
    words = models.CharField(max_length=500, blank=True)
    # The result, below MEDIA_ROOT; nothing without one, or once it has run out.
    path = models.CharField(max_length=200, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = TenantManager.from_queryset(JobQuerySet)()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], condition=~Q(key=""), name="job_key"),
            models.CheckConstraint(name="job_state", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(
                name="job_running_is_leased",
                condition=Q(state="running", token__isnull=False, leased_until__isnull=False)
                | Q(~Q(state="running"), token=None, leased_until=None),
            ),
            models.CheckConstraint(
                name="job_ended_at",
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False),
            ),
            models.CheckConstraint(name="job_failed_why", condition=~Q(state="failed", code="")),
            models.CheckConstraint(
                name="job_result_is_whole",
                condition=Q(path="")
                | Q(~Q(file_name=""), ~Q(content_type=""), ~Q(sha256=""), state="done")
                & Q(expires_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="job_of_user"),
            models.Index(
                fields=["id"],
                condition=Q(state__in=["waiting", "running"]),
                name="job_to_do",
            ),
            models.Index(fields=["finished_at"], name="job_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        if opened.kind == "all":
            return Q(unit_kind="city")
        ids = {
            "township": opened.townships,
            "department": opened.departments,
            "county": opened.counties,
        }
        return Q(unit_kind=opened.kind) & among("unit_id", ids[opened.kind])

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def has_result(self) -> bool:
        return bool(self.path)

    @property
    def percent(self) -> int | None:
        """Return how much is done; None while nobody knows how much there is."""
        return min(100, self.done * 100 // self.total) if self.total else None
