import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, Scope, among

LONGEST = 2000  # every condition at its longest, as an address writes Chinese
UNITS = ("township", "department", "county")  # kinds of scope in which somebody keeps filters


class SavedFilter(CountyOwned):
    """常用筛选: conditions of the list of calls that somebody keeps in a post, or shares there.

    It belongs to a person in a unit: whoever serves two units keeps two sets, and words searched
    for in one are not seen in the other. The unit's kind and id are the wall of the row; no
    foreign key could point at a township here and at a department there.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    unit_kind = models.CharField(max_length=10)
    unit_id = models.BigIntegerField()
    user = models.ForeignKey("townships.User", models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(_("name"), max_length=30)
    query = models.CharField(max_length=LONGEST)
    is_shared = models.BooleanField(_("shared with the unit"), default=False)
    is_default = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="saved_filter_uid"),
            models.UniqueConstraint(
                fields=["user", "unit_kind", "unit_id", "name", "county"], name="saved_filter_name"
            ),
            models.UniqueConstraint(
                fields=["user", "unit_kind", "unit_id", "county"],
                condition=Q(is_default=True),
                name="saved_filter_one_default",
            ),
            models.CheckConstraint(
                name="saved_filter_unit",
                condition=Q(unit_kind__in=["township", "department"])
                | Q(unit_kind="county", unit_id=F("county_id")),
            ),
            models.CheckConstraint(
                name="saved_filter_says_something", condition=~Q(name="") & ~Q(query="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["unit_kind", "unit_id", "-id"],
                condition=Q(is_shared=True),
                name="saved_filter_shared",
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
