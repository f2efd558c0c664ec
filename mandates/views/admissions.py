"""职责准入: applications as a list and one by one; every step of the way on one page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import attachments
from common.display import Crumb, Pager, SavedView
from common.errors import NotAllowed, Problem
from common.sent import typed_in
from mandates.forms.admissions import (
    AdmissionFilesForm,
    AdmissionFilters,
    AdmissionForm,
    MoveForm,
)
from mandates.models import Admission, AdmissionFile, AdmissionState
from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.operations import admission_drafts, admission_files, admitting
from mandates.permissions import Permission
from mandates.queries.admissions import (
    ALL,
    LATE,
    MINE,
    OPEN,
    SHOWS,
    Asked,
    Record,
    admission_page,
    load,
    members_of_the_meeting,
)
from mandates.queries.rulebook import rulebook
from mandates.views.admission_page import shown
from townships.http import Member, MemberRequest
from townships.models import Department, Township


@login_required
@require_safe
def admission_list(request: MemberRequest) -> HttpResponse:
    """Applications the post may read; those that wait for it first."""
    member, now = _reader(request), timezone.now()
    form = AdmissionFilters(request.GET)
    show = typed_in(request.GET, "show")
    show = show if show in SHOWS else OPEN
    asked = form.asked(show) if form.is_valid() else Asked(show=show)
    found = admission_page(member, asked, at=now, cursor=typed_in(request.GET, "cursor"))
    kept = {name: value for name in ("q", "state") if (value := typed_in(request.GET, name))}
    here = reverse("mandates:admission-list")

    def at(**more: str | None) -> str:
        return (
            "" if None in more.values() else f"{here}?{urlencode({**kept, 'show': show, **more})}"
        )

    context = {
        "form": form,
        "show": show,
        "views": [
            SavedView(label, at(show=name), is_current=name == show, is_over=name == LATE)
            for name, label in _shows().items()
        ],
        "rows": [{"one": one, "is_late": one.due_at and one.due_at <= now} for one in found.rows],
        "pager": Pager(previous_url=at(cursor=found.previous), next_url=at(cursor=found.next)),
        "may_apply": _may_apply(member),
        "export_url": f"{reverse('townships:export-new', args=['admissions'])}?"
        f"{urlencode({**kept, 'show': show})}",
    }
    status = 200 if form.is_valid() else 422
    return render(request, "mandates/admissions/list.html", context, status=status)


def _shows() -> dict[str, str]:
    return {
        OPEN: pgettext("admissions", "Under way"),
        MINE: pgettext("admissions", "Waiting for us"),
        LATE: _("Overdue"),
        ALL: pgettext("admissions", "All"),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def admission_new(request: MemberRequest) -> HttpResponse:
    """Write an application down."""
    member = _reader(request)
    if not _may_apply(member):
        raise NotAllowed
    form = _form(request, member)
    if request.method == "POST" and form.is_valid():
        try:
            one = admission_drafts.write(form.written(), by=member, at=timezone.now())
        except Problem as problem:
            form.blame(problem)
        else:
            return _kept(request, one)
    return _write(request, form, Crumb(_("Apply for a duty to be admitted")))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def admission_edit(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Write a draft anew."""
    member = _reader(request)
    record = _found(uid, member)
    if not _is_editable(record.admission, member):
        raise NotAllowed
    form = _form(request, member, record)
    if request.method == "POST" and form.is_valid():
        version = typed_in(request.POST, "version")
        try:
            one = admission_drafts.revise(
                uid, form.written(), by=member, at=timezone.now(),
                version=int(version) if version.isdecimal() and len(version) < 10 else None,
            )  # fmt: skip
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
        else:
            return _kept(request, one)
    return _write(request, form, Crumb(record.admission.name), version=record.admission.version)


@login_required
@require_safe
def admission_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One application: where it stands, what comes with it, who said what, and what is to do."""
    member = _reader(request)
    record = _found(uid, member)
    return _page(request, member, record, chosen=typed_in(request.GET, "do"))


@login_required
@require_POST
def admission_move(request: MemberRequest, uid: UUID, move: str) -> HttpResponse:
    """Make one move; what is refused is told at the form, with what was written."""
    member = _reader(request)
    record = _found(uid, member)
    form = _move_form(move, record, request.POST)
    if form.is_valid():
        try:
            one = admitting.make(
                move, uid, by=member, at=timezone.now(), given=form.given(),
                version=form.cleaned_data["version"],
            )  # fmt: skip
        except NotAllowed:
            raise
        except Problem as problem:
            form.blame(problem)
            record = _found(uid, member)
            return _page(request, member, record, bound=form, status=problem.status)
        messages.success(
            request, _("Done. It stands at: %(state)s.") % {"state": one.get_state_display()}
        )
        return redirect(one)
    if not admitting.may_ever(member, ADMISSION_MOVES[move]):
        raise NotAllowed
    return _page(request, member, record, bound=form, status=422)


@login_required
@require_POST
def admission_attach(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Add documents to the step they belong to."""
    member = _reader(request)
    record = _found(uid, member)
    kinds = admission_files.kinds_for(member, record.admission)
    if not kinds:
        raise NotAllowed
    form = AdmissionFilesForm(request.POST, request.FILES, kinds=kinds, auto_id="id_paper_%s")
    if form.is_valid():
        try:
            admission_files.attach(
                uid, form.cleaned_data["kind"], form.cleaned_data["files"], by=member,
                at=timezone.now(),
            )  # fmt: skip
        except NotAllowed:
            raise
        except Problem as problem:
            form.add_error("files", str(problem.fields.get("files") or problem.detail))
        else:
            messages.success(request, _("The documents have been added."))
            return redirect(record.admission.get_absolute_url() + "#papers")
    return _page(request, member, record, papers=form, status=422)


