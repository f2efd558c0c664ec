from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.catalogues import compile_catalogues


class Command(BaseCommand):
    help = "Compile the message catalogues that have changed; needs no gettext."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for folder in settings.LOCALE_PATHS:
            try:
                compiled = compile_catalogues(Path(folder))
            except ValueError as error:
                raise CommandError(str(error)) from error
            for source in compiled:
                self.stdout.write(f"compiled {source}")
