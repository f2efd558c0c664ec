"""职责准入: how a duty comes down to townships that the list does not yet hold, with what it costs."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.search import matching
from common.tenancy import (
    CountyOwned,
    Scope,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    county_target,
)
from mandates.models.schemes import ONE_UNIT


class AdmissionState(models.TextChoices):
    """环节: where an application stands."""

    DRAFT = "draft", pgettext_lazy("duty admission", "Draft")
    FORMAL = "formal", _("Formal check")
    OPINIONS = "opinions", _("Opinions of the townships")
    LEGALITY = "legality", _("Legality review")
    RESOURCES = "resources", _("Resource review")
    MEETING = "meeting", _("Joint meeting")
    DECISION = "decision", pgettext_lazy("duty admission", "Decision")
    FILING = "filing", _("Filing")
    LISTING = "listing", _("Listing and publication")
    IN_FORCE = "in_force", _("Admitted, to be evaluated")
    EVALUATED = "evaluated", _("Evaluated")
    REFUSED = "refused", pgettext_lazy("duty admission", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("duty admission", "Withdrawn")


S = AdmissionState
PATH = (
    S.DRAFT, S.FORMAL, S.OPINIONS, S.LEGALITY, S.RESOURCES, S.MEETING, S.DECISION, S.FILING,
    S.LISTING, S.IN_FORCE, S.EVALUATED,
)  # fmt: skip
APPROVED = (S.FILING, S.LISTING, S.IN_FORCE, S.EVALUATED)
ENDED = (S.EVALUATED, S.REFUSED, S.WITHDRAWN)
PACKAGE = ("people", "money", "equipment", "training", "systems")


class HandingMode(models.TextChoices):
    """下放方式: by which way of the law the duty may come to a township."""

    OWN = "own", _("The law gives it to townships")
    EMPOWERED = "empowered", _("Empowerment by the province")
    DELEGATED = "delegated", _("Delegation in writing")
    SUPPORT = "support", _("Support only; the department keeps the duty")


class Evaluation(models.TextChoices):
    """评估结论."""

    KEEP = "keep", _("Keep")
    ADJUST = "adjust", _("Adjust")
    TAKE_BACK = "take_back", _("Take back")


class AdmissionQuerySet(TenantQuerySet):
    def visible_to(self, member: Any) -> Self:
        """Narrow to what a member may read: what was never submitted is the applicant's own."""
        own = Q(pk__in=())
        if member.department_id is not None:
            own = Q(department=member.department_id)
        elif member.township_id is not None:
            own = Q(area=member.township_id)
        return self.filter(own | ~Q(number=""))

    def speaking_of(self, words: str) -> Self:
        found = matching(words, "name", "number", "legal_basis", "reason", "township_duty")
        return self.filter(found) if found is not None else self


