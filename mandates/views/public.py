"""公开: lists that a county shows to everybody, at addresses that stay; nobody is signed in."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from common.sent import typed_in
from mandates.forms.directories import DirectoryFilters
from mandates.models import Entry
from mandates.queries import public
from mandates.queries.public import Shown

KEPT_SECONDS = 300


@require_safe
def public_list(request: HttpRequest, uid: UUID, number: int | None = None) -> HttpResponse:
    """The version in force on a day, or the one of a number, on a page for everybody."""
    with public.opened(uid) as duty_list:
        day = _day(request)
        shown = public.shown(duty_list, day=day, number=number) if duty_list else None
        if shown is None:
            raise Http404
        context = {
            "shown": shown,
            "rows": [(one, public.told(one), one.get_share_display()) for one in shown.entries()],
            "day": day,
            "asked_day": typed_in(request.GET, "day"),
            "today": timezone.localdate(),
            "json_url": _json_url(shown, number),
        }
        return _kept(render(request, "mandates/public/list.html", context))


@require_safe
def public_json(request: HttpRequest, uid: UUID, number: int | None = None) -> HttpResponse:
    """The same for programs."""
    with public.opened(uid) as duty_list:
        shown = public.shown(duty_list, day=_day(request), number=number) if duty_list else None
        if shown is None:
            raise Http404
        return _kept(JsonResponse(_said(shown), json_dumps_params={"ensure_ascii": False}))


@require_safe
def public_flow(request: HttpRequest, uid: UUID, number: int, entry: UUID) -> HttpResponse:
    """The flow chart of one matter of a public list as a drawing."""
    with public.opened(uid) as duty_list:
        rows = Entry.objects.filter(
            uid=entry, version__duty_list=duty_list, version__number=number,
            version__state="published",
        ) if duty_list else ()  # fmt: skip
        found = next(iter(rows), None)
        drawn = public.drawn(found) if found else None
        if found is None or drawn is None:
            raise Http404
        context = {"flow": drawn, "title": found.name}
        answer = render(request, "mandates/matters/flow.svg", context, content_type="image/svg+xml")
        return _kept(answer)


def _day(request: HttpRequest) -> date:
    form = DirectoryFilters(request.GET)
    form.is_valid()
    found: date = form.cleaned_data.get("day") or timezone.localdate()
    return found


def _kept(answer: Any) -> HttpResponse:
    """Let it be kept for some minutes: it is the same for everybody."""
    patch_cache_control(answer, max_age=KEPT_SECONDS)
    kept: HttpResponse = answer
    return kept


def _json_url(shown: Shown, number: int | None) -> str:
    uid = shown.duty_list.uid
    if number is None:
        return reverse("mandates:public-json", args=[uid])
    return reverse("mandates:public-version-json", args=[uid, number])


def _said(shown: Shown) -> dict[str, Any]:
    duty_list, version = shown.duty_list, shown.version
    return {
        "uid": duty_list.uid,
        "name": duty_list.name,
        "kind": duty_list.kind,
        "level": duty_list.level,
        "county": duty_list.county.name,
        "township": duty_list.of_township.name if duty_list.of_township else None,
        "version": {
            "number": version.number,
            "document_no": version.document_no,
            "valid_from": version.valid_from,
            "valid_to": version.valid_to,
        }
        if version
        else None,
        "versions": [one.number for one in shown.versions],
        "matters": [public.told(one) for one in shown.entries()],
    }
