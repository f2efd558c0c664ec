"""草稿表格: the lines of a draft as a table that is written in place, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import BoundField
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from common.display import Crumb, Pager
from common.errors import Problem, Stale
from common.paging import page
from common.sent import all_typed, typed_in
from mandates.forms.draft_lines import GridFilters, LineForm
from mandates.models import Entry, ListVersion, VersionState
from mandates.operations import draft_lines as operations
from mandates.operations.lists import NotADraft
from mandates.permissions import Permission
from mandates.queries import draft_lines
from mandates.queries.publications import waiting_of
from mandates.rules.citations import Cited, read
from townships.http import Member, MemberRequest
from townships.models import Department, Platform
from townships.rules import require

SIZE = 40
FETCH = "fetch"  # what the page's own script says of itself


@dataclass(frozen=True)
class Row:
    """A line of the grid. ``now`` says what stands there where it is not what was typed."""

    form: LineForm
    entry: Entry | None = None
    now: dict[str, str] | None = None
    is_saved: bool = False

    @property
    def key(self) -> str:
        return str(self.entry.uid) if self.entry else "new"

    @property
    def is_overtaken(self) -> bool:
        return self.now is not None

    @property
    def reading(self) -> Sequence[Cited]:
        """What the legal basis is read to cite, as it is typed."""
        return read(str(self.form["legal_basis"].value() or ""))

    @property
    def cells(self) -> list[tuple[BoundField, str]]:
        """The controls of the line, each with what stands there now where that is something else."""
        now = self.now or {}
        return [(bound, now.get(bound.name, "")) for bound in self.form.controls()]


@login_required
@require_safe
def draft_grid(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The lines of a draft, a portion a page, with an empty one to be added."""
    version = _draft(request.member, uid)
    if version is None:
        return _gone(request, uid)
    return _page(request, version)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def draft_line(request: MemberRequest, uid: UUID, entry: UUID) -> HttpResponse:
    """Write one line; answer with the page, or to its script with the line alone."""
    version = _draft(request.member, uid)
    if version is None:
        return _gone(request, uid)
    standing = draft_lines.lines(version).filter(uid=entry).first()
    if standing is None:
        if request.method == "POST":
            messages.error(request, _("This line has been taken out of the draft meanwhile."))
        return redirect(_back(request, version))
    if request.method != "POST":
        if not _is_script(request):
            return redirect(f"{_back(request, version)}#line-{entry}")
        return _answer(request, version, Row(LineForm.shown(standing), standing))
    form = LineForm(request.POST, auto_id=f"{entry}-%s")
    row = Row(form, standing)
    if form.is_valid():
        try:
            written = operations.change(
                version, entry, form.cells(), seen=form.cleaned_data["seen"],
                by=request.member, at=timezone.now(),
            )  # fmt: skip
        except Stale as problem:
            return _answer(request, version, _overtaken(form, standing, problem), problem.status)
        except NotADraft:
            return _gone(request, uid)
        except Entry.DoesNotExist:
            raise Http404 from None
        except Problem as problem:
            form.blame(problem)
        else:
            saved = Row(LineForm.shown(written), written, is_saved=True)
            if _is_script(request):
                return _answer(request, version, saved)
            messages.success(request, _("Saved: %(code)s") % {"code": written.matter.code})
            return redirect(f"{_back(request, version)}#line-{entry}")
    return _answer(request, version, row, 422)


