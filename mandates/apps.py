from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MandatesConfig(AppConfig):
    """One list says who must do what; calls go by it."""

    name = "mandates"
    verbose_name = _("Lists and calls")