@login_required
@require_safe
def admission_file(request: MemberRequest, uid: UUID, file: UUID) -> HttpResponseBase:
    """Hand out a document to whoever may read its admission, never to be shown inside a page."""
    record = _found(uid, _reader(request))
    found = next((one for one in record.files if one.uid == file), None)
    if found is None:
        raise Http404
    try:
        content = attachments.opened(found.path)
    except FileNotFoundError as error:
        raise Http404 from error
    answer = FileResponse(
        content, as_attachment=True, filename=found.name, content_type=found.content_type
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


@login_required
@require_POST
def admission_file_remove(request: MemberRequest, uid: UUID, file: UUID) -> HttpResponse:
    """Take out a document that no step has taken up."""
    member = _reader(request)
    record = _found(uid, member)
    try:
        admission_files.remove(uid, file, by=member, at=timezone.now())
    except AdmissionFile.DoesNotExist as error:
        raise Http404 from error
    except NotAllowed:
        raise
    except Problem as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("The document has been removed."))
    return redirect(record.admission.get_absolute_url() + "#papers")


# --- the pages ------------------------------------------------------------------------------------


def _page(
    request: MemberRequest,
    member: Member,
    record: Record,
    *,
    chosen: str = "",
    bound: MoveForm | None = None,
    papers: AdmissionFilesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now, one = timezone.now(), record.admission
    names = admitting.available_moves(member, one, at=now)
    if bound and bound.move.name not in names:
        names = [bound.move.name, *names]  # refused: what was written stays to be seen
    open_now = bound.move.name if bound else chosen if chosen in names else next(iter(names), "")
    moves = [
        {
            "name": name,
            "label": ADMISSION_MOVES[name].label,
            "url": reverse(f"mandates:admission-{name.replace('_', '-')}", args=[one.uid]),
            "is_open": name == open_now,
            "is_final": ADMISSION_MOVES[name].is_final,
        }
        for name in names
    ]
    form = bound
    if form is None and open_now:
        form = _move_form(open_now, record)
    kinds = admission_files.kinds_for(member, one)
    if papers is None and kinds:
        papers = AdmissionFilesForm(kinds=kinds, auto_id="id_paper_%s")
    context = {
        "papers_form": papers,
        "crumbs": [
            Crumb(_("Duty admission"), reverse("mandates:admission-list")),
            Crumb(one.number or one.name),
        ],
        **shown(record, member, at=now),
        "moves": moves,
        "move": next((move for move in moves if move["is_open"]), None),
        "form": form,
        "may_edit": _is_editable(one, member),
    }
    return render(request, "mandates/admissions/detail.html", context, status=status)


def _write(
    request: MemberRequest, form: AdmissionForm, crumb: Crumb, *, version: int | None = None
) -> HttpResponse:
    context = {
        "crumbs": [Crumb(_("Duty admission"), reverse("mandates:admission-list")), crumb],
        "title": crumb.label,
        "form": form,
        "version": version,
    }
    status = 422 if form.errors else 200
    return render(request, "mandates/admissions/form.html", context, status=status)


def _kept(request: MemberRequest, one: Admission) -> HttpResponse:
    messages.success(request, _("Kept as a draft. Nobody else sees it before it is submitted."))
    return redirect(one)


def _form(request: MemberRequest, member: Member, record: Record | None = None) -> AdmissionForm:
    today = timezone.localdate()
    units = Department.objects.filter(county=member.county_id).as_of(today).order_by("code")
    areas = Township.objects.filter(county=member.county_id, valid_to=None).order_by("code")
    initial: dict[str, Any] = {}
    if record is not None:
        one = record.admission
        initial = {name: getattr(one, name) for name in AdmissionForm.base_fields}
        initial["lead"] = str(one.lead.uid) if one.lead else ""
        initial["targets"] = [str(area.uid) for area in record.targets]
    elif member.post.department is not None:
        initial = {"lead": str(member.post.department.uid)}
    sent = request.POST if request.method == "POST" else None
    return AdmissionForm(sent, initial=initial, departments=units, areas=areas)


def _move_form(name: str, record: Record, sent: Any = None) -> MoveForm:
    move, one = ADMISSION_MOVES[name], record.admission
    offered: dict[str, Any] = {}
    if "township" in move.needs:
        offered["townships"] = [a for a in record.targets if a.pk in one.open_objections]
    if "entry" in move.takes:
        lines = rulebook(one.county_id).in_force(timezone.localdate())
        offered["entries"] = [(line.uid, f"{line.code} {line.name}") for line in lines]
    if "votes" in move.needs:
        offered["members"] = members_of_the_meeting(one.county_id)
    return MoveForm(sent, move=move, initial={"version": one.version}, auto_id="do_%s", **offered)


def _is_editable(one: Admission, member: Member) -> bool:
    own = (one.department_id, one.area_id) == (member.department_id, member.township_id)
    return one.state == AdmissionState.DRAFT and own and member.may(Permission.ADMISSION_APPLY)


def _may_apply(member: Member) -> bool:
    is_of_a_unit = member.department_id is not None or member.township_id is not None
    return is_of_a_unit and member.may(Permission.ADMISSION_APPLY)


def _found(uid: UUID, member: Member) -> Record:
    try:
        return load(uid, member)
    except Admission.DoesNotExist as error:
        raise Http404 from error


def _reader(request: MemberRequest) -> Member:
    member = request.member
    if member.scope is None or not member.may(Permission.LIST_READ):
        raise NotAllowed
    return member
