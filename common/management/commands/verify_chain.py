"""`manage.py verify_chain`: are histories still what was written, and what the anchors say?"""

from __future__ import annotations

import itertools
import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from common import anchors, verifying
from common.verifying import Finding, Progress

EVERY_SECONDS = 5


class Command(BaseCommand):
    """Ends with 1 when anything was found; names record, step and what is wrong."""

    help = "Hold histories against their hashes, their anchors, and anchors kept elsewhere"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchors", action="append", type=Path, metavar="FILE",
            help="exported anchors, or a folder of them; may repeat",
        )  # fmt: skip
        parser.add_argument(
            "--state", type=Path, metavar="FILE", help="where it stands, to go on after an end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files = list(_files(options["anchors"] or ()))
        state, begun = options["state"], timezone.now()
        progress = _read_state(state)
        self._began, self._last, self._state = time.monotonic(), time.monotonic(), state
        lines = itertools.chain.from_iterable(_lines(path) for path in files)
        try:
            done = verifying.verify(
                file=lines if files else None, progress=progress, tell=self._tell
            )
        except anchors.BadFile as bad:
            raise CommandError(
                _("Line %(line)d of the anchors: %(what)s.")
                % {"line": bad.line, "what": verifying.BAD_FILE[bad.what]}
            ) from None
        except anchors.UnknownKey as unknown:
            raise CommandError(
                _("The file is signed with the key %s, which ANCHOR_KEYS does not hold.") % unknown
            ) from None
        verifying.keep(
            done, begun_at=begun, ended_at=timezone.now(), by="manage.py verify_chain",
            file_name=", ".join(path.name for path in files), file_sha256=_digest(files),
        )  # fmt: skip
        if state:
            state.unlink(missing_ok=True)
        self._say(done)

    def _say(self, done: Progress) -> None:
        for told in done.findings:
            self.stdout.write(f"  {verifying.sentence(Finding(**told))}")
        if done.found > len(done.findings):
            self.stdout.write(_("  … and %d more") % (done.found - len(done.findings)))
        rows = sum(one.get("rows", 0) for one in done.counts.values())
        held = sum(one.get("anchored", 0) for one in done.counts.values())
        self.stdout.write(
            _("%(rows)d rows of histories, %(held)d held against %(anchors)d anchors, %(s).1f s.")
            % {
                "rows": rows, "held": held, "s": time.monotonic() - self._began,
                "anchors": max(done.anchors, done.counts.get("", {}).get("file", 0)),
            }
        )  # fmt: skip
        if done.found:
            raise CommandError(_("%d faults were found.") % done.found)
        self.stdout.write(_("Nothing was tampered with."))

    def _tell(self, done: Progress) -> None:
        if time.monotonic() - self._last < EVERY_SECONDS:
            return
        self._last = time.monotonic()
        if self._state:
            unfinished = self._state.with_suffix(".part")
            unfinished.write_text(json.dumps(asdict(done)), encoding="utf-8")
            unfinished.rename(self._state)
        seen = {
            name: number
            for name, one in done.counts.items()
            if (number := one.get("records", 0) or one.get("anchored", 0) or one.get("file", 0))
        }
        self.stderr.write(f"  {done.phase} {done.position}: {seen}, {done.found} found")


def _files(given: Any) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from sorted(path.glob("*.jsonl"))
        elif path.is_file():
            yield path
        else:
            raise CommandError(_("There is no file %s.") % path)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from file


def _digest(files: list[Path]) -> str:
    """Return the SHA-256 of a file; of several, that of theirs in order."""
    each = []
    for path in files:
        digest = sha256()
        with path.open("rb") as file:
            while portion := file.read(1 << 20):
                digest.update(portion)
        each.append(digest.hexdigest())
    return each[0] if len(each) == 1 else sha256("".join(each).encode()).hexdigest() * bool(each)


def _read_state(path: Path | None) -> Progress | None:
    if path is None or not path.exists():
        return None
    try:
        return Progress(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise CommandError(_("%s does not say where a verification stands.") % path) from None
