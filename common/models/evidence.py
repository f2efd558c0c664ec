"""What makes change noticed: anchors over histories, and what verifications have found."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global


class Anchor(Global):
    """存证锚点: one root over the new rows of a history in one township and period, under a key.

    ``leaves`` are the rows, 60 bytes each (`common.anchors.pack`). ``mac`` is over everything else and
    over ``previous``, the one before; the key stands outside the database. Numbers have no gaps.
    """

    GLOBAL_REASON = "numbers and hashes of every unit in one order; no text of anybody"

    number = models.BigIntegerField(unique=True)
    history = models.CharField(max_length=40)
    county_id = models.BigIntegerField()  # 0: of nobody in particular
    area_id = models.BigIntegerField()  # the township
    begins_at = models.DateTimeField(null=True)  # the period: since the anchors before
    ends_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    first_row = models.BigIntegerField()
    last_row = models.BigIntegerField()
    columns = models.JSONField(default=list)
    leaves = models.BinaryField()
    root = models.CharField(max_length=64)
    algorithm = models.CharField(max_length=10)
    previous = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=40)
    mac = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("anchor")
        verbose_name_plural = _("anchors")
        indexes = [models.Index(fields=["history", "last_row"], name="anchor_rows")]
        constraints = [
            models.CheckConstraint(
                name="anchor_counts", condition=Q(count__gt=0, last_row__gte=F("first_row"))
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)


class Verification(Global):
    """校验记录: one look at all histories, and what was found changed. Never changed itself."""

    GLOBAL_REASON = "counts, and the names of records that were tampered with; auditors read it"

    begun_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("ended"))
    by = models.CharField(_("who"), max_length=200, blank=True)
    # The exported anchors it was compared with; "" where only the database's own were asked.
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    anchors = models.BigIntegerField(_("anchors"))
    counts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    found = models.PositiveIntegerField(_("found"))
    findings = models.JSONField(default=list, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("verification of the evidence")
        verbose_name_plural = _("verifications of the evidence")

    def __str__(self) -> str:
        return f"{self.ended_at:%Y-%m-%d %H:%M} {self.found}"
