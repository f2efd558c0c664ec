"""赋权事项: the catalogue, one item, the question "may this township do this today?", and the figures."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.display import Chip, Crumb, Pager
from common.errors import NotAllowed
from common.paging import page
from common.sent import typed_in
from mandates.forms.empowerment import AskForm, PowerFilters, ScoreForm, offer
from mandates.models import FORBIDDEN, PowerGrant, PowerItem
from mandates.operations import empowering
from mandates.permissions import Permission
from mandates.queries import empowerment
from mandates.queries.empowerment import Asked
from townships.http import Member, MemberRequest
from townships.models import Department, Township

SIZE = 30
NAMES = ("q", "field", "department", "kind", "mode", "township")


def reader(request: MemberRequest) -> Member:
    """Return who reads. Raises NotAllowed for posts that have nothing to do with powers."""
    member = request.member
    if member.scope is None or not member.may(Permission.LIST_READ):
        raise NotAllowed
    return member


def townships_of(member: Member) -> Any:
    """Return the townships a member may ask about: the own one, or all of the county."""
    rows = Township.objects.as_of(timezone.localdate()).order_by("code")
    if member.township_id is not None:
        return rows.filter(pk=member.township_id)
    return rows if member.county_id is None else rows.filter(county=member.county_id)


@login_required
@require_safe
def power_list(request: MemberRequest) -> HttpResponse:
    """The catalogue, searched and narrowed, with how many townships hold each item today."""
    member, today = reader(request), timezone.localdate()
    form = PowerFilters(request.GET)
    _offer(form, member)
    asked = form.asked() if form.is_valid() else Asked()
    rows = empowerment.narrowed(member, asked, today)
    found = page(rows, order=("code", "id"), cursor=typed_in(request.GET, "cursor"), size=SIZE)
    scores = empowerment.scores_of(found.rows)
    held = empowerment.holders(found.rows, today)
    context = {
        "form": form,
        "rows": [
            {"one": one, "scores": sum(scores.get(one.pk, {}).values()), "is_scored": len(scores.get(one.pk, {})) == 4,
             "held": held.get(one.pk, 0)}
            for one in found.rows
        ],
        "chips": _chips(form, request),
        "clear_url": reverse("mandates:power-list"),
        "export_url": f"{reverse('townships:export-new', args=['powers'])}?{_kept(request)}",
        "is_township": member.township_id is not None,
        "pager": Pager(
            previous_url=_turned(request, found.previous), next_url=_turned(request, found.next)
        ),
    }  # fmt: skip
    status = 200 if form.is_valid() else 422
    return render(request, "mandates/powers/list.html", context, status=status)


@login_required
@require_safe
def power_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One item: its law, its scores, and who may do it."""
    member = reader(request)
    return _detail(request, member, _item(member, uid))


