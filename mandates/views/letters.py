"""催办单、督办单、通报 on the screen, on paper and as PDF, with who has read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from common import display, papers, pdf
from common.display import Pager, SavedView
from common.errors import NotAllowed
from common.paging import page
from common.sent import typed_in
from mandates.models import Audience, ClockKind, LadderAction, Letter, LetterKind, Urgency
from mandates.operations import letters
from mandates.permissions import Permission
from mandates.queries.letters import letter_of, letters_for
from mandates.queries.pressure import Planned
from mandates.queries.rulebook import Rulebook
from townships.http import Member, MemberRequest
from townships.models import County

TEMPLATE = "mandates/letters/letter.html"
SIZE = 30


@login_required
@require_safe
def letter_list(request: MemberRequest) -> HttpResponse:
    """Letters the post may see, the newest first."""
    member = request.member
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise NotAllowed
    kind = typed_in(request.GET, "kind")
    if kind not in LetterKind.values:
        kind = ""
    rows = letters_for(member)
    if kind:
        rows = rows.filter(kind=kind)
    found = page(rows, order=("-id",), cursor=typed_in(request.GET, "cursor"), size=SIZE)
    context = {
        "views": [
            SavedView(str(label), _address(one), "", one == kind)
            for one, label in [("", _("All")), *LetterKind.choices]
        ],
        "letters": lines(found.rows),
        "pager": Pager(
            previous_url=_address(kind, found.previous), next_url=_address(kind, found.next)
        ),
    }
    return render(request, "mandates/letters/list.html", context)


def _address(kind: str, cursor: str | None = "") -> str:
    if cursor is None:
        return ""
    asked = {name: value for name, value in (("kind", kind), ("cursor", cursor)) if value}
    here = reverse("mandates:letter-list")
    return f"{here}?{urlencode(asked)}" if asked else here


def lines(rows: Sequence[Letter]) -> list[dict[str, Any]]:
    """Show letters in a list, with their receipts."""
    return [
        {
            "letter": row,
            "url": reverse("mandates:letter", args=[row.call.uid, row.uid]),
            "about": _about(row),
            "receipts": row.receipts,  # type: ignore[attr-defined]
        }
        for row in rows
    ]


def _about(row: Letter) -> str:
    kind = row.facts.get("clock", "")
    return str(ClockKind(kind).label) if kind in ClockKind.values else ""


@login_required
@require_safe
def letter(request: MemberRequest, uid: UUID, letter: UUID) -> HttpResponse:
    """One letter; whoever it is addressed to leaves a receipt by opening it."""
    now = timezone.now()
    found = _found(request.member, uid, letter)
    if request.method == "GET":
        letters.opened(found, by=request.member, at=now)
    return render(request, TEMPLATE, _context(_found(request.member, uid, letter), now))


@login_required
@require_safe
def letter_pdf(request: MemberRequest, uid: UUID, letter: UUID) -> HttpResponse:
    """The letter as a file; taking it leaves a receipt and a row in the audit trail."""
    return as_pdf(uid, letter, member=request.member, at=timezone.now())


def as_pdf(uid: UUID, letter: UUID, *, member: Member, at: datetime) -> HttpResponse:
    """Hand out a letter, and keep who took it. Raises Http404, NoPdf."""
    found = _found(member, uid, letter)

    def keep(now: datetime) -> None:
        letters.opened(found, by=member, at=now)
        letters.exported(found, by=member, at=now)

    html = render_to_string(TEMPLATE, {**_context(found, at), "for_file": True})
    return papers.answer(papers.Paper(html, found.number, "letter", keep), at=at)


def _found(member: Member, uid: UUID, letter: UUID) -> Letter:
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise Http404
    try:
        return letter_of(uid, letter, member=member)
    except Letter.DoesNotExist as error:
        raise Http404 from error


def _context(found: Letter, at: datetime) -> dict[str, Any]:
    """Build what the template says; everything but the receipts stands in the letter itself."""
    facts = found.facts
    due, reached = (_instant(facts.get(name)) for name in ("due", "reached"))
    urgency = facts.get("urgency", "")
    return {
        "letter": found,
        "facts": facts,
        "county": County.objects.get(pk=found.county_id),
        "about": _about(found),
        "urgency": Urgency(urgency).label if urgency in Urgency.values else "",
        "due": due,
        "is_late": due is not None and reached is not None and reached >= due,
        "told": told_text(facts.get("told", ())),
        "receipts": found.receipts,  # type: ignore[attr-defined]
        "is_sealed": found.seal() == found.digest,
        "printed_at": at,
        "back_url": reverse("mandates:call-detail", args=[found.call.uid]),
        "pdf_url": reverse("mandates:letter-pdf", args=[found.call.uid, found.uid]),
        "pdf_available": pdf.is_available(),
        "no_pdf": pdf.NoPdf.detail,
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def told_text(told: Sequence[str]) -> str:
    """Name whom a level tells."""
    names = [str(Audience(one).label) for one in told if one in Audience.values]
    return pgettext("between names", ", ").join(names)


def planned_line(found: Planned | None, book: Rulebook, *, at: datetime) -> dict[str, Any] | None:
    """Say what happens next to a call by itself, for its page."""
    if found is None:
        return None
    clock = found.clock
    unit = book.units.get(clock.department_id) if clock.department_id else None
    what = str(LadderAction(found.does).label) if found.does else ""
    return {
        "at": display.moment_text(found.at, now=at, inside=True),
        "level": found.label,
        "what": what if what != found.label else "",
        "clock": str(clock.get_kind_display()),
        "unit": unit.name if unit else str(clock.get_party_display()),
        "told": told_text(found.told),
    }
