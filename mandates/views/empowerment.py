"""批次: the list, a new one, and one page on which every step of a batch is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.display import Crumb, Pager
from common.errors import NotAllowed, Problem
from common.paging import page
from common.sent import typed_in
from mandates.forms import empowerment as forms
from mandates.models import (
    BatchState,
    CapabilityCheck,
    PowerAgreement,
    PowerBatch,
    PowerGrant,
    PowerItem,
    PowerSwap,
    SwapState,
)
from mandates.operations import empowering, granting
from mandates.permissions import Permission
from mandates.queries import empowerment
from mandates.queries.power_terms import is_due
from mandates.views.powers import reader
from townships.http import Member, MemberRequest
from townships.models import Department, Township

SIZE = 20


@login_required
@require_safe
def powerbatch_list(request: MemberRequest) -> HttpResponse:
    """Batches, the newest first."""
    member = reader(request)
    found = page(
        empowerment.batches(member),
        order=("-id",),
        cursor=typed_in(request.GET, "cursor"),
        size=SIZE,
    )

    def at(cursor: str | None) -> str:
        return f"{request.path}?cursor={cursor}" if cursor else ""

    context = {
        "rows": found.rows,
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "may_edit": member.may(Permission.POWER_EDIT),
    }
    return render(request, "mandates/powers/batches.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def powerbatch_new(request: MemberRequest) -> HttpResponse:
    """Begin a batch."""
    member = reader(request)
    if not member.may(Permission.POWER_EDIT):
        raise NotAllowed
    form = forms.BatchForm(request.POST or None, initial={"valid_from": timezone.localdate()})
    today = timezone.localdate()
    county = {"county": member.county_id}
    departments = Department.objects.as_of(today).filter(**county).order_by("name")
    towns = Township.objects.as_of(today).filter(**county).order_by("code")
    forms.offer(
        form,
        giver=[
            ("", _("Several departments")),
            (_("Departments"), [(str(one.uid), one.name) for one in departments]),
            (_("Townships"), [(str(one.uid), one.name) for one in towns]),
        ],
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = empowering.draft(form.given(), by=member, at=timezone.now())
        except Problem as problem:
            form.blame(problem)
        else:
            messages.success(request, _("Begun. Now choose items and townships."))
            return redirect(made)
    context = {"form": form, "crumbs": _crumbs(_("New batch"))}
    status = 422 if form.is_bound else 200
    return render(request, "mandates/powers/new.html", context, status=status)


@login_required
@require_safe
def powerbatch_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """One batch: what it says, who agreed, what is in force, and the next step."""
    member = reader(request)
    return _page(request, member, _batch(member, uid))


# --- the steps -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A form on the page of a batch: who sees it, when, and what it does."""

    permission: str
    states: tuple[str, ...]
    form: type[Any]
    act: Callable[[PowerBatch, Any, Member, Any], object]
    said: Any
    draws: str = ""  # which choices it needs


def _choose(batch: PowerBatch, form: Any, by: Member, at: Any) -> object:
    told = form.cleaned_data
    return empowering.choose(
        batch.uid, items=forms.uids(told["items"]), townships=forms.uids(told["townships"]),
        by=by, at=at,
    )  # fmt: skip


def _check(batch: PowerBatch, form: Any, by: Member, at: Any) -> None:
    for uid in forms.uids(form.cleaned_data["townships"]):
        empowering.check(uid, form.given(), batch=batch.uid, by=by, at=at)


def _evaluate(batch: PowerBatch, form: Any, by: Member, at: Any) -> None:
    told = form.cleaned_data
    for uid in forms.uids(told["grants"]):
        granting.evaluate(
            uid, outcome=told["outcome"], cases=told["cases"], finding=told["finding"],
            by=by, at=at,
        )  # fmt: skip


def _part(batch: PowerBatch, by: Member) -> PowerAgreement:
    part: PowerAgreement = batch.agreements.get(township=by.township_id)
    return part


