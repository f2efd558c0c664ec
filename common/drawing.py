"""`python -m common.drawing PAGE RESULT`: draw one page as PDF, for a worker that waits beside it.

A process of its own: what drawing a long page takes in memory ends with it, and it can be stopped.
Writes an empty line for each stage that WeasyPrint begins.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import django

from common import pdf


class Stages(logging.Handler):
    """Tells each stage once; laying out tells of every page."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        step, number = (*record.getMessage().split(), "", "")[:2]
        if step == "Step" and number not in self._told:
            self._told.add(number)
            sys.stdout.write("\n")
            sys.stdout.flush()


def draw(page: str, result: str) -> None:
    """Draw a page of HTML in a file into another file."""
    django.setup()  # where our style sheets are, the settings say
    progress = logging.getLogger("weasyprint.progress")
    progress.addHandler(Stages())
    progress.setLevel(logging.INFO)
    progress.propagate = False
    Path(result).write_bytes(pdf.render(Path(page).read_text(encoding="utf-8")))


if __name__ == "__main__":
    draw(*sys.argv[1:])
