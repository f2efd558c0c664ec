"""清单导入: workbooks of the county's lists, looked at, applied, undone; and a list as a workbook."""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import spreadsheets, tenancy
from common.display import Crumb, Pager, SavedView
from common.errors import NotAllowed, Problem
from common.paging import page
from common.sent import typed_in
from mandates.forms.list_imports import ColumnsForm, ReasonForm, RowFilters, WorkbookForm
from mandates.models import DutyList, ImportRow, ListImport, ListVersion, VersionState
from mandates.operations import list_applying, list_imports, list_workbooks, lists
from mandates.operations.list_columns import field_label
from mandates.permissions import Permission
from mandates.queries.importing import job_of, of_county, rows_of
from townships.http import Member, MemberRequest
from townships.models import County, Department
from townships.rules import require

SIZE = 50
RECENT = 30
State, Kind = ListImport.State, ImportRow.Kind


def _officer(request: MemberRequest) -> County:
    """Return the county whose lists are written. Raises NotAllowed."""
    require(request.member, Permission.LIST_EDIT)
    if request.member.county is None:
        raise NotAllowed
    return request.member.county


def _import(request: MemberRequest, uid: UUID) -> ListImport:
    found: ListImport = get_object_or_404(of_county(_officer(request).pk), uid=uid)
    return found


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: MemberRequest) -> HttpResponse:
    """The workbooks taken in lately, and the form for another one."""
    county = _officer(request)
    lists.list_of(county)
    form = WorkbookForm(request.POST or None, request.FILES or None)
    offered = {str(one.uid): one for one in DutyList.objects.filter(county=county).order_by("id")}
    form.offer(offered.values())
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            chosen = offered[form.cleaned_data["duty_list"]]
            upload = form.cleaned_data["file"]
            try:
                made = list_imports.take(chosen, upload, by=request.member, at=timezone.now())
                return redirect(made)
            except Problem as problem:
                form.add_error("file", str(problem))
                status = problem.status
    context = {
        "form": form,
        "imports": of_county(county.pk).order_by("-id")[:RECENT],
        "crumbs": _crumbs(),
    }
    return render(request, "mandates/imports/list.html", context, status=status)


@login_required
@require_safe
def import_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One workbook: its columns, what it would change, what is wrong with it, what was done."""
    return _page(request, _import(request, uid))


@login_required
@require_POST
def import_columns(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Name the columns and ask for the check."""
    one = _import(request, uid)
    form = _columns_form(one, request.POST)
    status = 422
    if form.is_valid():
        try:
            list_imports.name_columns(
                one, form.columns(), form.chosen_units(), by=request.member, at=timezone.now()
            )
            return redirect(one)
        except Problem as problem:
            for text in problem.fields.values() or [str(problem)]:
                form.add_error(None, str(text))
            status = problem.status
    return _page(request, one, columns=form, status=status)


@login_required
@require_POST
def import_apply(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Have what was looked at written into the draft, by a worker."""
    one = _import(request, uid)
    return _done(request, one, list_applying.ask)


@login_required
@require_POST
def import_undo(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Put the draft back as it was before."""
    one = _import(request, uid)
    return _done(request, one, list_applying.undo, _("Undone: the draft is as it was before."))


def _done(request: MemberRequest, one: ListImport, act: Any, told: str = "") -> HttpResponse:
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, one, reason=form, status=422)
    try:
        act(one, reason=form.cleaned_data["reason"], by=request.member, at=timezone.now())
    except Problem as problem:
        form.add_error(None, str(problem))
        return _page(request, one, reason=form, status=problem.status)
    if told:
        messages.success(request, told)
    return redirect(one)


