from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TownshipsConfig(AppConfig):
    """Divisions, departments, people and their posts."""

    name = "townships"
    verbose_name = _("Units and people")

    def ready(self) -> None:
        import_module("townships.operations.factors")  # registers what `check --deploy` asks
