"""What belongs to an admission: its steps, what units said, and what a county has settled for all."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.tenancy import CountyOwned, TenantForeignKey
from mandates.models.admissions import Admission
from mandates.models.admissions import AdmissionState as S
from mandates.models.limits import SAMPLE, UnitChoices


class AdmissionStep(CountyOwned):
    """过程记录 of an admission: one move, never changed, with the hash of the one before."""

    admission = TenantForeignKey(Admission, models.PROTECT, related_name="steps", db_index=False)
    seq = models.PositiveIntegerField()
    move = models.CharField(max_length=24)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    post = models.ForeignKey(
        "townships.Post", models.PROTECT, null=True, related_name="+", db_index=False
    )
    role = models.CharField(max_length=40, blank=True)
    unit = models.CharField(max_length=100, blank=True)
    actor = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    algorithm = models.CharField(max_length=10)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("step of an admission")
        verbose_name_plural = _("steps of admissions")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "admission", "seq"], name="admission_step_seq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.move}"

    def facts(self, uid: uuid.UUID) -> dict[str, Any]:
        """Return what the hash of the step protects; ``uid`` is the admission's."""
        names = (
            "seq", "move", "from_state", "to_state", "by_id", "post_id", "role", "unit", "actor",
            "at", "note", "data",
        )  # fmt: skip
        return {"admission": str(uid), **{name: getattr(self, name) for name in names}}


class VoiceKind(models.TextChoices):
    """What a unit was asked for."""

    OPINION = "opinion", _("Opinion")
    ANSWER = "answer", _("Answer to an objection")
    LEGALITY = "legality", _("Legality review")
    RESOURCES = "resources", _("Resource review")
    VOTE = "vote", _("Vote")


class Verdict(models.TextChoices):
    """What it said."""

    AGREE = "agree", _("Agrees")
    CONDITIONS = "conditions", _("Agrees on conditions")
    OBJECT = "object", pgettext_lazy("an opinion", "Objects")
    SILENT = "silent", _("Silent")
    ANSWERED = "answered", _("Answered")
    LAWFUL = "lawful", _("Lawful")
    UNLAWFUL = "unlawful", _("Not lawful")
    ADEQUATE = "adequate", _("Adequate")
    LACKING = "lacking", _("Lacking")
    FOR = "for", pgettext_lazy("a vote", "For")
    AGAINST = "against", pgettext_lazy("a vote", "Against")
    ABSTAINED = "abstained", _("Abstained")
    ABSENT = "absent", pgettext_lazy("a vote", "Absent")


V = Verdict
OPINIONS = (V.AGREE, V.CONDITIONS, V.OBJECT)
FINDINGS = (V.ADEQUATE, V.LACKING)
VOTES = (V.FOR, V.AGAINST, V.ABSTAINED, V.ABSENT)
OF_A_TOWNSHIP = Q(area__isnull=False, department=None)
OF_A_DEPARTMENT = Q(area=None, department__isnull=False)