@login_required
@require_safe
def import_rows(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Every change and every problem as a file, as far as the filter goes."""
    one = _import(request, uid)
    head = [_("sheet"), _("row"), _("kind"), _("code"), _("name"), _("what")]
    rows = (
        [row.sheet, row.row or "", row.get_kind_display(), row.code, row.name, text]
        for row in _narrowed(request, one).order_by("id").iterator(chunk_size=500)
        for text in _texts(row)
    )
    answer = HttpResponse(spreadsheets.written(head, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="import.csv"'
    return answer


def _texts(row: ImportRow) -> list[str]:
    problems = [f"{where}{_(': ')}{text} {cell}".strip() for where, cell, text in row.problems]
    changes = [
        f"{field_label(name)}{_(': ')}{before or '—'} → {after or '—'}"
        for name, before, after in row.changes
    ]
    return problems + changes or [""]


def _columns_form(one: ListImport, data: Any = None) -> ColumnsForm:
    units = Department.objects.filter(county_id=one.county_id).order_by("name")
    return ColumnsForm(
        data,
        sheets=one.layout["sheets"],
        words=one.counts.get("unknown", ()),
        departments=units,
    )


def _narrowed(request: MemberRequest, one: ListImport) -> Any:
    form = RowFilters(request.GET)
    if not form.is_valid():
        return rows_of(one)
    return rows_of(one, kind=form.cleaned_data["kind"], words=form.cleaned_data["q"])


def _page(
    request: MemberRequest,
    one: ListImport,
    *,
    columns: ColumnsForm | None = None,
    reason: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    job = job_of(one)
    is_active = job is not None and job.is_active
    is_written = job is not None and job.kind == list_applying.JOB
    context: dict[str, Any] = {
        "one": one,
        "job": job,
        # Cancelled, or given up: nobody looks at it any more.
        "is_given_up": one.state == State.CHECKING and not is_active,
        "is_writing": one.state == State.APPLYING and is_active,
        "not_written": one.state == State.APPLYING
        and not is_active
        or one.state == State.CHECKED
        and is_written,
        "columns": columns or _columns_form(one),
        "reason": reason or ReasonForm(),
        "crumbs": [*_crumbs(), Crumb(one.file_name)],
    }
    if one.state in (State.CHECKED, State.APPLYING, State.APPLIED, State.UNDONE):
        context |= _rows(request, one)
    if one.state == State.APPLIED:
        context["can_undo"] = list_applying.can_undo(one)
    if one.version_id and one.version and one.version.state == VersionState.DRAFT:
        context["draft_url"] = reverse("admin:mandates_listversion_change", args=[one.version_id])
    return render(request, "mandates/imports/detail.html", context, status=status)


def _rows(request: MemberRequest, one: ListImport) -> dict[str, Any]:
    kept = {name: value for name in ("kind", "q") if (value := typed_in(request.GET, name))}
    found = page(
        _narrowed(request, one), order=("id",), cursor=typed_in(request.GET, "cursor"), size=SIZE
    )

    def turned(cursor: str | None) -> str:
        return f"{one.get_absolute_url()}?{urlencode({**kept, 'cursor': cursor})}" if cursor else ""

    return {
        "views": [
            SavedView(str(kind.label), f"?{urlencode({'kind': kind.value})}", one.counts.get(kind, 0),
                      typed_in(request.GET, "kind") == kind.value)
            for kind in (Kind.WRONG, Kind.ADDED, Kind.CHANGED, Kind.MOVED, Kind.REMOVED, Kind.SAME)
        ],
        "words": typed_in(request.GET, "q"),
        "kind": typed_in(request.GET, "kind"),
        "rows": [
            {
                "row": row,
                "changes": [
                    {"label": field_label(name), "before": before, "after": after}
                    for name, before, after in row.changes
                ],
            }
            for row in found.rows
        ],
        "changes_anything": any(
            one.counts.get(kind) for kind in (Kind.ADDED, Kind.CHANGED, Kind.MOVED, Kind.REMOVED)
        ),
        "file_url": f"{reverse('mandates:import-rows', args=[one.uid])}?{urlencode(kept)}",
        "pager": Pager(previous_url=turned(found.previous), next_url=turned(found.next)),
    }  # fmt: skip


def _crumbs() -> list[Crumb]:
    return [
        Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
        Crumb(_("Excel import"), reverse("mandates:import-list")),
    ]


@login_required
@require_safe
def entry_workbook(request: MemberRequest) -> HttpResponseBase:
    """A version as a workbook, laid out as the county's own last one; a draft for its editors."""
    member = request.member
    require(member, Permission.LIST_READ)
    try:
        uid = UUID(typed_in(request.GET, "version"))
    except ValueError:
        raise Http404 from None
    return as_workbook(uid, member=member)


def as_workbook(uid: UUID, *, member: Member) -> HttpResponseBase:
    """Return a version of the member's county as a workbook. Raises Http404."""
    rows = ListVersion.objects.filter(county_id=member.county_id).select_related("duty_list")
    version = rows.filter(uid=uid).first()
    if version is None or member.county_id is None:
        raise Http404
    if version.state == VersionState.DRAFT and not member.may(Permission.LIST_EDIT):
        raise Http404
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        # What a county's files call departments, and how they are laid out, its office alone reads.
        with tenancy.everywhere(reason="a list is written as the county lays it out"):
            list_workbooks.write(version, path, day=timezone.localdate())
        file = BytesIO(path.read_bytes())
    name = f"{version.duty_list.name}-{version.number}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=list_workbooks.TYPE)
