"""修订清单: open a draft of a list as a copy of its latest version, or go to the one that is open."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.display import Crumb
from common.errors import Invalid, NotAllowed
from common.sent import typed_in
from mandates.forms.draft_lines import OpenDraftForm
from mandates.models import DutyList, ListVersion
from mandates.operations import lists
from mandates.permissions import Permission
from mandates.queries.draft_lines import draft_of
from townships.http import Member, MemberRequest
from townships.models import County
from townships.rules import require


@dataclass(frozen=True)
class Editing:
    """Where whoever writes a list goes on: to the draft that is open, or to opening one."""

    url: str
    draft: ListVersion | None

    @property
    def is_open(self) -> bool:
        return self.draft is not None


def editing(member: Member, duty_list: DutyList | None, *, code: str = "") -> Editing | None:
    """Return where a list of the member's county is changed; None for who may not.

    Without a list: where the first draft of the county's list is opened. ``code`` is the matter that
    is looked for in the draft.
    """
    if member.county_id is None or not member.may(Permission.LIST_EDIT):
        return None
    if duty_list is not None and duty_list.county_id != member.county_id:
        return None
    draft = draft_of(duty_list.pk) if duty_list else None
    if draft is not None:
        return Editing(grid_url(draft, code), draft)
    asked = {"list": duty_list.uid if duty_list else "", "matter": code}
    query = urlencode({name: value for name, value in asked.items() if value})
    return Editing(f"{reverse('mandates:draft-open')}{f'?{query}' if query else ''}", None)


def grid_url(draft: ListVersion, code: str = "") -> str:
    """Return where the lines of a draft are written, narrowed to one matter."""
    query = f"?{urlencode({'q': code})}" if code else ""
    return f"{reverse('mandates:draft-grid', args=[draft.uid])}{query}"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def draft_open(request: MemberRequest) -> HttpResponse:
    """Ask why, and open a draft; where one is open, say so and lead there."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    if member.county is None:
        raise NotAllowed
    duty_list = _asked(member.county, typed_in(request.GET, "list"))
    code = typed_in(request.GET, "matter")[:20]
    form = OpenDraftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = duty_list or lists.list_of(member.county)
        try:
            draft = lists.open_draft(
                chosen, reason=form.cleaned_data["reason"], by=member, at=timezone.now()
            )
        except lists.DraftExists as refusal:
            messages.warning(request, str(refusal))
            return redirect(grid_url(_draft(chosen), code))
        except Invalid as problem:
            for name, texts in problem.fields.items():
                form.add_error(name, texts)
        else:
            messages.success(request, _("The draft has been opened."))
            return redirect(grid_url(draft, code))
    draft_now = draft_of(duty_list.pk) if duty_list else None
    last = duty_list.versions.order_by("-number").first() if duty_list else None
    context = {
        "form": form,
        "duty_list": duty_list,
        "draft": draft_now,
        "draft_url": grid_url(draft_now, code) if draft_now else "",
        "last": last,
        "matters": last.entries.count() if last else 0,
        "back_url": reverse("mandates:entry-list"),
        "crumbs": [
            Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
            Crumb(_("Open a draft")),
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "mandates/drafts/open.html", context, status=status)


def _asked(county: County, asked: str) -> DutyList | None:
    """Return the list asked for, else the one calls go by, if there is one. Raises Http404."""
    rows = DutyList.objects.filter(county=county)
    if not asked:
        return next((one for one in rows if one.routes), None)
    try:
        found: DutyList | None = rows.filter(uid=UUID(asked)).first()
    except ValueError:
        raise Http404 from None
    if found is None:
        raise Http404
    return found


def _draft(duty_list: DutyList) -> ListVersion:
    found = draft_of(duty_list.pk)
    if found is None:  # published or deleted in this very moment
        raise Http404
    return found
