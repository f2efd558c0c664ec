"""标准答复: texts that a unit writes again and again, by move and matter."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, Scope, TenantForeignKey, among
from mandates.models.lists import Matter

ANSWER_LENGTH = 2000


class StandardAnswer(CountyOwned):
    """One text of a unit, with places that are filled for the call at hand.

    The unit's kind and id are the wall of the row, as with `SavedFilter`.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    unit_kind = models.CharField(max_length=10)
    unit_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=40)
    move = models.CharField(_("for"), max_length=30)
    matter = TenantForeignKey(
        Matter, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("matter"),
    )  # fmt: skip
    text = models.TextField(_("text"), max_length=ANSWER_LENGTH)
    changed_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("standard answer")
        verbose_name_plural = _("standard answers")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="standard_answer_uid"),
            models.UniqueConstraint(
                fields=["unit_kind", "unit_id", "move", "name", "county"],
                name="standard_answer_name",
            ),
            models.CheckConstraint(
                name="standard_answer_unit",
                condition=Q(unit_kind__in=["township", "department"])
                | Q(unit_kind="county", unit_id=F("county_id")),
            ),
            models.CheckConstraint(
                name="standard_answer_says_something", condition=~Q(name="") & ~Q(text="")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        ids = {
            "township": opened.townships,
            "department": opened.departments,
            "county": opened.counties,
        }
        return Q(unit_kind=opened.kind) & among("unit_id", ids.get(opened.kind, ()))
