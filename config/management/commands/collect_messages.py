from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.catalogues import messages_of, untranslated, update_catalogue


class Command(BaseCommand):
    help = "Bring locale/zh_Hans up to the messages of code and templates; needs no gettext."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("fragments", nargs="*", type=Path, help="*.po with more translations")

    def handle(self, *args: Any, **options: Any) -> None:
        missing = [str(path) for path in options["fragments"] if not path.exists()]
        if missing:
            raise CommandError(f"no such file: {', '.join(missing)}")
        target = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES" / "django.po"
        catalogue = update_catalogue(
            target, found=messages_of(Path(settings.BASE_DIR)), fragments=options["fragments"]
        )
        left = untranslated(catalogue)
        for message in left:
            self.stdout.write(f"not translated: {message}")
        self.stdout.write(f"{len(catalogue)} messages, {len(left)} without a translation")
