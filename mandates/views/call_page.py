"""The page of one call put together: what templates/mandates/calls/detail.html shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common import display, images
from common.display import ClockView, Crumb, DateReason, FileView, MoveView
from common.masking import masked
from common.personal import Kind
from common.sent import typed_in
from common.worktime import WorkCalendar
from mandates.forms.moves import FileForm, NoteForm
from mandates.models import (
    Assignment,
    AssignmentState,
    Call,
    CallFile,
    CallRating,
    CallState,
    Clock,
    ClockKind,
    Rating,
)
from mandates.models.moves import MOVES
from mandates.operations.casework import Casework
from mandates.operations.following import may_follow
from mandates.operations.guards import appeal_ends, refusal
from mandates.permissions import Permission
from mandates.queries import answers, call_page
from mandates.queries.explain import ClockWhy, explain_clocks
from mandates.queries.letters import letters_of
from mandates.queries.linked import linked
from mandates.queries.precedents import Near, near
from mandates.queries.pressure import planned
from mandates.queries.rulebook import rulebook
from mandates.queries.verbs import dimensions
from mandates.views import clocks, letters, next_step, on_site
from mandates.views.history import history
from mandates.views.next_step import Case
from townships.http import Member, MemberRequest
from townships.queries.staff import away_from_call, reachable

# Before a department has taken the call on: whose duty it is may still be asked.
DISPUTABLE = (CallState.RAISED, CallState.ROUTED, CallState.OBJECTED)


def case_of(uid: UUID, *, member: Member, at: datetime) -> Case:
    """Fetch a call with all that belongs to it. Raises Http404 out of reach."""
    if member.scope is None or not member.may(Permission.CALL_READ):
        raise Http404
    try:
        record = call_page.load(uid, member=member, may_follow=may_follow(member))
    except Call.DoesNotExist as error:
        raise Http404 from error
    work = Casework(
        record.call, list(record.parts), list(record.clocks), rulebook(record.call.county_id)
    )
    return Case(record, work, member, at)


def respond(
    request: MemberRequest,
    case: Case,
    *,
    active: MoveView | None = None,
    status: int = 200,
    file_form: FileForm | None = None,
    note_form: NoteForm | None = None,
) -> HttpResponse:
    """Show a call; ``active`` is the move whose form is open."""
    context = page(case, active=active, oldest_first=typed_in(request.GET, "order") == "oldest")
    if file_form is not None:
        context["file_form"] = file_form
    if note_form is not None:
        context["note_form"] = note_form
    return render(request, "mandates/calls/detail.html", context, status=status)


def page(case: Case, *, active: MoveView | None, oldest_first: bool) -> dict[str, Any]:
    """Build the context; see the template for what each name means."""
    record, call = case.record, case.record.call
    whys = explain_clocks(_shown_clocks(case), case.book, at=case.at)
    big = [view for why in whys if (view := _large(why, case))]
    reasons = [_reason(why, case) for why in whys if why.due is not None]
    views = next_step.moves(case)
    here = reverse("mandates:call-detail", args=[call.uid])
    ordered = record.steps if oldest_first else list(reversed(record.steps))
    return {
        "crumbs": [
            Crumb(calls_label(case.member), reverse("mandates:call-list")),
            Crumb(call.number or call.title),
        ],
        "here": here,
        "call": call,
        "waits": record.waits,
        "entry_url": _entry_url(call),
        "clocks": big,
        "reasons": reasons,
        "date_question": _("How were these two dates set?")
        if len(reasons) > 1
        else _("How was this date set?"),
        "next_step": next_step.next_step(case),
        "checklist": next_step.checklist(case),
        # The button of an open form is the one primary button of the page.
        "moves": views
        if active is None
        else [replace(view, is_primary=False) for view in views if view.name != active.name],
        "primary": next_step.primary_of(views),
        "active": active,
        "refusals": next_step.refusals(case),
        "edit_url": _edit_url(case),
        "answers": answers.offered(case.member, call, active.name, at=case.at) if active else [],
        "may_follow": may_follow(case.member),
        "is_followed": getattr(call, "is_followed", False),
        "follow_url": reverse("mandates:call-follow", args=[call.uid]),
        "linked": linked(call, record.steps, member=case.member),
        **told(case),
        "steps": history(ordered, case.book, at=case.at),
        "oldest_first": oldest_first,
        "order_url": here if oldest_first else f"{here}?order=oldest",
        "letters": letters.lines(letters_of(call)) if call_page.has_letters(record.steps) else (),
        "planned": letters.planned_line(
            planned(call, record.clocks, case.book), case.book, at=case.at
        ),
        "precedents": _precedents(case),
        "precedents_url": reverse("mandates:precedent-list"),
        "sheet_url": reverse("mandates:call-sheet", args=[call.uid]),
        "caller_url": reverse("mandates:call-caller", args=[call.uid])
        if case.member.county_id is not None
        else "",
        "file_form": FileForm(auto_id="id_file_%s") if may_attach(case) else None,
        "file_url": reverse("mandates:call-attach", args=[call.uid]),
        "notes": record.notes,
        "note_form": NoteForm(auto_id="id_note_%s")
        if case.member.may(Permission.CALL_NOTE)
        else None,
        "note_url": reverse("mandates:call-note", args=[call.uid]),
        "notes_note": _notes_note(case.member),
        "contacts": _contacts(case),
        "version": call.version,
    }


def _precedents(case: Case) -> list[Near]:
    """Show rulings like it to whoever may dispute the dispatch of a call, or rule on it."""
    call, member = case.record.call, case.member
    if call.state not in DISPUTABLE or member.township_id is not None:
        return []
    return near(member, call, known=call.entry.name if call.entry else "")


def told(case: Case) -> dict[str, Any]:
    """Return what the page of a call and its sheet tell alike."""
    call = case.record.call
    return {
        "basis": _basis(case),
        "basis_note": _("As it stood that day; later changes of the list do not touch this call.")
        if call.route.get("list")
        else "",
        "units": [_unit(part, case) for part in case.record.parts],
        "on_site": on_site.told(case),
        "answer": _answer(case),
        "rating": _rating(call),
        "ratings": [_round(one) for one in case.record.ratings],
        "appeal": _appeal(case),
        "objections": [_objection(one, case) for one in case.record.objections],
        "files": _files(case),
    }


def calls_label(member: Member) -> str:
    """Name the list of calls of this member."""
    if member.township_id is not None:
        return _("Calls of our township")
    if member.department_id is not None:
        return _("Calls of our unit")
    return _("All calls")


# --- head ----------------------------------------------------------------------------------------------


def _shown_clocks(case: Case) -> list[Clock]:
    """The clock of whoever looks or must act, and that of the whole call."""
    part = case.own or case.work.lead
    first = None
    if case.own is None or case.own.state == AssignmentState.OBJECTED:
        first = next_step.awaited(case)
    if first is None and part is not None:
        first = case.record.awaited(part)
    return [c for c in (first, case.record.clock(ClockKind.CASE)) if c is not None]


def _large(why: ClockWhy, case: Case) -> ClockView | None:
    return clocks.large(
        why.clock,
        label=_label(why.clock, case),
        at=case.at,
        calendar=case.book.calendar,
        pauses=why.pauses,
        expected=why.due.at if why.due and why.clock.paused_since else None,
    )


def _label(clock: Clock, case: Case) -> str:
    if clock.kind == ClockKind.CASE:
        return _("The whole call, date")
    label = clock.get_kind_display()
    if clock.department_id is None:
        return _("%(what)s, date") % {"what": label}
    if clock.department_id == case.member.department_id:
        return _("Ours: %(what)s, date") % {"what": label}
    unit = case.book.units[clock.department_id].name
    return _("%(unit)s: %(what)s, date") % {"unit": unit, "what": label}


def _reason(why: ClockWhy, case: Case) -> DateReason:
    return replace(why.reason, title=_label(why.clock, case))


def _entry_url(call: Call) -> str:
    if call.entry is None:
        return ""
    try:
        return str(call.entry.get_absolute_url())
    except NoReverseMatch:
        return ""


def _edit_url(case: Case) -> str:
    call, member = case.record.call, case.member
    if call.state != CallState.DRAFT or not member.may(Permission.CALL_DRAFT):
        return ""
    try:
        return reverse("mandates:call-edit", args=[call.uid])
    except NoReverseMatch:
        return ""


def _notes_note(member: Member) -> str:
    if member.township_id is None and member.department_id is None:
        return _("Seen by the county desk alone; other units do not see it.")
    return _("Seen by %(unit)s alone; other units do not see it.") % {"unit": member.unit}


# --- why this unit -------------------------------------------------------------------------------------


def route_rules() -> dict[str, str]:
    """Return by what a call went where it is, by the rule its route names."""
    return {
        "list": _("The system, by the published list"),
        "successor": _("The system, by the list; the department named there has a successor"),
        "hand": _("The desk, by hand"),
        "ruling": _("The desk, by its ruling on an objection"),
        "lead": _("The desk, which gave the lead to another department"),
        "no_lead": _("The department the list names no longer exists: the desk decides"),
    }


def _basis(case: Case) -> list[dict[str, str]]:
    """Say by which line of which list, or by whose decision, the call went where it is."""
    call, route = case.record.call, case.record.call.route
    if not route:
        return []
    rule = route_rules().get(route.get("rule", ""), "")
    if rule and route.get("at"):
        when = display.moment_text(datetime.fromisoformat(route["at"]), now=case.at, inside=True)
        rule = _("%(rule)s, %(at)s") % {"rule": rule, "at": when}
    lines = [(_("Rule"), rule, "")]
    if route.get("list"):
        version = _("“%(list)s”, version %(number)s") % {
            "list": route["list"],
            "number": route.get("version"),
        }
        lines.append((_("List"), version, ""))
        lines.append((_("Document number"), route.get("document_no", ""), ""))
        lines.append(
            (_("Line"), f"{route.get('code', '')} {route.get('matter', '')}", _entry_url(call))
        )
        lines.append((_("Duty"), _quoted(route.get("duty", "")), ""))
        lines.append((_("Law"), route.get("legal_basis", ""), ""))
    lines.append((_("Decided by"), route.get("by", ""), ""))
    lines.append((_("Reason"), route.get("reason", ""), ""))
    return [{"label": label, "text": text, "url": url} for label, text, url in lines if text]


def _quoted(text: str) -> str:
    return f"“{text}”" if text else ""


# --- units, answer, objections ---------------------------------------------------------------------------


def _unit(part: Assignment, case: Case) -> dict[str, Any]:
    calendar: WorkCalendar = case.book.calendar
    handler = part.handled_by
    waits = case.record.waits and part.is_lead and part.state == AssignmentState.ACCEPTED
    return {
        "assignment": part,
        "name": case.book.units[part.department_id].name,
        "is_lead": part.is_lead,
        "handler": handler.name if handler else "",
        "handler_post": "",
        "duty": part.duty,
        "clock": clocks.chip(case.record.awaited(part), at=case.at, calendar=calendar),
        "waits": waits,
        "answer": part.answer,
    }


def _answer(case: Case) -> dict[str, Any] | None:
    call = case.record.call
    step = case.record.last_step("answer")
    if step is None or not call.answer:
        return None
    return {"text": call.answer, "unit": step.unit, "person": step.actor, "at": step.at}


def _rating(call: Call) -> dict[str, Any] | None:
    if not call.rating:
        return None
    return {"label": call.get_rating_display(), "note": call.rating_note, "at": call.closed_at}


def _round(one: CallRating) -> dict[str, Any]:
    said = [(label, getattr(one, name)) for name, label in dimensions().items()]
    return {
        "title": _("Second rating, final") if one.round > 1 else _("First rating"),
        "label": one.get_overall_display(),
        "said": [(label, str(Rating(value).label)) for label, value in said if value],
        "note": one.note,
        "unit": one.unit,
        "person": one.actor,
        "at": one.at,
    }


def _appeal(case: Case) -> dict[str, Any] | None:
    """The appeal against the rating, and what came of it; or until when there may be one."""
    one, call = case.record.appeal, case.record.call
    if one is not None:
        return {
            "unit": case.book.units[one.department_id].name,
            "asked_at": one.asked_at,
            "reason": one.reason,
            "due_at": one.due_at,
            "outcome": one.get_outcome_display() if one.outcome else "",
            "decision": one.decision,
            "evidence": one.evidence,
            "decided_in": one.decided_in,
            "decided_at": one.decided_at,
        }
    appeals = MOVES["appeal_rating"]
    if call.closed_at and refusal(case.member, appeals, case.work, at=case.at) is None:
        return {"until": appeal_ends(case.book, call.closed_at)}
    return None


def _objection(one: Any, case: Case) -> dict[str, Any]:
    cites = f"{one.entry.matter.code} {one.entry.name}" if one.entry else ""
    law = f"{one.law} {one.article}".strip()
    proposed = case.book.units.get(one.proposed_id)
    return {
        "unit": case.book.units[one.assignment.department_id].name,
        "at": one.raised_at,
        "reason": one.reason,
        "cites": pgettext("between names", ", ").join(text for text in (cites, law) if text),
        "proposed": proposed.name if proposed else "",
        "outcome": one.get_outcome_display() if one.outcome else "",
        "decision": one.decision,
        "decided_at": one.decided_at,
    }


# --- files and people -------------------------------------------------------------------------------------


def _files(case: Case) -> list[FileView]:
    return [
        FileView(
            name=file.name,
            url=""
            if file.is_disposed
            else reverse("mandates:call-file", args=[case.record.call.uid, file.uid]),
            size=file.size,
            at=file.at,
            unit=file.unit,
            content_type=file.content_type,
            is_evidence=file.is_evidence,
            disposed_at=file.disposed_at,
            small_url=small_url(case.record.call, file),
        )
        for file in case.record.files
    ]


def small_url(call: Call, file: CallFile) -> str:
    """Return where the small picture of a photograph is; "" for other files."""
    if file.is_disposed or not images.is_image(file.content_type):
        return ""
    return reverse("mandates:call-file-small", args=[call.uid, file.uid])


def may_attach(case: Case) -> bool:
    """Say whether to offer adding files; `operations.files` decides."""
    call, member = case.record.call, case.member
    if call.is_ended:
        return False
    if member.township_id is not None:
        return member.may(Permission.CALL_DRAFT) or member.may(Permission.CALL_SUPPLY)
    if member.department_id is not None:
        return case.own is not None and member.may(Permission.CALL_HANDLE)
    return member.may(Permission.CALL_DISPATCH)


def _contacts(case: Case) -> Sequence[dict[str, str]]:
    """Whoever wrote the call down, whoever handles it, and who is on duty now in each unit."""
    call = case.record.call
    people = [(call.created_by, call.township.name)]
    people += [
        (part.handled_by, case.book.units[part.department_id].name)
        for part in case.work.standing
        if part.handled_by is not None
    ]
    found = [{"name": user.name, "unit": unit} for user, unit in people]
    if call.is_ended:
        return found
    away = away_from_call(
        [user.pk for user, _unit in people],
        county_id=call.county_id,
        township_id=call.township_id,
        departments=[part.department_id for part in case.work.standing],
        day=timezone.localdate(case.at),
    )
    for contact, (user, _unit) in zip(found, people, strict=True):
        if absence := away.get(user.pk):
            contact["away"] = _("away until %(day)s; deputy: %(person)s") % {
                "day": display.day_text(absence.to_day, today=timezone.localdate(case.at)),
                "person": absence.deputy.user.name,
            }
    units = {("township", call.township_id): call.township.name}
    units |= {
        ("department", part.department_id): case.book.units[part.department_id].name
        for part in case.work.standing
    }
    units["county", call.county_id] = _("County desk")
    on_duty = reachable(
        county_id=call.county_id,
        township_id=call.township_id,
        departments=[part.department_id for part in case.work.standing],
        at=case.at,
    )
    return found + [
        {
            "name": one.name,
            "unit": _("%(unit)s, on duty now") % {"unit": unit},
            # Nobody above the county works on a call.
            "phone": one.phone if case.member.county_id else masked(Kind.PHONE, one.phone),
        }
        for key, unit in units.items()
        for one in on_duty.get(key, ())
    ]
