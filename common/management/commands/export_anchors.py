"""`manage.py export_anchors FILE`: the anchors, for safe-keeping elsewhere."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import anchors


class Command(BaseCommand):
    """The file is signed; its SHA-256 is printed, to be written down elsewhere too."""

    help = "Write the anchors into a file (JSON lines, signed)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--after", type=int, default=0, metavar="NUMBER")

    def handle(self, *args: Any, **options: Any) -> None:
        path, digest, count = options["file"], sha256(), 0
        try:
            with path.open("x", encoding="utf-8") as file:
                for text in anchors.lines(after=options["after"], at=timezone.now()):
                    file.write(text + "\n")
                    digest.update(text.encode() + b"\n")
                    count += 1
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise CommandError(_("%s is there already.") % path) from None
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        self.stdout.write(_("%d anchors written.") % (count - 2))
        self.stdout.write(f"SHA-256 {digest.hexdigest()}")