class Admission(CountyOwned):
    """准入事项: one application. Its state changes only through `admission_moves`.

    ``townships`` and ``departments`` say who may read it: the applicant, those it concerns and
    those who review it. The three arrays after them say for whom the step at hand waits.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=60, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=S, default=S.DRAFT)
    version = models.PositiveIntegerField(default=1)
    round = models.PositiveSmallIntegerField(default=0)
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    area = TenantForeignKey(
        "townships.Township", models.PROTECT, null=True, related_name="+", db_index=False
    )
    townships = ArrayField(models.BigIntegerField(), default=list)
    departments = ArrayField(models.BigIntegerField(), default=list)
    pending_townships = ArrayField(models.BigIntegerField(), default=list)
    open_objections = ArrayField(models.BigIntegerField(), default=list)
    pending_departments = ArrayField(models.BigIntegerField(), default=list)

    name = models.CharField(_("matter"), max_length=100)
    category = models.CharField(_("category"), max_length=40)
    lead = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    legal_basis = models.TextField(_("legal basis"))
    reason = models.TextField(_("reason"))
    township_duty = models.TextField(_("duty of the township"))
    department_duty = models.TextField(_("duty of the county department"))
    targets = ArrayField(models.BigIntegerField(), default=list)

    # The resource package (费随事转): without any of the five nothing is approved.
    people = models.CharField(_("people"), max_length=300, blank=True)
    money = models.CharField(_("money"), max_length=300, blank=True)
    equipment = models.CharField(_("equipment"), max_length=300, blank=True)
    training = models.CharField(_("training"), max_length=300, blank=True)
    systems = models.CharField(_("systems"), max_length=300, blank=True)
    term = models.CharField(_("term"), max_length=100, blank=True)

    began_at = models.DateTimeField(null=True)  # the step at hand
    limit_amount = models.PositiveSmallIntegerField(null=True)
    limit_unit = models.CharField(max_length=20, blank=True)
    due_at = models.DateTimeField(null=True)
    reminded_for = models.DateTimeField(null=True)

    mode = models.CharField(
        _("way of handing down"), max_length=10, choices=HandingMode, blank=True
    )
    held_on = models.DateField(_("day of the meeting"), null=True)
    minutes = models.TextField(pgettext_lazy("of a meeting", "minutes"), blank=True)
    document_no = models.CharField(_("document number"), max_length=60, blank=True)
    filing_no = models.CharField(_("number of the filing"), max_length=60, blank=True)
    matter = TenantForeignKey(
        "mandates.Matter", models.PROTECT, null=True, related_name="+", db_index=False
    )
    evaluate_from = models.DateTimeField(null=True)
    evaluation = models.CharField(max_length=10, choices=Evaluation, blank=True)

    created_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    step_count = models.PositiveIntegerField(default=0)
    last_hash = models.CharField(max_length=64, blank=True)

    objects: ClassVar[Any] = TenantManager.from_queryset(AdmissionQuerySet)()

    class Meta:
        verbose_name = _("duty admission")
        verbose_name_plural = _("duty admissions")
        constraints = [
            county_target("admission"),
            models.UniqueConstraint(fields=["uid", "county"], name="admission_uid"),
            models.UniqueConstraint(
                fields=["county", "number"], condition=~Q(number=""), name="admission_number"
            ),
            models.CheckConstraint(name="admission_applicant", condition=ONE_UNIT),
            models.CheckConstraint(name="admission_state", condition=Q(state__in=S.values)),
            models.CheckConstraint(
                name="admission_submitted",
                condition=Q(state__in=[S.DRAFT, S.WITHDRAWN])
                | ~Q(number="") & ~Q(targets=[]) & Q(lead__isnull=False),
            ),
            # 费随事转: a duty without people, money, equipment, training or systems is not approved.
            models.CheckConstraint(
                name="admission_package",
                condition=~Q(state__in=APPROVED)
                | Q(people__regex=r"\S")
                | Q(money__regex=r"\S")
                | Q(equipment__regex=r"\S")
                | Q(training__regex=r"\S")
                | Q(systems__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="admission_document",
                condition=~Q(state__in=APPROVED) | Q(document_no__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="admission_listed",
                condition=~Q(state__in=[S.IN_FORCE, S.EVALUATED]) | Q(matter__isnull=False),
            ),
            models.CheckConstraint(
                name="admission_evaluated",
                condition=Q(state=S.EVALUATED, evaluation__in=Evaluation.values)
                | ~Q(state=S.EVALUATED) & Q(evaluation=""),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "-id"], name="admission_new"),
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="admission_due"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("mandates:admission-detail", args=[self.uid])

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        if opened.kind == "township":
            return Q(townships__overlap=list(opened.townships))
        if opened.kind == "department":
            return Q(departments__overlap=list(opened.departments))
        return super().reach(opened)

    @classmethod
    def label_of(cls, name: str) -> Any:
        """Return what a column is called."""
        return cast("models.Field[Any, Any]", cls._meta.get_field(name)).verbose_name

    @classmethod
    def length_of(cls, name: str) -> int | None:
        """Return the most characters a column holds; None for a text."""
        return cast("models.Field[Any, Any]", cls._meta.get_field(name)).max_length

    @property
    def applicant(self) -> Any:
        return self.department or self.area

    @property
    def has_package(self) -> bool:
        """Whether anything at all comes down with the duty."""
        return any(getattr(self, name).strip() for name in PACKAGE)

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def etag(self) -> str:
        return f'"{self.version}"'