@login_required
@require_http_methods(["POST"])
def draft_line_new(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Add a line at the end of the draft."""
    version = _draft(request.member, uid)
    if version is None:
        return _gone(request, uid)
    form = LineForm(request.POST, auto_id="new-%s")
    if form.is_valid():
        try:
            made = operations.add(version, form.cells(), by=request.member, at=timezone.now())
        except NotADraft:
            return _gone(request, uid)
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("Added: %(code)s") % {"code": made.matter.code})
            words = urlencode({"q": made.matter.code})
            return redirect(f"{reverse('mandates:draft-grid', args=[uid])}?{words}#line-{made.uid}")
    return _page(request, version, new=Row(form), status=422)


# --- one line ------------------------------------------------------------------------------------


def _overtaken(form: LineForm, standing: Entry, problem: Problem) -> Row:
    """Keep what was typed, and show what stands there now; sent again, it replaces that knowingly."""
    now = draft_lines.cells(standing)
    typed_in: Any = form.data
    data = typed_in.copy()
    data["seen"] = draft_lines.mark(standing)
    renewed = LineForm(data, auto_id=form.auto_id)
    renewed.full_clean()
    renewed.blame(problem)
    typed = {name: str(form.cleaned_data.get(name) or "") for name in now}
    words = {
        **now,
        "lead": str(standing.lead or ""),
        "platform": str(standing.platform or ""),
        "urgency": standing.get_urgency_display(),
    }
    differing = {name: words[name] or "—" for name in now if now[name] != typed[name]}
    return Row(renewed, standing, now=differing)


def _answer(
    request: MemberRequest, version: ListVersion, row: Row, status: int = 200
) -> HttpResponse:
    """Answer a script with the line alone, everybody else with the page it stands in."""
    if not _is_script(request):
        return _page(request, version, changed=row, status=status)
    context = {**_choices(request, version), "row": row, "version": version}
    return render(request, "mandates/drafts/_line.html", context, status=status)


def _is_script(request: MemberRequest) -> bool:
    return request.headers.get("X-Requested-With") == FETCH


# --- the page ------------------------------------------------------------------------------------


def _draft(member: Member, uid: UUID) -> ListVersion | None:
    """Return a draft of the officer's county; None for a version that is none any more."""
    require(member, Permission.LIST_EDIT)
    rows = ListVersion.objects.filter(county=member.county_id, uid=uid)
    found: ListVersion | None = rows.select_related("duty_list").first()
    if found is None:
        raise Http404
    return found if found.state == VersionState.DRAFT else None


def _gone(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Lead from a published version to the list: it stands."""
    messages.warning(request, str(NotADraft.detail))
    return redirect(f"{reverse('mandates:entry-compare')}?{urlencode({'after': uid})}")


def _back(request: MemberRequest, version: ListVersion) -> str:
    query = urlencode(
        {k: v for k, v in all_typed(request.GET).items() if k in ("q", "category", "cursor")}
    )
    return f"{reverse('mandates:draft-grid', args=[version.uid])}{f'?{query}' if query else ''}"


def _page(
    request: MemberRequest,
    version: ListVersion,
    *,
    changed: Row | None = None,
    new: Row | None = None,
    status: int = 200,
) -> HttpResponse:
    form = GridFilters(request.GET)
    categories = draft_lines.categories(version)
    form.offer(categories)
    form.is_valid()
    words, category = form.cleaned_data.get("q", ""), form.cleaned_data.get("category", "")
    found = page(
        draft_lines.lines(version, words=words, category=category),
        order=("position", "id"),
        cursor=typed_in(request.GET, "cursor"),
        size=SIZE,
    )
    rows = [
        changed if changed and changed.entry == one else Row(LineForm.shown(one), one)
        for one in found.rows
    ]
    if changed and changed not in rows:  # narrowed away by what was typed, yet not to be lost
        rows.insert(0, changed)

    def at(cursor: str | None) -> str:
        kept = {k: v for k, v in {"q": words, "category": category, "cursor": cursor}.items() if v}
        return f"{_url(version)}?{urlencode(kept)}" if cursor else ""

    context = {
        **_choices(request, version),
        "version": version,
        "form": form,
        "categories": categories,
        "rows": rows,
        "new": new or Row(LineForm.shown(None)),
        "columns": list(LineForm.shown(None).controls()),
        "limit_example": operations.example(),
        "is_narrowed": bool(words or category),
        "total": version.entries.count(),
        "url": _url(version),
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "may_publish": request.member.may(Permission.LIST_PUBLISH),
        "waiting": waiting_of(version),
        "crumbs": [
            Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
            Crumb(_("Lines of the draft")),
        ],
    }
    return render(request, "mandates/drafts/grid.html", context, status=status)


def _url(version: ListVersion) -> str:
    return reverse("mandates:draft-grid", args=[version.uid])


def _choices(request: MemberRequest, version: ListVersion) -> dict[str, Any]:
    """Return what cells choose among: departments that stand, and those that lead a line already."""
    rows = Department.objects.filter(county=version.county_id)
    leads = version.entries.exclude(lead=None).values("lead")
    units = (rows.as_of(timezone.localdate()) | rows.filter(pk__in=leads)).order_by("code")
    return {
        "units": [(str(uid), name) for uid, name in units.distinct().values_list("uid", "name")],
        "platforms": list(Platform.objects.order_by("position").values_list("code", "name")),
        "query": urlencode(
            {
                k: v
                for k, v in all_typed(request.GET).items()
                if k in ("q", "category", "cursor") and v
            }
        ),
    }
