from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConfigConfig(AppConfig):
    """The project itself: commands that need every app live here."""

    name = "config"
    verbose_name = _("Huying")

    def ready(self) -> None:
        import_module("config.scopes")  # registers what is asked at every start
