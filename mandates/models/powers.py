"""赋权事项目录: what a county department may do that a township might do, with its law and its marks.

What the law forbids is told by `FORBIDDEN`, each with the article and its words.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey, county_target
from mandates.models.lists import Matter

PENALTY_LAW, COMPULSION_LAW = "《中华人民共和国行政处罚法》", "《中华人民共和国行政强制法》"
LICENSING_LAW = "《中华人民共和国行政许可法》"
HIGHEST = 5  # of a criterion


class PowerKind(models.TextChoices):
    """权力类型."""

    APPROVAL = "approval", _("Approval")
    PENALTY = "penalty", _("Penalty")
    INSPECTION = "inspection", _("Inspection")
    MEASURE = "measure", _("Compulsory measure")
    DETENTION = "detention", _("Restriction of personal freedom")


class PowerMode(models.TextChoices):
    """赋权 acts in the township's own name, 委托 in that of the department."""

    EMPOWERMENT = "empowerment", _("Empowerment")
    ENTRUSTMENT = "entrustment", _("Entrustment")


class Criterion(models.TextChoices):
    """点多面广、直接面对群众、基层迫切需要、能够有效承接."""

    MANY = "many", _("Many points, wide spread")
    DIRECT = "direct", _("Face to face with residents")
    URGENT = "urgent", _("Urgently needed at the base")
    BEARABLE = "bearable", _("Can be taken on effectively")


@dataclass(frozen=True)
class Prohibition:
    """What a law forbids or demands: where it stands, its words, and what that means here."""

    law: str
    article: str
    words: str
    says: Any

    @property
    def place(self) -> str:
        return f"{self.law}{self.article}"


FORBIDDEN: dict[str, Prohibition] = {
    "detention": Prohibition(
        PENALTY_LAW,
        "第十八条第三款",
        "限制人身自由的行政处罚权只能由公安机关和法律规定的其他机关行使。",
        _("Restriction of personal freedom is never handed to a township."),
    ),
    "measure_entrusted": Prohibition(
        COMPULSION_LAW,
        "第十七条第一款",
        "行政强制措施权不得委托。",
        _("The power of compulsory measures may not be entrusted."),
    ),
    "redelegation": Prohibition(
        PENALTY_LAW,
        "第二十条第四款",
        "受委托组织在委托范围内，以委托行政机关名义实施行政处罚；不得再委托其他组织或者个人实施行政处罚。",
        _("Who was entrusted may not entrust others in turn."),
    ),
    "licence_redelegation": Prohibition(
        LICENSING_LAW,
        "第二十四条第三款",
        "受委托行政机关在委托范围内，以委托行政机关名义实施行政许可；不得再委托其他组织或者个人实施行政许可。",
        _("Who was entrusted with licences may not entrust others in turn."),
    ),
    "outside_power": Prohibition(
        PENALTY_LAW,
        "第二十条第一款",
        "行政机关依照法律、法规、规章的规定，可以在其法定权限内书面委托符合本法第二十一条规定条件的组织实施行政处罚。",
        _("A department entrusts only what is its own power."),
    ),
    "no_decision": Prohibition(
        PENALTY_LAW,
        "第二十四条第一款",
        "省、自治区、直辖市根据当地实际情况，可以决定将基层管理迫切需要的县级人民政府部门的行政处罚权交由能够有效承接的乡镇人民政府、街道办事处行使，并定期组织评估。决定应当公布。",
        _("Empowerment rests on a published decision of the province: name it."),
    ),
    "not_capable": Prohibition(
        PENALTY_LAW,
        "第二十四条第一款",
        "……交由能够有效承接的乡镇人民政府、街道办事处行使……",
        _("Only a township whose capability check was passed can be granted the item."),
    ),
    "not_qualified": Prohibition(
        PENALTY_LAW,
        "第二十一条",
        "受委托组织必须符合以下条件：……（二）有熟悉有关法律、法规、规章和业务并取得行政执法资格的工作人员……",
        _("Only a township that meets the conditions can be entrusted: its check must be passed."),
    ),
    "too_few_officers": Prohibition(
        PENALTY_LAW,
        "第四十二条第一款",
        "行政处罚应当由具有行政执法资格的执法人员实施。执法人员不得少于两人，法律另有规定的除外。",
        _("With fewer than two officers with certificates nobody can take this on."),
    ),
    "not_needed": Prohibition(
        PENALTY_LAW,
        "第二十四条第一款",
        "……将基层管理迫切需要的县级人民政府部门的行政处罚权……",
        _("Scored as not needed, or not to be taken on: this cannot be handed down."),
    ),
    "no_term": Prohibition(
        PENALTY_LAW,
        "第二十条第二款",
        "委托书应当载明委托的具体事项、权限、期限等内容。",
        _("An entrustment states its items, powers and term."),
    ),
    "unpublished": Prohibition(
        PENALTY_LAW,
        "第二十条第二款",
        "委托行政机关和受委托组织应当将委托书向社会公布。",
        _("Both sides publish the entrustment before it is in force."),
    ),
    "unevaluated": Prohibition(
        PENALTY_LAW,
        "第二十四条第一款",
        "……并定期组织评估。……",
        _("What was handed down is evaluated at regular times."),
    ),
}


