"""清单导入: a workbook of a county, what it would change, and what it has changed."""

from __future__ import annotations

import uuid

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.tenancy import CountyOwned, TenantForeignKey, county_target
from mandates.models.lists import DutyList, ListVersion


class ColumnMapping(CountyOwned):
    """What the columns of a workbook mean in a county: remembered by the headings themselves."""

    signature = models.CharField(max_length=64)
    headings = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    changed_at = models.DateTimeField()
    by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("columns of a workbook")
        verbose_name_plural = _("columns of workbooks")
        constraints = [
            models.UniqueConstraint(fields=["county", "signature"], name="column_mapping_once"),
        ]

    def __str__(self) -> str:
        return self.signature


class DepartmentWord(CountyOwned):
    """What a county's workbooks call a department, where that is not its name."""

    word = models.CharField(_("name in the file"), max_length=60)
    department = TenantForeignKey(
        "townships.Department",
        models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("department"),
    )

    class Meta:
        verbose_name = _("name of a department in files")
        verbose_name_plural = _("names of departments in files")
        constraints = [
            models.UniqueConstraint(fields=["county", "word"], name="department_word_once"),
            models.CheckConstraint(name="department_word_says", condition=~Q(word="")),
        ]

    def __str__(self) -> str:
        return self.word


class ListImport(CountyOwned):
    """One workbook: taken in, its columns named, looked at by a worker, applied, undone.

    ``layout`` is what `operations.list_layouts` found of sheets and headings; ``base_mark`` names
    exactly what the workbook was compared with, ``after_mark`` what applying it has left.
    """

    class State(models.TextChoices):
        NEW = "new", _("Columns to be named")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        FAILED = "failed", _("Not read")
        APPLYING = "applying", _("Being written")
        APPLIED = "applied", _("Applied")
        UNDONE = "undone", _("Undone")

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    duty_list = TenantForeignKey(
        DutyList,
        models.CASCADE,
        related_name="imports",
        db_index=False,
        verbose_name=_("responsibility list"),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW)
    file_name = models.CharField(_("file"), max_length=200)
    path = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    layout = models.JSONField(default=dict)
    notices = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    job = models.UUIDField(null=True)  # who looks at it, or writes it: `common.jobs`
    base_mark = models.CharField(max_length=64, blank=True)
    # The draft it was applied to; gone once somebody has deleted that.
    version = TenantForeignKey(
        ListVersion, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    opened_draft = models.BooleanField(default=False)
    after_mark = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(_("taken in at"))
    by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    checked_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("import of a list")
        verbose_name_plural = _("imports of lists")
        constraints = [
            county_target("list_import"),
            models.UniqueConstraint(fields=["uid", "county"], name="list_import_uid"),
            models.CheckConstraint(
                name="list_import_applied",
                condition=Q(state__in=["applied", "undone"], applied_at__isnull=False)
                | Q(~Q(state__in=["applied", "undone"]), applied_at=None),
            ),
        ]
        indexes = [models.Index(fields=["county", "-id"], name="list_import_of_county")]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("mandates:import-detail", args=[self.uid])


class ImportRow(CountyOwned):
    """What one matter of a workbook would change, or what is wrong with a row of it.

    ``values`` are what stands in the file, by field, as the database has it; ``changes`` a list of
    [field, before, after] and ``problems`` of [column, cell, what is wrong], in words. ``before``
    is how the draft had the entry, once that was changed.
    """

    class Kind(models.TextChoices):
        ADDED = "added", _("New matter")
        CHANGED = "changed", _("Changed")
        MOVED = "moved", _("Another place only")
        REMOVED = "removed", _("No longer in it")
        SAME = "same", _("Unchanged, as in the list")
        WRONG = "wrong", _("Problem")

    imported = TenantForeignKey(ListImport, models.CASCADE, related_name="rows", db_index=False)
    sheet = models.CharField(_("sheet"), max_length=100, blank=True)
    row = models.PositiveIntegerField(_("row"), default=0)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    code = models.CharField(_("code"), max_length=20, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    values = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    changes = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("row of an import")
        verbose_name_plural = _("rows of imports")
        indexes = [
            models.Index(fields=["county", "imported", "kind", "id"], name="import_row_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.sheet} {self.row}"
