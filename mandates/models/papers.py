"""附件、备注: what lies in the file of a call beside its history."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Scope, TenantForeignKey, TownshipOwned, among
from mandates.models.calls import Call


class CallFile(TownshipOwned):
    """附件 of a call or of an answer; the content lies in private storage."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    call = TenantForeignKey(Call, models.PROTECT, related_name="files")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    # Of what is kept; pictures are drawn anew, and differ from what was handed in.
    sha256 = models.CharField(max_length=64)
    received_sha256 = models.CharField(max_length=64, blank=True, db_default="")
    path = models.CharField(max_length=200)
    is_evidence = models.BooleanField(default=False)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    post = models.ForeignKey("townships.Post", models.PROTECT, related_name="+", db_index=False)
    unit = models.CharField(max_length=100)
    at = models.DateTimeField()
    # Its content goes, and then its path, by the record of disposal; what history says of it stays.
    disposed_at = models.DateTimeField(null=True)
    disposal_uid = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("file of a call")
        verbose_name_plural = _("files of calls")
        constraints = [
            models.UniqueConstraint(fields=["uid", "county"], name="call_file_uid"),
            models.CheckConstraint(
                name="call_file_held_or_disposed",
                condition=Q(~Q(path=""), disposed_at=None, disposal_uid=None)
                | Q(disposed_at__isnull=False, disposal_uid__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_disposed(self) -> bool:
        return self.disposed_at is not None

    @property
    def place(self) -> str:
        """Return where the content is; "" where it was disposed of, even if it is not gone yet."""
        return "" if self.is_disposed else self.path


class CallNote(TownshipOwned):
    """内部备注: seen by the writer's own unit alone."""

    call = TenantForeignKey(Call, models.PROTECT, related_name="notes")
    # Whose note it is: exactly one of township (both empty), department, desk.
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    is_desk = models.BooleanField(default=False)
    text = models.TextField(max_length=2000)
    by = models.ForeignKey("townships.User", models.PROTECT, related_name="+", db_index=False)
    post = models.ForeignKey("townships.Post", models.PROTECT, related_name="+", db_index=False)
    unit = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("internal note")
        verbose_name_plural = _("internal notes")
        constraints = [
            models.CheckConstraint(
                name="call_note_one_unit", condition=Q(is_desk=False) | Q(department=None)
            ),
        ]

    def __str__(self) -> str:
        return self.text[:40]

    @classmethod
    def reach(cls, opened: Scope) -> Q:
        found = super().reach(opened)
        if opened.kind == "department":
            return found & among("department_id", opened.departments)
        if opened.kind == "township":
            return found & Q(department=None, is_desk=False)
        return found & Q(is_desk=True)
