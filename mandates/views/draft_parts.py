"""What the parts of the form of a call show: matters found, limits, what happens next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.display import FileView, day_text, moment_text
from mandates.forms.drafts import UNLISTED, CallForm
from mandates.models import Call, CallFile, ClockKind, Urgency
from mandates.permissions import Permission
from mandates.queries.alike import Alike, as_written, similar
from mandates.queries.finding import Found, find, used_matters
from mandates.queries.preview import Preview, preview, urgency_limits
from mandates.queries.rulebook import EntryFacts, Rulebook, rulebook
from mandates.views.call_page import small_url
from townships.http import Member
from townships.roles import Role

ALL = ("matters", "urgencies", "preview", "duplicates")


def parts(
    member: Member,
    form: CallForm,
    *,
    at: datetime,
    beside: UUID | None = None,
    only: Sequence[str] = ALL,
) -> dict[str, Any]:
    """Return the context of the form's parts for what is chosen now."""
    assert member.county_id is not None
    book = rulebook(member.county_id)
    entry = chosen_entry(book, form.chosen, at=at)
    urgency = form.chosen_urgency or (entry.urgency if entry else Urgency.GENERAL)
    direct = member.may(Permission.CALL_RAISE)
    skips = book.emergency_skips_head and member.role == Role.TOWNSHIP_CLERK
    found: dict[str, Any] = {
        "shown": form.chosen,
        "unlisted_chosen": form.chosen == UNLISTED,
        "unlisted_reason": form["unlisted_reason"].value() or "",
        "save_move": "raise" if direct else "submit",
        "save_label": _("Raise the call") if direct else _("Submit for approval"),
        "emergency_label": _("Raise an emergency at once") if skips and not direct else "",
    }
    if "matters" in only:
        found |= _matters(member, book, form, entry, at)
    if "urgencies" in only:
        # Nothing is ticked before a matter is chosen: unticked, the entry's own counts.
        ticked = form.chosen_urgency or (entry.urgency if entry else "")
        found["urgencies"] = _urgencies(book, entry, ticked)
    if "preview" in only:
        waits = not direct and not (skips and urgency == Urgency.EMERGENCY)
        found |= _preview(book, form, entry, urgency, at, waits=waits)
    if "duplicates" in only:
        text = as_written({name: form[name].value() for name in ("title", "place", "body")})
        found["duplicates"] = [
            _duplicate(one, at) for one in similar(member, entry, text, at=at, beside=beside)
        ]
    return found


def chosen_entry(book: Rulebook, chosen: str, *, at: datetime) -> EntryFacts | None:
    """Return the entry that is chosen, if a call may be begun under it."""
    try:
        entry = book.entry_by_uid(UUID(chosen))
    except ValueError:
        return None
    return entry if entry and entry.may_be_raised_on(timezone.localdate(at)) else None


def _matters(
    member: Member, book: Rulebook, form: CallForm, entry: EntryFacts | None, at: datetime
) -> dict[str, Any]:
    words = str(form["find"].value() or "").strip()
    to_raise = book.to_raise(timezone.localdate(at))
    found = find(to_raise, words, used=used_matters(member, at=at))
    if entry is not None and all(one.entry.id != entry.id for one in found):
        found = [Found(entry, 0), *found]
    gone = bool(form.chosen) and form.chosen != UNLISTED and entry is None
    return {
        "find_words": words,
        "matters": [_matter(book, one, entry, words) for one in found],
        "matter_gone": gone,
        "no_list": not to_raise,
    }


def _matter(book: Rulebook, found: Found, chosen: EntryFacts | None, words: str) -> dict[str, Any]:
    entry = found.entry
    lead = book.units.get(entry.lead_id) if entry.lead_id else None
    assists = [book.units[key].name for key, _duty in entry.assists if key in book.units]
    return {
        "uid": str(entry.uid),
        "name": entry.name,
        "category": entry.category,
        "urgency": str(Urgency(entry.urgency).label),
        "lead": lead.name if lead else _("none named; the desk dispatches"),
        "assists": pgettext("between names", ", ").join(assists),
        "why": found.why,
        "score": min(100, round(100 * found.score)),
        "is_chosen": chosen is not None and chosen.id == entry.id,
    }


def _urgencies(book: Rulebook, entry: EntryFacts | None, chosen: str) -> list[dict[str, Any]]:
    limits = urgency_limits(book, entry)
    return [
        {
            "value": value,
            "label": label,
            "note": limits[value],
            "is_chosen": value == chosen,
        }
        for value, label in Urgency.choices
    ]


