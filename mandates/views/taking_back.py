"""收回: an officer says that the superior department does a matter itself from a day on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.display import Crumb
from common.errors import Invalid
from mandates.forms.matters import GiveBackForm, TakeBackForm
from mandates.models import Entry, VersionState
from mandates.operations import taking_back
from mandates.permissions import Permission
from townships.http import MemberRequest
from townships.rules import require


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def entry_take_back(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Take a matter back, or undo that."""
    member = request.member
    require(member, Permission.LIST_PUBLISH)
    entry = (
        Entry.objects.filter(
            uid=uid, version__state=VersionState.PUBLISHED, county=member.county_id
        )
        .select_related("matter", "version__duty_list")
        .first()
    )
    if entry is None:
        raise Http404
    is_back = entry.matter.taken_back_from is not None
    form: Any = (GiveBackForm if is_back else TakeBackForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            act = taking_back.give_back if is_back else taking_back.take_back
            act(entry.matter, by=member, at=timezone.now(), **form.cleaned_data)
        except Invalid as problem:
            for name, texts in problem.fields.items():
                form.add_error(name, texts)
        else:
            done = _("The matter is the county's again.") if is_back else _("The matter is marked.")
            messages.success(request, done)
            return redirect(entry)
    context = {
        "entry": entry,
        "form": form,
        "is_back": is_back,
        "powers": list(entry.matter.powers.order_by("code")),
        "crumbs": [
            Crumb(f"{entry.matter.code} {entry.name}", entry.get_absolute_url()),
            Crumb(_("Taking back")),
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "mandates/matters/take_back.html", context, status=status)