def _swap(batch: PowerBatch, form: Any, by: Member, at: Any) -> object:
    told = form.cleaned_data
    return granting.ask_swap(
        _part(batch, by).uid, outs=forms.uids(told["outs"]), ins=told["ins"],
        reason=told["reason"], by=by, at=at,
    )  # fmt: skip


IN_FORCE = (BatchState.PUBLISHED,)
STEPS: dict[str, Step] = {
    "choose": Step(
        Permission.POWER_EDIT, (BatchState.DRAFT,), forms.ChooseForm, _choose,
        gettext_lazy("Chosen."), "items townships",
    ),
    "check": Step(
        Permission.POWER_EDIT, (BatchState.DRAFT,), forms.CheckForm, _check,
        gettext_lazy("The check is written down."), "named",
    ),
    "agree": Step(
        Permission.POWER_EDIT, (BatchState.DRAFT,), forms.AgreeForm,
        lambda batch, form, by, at: empowering.agree(
            batch.uid, giver_on=form.cleaned_data["giver_on"], seals=form.days(), by=by, at=at
        ),
        gettext_lazy("Agreed and sealed. Somebody else approves it now."), "parts",
    ),
    "approve": Step(
        Permission.POWER_APPROVE, (BatchState.AGREED,), forms.ApproveForm,
        lambda batch, form, by, at: empowering.approve(
            batch.uid, document_no=form.cleaned_data["document_no"], by=by, at=at
        ),
        gettext_lazy("Approved."),
    ),
    "publish": Step(
        Permission.POWER_APPROVE, (BatchState.APPROVED,), forms.PublishForm,
        lambda batch, form, by, at: empowering.publish(
            batch.uid, giver=form.giver(), takers=form.takers(), by=by, at=at
        ),
        gettext_lazy("Published. The townships are asked to confirm."), "parts",
    ),
    "confirm": Step(
        Permission.POWER_CONFIRM, IN_FORCE, forms.ConfirmForm,
        lambda batch, form, by, at: empowering.confirm(
            _part(batch, by).uid, note=form.cleaned_data["note"], by=by, at=at
        ),
        gettext_lazy("Confirmed: your township may act now."),
    ),
    "swap": Step(
        Permission.POWER_CONFIRM, IN_FORCE, forms.SwapForm, _swap,
        gettext_lazy("Asked. The county decides."), "outs ins",
    ),
    "evaluate": Step(
        Permission.POWER_EDIT, IN_FORCE, forms.EvaluateForm, _evaluate,
        gettext_lazy("The evaluation is written down."), "grants",
    ),
    "take-back": Step(
        Permission.POWER_APPROVE, IN_FORCE, forms.TakeBackForm,
        lambda batch, form, by, at: granting.take_back(
            batch.uid, forms.uids(form.cleaned_data["grants"]), form.given(), by=by, at=at
        ),
        gettext_lazy("Taken back. The township is told."), "grants",
    ),
    "end": Step(
        Permission.POWER_APPROVE, IN_FORCE, forms.EndForm,
        lambda batch, form, by, at: granting.end_batch(batch.uid, form.given(), by=by, at=at),
        gettext_lazy("The batch has ended."),
    ),
}  # fmt: skip


@login_required
@require_POST
def powerbatch_step(request: MemberRequest, uid: UUID, step: str) -> HttpResponse:
    """Make one step of a batch; a refusal is told at its form, with what was written."""
    member = reader(request)
    batch, one = _batch(member, uid), STEPS[step]
    if not member.may(one.permission):
        raise NotAllowed
    form = _form(step, batch, member, request.POST)
    if not form.is_valid():
        return _page(request, member, batch, bound={step: form}, status=422)
    try:
        one.act(batch, form, member, timezone.now())
    except (PowerAgreement.DoesNotExist, PowerGrant.DoesNotExist, Township.DoesNotExist) as error:
        raise Http404 from error
    except NotAllowed:
        raise
    except Problem as problem:
        form.blame(problem)
        return _page(request, member, batch, bound={step: form}, status=problem.status)
    messages.success(request, one.said)
    return redirect(batch)


