"""人员与值班: the people of a unit, what each has in hand, who can be reached, and hand-over."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from common.display import Crumb
from common.errors import Invalid
from common.sent import typed_in
from mandates.forms.staff import AbsenceForm, DutyForm, HandOverForm
from mandates.operations.hand_over import TAKERS, HandedOver, hand_over
from mandates.queries.staff import in_hand
from townships.http import Member, MemberRequest
from townships.models import Duty, Post, Shift, User
from townships.operations import staffing
from townships.permissions import Permission
from townships.queries.staff import (
    away_on,
    colleagues,
    coming_absences,
    of_unit,
    shift_at,
)
from townships.rules import may, require

WEEK = timedelta(days=7)
FIRST, LAST = date(2020, 1, 1), date(2199, 12, 1)


# --- People ---------------------------------------------------------------------------------------


@login_required
@require_safe
def staff_list(request: MemberRequest) -> HttpResponse:
    """Everybody of the unit: post, phone, work in hand, duty today, absence."""
    require(request.member, Permission.STAFF_VIEW)
    return _people(request, _absence_form(request.member))


def _people(request: MemberRequest, form: AbsenceForm, status: int = 200) -> HttpResponse:
    member, now = request.member, timezone.now()
    today = timezone.localdate(now)
    posts = list(colleagues(member, day=today))
    away = away_on(member, day=today)
    day, shift = shift_at(now)
    on_duty = set(of_unit(Duty, member).filter(day=day, shift=shift).values_list("post", flat=True))
    counts = in_hand(member, {post.user_id for post in posts})
    edits = may(member, Permission.STAFF_EDIT)
    left = _left_behind(member, posts, today) if edits else []
    context = {
        "unit": member.unit,
        "rows": [
            {
                "post": post,
                "count": counts.get(post.user_id, 0),
                "absence": away.get(post.pk),
                "on_duty": post.pk in on_duty,
                "hand_over_url": _hand_over_url(post.user, counts) if edits else "",
            }
            for post in posts
        ],
        "left": left,
        "counts_work": member.department_id is not None or member.township_id is not None,
        "absences": coming_absences(member, day=today),
        "form": form if edits else None,
        "duty_url": reverse("mandates:duty-roster"),
    }
    return render(request, "mandates/staff/list.html", context, status=status)


def _hand_over_url(user: User, counts: dict[int, int]) -> str:
    return reverse("mandates:staff-hand-over", args=[user.uid]) if counts.get(user.pk) else ""


def _left_behind(member: Member, posts: list[Post], today: date) -> list[dict[str, Any]]:
    """People whose post in this unit has ended, with work still in their hands."""
    here = {post.user_id for post in posts}
    units = {"township": member.township_id, "department": member.department_id}
    own = {name: key for name, key in units.items() if key is not None}
    if not own:
        return []
    gone = User.objects.filter(
        pk__in=Post.objects.filter(**own, valid_to__lte=today).values("user")
    ).exclude(pk__in=here)
    people = {user.pk: user for user in gone}
    counts = in_hand(member, people)
    return [
        {"user": people[key], "count": n, "url": _hand_over_url(people[key], counts)}
        for key, n in counts.items()
    ]


def _absence_form(member: Member, data: Any = None) -> AbsenceForm:
    return AbsenceForm(colleagues(member, day=timezone.localdate()), data)


@login_required
@require_POST
def staff_absence(request: MemberRequest) -> HttpResponse:
    """Write down that somebody is away."""
    require(request.member, Permission.STAFF_EDIT)
    form = _absence_form(request.member, request.POST)
    if form.is_valid():
        try:
            staffing.write_absence(
                form.uid("post"), form.uid("deputy"),
                from_day=form.cleaned_data["from_day"], to_day=form.cleaned_data["to_day"],
                reason=form.cleaned_data["reason"], by=request.member, at=timezone.now(),
            )  # fmt: skip
        except Invalid as problem:
            form.blame(problem)
        else:
            messages.success(request, _("The absence is written down."))
            return redirect("mandates:staff-list")
    return _people(request, form, status=422)


@login_required
@require_POST
def staff_absence_end(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Back earlier, or written down by mistake."""
    if not staffing.end_absence(uid, by=request.member, at=timezone.now()):
        raise Http404
    messages.success(request, _("The absence has ended."))
    return redirect("mandates:staff-list")