class AdmissionVoice(CountyOwned):
    """意见: what one unit said on an admission, once a round. Silence is a row too. Never changed."""

    admission = TenantForeignKey(Admission, models.PROTECT, related_name="voices", db_index=False)
    round = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=VoiceKind)
    verdict = models.CharField(max_length=10, choices=Verdict)
    # Of an answer: the township whose objection it answers.
    area = TenantForeignKey(
        "townships.Township", models.PROTECT, null=True, related_name="+", db_index=False
    )
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    text = models.TextField(blank=True)
    by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    unit = models.CharField(max_length=100, blank=True)
    actor = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("opinion on an admission")
        verbose_name_plural = _("opinions on admissions")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "admission", "round", "kind", "area"],
                name="admission_voice_area",
            ),
            models.UniqueConstraint(
                fields=["county", "admission", "round", "kind", "department"],
                name="admission_voice_department",
            ),
            models.CheckConstraint(
                name="admission_voice_said",
                condition=Q(kind="opinion", verdict__in=[*OPINIONS, V.SILENT]) & OF_A_TOWNSHIP
                | Q(kind="answer", verdict=V.ANSWERED) & OF_A_TOWNSHIP
                | Q(kind="legality", verdict__in=[V.LAWFUL, V.UNLAWFUL], area=None)
                | Q(kind="resources", verdict__in=FINDINGS) & OF_A_DEPARTMENT
                | Q(kind="vote", verdict__in=VOTES) & OF_A_DEPARTMENT,
            ),
            models.CheckConstraint(
                name="admission_voice_why",
                condition=~Q(text="")
                | Q(verdict__in=[V.AGREE, V.SILENT, V.FOR, V.AGAINST, V.ABSTAINED, V.ABSENT]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.get_verdict_display()}"


class AdmissionTask(models.TextChoices):
    """What a department of the county does for admissions."""

    LEGALITY = "legality", _("Legality review")
    RESOURCES = "resources", _("Resource review")
    MEETING = "meeting", _("Member of the joint meeting")


class AdmissionBody(CountyOwned):
    """审核单位: which departments review, and who sits in the joint meeting."""

    task = models.CharField(_("task"), max_length=10, choices=AdmissionTask)
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, related_name="+", verbose_name=_("department")
    )

    class Meta:
        verbose_name = _("reviewing department")
        verbose_name_plural = _("reviewing departments")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "task", "department"], name="admission_body_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_task_display()} {self.department}"


class AdmissionLimitKind(models.TextChoices):
    """What a limit of admissions is for: the steps, and when evaluation begins and is due."""

    FORMAL = S.FORMAL.value, S.FORMAL.label
    OPINIONS = S.OPINIONS.value, S.OPINIONS.label
    LEGALITY = S.LEGALITY.value, S.LEGALITY.label
    RESOURCES = S.RESOURCES.value, S.RESOURCES.label
    MEETING = S.MEETING.value, S.MEETING.label
    DECISION = S.DECISION.value, S.DECISION.label
    FILING = S.FILING.value, S.FILING.label
    LISTING = S.LISTING.value, S.LISTING.label
    EVALUATE_FROM = "evaluate_from", _("Evaluation, at the earliest")
    IN_FORCE = S.IN_FORCE.value, _("Evaluation, at the latest")


# Samples; no law sets them. The decision has no limit unless a county gives it one.
USUAL_LIMITS: dict[str, tuple[int, str]] = {
    S.FORMAL: (5, UnitChoices.WORKING_DAY),
    S.OPINIONS: (10, UnitChoices.WORKING_DAY),
    S.LEGALITY: (10, UnitChoices.WORKING_DAY),
    S.RESOURCES: (10, UnitChoices.WORKING_DAY),
    S.MEETING: (20, UnitChoices.WORKING_DAY),
    S.FILING: (10, UnitChoices.WORKING_DAY),
    S.LISTING: (10, UnitChoices.WORKING_DAY),
    AdmissionLimitKind.EVALUATE_FROM: (6, UnitChoices.MONTH),
    S.IN_FORCE: (12, UnitChoices.MONTH),
}


class AdmissionLimit(CountyOwned):
    """准入时限: how long a step may take in a county; without a row the usual limit holds."""

    kind = models.CharField(
        pgettext_lazy("duty admission", "Step"), max_length=15, choices=AdmissionLimitKind
    )
    amount = models.PositiveSmallIntegerField(
        _("amount"), validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    unit = models.CharField(
        _("unit"), max_length=20, choices=UnitChoices, default=UnitChoices.WORKING_DAY
    )
    source = models.CharField(_("source"), max_length=200, default=SAMPLE)

    class Meta:
        verbose_name = _("limit of admissions")
        verbose_name_plural = _("limits of admissions")
        constraints = [
            models.UniqueConstraint(fields=["county", "kind"], name="admission_limit_once"),
            models.CheckConstraint(
                name="admission_limit_amount", condition=Q(amount__range=(1, 365))
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class AdmissionCounter(CountyOwned):
    """The last number given out in a county and year; locked while an application is submitted."""

    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("counter of admissions")
        verbose_name_plural = _("counters of admissions")
        constraints = [
            models.UniqueConstraint(fields=["county", "year"], name="admission_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
