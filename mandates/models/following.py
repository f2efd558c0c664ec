"""关注: who wants to be told of every step of a call, beside those it concerns."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Scope, TenantForeignKey, TownshipOwned, among
from mandates.models.calls import Call


class CallFollower(TownshipOwned):
    """One person who follows one call, in the unit in which it is seen."""

    call = TenantForeignKey(Call, models.CASCADE, related_name="+", db_index=False)
    # The unit, as a note has it: exactly one of township (both empty), department, desk.
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    is_desk = models.BooleanField(default=False)
    user = models.ForeignKey("townships.User", models.CASCADE, related_name="+", db_index=False)
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("follower of a call")
        verbose_name_plural = _("followers of calls")
        constraints = [
            models.UniqueConstraint(fields=["call", "user", "county"], name="call_follower_once"),
            models.CheckConstraint(
                name="call_follower_one_unit", condition=Q(is_desk=False) | Q(department=None)
            ),
        ]
        indexes = [models.Index(fields=["user", "call"], name="call_follower_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.call_id}"

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        found = super().reach(opened)
        if opened.kind == "department":
            return found & among("department_id", opened.departments)
        if opened.kind == "township":
            return found & Q(department=None, is_desk=False)
        return found & Q(is_desk=True)