@login_required
def staff_hand_over(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Ask to whom and why; then give everything one person has in hand to a colleague."""
    member, now = request.member, timezone.now()
    require(member, Permission.STAFF_EDIT)
    giver = _of_this_unit(uid, member)
    posts = [
        post
        for post in colleagues(member, day=timezone.localdate(now))
        if post.role in TAKERS and post.user_id != giver.pk
    ]
    form = HandOverForm(posts, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = hand_over(
                giver.pk, form.uid("taker"), reason=form.cleaned_data["reason"], by=member, at=now
            )
        except Invalid as problem:
            form.blame(problem)
        else:
            _tell(request, done)
            return redirect("mandates:staff-list")
    context = {
        "giver": giver,
        "count": in_hand(member, [giver.pk]).get(giver.pk, 0),
        "form": form,
        "has_takers": bool(posts),
        "crumbs": [
            Crumb(_("People"), reverse("mandates:staff-list")),
            Crumb(_("Hand over the work of %(person)s") % {"person": giver.name}),
        ],
    }
    return render(
        request, "mandates/staff/hand_over.html", context, status=422 if form.errors else 200
    )


def _of_this_unit(uid: UUID, member: Member) -> User:
    """Return somebody who holds or held a post in the member's unit; everybody else is not there."""
    units = {"township": member.township_id, "department": member.department_id}
    own = {name: key for name, key in units.items() if key is not None}
    held = Post.objects.filter(**own).values("user")
    user = User.objects.filter(uid=uid, pk__in=held).first() if own else None
    if user is None:
        raise Http404
    return user


def _tell(request: MemberRequest, done: HandedOver) -> None:
    count = len(done.moved)
    text = ngettext("%(n)d call was handed over.", "%(n)d calls were handed over.", count)
    messages.success(request, text % {"n": count})
    if done.busy:
        names = "; ".join(str(call) for call in done.busy[:5])
        text = ngettext(
            "%(n)d call was left: somebody was acting on it just then (%(which)s). Hand over again.",
            "%(n)d calls were left: somebody was acting on them just then (%(which)s). Hand over "
            "again.",
            len(done.busy),
        )
        messages.warning(request, text % {"n": len(done.busy), "which": names})
    if done.more:
        messages.warning(request, _("There is more than goes at once. Hand over again."))


# --- Duty -----------------------------------------------------------------------------------------


@login_required
@require_safe
def duty_roster(request: MemberRequest) -> HttpResponse:
    """The roster of a month: day and night, and what nobody has taken yet."""
    require(request.member, Permission.STAFF_VIEW)
    return _roster(request, None)


def _roster(request: MemberRequest, form: DutyForm | None, status: int = 200) -> HttpResponse:
    member, today = request.member, timezone.localdate()
    month = _month(request, today)
    after = (month + timedelta(days=32)).replace(day=1)
    rows: dict[tuple[date, str], list[Duty]] = defaultdict(list)
    found = of_unit(Duty, member).filter(day__gte=month, day__lt=after)
    for duty in found.select_related("post__user").order_by("pk"):
        rows[duty.day, duty.shift].append(duty)
    days = [month + timedelta(days=n) for n in range((after - month).days)]
    edits = may(member, Permission.STAFF_EDIT)
    if form is None and edits:
        form = DutyForm(
            colleagues(member, day=today), initial={"day": max(month, min(today, days[-1]))}
        )
    here = reverse("mandates:duty-roster")
    gaps = [
        (day, shift)
        for day in days
        for shift in Shift.values
        if day >= today and not rows.get((day, shift))
    ]
    monday = today + (WEEK - timedelta(days=today.weekday()))
    shown = [
        {
            "day": day,
            "is_today": day == today,
            "is_past": day < today,
            "shifts": [(shift, rows.get((day, shift), [])) for shift in Shift.values],
        }
        for day in days
    ]
    context = {
        "unit": member.unit,
        "month": month,
        "coming": [one for one in shown if not one["is_past"]],
        "past": [one for one in shown if one["is_past"]],
        "gaps": len(gaps),
        "form": form,
        "previous_url": f"{here}?month={(month - timedelta(days=1)):%Y-%m}",
        "next_url": f"{here}?month={after:%Y-%m}",
        "mondays": [monday - WEEK, monday, monday + WEEK],
    }
    return render(request, "mandates/staff/duty.html", context, status=status)


def _month(request: MemberRequest, today: date) -> date:
    asked = typed_in(request.GET, "month") or typed_in(request.POST, "month")
    try:
        month = date.fromisoformat(f"{asked}-01")
    except ValueError:
        month = today.replace(day=1)
    return month if FIRST <= month <= LAST else today.replace(day=1)


@login_required
@require_POST
def duty_set(request: MemberRequest) -> HttpResponse:
    """Put somebody on duty."""
    require(request.member, Permission.STAFF_EDIT)
    form = DutyForm(colleagues(request.member, day=timezone.localdate()), request.POST)
    if not form.is_valid():
        return _roster(request, form, status=422)
    day = form.cleaned_data["day"]
    try:
        staffing.put_on_duty(
            form.uid("post"), day=day, shift=form.cleaned_data["shift"],
            phone=form.cleaned_data["phone"], by=request.member, at=timezone.now(),
        )  # fmt: skip
    except Invalid as problem:
        form.blame(problem)
        return _roster(request, form, status=422)
    messages.success(request, _("The roster is changed."))
    return _back(day)


@login_required
@require_POST
def duty_remove(request: MemberRequest) -> HttpResponse:
    """Take somebody off the roster."""
    require(request.member, Permission.STAFF_EDIT)
    key = typed_in(request.POST, "duty")
    known = key.isascii() and key.isdigit() and len(key) < 19
    if not known or not staffing.take_off_duty(int(key), by=request.member, at=timezone.now()):
        raise Http404
    messages.success(request, _("The roster is changed."))
    return _back(_month(request, timezone.localdate()))


@login_required
@require_POST
def duty_copy(request: MemberRequest) -> HttpResponse:
    """Repeat the week before."""
    require(request.member, Permission.STAFF_EDIT)
    try:
        monday = date.fromisoformat(typed_in(request.POST, "monday"))
    except ValueError as error:
        raise Http404 from error
    if monday.weekday() != 0 or not FIRST + WEEK <= monday <= LAST:
        raise Http404
    done = staffing.copy_week(monday, by=request.member, at=timezone.now())
    text = _("Copied: %(made)d; stood already: %(stood)d; post ended meanwhile: %(gone)d.")
    messages.success(request, text % vars(done))
    return _back(monday)


def _back(day: date) -> HttpResponse:
    return redirect(f"{reverse('mandates:duty-roster')}?month={day:%Y-%m}")
