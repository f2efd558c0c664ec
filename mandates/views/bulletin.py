"""考核通报: a published assessment as PDF and as a workbook, for posts of the county."""

from __future__ import annotations

import io
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

import xlsxwriter
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common import audit, papers
from common.errors import NotAllowed
from mandates.models import Assessment
from mandates.permissions import Permission
from mandates.queries.assessments import Seen, load
from mandates.queries.statistics.definitions import FIGURES
from mandates.queries.statistics.periods import Period
from mandates.views.assessments import score_view, table
from townships.http import Member, MemberRequest

KIND = "bulletin_pdf"  # the job that makes a long one
TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@login_required
@require_safe
def assessment_bulletin(request: MemberRequest, uid: UUID, kind: str) -> HttpResponse:
    """The bulletin as a file; taking it leaves a row in the audit trail."""
    member, now = request.member, timezone.now()
    seen = found(uid, member)
    if kind == "pdf":
        return papers.answer(paper(seen, member), at=now)
    body = written(seen)
    _keep(seen, kind, member, now)
    answer = HttpResponse(body, content_type=TYPES[kind])
    name = quote(f"{title(seen)}.{kind}")
    answer["Content-Disposition"] = (
        f"attachment; filename=\"bulletin.{kind}\"; filename*=UTF-8''{name}"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def found(uid: UUID, member: Member) -> Seen:
    """Find a published assessment for a post of the county. Raises NotAllowed, Http404."""
    if member.scope is None or not member.may(Permission.STATISTICS_READ):
        raise NotAllowed
    if member.township_id is not None or member.department_id is not None:
        raise Http404
    try:
        seen = load(uid, member)
    except Assessment.DoesNotExist as error:
        raise Http404 from error
    if not seen.assessment.is_published:
        raise Http404
    return seen


def _keep(seen: Seen, kind: str, member: Member, at: datetime) -> None:
    audit.record("assessment_exported", seen.assessment, by=member, at=at, what=kind)


def title(seen: Seen) -> str:
    one = seen.assessment
    during = Period(one.first, one.after).label
    return f"{_('Bulletin of an assessment')} {one.scheme} {during}"


def paper(seen: Seen, member: Member) -> papers.Paper:
    """Write the bulletin for the printer."""
    one = seen.assessment
    context = {
        "title": title(seen),
        "one": one,
        "during": Period(one.first, one.after).label,
        "table": table(seen),
        "units": [score_view(row, seen, is_county=True) for row in seen.scores],
        "printed_by": member.user,
    }
    return papers.Paper(
        render_to_string("mandates/assessments/bulletin.html", context),
        name=title(seen),
        short="bulletin",
        keep=lambda at: _keep(seen, "pdf", member, at),
        kind=KIND,
        parameters={"uid": str(one.uid)},
    )


def written(seen: Seen) -> bytes:
    """Write the workbook: texts as texts and numbers as numbers, so that nothing is a formula."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        ranks = book.add_worksheet(_("Ranks"))
        _fill(ranks, [[_("Group"), _("Unit"), _("Rank"), _("Score")]], 0)
        lines = [
            [group["name"], row["name"], row["rank"], row["score"]]
            for group in table(seen)
            for row in group["rows"]
        ]
        _fill(ranks, lines, 1)
        counts = book.add_worksheet(_("Counts"))
        head = [_("Unit"), _("Figure"), _("Numerator"), _("Denominator"), _("Calls excluded"),
                _("Weight"), _("Points")]  # fmt: skip
        _fill(counts, [head], 0)
        _fill(counts, [line for row in seen.scores for line in _counts(row)], 1)
    return out.getvalue()


def _counts(row: Any) -> list[list[Any]]:
    return [
        [
            str(row.unit),
            _label(line["figure"]),
            line["hits"],
            line["cases"],
            line.get("excluded"),
            line.get("weight"),
            Decimal(line["points"]) if line.get("points") else None,
        ]
        for line in (*row.items, *row.signs)
    ]


def _label(code: str) -> str:
    return str(FIGURES[code].label) if code in FIGURES else code


def _fill(sheet: Any, lines: list[list[Any]], first: int) -> None:
    for number, line in enumerate(lines, start=first):
        for column, value in enumerate(line):
            if value is None:
                continue
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            else:
                sheet.write_number(number, column, float(value))
