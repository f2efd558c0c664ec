"""Papers: official forms as PDF. A short one is drawn at once, a long one by a worker, as a job.

Neither holds a transaction open while it is drawn: what a paper says is read and written down as
HTML inside the scope of whoever asked; then the scope is left, and the drawing begins.
"""

from __future__ import annotations

import selectors
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from common import jobs, pdf
from common.errors import Problem

# Rows of tables that are drawn while somebody waits: some seconds on a slow core.
ROWS = 600
STAGES = 7  # that WeasyPrint tells of
SIGN_OF_LIFE = 20.0  # seconds between two
LONGEST = 45 * 60  # seconds: then nobody waits for it any more
TYPE = "application/pdf"


class TooLong(pdf.NoPdf):
    """So long that drawing it would keep somebody waiting: a job draws it."""

    code = "pdf_too_long"
    detail = _(
        "This is too long to be drawn while you wait. Have the file made: it waits among your jobs."
    )

    def __init__(self, paper: Paper) -> None:
        super().__init__()
        self.kind, self.parameters = paper.kind, dict(paper.parameters)


class NotThere(Problem):
    """What was to be drawn does not exist, or is out of reach: no difference to a stranger."""

    code = "not_found"
    status = 404
    detail = _("There is nothing at this address.")


class NotDrawn(Problem):
    """The drawing came to no end."""

    code = "pdf_failed"
    detail = _("The PDF could not be drawn. Print the page instead, and tell the administrator.")


@dataclass(frozen=True)
class Paper:
    """What a form says, and what the file is called; ``keep`` writes down that it was taken.

    ``short`` is the name in ASCII for browsers that read no other; ``kind`` and ``parameters`` say
    which job makes it where it is long.
    """

    html: str
    name: str
    short: str
    keep: Callable[[datetime], None]
    kind: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_long(self) -> bool:
        return is_long(self.html)


def is_long(html: str) -> bool:
    return html.count("<tr") > ROWS


class Undrawn(HttpResponse):
    """The answer of a paper: empty, until ``draw`` is called once the transaction has ended."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(content_type=TYPE)
        self._html = paper.html
        named = f"filename=\"{paper.short}.pdf\"; filename*=UTF-8''{quote(paper.name)}.pdf"
        self["Content-Disposition"] = f"attachment; {named}"
        self["X-Content-Type-Options"] = "nosniff"

    def draw(self) -> None:
        self.content = pdf.render(self._html)


def answer(paper: Paper, *, at: datetime) -> HttpResponse:
    """Hand out a paper, and keep who took it. Raises NoPdf, TooLong; then nothing is kept."""
    if pdf.engine() is None:
        raise pdf.NoPdf
    if paper.kind and paper.is_long:
        raise TooLong(paper)
    paper.keep(at)
    return Undrawn(paper)


# --- as a job ------------------------------------------------------------------------------------

# Reads what a paper says, in the requester's scope. Raises NotThere, NotAllowed.
Writer = Callable[[Any, Mapping[str, Any], datetime], Paper]


def kind(name: str, *, label: Any, check: jobs.Check) -> Callable[[Writer], Writer]:
    """Register what writes a paper as a kind of job; ``check`` as `common.jobs` asks it."""

    def register(write: Writer) -> Writer:
        jobs.kind(name, label=label, check=check)(_maker(write))
        return write

    return register


def _maker(write: Writer) -> Callable[[jobs.Work], jobs.Result]:
    def make(work: jobs.Work) -> jobs.Result:
        if pdf.engine() is None:
            raise pdf.NoPdf
        with work.scope():
            paper = write(work.member, work.parameters, work.at)
        _draw_apart(paper.html, work)
        with work.scope():
            paper.keep(work.clock())
        return jobs.Result(f"{paper.name}.pdf", TYPE)

    return make


def _draw_apart(html: str, work: jobs.Work) -> None:
    """Draw in a process of its own, which ends with its memory, and with the job if nobody wants it.

    Raises Interrupted, NotDrawn.
    """
    work.report(0, STAGES)
    with TemporaryDirectory(prefix="paper-") as folder:
        page = Path(folder) / "page.html"
        page.write_text(html, encoding="utf-8")
        command = [sys.executable, "-m", "common.drawing", str(page), str(work.path)]
        with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE) as child:  # noqa: S603
            try:
                _watch(child, work)
            except BaseException:
                child.kill()
                raise
        if child.returncode != 0:
            raise NotDrawn


def _watch(child: subprocess.Popen[bytes], work: jobs.Work) -> None:
    """Pass on how far a drawing is, a stage a line, until it ends."""
    assert child.stdout is not None
    began = work.clock()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        stage = 0
        while True:
            if selector.select(timeout=SIGN_OF_LIFE):
                said = child.stdout.read1(64)  # type: ignore[attr-defined]
                if not said:
                    return
                stage = min(STAGES, stage + said.count(b"\n"))
            if (work.clock() - began).total_seconds() > LONGEST:
                raise NotDrawn
            work.report(stage)
