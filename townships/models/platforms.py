"""五大平台: how a township is organised. Everything it does is owned by one of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import Global


class Platform(Global):
    """平台. Five rows with stable codes, made by a migration; names are data."""

    GLOBAL_REASON = "a dictionary of five rows that everybody reads"

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=30)
    position = models.PositiveSmallIntegerField(_("position"), unique=True)

    class Meta:
        verbose_name = _("platform")
        verbose_name_plural = _("platforms")

    def __str__(self) -> str:
        return self.name
