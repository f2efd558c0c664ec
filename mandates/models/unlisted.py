"""清单外事项: a task sent down to a township without a line of the list and without admission."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.search import matching
from common.tenancy import (
    Scope,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    TownshipOwned,
    among,
    tenant_target,
)
from common.workflow import Move, table
from mandates.permissions import Permission as P


class UnlistedState(models.TextChoices):
    """What became of it."""

    RECORDED = "recorded", pgettext_lazy("an unlisted task", "Recorded, undecided")
    REFUSED = "refused", pgettext_lazy("an unlisted task", "Refused")
    TAKEN = "taken", pgettext_lazy("an unlisted task", "Taken all the same")
    DROPPED = "dropped", pgettext_lazy("an unlisted task", "Taken back by the department")
    ADMITTED = "admitted", pgettext_lazy("an unlisted task", "Goes through admission")
    LISTED = "listed", pgettext_lazy("an unlisted task", "On the list after all")


class AskedBy(models.TextChoices):
    """下达方式: how the township was asked."""

    DOCUMENT = "document", _("Document")
    MEETING = "meeting", pgettext_lazy("how a task came", "Meeting")
    PHONE = "phone", _("Telephone")
    GROUP = "group", _("Work group of a messenger")
    SYSTEM = "system", _("Task in a system")
    LETTER = "letter", _("Letter of responsibility, assessment")
    OTHER = "other", pgettext_lazy("how a task came", "Otherwise")


U = UnlistedState
TOWNSHIP: Final = "township"
DEPARTMENT: Final = "department"


def _move(
    name: str, label: Any, sources: tuple[U, ...], to: U, permission: str, relation: str,
    needs: tuple[str, ...] = (), takes: tuple[str, ...] = (),
) -> Move:  # fmt: skip
    whence = frozenset(str(one) for one in sources)
    return Move(name, label, "unlisted", whence, to, permission, relation, needs=needs, takes=takes)


OPEN = (U.RECORDED, U.REFUSED, U.TAKEN)
UNLISTED_MOVES: dict[str, Move] = table(
    [
        _move("refuse", pgettext_lazy("an unlisted task", "Refuse, with reasons"), (U.RECORDED,),
              U.REFUSED, P.UNLISTED_DECIDE, TOWNSHIP, ("note",)),
        _move("take", pgettext_lazy("an unlisted task", "Take it all the same"),
              (U.RECORDED, U.REFUSED), U.TAKEN, P.UNLISTED_DECIDE, TOWNSHIP, takes=("note",)),
        _move("find_listed", pgettext_lazy("an unlisted task", "It is on the list"), OPEN,
              U.LISTED, P.UNLISTED_RECORD, TOWNSHIP, ("entry",), ("note",)),
        _move("point_at", pgettext_lazy("an unlisted task", "An admission covers it"), OPEN,
              U.ADMITTED, P.UNLISTED_RECORD, TOWNSHIP, ("admission",), ("note",)),
        _move("drop", pgettext_lazy("an unlisted task", "Take the task back"), OPEN, U.DROPPED,
              P.UNLISTED_ANSWER, DEPARTMENT, ("note",)),
    ]
)  # fmt: skip


class UnlistedQuerySet(TenantQuerySet):
    def speaking_of(self, words: str) -> Self:
        found = matching(words, "title", "what", "document", "in_name_of", "department__name")
        return self.filter(found) if found is not None else self


class OfTwoSides(TownshipOwned):
    """A row that its township, the department it names and the county read."""

    department = TenantForeignKey(
        "townships.Department", models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        abstract = True

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        if opened.kind == "department":
            return among("department_id", opened.departments)
        return super().reach(opened)


class UnlistedTask(OfTwoSides):
    """One task as the township wrote it down. Its state changes through `UNLISTED_MOVES` alone."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=U, default=U.RECORDED)
    version = models.PositiveIntegerField(default=1)
    # 工作专班, 临时机构: in whose name the department asked, if not in its own.
    in_name_of = models.CharField(_("in the name of"), max_length=100, blank=True)
    title = models.CharField(pgettext_lazy("an unlisted task", "task"), max_length=100)
    what = models.TextField(_("what is asked"))
    document = models.CharField(_("document"), max_length=200, blank=True)
    received_on = models.DateField(_("received on"))
    way = models.CharField(_("how it was asked"), max_length=10, choices=AskedBy)
    entry = TenantForeignKey(
        "mandates.Entry", models.PROTECT, null=True, related_name="+", db_index=False
    )
    admission = TenantForeignKey(
        "mandates.Admission", models.PROTECT, null=True, related_name="+", db_index=False
    )
    recorded_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    recorded_at = models.DateTimeField()

    objects: ClassVar[Any] = TenantManager.from_queryset(UnlistedQuerySet)()

    class Meta:
        verbose_name = _("unlisted task")
        verbose_name_plural = _("unlisted tasks")
        constraints = [
            tenant_target("unlisted_task"),
            models.UniqueConstraint(fields=["uid", "county"], name="unlisted_task_uid"),
            models.CheckConstraint(name="unlisted_task_state", condition=Q(state__in=U.values)),
            models.CheckConstraint(
                name="unlisted_task_listed",
                condition=Q(state=U.LISTED, entry__isnull=False)
                | ~Q(state=U.LISTED) & Q(entry=None),
            ),
            models.CheckConstraint(
                name="unlisted_task_admitted",
                condition=Q(state=U.ADMITTED, admission__isnull=False)
                | ~Q(state=U.ADMITTED) & Q(admission=None),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "-id"], name="unlisted_new"),
            models.Index(fields=["county", "department", "recorded_at"], name="unlisted_counted"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("mandates:unlisted-detail", args=[self.uid])

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


class UnlistedStep(OfTwoSides):
    """过程记录 of an unlisted task: who did what, with which reasons. Never changed."""

    task = TenantForeignKey(UnlistedTask, models.PROTECT, related_name="steps", db_index=False)
    seq = models.PositiveSmallIntegerField()
    move = models.CharField(max_length=24)
    to_state = models.CharField(max_length=10, choices=U)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    unit = models.CharField(max_length=100)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("step of an unlisted task")
        verbose_name_plural = _("steps of unlisted tasks")
        constraints = [
            models.UniqueConstraint(fields=["county", "task", "seq"], name="unlisted_step_seq"),
            # A township that refuses says why, and so does a department that takes back.
            models.CheckConstraint(
                name="unlisted_step_why",
                condition=~Q(move__in=["refuse", "drop"]) | Q(note__regex=r"\S"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.move}"