@login_required
@require_POST
def power_score(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Score the four criteria."""
    member = reader(request)
    item = _item(member, uid)
    form = ScoreForm(request.POST)
    if not member.may(Permission.POWER_EDIT):
        raise NotAllowed
    if not form.is_valid():
        return _detail(request, member, item, form=form, status=422)
    empowering.score(uid, form.given(), by=member, at=timezone.now())
    messages.success(request, _("Scored."))
    return redirect(item)


def _item(member: Member, uid: UUID) -> PowerItem:
    item: PowerItem = get_object_or_404(empowerment.items(member), uid=uid)
    return item


def _detail(
    request: MemberRequest,
    member: Member,
    item: PowerItem,
    *,
    form: ScoreForm | None = None,
    status: int = 200,
) -> HttpResponse:
    lines = empowerment.score_lines(item)
    if form is None and member.may(Permission.POWER_EDIT) and not item.is_own:
        known: dict[str, Any] = {}
        for line in lines:
            if line["score"]:
                known[f"{line['criterion']}_score"] = line["score"].score
                known[f"{line['criterion']}_reason"] = line["score"].reason
        form = ScoreForm(initial=known)
    grants = PowerGrant.objects.filter(item=item).select_related("township", "batch__department")
    today = timezone.localdate()
    context = {
        "crumbs": [
            Crumb(_("Powers of townships"), reverse("mandates:power-list")),
            Crumb(item.code),
        ],
        "one": item,
        "lines": lines,
        "total": sum(line["score"].score for line in lines if line["score"]),
        "form": form,
        "grants": [
            {"one": one, "is_now": one.holds_on(today)}
            for one in grants.order_by("-valid_from", "township__code")[:200]
        ],
    }
    return render(request, "mandates/powers/detail.html", context, status=status)


@login_required
@require_safe
def power_ask(request: MemberRequest) -> HttpResponse:
    """May this township do this on this day, in whose name? And if not, why."""
    member = reader(request)
    towns = list(townships_of(member))
    names = ("township", "item", "on", "opened")
    asked = {name: typed_in(request.GET, name) for name in names if name in request.GET}
    first = {"on": timezone.localdate(), "township": towns[0].uid if towns else ""}
    form = AskForm({**{k: str(v) for k, v in first.items()}, **asked} if asked.get("item") else None,
                   initial={**first, **asked})  # fmt: skip
    offer(form, township=[(str(one.uid), one.name) for one in towns])
    answers, township = None, None
    if form.is_bound and form.is_valid():
        told = form.cleaned_data
        township = next(one for one in towns if str(one.uid) == told["township"])
        wanted = empowerment.meant(member, township.county_id, told["item"])
        answers = empowerment.may(township, wanted, told["on"], opened=told["opened"])
        answers.sort(key=lambda one: not one.may)
    context = {
        "form": form,
        "answers": answers,
        "township": township,
        "crumbs": [
            Crumb(_("Powers of townships"), reverse("mandates:power-list")),
            Crumb(_("May it?")),
        ],
    }
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "mandates/powers/ask.html", context, status=status)


@login_required
@require_safe
def power_today(request: MemberRequest) -> HttpResponse:
    """What may a township do today: by the law itself, empowered, entrusted; for the pocket."""
    member, today = reader(request), timezone.localdate()
    towns = townships_of(member)
    wanted = typed_in(request.GET, "township")
    town = towns.filter(pk=member.township_id).first() if member.township_id else None
    if town is None:
        town = next((one for one in towns if str(one.uid) == wanted), None) or towns.first()
    answers = empowerment.today_of(town, today) if town else []
    groups = [
        {"mode": mode, "label": label, "rows": [one for one in answers if one.mode == mode]}
        for mode, label in (
            ("empowerment", _("In the township's own name, empowered")),
            ("entrustment", _("In the name of the department, entrusted")),
            ("own", _("In the township's own name, by the law itself")),
        )
    ]
    context = {
        "town": town,
        "towns": list(towns) if member.township_id is None else [],
        "groups": [group for group in groups if group["rows"]],
        "total": len(answers),
        "day": today,
        "limits": [FORBIDDEN[name] for name in ("measure_entrusted", "redelegation", "detention")],
        "waiting": empowerment.waiting(town) if town else [],
    }
    return render(request, "mandates/powers/today.html", context)


@login_required
@require_safe
def power_townships(request: MemberRequest) -> HttpResponse:
    """How many items each township holds, and the average of the developed towns."""
    member = reader(request)
    if member.county_id is None or member.township_id is not None:
        raise NotAllowed
    context = {
        "found": empowerment.figures(member.county_id, timezone.localdate()),
        "reported": empowerment.REPORTED,
        "crumbs": [
            Crumb(_("Powers of townships"), reverse("mandates:power-list")),
            Crumb(_("By township")),
        ],
    }
    return render(request, "mandates/powers/townships.html", context)


def _offer(form: PowerFilters, member: Member) -> None:
    units = Department.objects.filter(
        pk__in=empowerment.items(member).order_by().values("department")
    )
    offer(
        form,
        field=[("", _("All fields")), *((one, one) for one in empowerment.fields(member))],
        department=[
            ("", _("All departments")),
            *((str(one.uid), one.name) for one in units.order_by("name")),
        ],
        township=[
            ("", _("All townships")),
            *((str(one.uid), one.name) for one in townships_of(member)),
        ],
    )


def _chips(form: PowerFilters, request: MemberRequest) -> list[Chip]:
    found = []
    for name in NAMES:
        value = form.cleaned_data.get(name) if form.is_valid() else None
        if not value:
            continue
        choices = dict(getattr(form.fields[name], "choices", ()))
        text = f"{form.fields[name].label}{_(': ')}{choices.get(value, value)}"
        found.append(Chip(text, f"{request.path}?{_kept(request, without=name)}"))
    return found


def _kept(request: MemberRequest, *, without: str = "", **more: str) -> str:
    kept = {one: value for one in NAMES if one != without and (value := typed_in(request.GET, one))}
    return urlencode({**kept, **more})


def _turned(request: MemberRequest, cursor: str | None) -> str:
    return "" if cursor is None else f"{request.path}?{_kept(request, cursor=cursor)}"
