from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CommonConfig(AppConfig):
    """Mechanisms without a domain."""

    name = "common"
    verbose_name = _("System")

    def ready(self) -> None:
        # Each app says by itself what it handles, tells people, shows on boards, and keeps true.
        autodiscover_modules("receivers", "notices", "board")
        import_module("common.checks")