@login_required
@require_POST
def powerswap_decide(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Decide on a township's swap."""
    member = reader(request)
    if not member.may(Permission.POWER_APPROVE):
        raise NotAllowed
    swap = PowerSwap.objects.filter(uid=uid, county=member.county_id).first()
    if swap is None:
        raise Http404
    batch = swap.agreement.batch
    form = forms.DecideForm(request.POST, auto_id=f"swap_{swap.pk}_%s")
    if not form.is_valid():
        return _page(request, member, batch, bound={f"swap {swap.pk}": form}, status=422)
    told = form.cleaned_data
    try:
        granting.decide_swap(
            uid, approved=told["approved"] == "1", on=told["on"], document_no=told["document_no"],
            decision=told["decision"], by=member, at=timezone.now(),
        )  # fmt: skip
    except Problem as problem:
        form.blame(problem)
        return _page(request, member, batch, bound={f"swap {swap.pk}": form}, status=problem.status)
    messages.success(request, _("Decided."))
    return redirect(batch)


# --- the page ------------------------------------------------------------------------------------


def _batch(member: Member, uid: UUID) -> PowerBatch:
    found: PowerBatch | None = empowerment.batches(member).filter(uid=uid).first()
    if found is None:
        raise Http404
    return found


def _form(step: str, batch: PowerBatch, member: Member, data: Any = None) -> Any:
    """Make the form of a step, with the choices that it needs."""
    draws = STEPS[step].draws.split()
    more: dict[str, Any] = {"auto_id": f"{step}_%s"}
    parts = batch.agreements.select_related("township").order_by("township__code")
    if "parts" in draws:
        more["parts"] = [(one.township.uid, one.township.name) for one in parts]
    if step == "choose":
        more["initial"] = {
            "items": [str(one) for one in batch.chosen.values_list("item__uid", flat=True)],
            "townships": [str(one.township.uid) for one in parts],
        }
    if step in ("take-back", "end"):
        more["initial"] = {"on": timezone.localdate(), "notified_on": timezone.localdate()}
    form = STEPS[step].form(data, **more)
    offered: dict[str, Any] = {}
    if "items" in draws:
        offered["items"] = [(str(one.uid), _named(one)) for one in _eligible(batch)]
        towns = Township.objects.as_of(timezone.localdate()).filter(county=batch.county_id)
        offered["townships"] = [(str(one.uid), one.name) for one in towns.order_by("code")]
    if "named" in draws:
        offered["townships"] = [(str(one.township.uid), one.township.name) for one in parts]
    if "grants" in draws:
        offered["grants"] = [
            (str(one.uid), f"{one.township.name} {_named(one.item)}") for one in _standing(batch)
        ]
    if "outs" in draws:
        own = [one for one in _standing(batch) if one.township_id == member.township_id]
        offered["outs"] = [(str(one.uid), _named(one.item)) for one in own]
        held = {one.item_id for one in own}
        offered["ins"] = [(one.code, _named(one)) for one in _eligible(batch) if one.pk not in held]
    forms.offer(form, **offered)
    return form


def _named(item: PowerItem) -> str:
    return f"{item.code} {item.name}"


def _eligible(batch: PowerBatch) -> list[PowerItem]:
    rows = PowerItem.objects.filter(county=batch.county_id, department__isnull=False)
    if batch.department_id is not None:
        rows = rows.filter(department=batch.department_id)
    return list(rows.order_by("code"))


def _standing(batch: PowerBatch) -> list[PowerGrant]:
    rows = batch.grants.filter(ended_at=None).select_related("township", "item")
    today = timezone.localdate()
    return [
        one
        for one in rows.order_by("township__code", "item__code")
        if one.valid_to is None or one.valid_to > today
    ]


def _offered(step: str, batch: PowerBatch, member: Member) -> bool:
    """Say whether the page shows the form of a step."""
    one = STEPS[step]
    if batch.state not in one.states or not member.may(one.permission):
        return False
    if step in ("confirm", "swap"):
        part = batch.agreements.filter(township=member.township_id).first()
        if part is None:
            return False
        waits = part.confirmed_at is None
        return waits if step == "confirm" else not (waits or batch.is_entrustment)
    if step in ("approve", "publish"):
        return member.user_id not in (batch.drafted_by_id, batch.agreed_by_id)
    if step in ("check", "agree"):
        return bool(batch.agreements.exists() and batch.chosen.exists())
    return True


def _page(
    request: MemberRequest,
    member: Member,
    batch: PowerBatch,
    *,
    bound: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    bound, today = bound or {}, timezone.localdate()
    items = list(PowerItem.objects.filter(batches__batch=batch).select_related("department"))
    items.sort(key=lambda one: one.code)
    parts = list(batch.agreements.select_related("township").order_by("township__code"))
    can = empowerment.capable(batch, [one.pk for one in items], [one.township_id for one in parts])
    shown = {
        name.replace("-", "_"): bound.get(name) or _form(name, batch, member)
        for name in STEPS
        if name in bound or _offered(name, batch, member)
    }
    grants = list(batch.grants.select_related("township", "item").prefetch_related("evaluations"))
    swaps = PowerSwap.objects.filter(agreement__batch=batch).select_related("agreement__township")
    decides = member.may(Permission.POWER_APPROVE)
    context = {
        "crumbs": _crumbs(batch.title),
        "batch": batch,
        "items": items,
        "parts": [
            {
                "one": part,
                "capable": _capability(can, part.township_id, items),
            }
            for part in parts
        ],
        "checks": CapabilityCheck.objects.filter(batch=batch).select_related("township").order_by("-id")[:50],
        "grants": [_grant(one, today) for one in sorted(grants, key=lambda one: (one.township.code, one.item.code))],
        "swaps": [
            {
                "one": one,
                "outs": [row.item for row in grants if str(row.uid) in one.outs],
                "ins": PowerItem.objects.filter(code__in=one.ins, county=batch.county_id),
                "form": (bound.get(f"swap {one.pk}") or forms.DecideForm(auto_id=f"swap_{one.pk}_%s"))
                if decides and one.state == SwapState.ASKED else None,
            }
            for one in swaps.order_by("-id")
        ],
        "forms": shown,
        "is_second_missing": batch.state in ("agreed", "approved") and decides
        and member.user_id in (batch.drafted_by_id, batch.agreed_by_id),
        "export_url": f"{reverse('townships:export-new', args=['power_grants'])}?batch={batch.uid}",
    }  # fmt: skip
    return render(request, "mandates/powers/batch.html", context, status=status)


def _capability(can: dict[tuple[int, int], bool], township: int, items: list[PowerItem]) -> str:
    known = [can.get((township, one.pk)) for one in items]
    if not known or any(one is None for one in known):
        return "unchecked"
    return "passed" if all(known) else "failed"


def _grant(one: PowerGrant, today: Any) -> dict[str, Any]:
    last = max(one.evaluations.all(), key=lambda row: row.pk, default=None)
    seen = timezone.localdate(last.at) if last else one.valid_from
    return {
        "one": one,
        "is_now": one.holds_on(today),
        "evaluation": last,
        "is_overdue": one.holds_on(today) and is_due(seen, county_id=one.county_id, day=today),
    }


def _crumbs(here: str) -> list[Crumb]:
    return [
        Crumb(_("Powers of townships"), reverse("mandates:power-list")),
        Crumb(_("Batches"), reverse("mandates:powerbatch-list")),
        Crumb(here),
    ]
