"""版本比较: two versions of a list side by side, on the screen, on paper and as a PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import UUIDField
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from common import papers, pdf
from common.display import Crumb, Pager, SavedView
from common.errors import NotAllowed
from common.sent import typed_in
from common.sheets import TYPES, XLSX, Head, opened
from mandates.forms.matters import CompareForm
from mandates.models import Entry, ListVersion, Matter, VersionState
from mandates.permissions import Permission
from mandates.queries.differences import Difference, Sort, difference, sort_of
from mandates.queries.preview import open_calls
from mandates.queries.sql import Pair
from mandates.views.draft_open import editing
from townships.http import Member, MemberRequest

PAGE = 25
KIND = "comparison_pdf"  # the job that makes a long one
NAMES = ("before", "after", "matter", "sort")
ON_PAPER = 2000  # matters; a county has some hundred


@dataclass(frozen=True)
class Asked:
    """What is compared, as the address says."""

    form: CompareForm
    versions: Sequence[ListVersion]
    before: ListVersion | None
    after: ListVersion | None
    matter: Matter | None
    sort: str

    @property
    def both(self) -> list[ListVersion]:
        return [one for one in (self.before, self.after) if one is not None]

    def url(self, name: str = "mandates:entry-compare", **changes: Any) -> str:
        """Return an address of the same comparison with other values; "" leaves one out."""
        values = {
            "after": self.after.uid if self.after else "",
            "before": self.before.uid if self.before else "",
            "matter": self.matter.code if self.matter else "",
            "sort": self.sort,
            **changes,
        }
        return f"{reverse(name)}?{urlencode({k: v for k, v in values.items() if v})}"


@login_required
@require_safe
def compare(request: MemberRequest) -> HttpResponse:
    """What a version says otherwise than the one before it, or than any other one."""
    asked = _asked(request)
    context: dict[str, Any] = {"asked": asked, "form": asked.form, "crumbs": _crumbs(asked)}
    if asked.before is None or asked.after is None:
        return render(request, "mandates/matters/compare.html", context)
    found = _difference(asked)
    matter = asked.matter.code if asked.matter else ""
    pairs = _of_sort(found.pairs, asked.sort)
    number, pager = _page(request, asked, len(pairs))
    context |= {
        "found": found,
        "changes": found.changes(pairs[number * PAGE : (number + 1) * PAGE]),
        "tabs": _tabs(asked, found),
        "pager": pager,
        "effects": _effects(request.member, asked),
        "editing": editing(request.member, asked.after.duty_list, code=matter),
        "whole_url": asked.url(matter="", sort="") if asked.matter else "",
        "xlsx_url": asked.url("mandates:entry-compare-xlsx"),
        "pdf_url": asked.url("mandates:entry-compare-pdf") if pdf.is_available() else "",
    }
    return render(request, "mandates/matters/compare.html", context)


@login_required
@require_safe
def compare_pdf(request: MemberRequest) -> HttpResponse:
    """The comparison as a file. Raises NoPdf."""
    now = timezone.now()
    return papers.answer(paper(request.member, request.GET, at=now), at=now)


def paper(member: Member, sent: Mapping[str, Any], *, at: datetime) -> papers.Paper:
    """Write a comparison for the printer. Raises Http404."""
    asked = asked_for(member, sent)
    if asked.before is None or asked.after is None:
        raise Http404
    found = _difference(asked)
    pairs = _of_sort(found.pairs, asked.sort)
    context = {
        "asked": asked,
        "found": found,
        "changes": found.changes(pairs[:ON_PAPER]),
        "left_out": max(0, len(pairs) - ON_PAPER),
        "printed_at": at,
        "printed_by": member.user,
    }
    return papers.Paper(
        render_to_string("mandates/matters/compare_sheet.html", context),
        name=f"{asked.after.duty_list.name} {asked.before.number}-{asked.after.number} "
        f"{_('Comparison of versions')}",
        short="list",
        keep=lambda now: None,  # a list is no secret: who takes one is not kept
        kind=KIND,
        parameters={
            "before": str(asked.before.uid),
            "after": str(asked.after.uid),
            "matter": asked.matter.code if asked.matter else "",
            "sort": asked.sort,
        },
    )


@login_required
@require_safe
def compare_xlsx(request: MemberRequest) -> HttpResponse:
    """The comparison as a table: a row a column that differs."""
    asked = _asked(request)
    if asked.before is None or asked.after is None:
        raise Http404
    found = _difference(asked)
    changes = found.changes(_of_sort(found.pairs, asked.sort)[:ON_PAPER])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "changes.xlsx"
        heads = [
            Head(_("Code"), 12),
            Head(_("Matter"), 32),
            Head(_("Change"), 10),
            Head(pgettext("of a list", "Column"), 18),
            Head(_version_name(asked.before), 50),
            Head(_version_name(asked.after), 50),
        ]
        with opened(path, XLSX, title=_("Comparison of versions"), heads=heads) as sheet:
            for one in changes:
                for column in one.columns:
                    sheet.row([
                        one.code, one.entry.name, _sorts()[one.sort], column.label, column.before,
                        column.after,
                    ])  # fmt: skip
            sheet.about([
                (_("List"), str(asked.after.duty_list)),
                (_("Earlier version"), _version_name(asked.before)),
                (_("Later version"), _version_name(asked.after)),
            ])  # fmt: skip
        content = path.read_bytes()
    answer = HttpResponse(content, content_type=TYPES[XLSX])
    name = quote(f"{asked.after.duty_list.name} {asked.before.number}-{asked.after.number}.xlsx")
    answer["Content-Disposition"] = f"attachment; filename=\"list.xlsx\"; filename*=UTF-8''{name}"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _version_name(version: ListVersion) -> str:
    name = _("Version %(n)d") % {"n": version.number}
    return f"{name} {version.document_no}".strip()


def _sorts() -> dict[str, str]:
    return {Sort.CHANGED: _("Changed"), Sort.ADDED: _("Added"), Sort.REMOVED: _("Removed")}


# --- what is asked for -------------------------------------------------------------------------


def _asked(request: MemberRequest) -> Asked:
    return asked_for(request.member, request.GET)


def asked_for(member: Member, sent: Mapping[str, Any]) -> Asked:
    """Read what is to be compared. Raises NotAllowed, Http404."""
    if not member.may(Permission.LIST_READ):
        raise NotAllowed
    form = CompareForm(sent)
    after = _named(form, "after", member)
    versions = list(_versions(member, after))
    if after is None:
        after = _current(versions)
    before = _named(form, "before", member) or _predecessor(versions, after)
    matter = _matter(form, after)
    form.offer(versions, before=before, after=after)
    form.is_valid()
    sort = form.cleaned_data.get("sort") or ""
    if before is not None and after is not None and before.duty_list_id != after.duty_list_id:
        form.add_error("before", _("These are versions of two different lists."))
        before = None
    return Asked(form, versions, before, after, matter, sort)


def _readable(member: Member) -> Q:
    """Drafts are read by those who write or confirm them."""
    mine = Q() if member.county_id is None else Q(county_id=member.county_id)
    if member.may(Permission.LIST_EDIT) or member.may(Permission.LIST_CONFIRM):
        return mine
    return mine & Q(state=VersionState.PUBLISHED)


def _named(form: CompareForm, name: str, member: Member) -> ListVersion | None:
    """Return the version that a field names. Raises Http404 for one out of reach."""
    try:
        uid = UUIDField(required=False).clean(form.data.get(name, ""))
    except ValidationError:
        raise Http404 from None
    if uid is None:
        return None
    rows = ListVersion.objects.filter(_readable(member), uid=uid).select_related("duty_list")
    found: ListVersion | None = rows.first()
    if found is None:
        raise Http404
    return found


def _versions(member: Member, after: ListVersion | None) -> Any:
    """List the versions that can be compared, the latest first: those of one list."""
    rows = ListVersion.objects.filter(_readable(member)).select_related("duty_list")
    if after is not None:
        rows = rows.filter(county=after.county_id, duty_list=after.duty_list_id)
    elif member.county_id is None:
        return []  # which county's? its list leads here
    else:
        rows = rows.routing()
    return rows.order_by("duty_list", "-number")


def _current(versions: Sequence[ListVersion]) -> ListVersion | None:
    today = timezone.localdate()
    held = [one for one in versions if one.holds_on(today)]
    return next(iter(held or versions), None)


def _predecessor(versions: Sequence[ListVersion], after: ListVersion | None) -> ListVersion | None:
    if after is None:
        return None
    earlier = [
        one
        for one in versions
        if one.duty_list_id == after.duty_list_id and one.number < after.number
    ]
    return max(earlier, key=lambda one: one.number, default=None)


def _matter(form: CompareForm, after: ListVersion | None) -> Matter | None:
    code = str(form.data.get("matter", "")).strip()
    if not code or after is None or "\0" in code:
        return None
    rows = Matter.objects.filter(county=after.county_id, duty_list=after.duty_list_id, code=code)
    found: Matter | None = rows.first()
    if found is None:
        raise Http404
    return found


def _difference(asked: Asked) -> Difference:
    assert asked.before is not None
    assert asked.after is not None
    return difference(asked.before, asked.after, matter_id=asked.matter.pk if asked.matter else 0)


# --- what is shown -----------------------------------------------------------------------------


def _of_sort(pairs: Sequence[Pair], sort: str) -> list[Pair]:
    return [pair for pair in pairs if not sort or sort_of(pair) == sort]


def _tabs(asked: Asked, found: Difference) -> list[SavedView]:
    names = _sorts()
    tabs = [SavedView(_("All"), asked.url(sort=""), str(len(found.pairs)), not asked.sort)]
    return tabs + [
        SavedView(name, asked.url(sort=sort), str(found.counts[sort]), asked.sort == sort)
        for sort, name in names.items()
    ]


def _page(request: MemberRequest, asked: Asked, total: int) -> tuple[int, Pager]:
    text = typed_in(request.GET, "page")
    last = max(0, (total - 1) // PAGE)
    number = min(int(text) - 1 if text.isdecimal() and len(text) < 7 and int(text) else 0, last)
    note = ngettext("%(n)d matter", "%(n)d matters", total) % {"n": total}
    return number, Pager(
        previous_url=asked.url(page=number) if number else "",
        next_url=asked.url(page=number + 2) if number < last else "",
        note=note,
    )


def _effects(member: Member, asked: Asked) -> dict[str, Any] | None:
    """Say what becomes of the calls of one matter when the later version begins."""
    if asked.matter is None or not member.may(Permission.CALL_READ) or asked.before is None:
        return None
    entry = Entry.objects.filter(version=asked.before, matter=asked.matter).first()
    if entry is None:
        return None
    return {"open": open_calls(member, asked.matter.pk, entry_id=entry.pk)}


def _crumbs(asked: Asked) -> list[Crumb]:
    crumbs = [Crumb(_("Responsibility list"), reverse("mandates:entry-list"))]
    if asked.matter is not None and asked.after is not None:
        rows = Entry.objects.filter(matter=asked.matter, version__state=VersionState.PUBLISHED)
        entry = rows.order_by("-version__number").first()
        name = f"{asked.matter.code} {entry.name}" if entry else asked.matter.code
        crumbs.append(Crumb(name, entry.get_absolute_url() if entry else ""))
    return [*crumbs, Crumb(_("Comparison of versions"))]