def _preview(
    book: Rulebook,
    form: CallForm,
    entry: EntryFacts | None,
    urgency: str,
    at: datetime,
    *,
    waits: bool,
) -> dict[str, Any]:
    if entry is None and form.chosen != UNLISTED:
        return {"preview": [], "preview_basis": [], "reasons": [], "township_duty": []}
    seen = preview(book, entry, urgency, at=at)
    rows = [_row(strong=_("The head of the township approves"), note=_as_if(at))] if waits else []
    rows += _sent_to(seen)
    who = seen.lead.name if seen.lead else _("The county desk")
    sentences = _step_sentences()
    for step in seen.steps:
        before, _due, after = (sentences[step.kind] % {"unit": who}).partition("{due}")
        note = step.length
        if step.provisional:
            note = _("%(length)s (provisional)") % {"length": note}
        rows.append(_row(before=before, due_at=step.due_at, after=after, note=note))
    rows.append(_row(before=_("You rate it; what is not satisfactory is handled again once")))
    return {
        "preview": rows,
        "preview_basis": _basis(entry) if entry else [],
        "reasons": [step.reason for step in seen.steps],
        "township_duty": _duties(entry) if entry else [],
    }


def _step_sentences() -> dict[str, str]:
    return {
        ClockKind.DISPATCH: _("%(unit)s dispatches it by {due}"),
        ClockKind.ACCEPT: _("%(unit)s must accept by {due}"),
        ClockKind.FIRST_REPLY: _("%(unit)s must give a first reply by {due}"),
        ClockKind.CLOSE: _("%(unit)s must answer by {due}"),
    }


def _row(**row: Any) -> dict[str, Any]:
    return {"before": "", "strong": "", "after": "", "due_at": None, "note": "", **row}


def _as_if(at: datetime) -> str:
    return _("The dates below are worked out as if it were approved now, %(now)s") % {
        "now": moment_text(at, now=at)
    }


def _sent_to(seen: Preview) -> list[dict[str, Any]]:
    if seen.lead is None:
        return [] if seen.steps else [_row(before=_("The county desk dispatches it by hand"))]
    before, _lead, after = _("Goes to {unit}, which leads").partition("{unit}")
    names = pgettext("between names", ", ").join(unit.name for unit in seen.assists)
    notes = [_("Assists: ") + names] if names else []
    if seen.succeeded:
        notes.append(_("It has followed the department that the list names."))
    return [_row(before=before, strong=seen.lead.name, after=after, note=" ".join(notes))]


def _basis(entry: EntryFacts) -> list[str]:
    told = [
        _("%(list)s, version %(number)d (%(document)s), %(code)s: %(duty)s")
        % {
            "list": entry.list_name,
            "number": entry.version_number,
            "document": entry.document_no,
            "code": entry.code,
            "duty": entry.department_duty,
        }
    ]
    return [*told, entry.legal_basis] if entry.legal_basis else told


def _duties(entry: EntryFacts) -> list[str]:
    return [one.strip() for one in re.split(r"[；;\n]+", entry.township_duty) if one.strip()]


def _duplicate(one: Alike, at: datetime) -> dict[str, Any]:
    call = one.call
    facts = [day_text(timezone.localdate(call.created_at), today=timezone.localdate(at))]
    facts.append(str(call.get_state_display()))
    if call.lead:
        facts.append(_("Lead: ") + call.lead.name)
    words = pgettext("between names", ", ").join(f"“{word}”" for word in one.words)
    return {
        "uid": str(call.uid),
        "url": call.get_absolute_url(),
        "number": call.number,
        "title": call.title,
        "facts": facts,
        "why": _("The same matter, still open; both say %(words)s") % {"words": words}
        if words
        else _("The same matter, still open"),
    }


def draft_files(call: Call) -> list[FileView]:
    """List what is attached to a draft."""
    return [
        FileView(
            one.name,
            _file_url(call, one),
            one.size,
            one.at,
            one.unit,
            one.content_type,
            small_url=small_url(call, one),
        )
        for one in CallFile.objects.filter(call=call).order_by("id")
    ]


def _file_url(call: Call, one: CallFile) -> str:
    try:
        return reverse("mandates:call-file", args=[call.uid, one.uid])
    except NoReverseMatch:
        return ""
