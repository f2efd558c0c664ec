"""呼叫: a township calls, a county department must respond in time."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.fields.array import ArrayOverlap  # type: ignore[attr-defined]
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermission

from common.search import matching
from common.tenancy import (
    CountyOwned,
    Scope,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    TownshipOwned,
    tenant_target,
)
from mandates.models.clocks import Party
from mandates.models.entries import Entry
from mandates.models.lists import Matter, Urgency
from townships.roles import Role

if TYPE_CHECKING:
    from townships.http import Member


class CallState(models.TextChoices):
    """呼叫状态: after routing it follows the lead."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Waiting for approval")
    RAISED = "raised", _("Waiting for dispatch")
    ROUTED = "routed", _("Waiting to be accepted")
    OBJECTED = "objected", _("Objection")
    HANDLING = "handling", _("Being handled")
    ANSWERED = "answered", _("Waiting for rating")
    REWORK = "rework", _("Being handled again")
    DUPLICATE = "duplicate", _("Follows another call")
    CLOSED = "closed", _("Closed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


ENDED = (CallState.CLOSED, CallState.WITHDRAWN)
# Nothing is awaited in it: it has ended, or waits for the end of the call it follows.
SETTLED = (*ENDED, CallState.DUPLICATE)
WITH_DEPARTMENT = (
    CallState.ROUTED,
    CallState.OBJECTED,
    CallState.HANDLING,
    CallState.ANSWERED,
    CallState.REWORK,
    CallState.CLOSED,
)


class AssignmentState(models.TextChoices):
    """承办状态 of one department."""

    SENT = "sent", _("Waiting to be accepted")
    ACCEPTED = "accepted", _("Being handled")
    OBJECTED = "objected", _("Objection")
    ANSWERED = "answered", _("Answered")
    RELEASED = "released", _("Released")


OPEN_ASSIGNMENT = (AssignmentState.SENT, AssignmentState.ACCEPTED, AssignmentState.OBJECTED)


class Part(models.TextChoices):
    """承办身份."""

    LEAD = "lead", _("Lead")
    ASSIST = "assist", _("Assist")


class Rating(models.TextChoices):
    """满意度: silence is unrated, never satisfied."""

    SATISFIED = "satisfied", _("Satisfied")
    MOSTLY = "mostly", _("Mostly satisfied")
    UNSATISFIED = "unsatisfied", _("Not satisfied")
    UNRATED = "unrated", _("Not rated")


class Appeal(models.TextChoices):
    """评价申诉: upheld means that the rating counts in no figure; it stays to be read."""

    OPEN = "open", _("Appealed, not yet decided")
    UPHELD = "upheld", _("Excluded from the figures")
    REJECTED = "rejected", _("The rating counts")


class Origin(models.TextChoices):
    """呼叫来源."""

    PATROL = "patrol", _("Patrol")
    RESIDENT = "resident", _("A resident")
    HOTLINE = "hotline", _("Hotline 12345")
    PETITION = "petition", _("Petition")
    MEETING = "meeting", _("Meeting")
    OTHER = "other", _("Other")


@ArrayField.register_lookup
class Concern(ArrayOverlap):
    """Like ``overlap``, but the planner takes it to let all rows pass: the condition on the
    department beside it has been counted already, and an index is to give the order (`common.rls`).
    """

    lookup_name = "concern"

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        sql, params = super().as_postgresql(compiler, connection)
        return f"NULLIF({sql}, false) IS NOT NULL", params


class CallQuerySet(TenantQuerySet):
    """Questions about calls; they chain."""

    def visible_to(self, member: Member) -> Self:
        """Narrow to what this member may see inside the open scope.

        Drafts are the township's own; a grid worker sees what he wrote, and what he was let follow.
        """
        if member.township_id is None:
            return self.filter(raised_at__isnull=False)
        if member.role == Role.GRID_WORKER:
            followed = (
                UserObjectPermission.objects.filter(
                    user_id=member.user_id, permission__codename="follow_call"
                )
                .annotate(call=Cast("object_pk", models.BigIntegerField()))
                .values("call")
            )
            return self.filter(Q(created_by=member.user_id) | Q(pk__in=followed))
        return self

    def open(self) -> Self:
        """Narrow to calls somebody works on; one that follows another is in that one."""
        return self.exclude(state__in=SETTLED)

    def late(self, *, at: datetime) -> Self:
        """Narrow to open calls whose next clock has run out; at the instant itself it has."""
        return self.filter(next_due_at__lte=at)

    def speaking_of(self, words: str) -> Self:
        found = matching(words, "title", "number", "place", "body", "entry__name")
        return self.filter(found) if found is not None else self

    def with_list_columns(self) -> Self:
        """Fetch what a row of the list shows, in one query for any number of rows."""
        return self.select_related("township", "lead", "entry").defer(
            "body", "done_so_far", "route", "answer"
        )


class Call(TownshipOwned):
    """One call of one township. Its state changes only through `operations.calls`."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=30, blank=True)
    title = models.CharField(_("title"), max_length=80)
    body = models.TextField(_("what happened"), max_length=5000)
    done_so_far = models.TextField(_("what the township has done"), max_length=2000, blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    origin = models.CharField(_("origin"), max_length=12, choices=Origin, default=Origin.PATROL)
    urgency = models.CharField(
        _("urgency"), max_length=12, choices=Urgency, default=Urgency.GENERAL
    )
    entry = TenantForeignKey(
        Entry, models.PROTECT, null=True, blank=True, related_name="calls", verbose_name=_("matter")
    )
    matter = TenantForeignKey(
        Matter, models.PROTECT, null=True, blank=True, related_name="calls", db_index=False
    )
    unlisted_reason = models.CharField(_("why it is on no list"), max_length=500, blank=True)

    state = models.CharField(_("state"), max_length=12, choices=CallState, default=CallState.DRAFT)
    version = models.PositiveIntegerField(default=1)
    waiting_on = models.CharField(max_length=20, choices=Party, blank=True)
    lead = TenantForeignKey(
        "townships.Department",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("lead department"),
    )
    # The departments this call has ever concerned; kept by the operation that assigns. Row
    # security lets exactly these read and act.
    departments = ArrayField(models.BigIntegerField(), default=list)
    due_at = models.DateTimeField(_("due"), null=True)
    next_due_at = models.DateTimeField(null=True)
    level = models.CharField(max_length=12, blank=True)
    urged_count = models.PositiveSmallIntegerField(default=0)
    # 重复呼叫: earlier calls of the same township, matter and place within the county's days,
    # counted once when it was raised.
    repeats = models.PositiveSmallIntegerField(default=0, db_default=0)
    # 合并: the call whose result this one follows. Never a chain: a trigger sees to it.
    duplicate_of = TenantForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="duplicates", db_index=False
    )
    # 拆分: the call this one is a part of. One level, said once and for all.
    parent = TenantForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="parts", db_index=False
    )
    # Its parts that have not ended: as long as there is one, the call does not end.
    open_parts = models.PositiveSmallIntegerField(default=0, db_default=0)
    # How many follow this one now: what others follow does not go.
    followers = models.PositiveSmallIntegerField(default=0, db_default=0)
    rework_count = models.PositiveSmallIntegerField(default=0)

    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    raised_at = models.DateTimeField(null=True)
    routed_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)
    rating = models.CharField(_("rating"), max_length=12, choices=Rating, blank=True)
    rating_note = models.CharField(max_length=1000, blank=True)
    rating_appeal = models.CharField(
        max_length=10, choices=Appeal, blank=True, default="", db_default=""
    )
    # A key of the answer's letters alone (`common.texts.key_of`): the same words, the same key.
    answer_key = models.CharField(max_length=16, blank=True, default="", db_default="")
    # 派单依据: rule, list, version, document number, clause and reason, as they were that day.
    route = models.JSONField(default=dict)
    source_system = models.CharField(max_length=60, blank=True)
    source_no = models.CharField(max_length=60, blank=True)
    # What the other system sent under this number: the same again is no new call, anything else
    # is refused, for ever.
    source_hash = models.CharField(max_length=64, blank=True, db_default="")

    step_count = models.PositiveIntegerField(default=0)
    last_hash = models.CharField(max_length=64, blank=True)

    objects: ClassVar[Any] = TenantManager.from_queryset(CallQuerySet)()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        permissions = [("follow_call", _("Follow this call"))]
        constraints = [
            tenant_target("call"),
            models.UniqueConstraint(fields=["uid", "county"], name="call_uid"),
            models.UniqueConstraint(
                fields=["county", "number"], condition=~Q(number=""), name="call_number"
            ),
            models.UniqueConstraint(
                fields=["county", "source_system", "source_no"],
                condition=~Q(source_no=""),
                name="call_source",
            ),
            models.CheckConstraint(
                name="call_rated_when_closed",
                condition=Q(state="closed") & ~Q(rating="") | ~Q(state="closed") & Q(rating=""),
            ),
            models.CheckConstraint(
                name="call_appeal_of_a_rating",
                condition=Q(rating_appeal="")
                | Q(rating_appeal__in=["open", "upheld", "rejected"])
                & Q(rating__in=["mostly", "unsatisfied"]),
            ),
            models.CheckConstraint(
                name="call_listed_or_reason",
                condition=Q(entry__isnull=False, matter__isnull=False, unlisted_reason="")
                | Q(entry=None, matter=None) & ~Q(unlisted_reason=""),
            ),
            models.CheckConstraint(
                name="call_lead_when_routed",
                condition=Q(lead__isnull=False, routed_at__isnull=False) & ~Q(number="")
                | ~Q(state__in=[state.value for state in WITH_DEPARTMENT]),
            ),
            models.CheckConstraint(
                name="call_states", condition=Q(state__in=[state.value for state in CallState])
            ),
            models.CheckConstraint(
                name="call_next_due_open",
                condition=Q(next_due_at=None) | ~Q(state__in=["closed", "withdrawn", "draft"]),
            ),
            models.CheckConstraint(
                name="call_ends_after_its_parts",
                condition=Q(open_parts=0)
                | ~Q(state__in=["draft", "submitted", "duplicate", "closed", "withdrawn"]),
            ),
            models.CheckConstraint(
                name="call_parts_one_level", condition=Q(parent=None) | Q(open_parts=0)
            ),
            models.CheckConstraint(
                name="call_duplicate_of_another",
                condition=Q(duplicate_of__isnull=False, state__in=["duplicate", "closed"])
                | Q(duplicate_of=None) & ~Q(state="duplicate"),
            ),
        ]
        indexes = [
            models.Index(fields=["township", "-id"], name="call_township_new"),
            models.Index(
                fields=["township", "next_due_at", "id"],
                condition=Q(next_due_at__isnull=False),
                name="call_township_due",
            ),
            models.Index(
                fields=["township", "waiting_on", "next_due_at", "id"],
                condition=Q(next_due_at__isnull=False),
                name="call_township_waiting",
            ),
            models.Index(fields=["county", "-id"], name="call_county_new"),
            models.Index(
                fields=["county", "next_due_at", "id"],
                condition=Q(next_due_at__isnull=False),
                name="call_county_due",
            ),
            models.Index(
                fields=["county", "waiting_on", "next_due_at", "id"],
                condition=Q(next_due_at__isnull=False),
                name="call_county_waiting",
            ),
            models.Index(
                fields=["next_due_at", "id"],
                condition=Q(next_due_at__isnull=False),
                name="call_due",
            ),
            models.Index(
                fields=["duplicate_of"],
                condition=Q(duplicate_of__isnull=False),
                name="call_duplicates",
            ),
            models.Index(
                fields=["parent", "id"], condition=Q(parent__isnull=False), name="call_parts"
            ),
            *(
                models.Index(
                    fields=[key, "-id"], condition=Q(repeats__gt=0), name=f"call_{key}_repeat"
                )
                for key in ("county", "township")
            ),
            # For statistics. A closed call changes no more, so these cost a move nothing.
            *(
                models.Index(
                    fields=[*keys, "closed_at"],
                    condition=Q(closed_at__isnull=False),
                    name=f"call_{name}_closed",
                )
                for name, keys in (
                    ("county", ["county"]),
                    ("township", ["township"]),
                    ("lead", ["county", "lead"]),
                )
            ),
            models.Index(
                fields=["county", "lead", "answer_key", "closed_at"],
                condition=Q(closed_at__isnull=False) & ~Q(answer_key=""),
                name="call_same_answer",
            ),
            models.Index(
                fields=["county", "raised_at"],
                condition=Q(raised_at__isnull=False),
                name="call_county_raised",
            ),
            models.Index(
                fields=["township", "raised_at"],
                condition=Q(raised_at__isnull=False),
                name="call_township_raised",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()

    def get_absolute_url(self) -> str:
        return reverse("mandates:call-detail", args=[self.uid])

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        """A department reaches the calls that concern it."""
        found = super().reach(opened)
        if opened.kind == "department":
            return found & Q(departments__concern=list(opened.departments))
        return found

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    @property
    def etag(self) -> str:
        """Return the version as systems send it back in If-Match."""
        return f'"{self.version}"'


class Assignment(TownshipOwned):
    """承办: what one department has to do for one call, from one dispatch on."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    call = TenantForeignKey(Call, models.PROTECT, related_name="assignments")
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, related_name="+", db_index=False
    )
    # A copy of the call's, so that participants see each other's part and nobody else does.
    departments = ArrayField(models.BigIntegerField(), default=list)
    part = models.CharField(max_length=8, choices=Part)
    state = models.CharField(max_length=12, choices=AssignmentState, default=AssignmentState.SENT)
    duty = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    accepted_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    handled_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    answer = models.TextField(blank=True)
    next_due_at = models.DateTimeField(null=True)
    may_object = models.BooleanField(default=True)
    is_wrong_dispatch = models.BooleanField(default=False)
    # 误派耗时: office minutes that went by with a department it never belonged to. They count for
    # whoever dispatched; the department that gets it instead has a time of its own.
    lost_minutes = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = [
            tenant_target("assignment"),
            models.UniqueConstraint(fields=["uid", "county"], name="assignment_uid"),
            models.UniqueConstraint(
                fields=["county", "call", "department"],
                condition=~Q(state="released"),
                name="assignment_once",
            ),
            models.UniqueConstraint(
                fields=["county", "call"],
                condition=Q(part="lead") & ~Q(state="released"),
                name="assignment_one_lead",
            ),
            models.CheckConstraint(
                name="assignment_states",
                condition=Q(state__in=[state.value for state in AssignmentState]),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "department", "-call"], name="assignment_new"),
            models.Index(
                fields=["county", "department", "next_due_at", "call"],
                condition=Q(next_due_at__isnull=False),
                name="assignment_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.get_part_display()}"

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        found = super().reach(opened)
        if opened.kind == "department":
            return found & Q(departments__concern=list(opened.departments))
        return found

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_ASSIGNMENT

    @property
    def is_lead(self) -> bool:
        return self.part == Part.LEAD


class CallCounter(CountyOwned):
    """The last call number given out in a county and year; locked while routing."""

    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("counter of calls")
        verbose_name_plural = _("counters of calls")
        constraints = [
            models.UniqueConstraint(fields=["county", "year"], name="call_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