class PowerItem(CountyOwned):
    """事项: one power. Without a department the law itself gives it to townships (``is_own``)."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    code = models.CharField(_("code"), max_length=20)
    kind = models.CharField(_("kind"), max_length=12, choices=PowerKind, default=PowerKind.PENALTY)
    field = models.CharField(_("field of work"), max_length=40)
    name = models.CharField(_("name"), max_length=200)
    department = TenantForeignKey(
        "townships.Department",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("department it comes from"),
        help_text=_("Empty where the law itself names the township."),
    )
    # What of the county's list it serves: once that is taken back, no case is begun by it any more.
    matter = TenantForeignKey(
        Matter,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="powers",
        db_index=False,
        verbose_name=_("matter of the list"),
        help_text=_("Once the superior takes that back, no new case is begun by this power."),
    )
    law = models.CharField(_("law"), max_length=100)
    article = models.CharField(_("article"), max_length=100)
    sanction = models.TextField(_("what the law provides"), blank=True)
    is_sample = models.BooleanField(_("sample, to be replaced"), default=False)
    source_note = models.CharField(_("where this comes from"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("power")
        verbose_name_plural = _("powers")
        constraints = [
            county_target("power_item"),
            models.UniqueConstraint(fields=["county", "uid"], name="power_item_uid"),
            models.UniqueConstraint(fields=["county", "code"], name="power_item_code"),
            models.CheckConstraint(name="power_item_basis", condition=~Q(law="") & ~Q(article="")),
            # What the law itself gives to townships no superior takes back.
            models.CheckConstraint(
                name="power_item_of_matter",
                condition=Q(matter=None) | Q(department__isnull=False),
                violation_error_message=_(
                    "What the law itself gives to townships belongs to no matter of the list."
                ),
            ),
            models.CheckConstraint(name="power_item_kind", condition=Q(kind__in=PowerKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("mandates:power-detail", args=[self.uid])

    @property
    def is_own(self) -> bool:
        """True where the law itself gives it to the township."""
        return self.department_id is None

    @property
    def basis(self) -> str:
        return f"《{self.law}》{self.article}"


class PowerScore(CountyOwned):
    """评分: how far an item meets one of the four criteria, 0 to 5, and why."""

    item = TenantForeignKey(PowerItem, models.CASCADE, related_name="scores", db_index=False)
    criterion = models.CharField(_("criterion"), max_length=10, choices=Criterion)
    score = models.PositiveSmallIntegerField(_("score"), validators=[MaxValueValidator(HIGHEST)])
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("score of a power")
        verbose_name_plural = _("scores of powers")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "item", "criterion"], name="power_score_once"
            ),
            models.CheckConstraint(
                name="power_score_range",
                condition=Q(score__range=(0, HIGHEST), criterion__in=Criterion.values)
                & ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_criterion_display()} {self.score}"
