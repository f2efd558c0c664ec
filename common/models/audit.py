from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global


class AuditEntry(Global):
    """审计记录: an act beside the work on records. Texts, no keys: it outlives what it speaks of."""

    GLOBAL_REASON = "everybody adds, only the auditor reads; the database refuses change"

    at = models.DateTimeField(_("time"))
    action = models.CharField(_("action"), max_length=60)
    actor_id = models.BigIntegerField(_("user id"), null=True)
    post_id = models.BigIntegerField(_("post id"), null=True)
    actor = models.CharField(_("who"), max_length=200, blank=True)
    role = models.CharField(_("role"), max_length=40, blank=True)
    county_id = models.BigIntegerField(_("county id"), null=True)
    target_type = models.CharField(_("kind of record"), max_length=60, blank=True)
    target_id = models.CharField(_("record id"), max_length=60, blank=True)
    target = models.CharField(_("record"), max_length=200, blank=True)
    detail = models.JSONField(_("detail"), default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [models.Index(fields=["at"], name="audit_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.target}"
