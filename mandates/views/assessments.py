"""双考核: assessments as a list and one by one, appeals, decisions, publishing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import pdf
from common.display import Crumb, Pager
from common.errors import NotAllowed, Problem
from common.sent import typed_in
from mandates.forms.assessments import AppealForm, DecisionForm, PreviewForm
from mandates.models import Assessment, AssessmentAppeal, AssessmentScore, Scheme
from mandates.operations import assessing
from mandates.permissions import Permission
from mandates.queries.assessing import interval
from mandates.queries.assessments import Seen, assessment_page, load, usable
from mandates.queries.statistics.definitions import FIGURES
from mandates.queries.statistics.periods import Period
from townships.http import Member, MemberRequest


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def assessment_list(request: MemberRequest) -> HttpResponse:
    """Assessments, the newest first; POST begins another with a preview."""
    member = _reader(request)
    runs = member.may(Permission.ASSESSMENT_RUN)
    schemes = usable(member) if runs else []
    form = PreviewForm(schemes=schemes) if schemes else None
    if request.method == "POST":
        if not runs:
            raise NotAllowed
        form = PreviewForm(request.POST, schemes=schemes)
        if form.is_valid():
            sent = form.cleaned_data
            try:
                made = assessing.preview(
                    UUID(sent["scheme"]), sent["during"], by=member, at=timezone.now()
                )
            except Scheme.DoesNotExist as error:
                raise Http404 from error
            except Problem as problem:
                form.blame(problem)
            else:
                messages.success(request, _("Counted. The units see their own figures now."))
                return redirect("mandates:assessment-detail", made.uid)
    here = reverse("mandates:assessment-list")
    found = assessment_page(member, cursor=typed_in(request.GET, "cursor"))

    def at(cursor: str | None) -> str:
        return f"{here}?{urlencode({'cursor': cursor})}" if cursor else ""

    context = {
        "rows": [{"one": one, "during": _period(one).label} for one in found.rows],
        "pager": Pager(previous_url=at(found.previous), next_url=at(found.next)),
        "form": form,
        "runs": runs,
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "mandates/assessments/list.html", context, status=status)


@login_required
@require_safe
def assessment_detail(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The own unit in full, with the calls behind each number; all units for the county."""
    return _page(request, uid)


@login_required
@require_POST
def assessment_appeal(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Name calls that should not count, and why."""
    member = _reader(request)
    form = AppealForm(request.POST, auto_id="appeal_%s")

    def act() -> None:
        sent = form.cleaned_data
        assessing.appeal(
            uid, reason=sent["reason"], numbers=sent["numbers"], by=member, at=timezone.now()
        )

    return _acted(request, uid, form, act, _("The appeal has been handed in."), appeal_form=form)


@login_required
@require_POST
def assessment_decide(request: MemberRequest, uid: UUID, appeal: UUID) -> HttpResponse:
    """Decide on an appeal, call by call."""
    member = _reader(request)
    one = AssessmentAppeal.objects.filter(uid=appeal, assessment__uid=uid).first()
    if one is None:
        raise Http404
    form = DecisionForm(request.POST, numbers=one.numbers, auto_id=f"decide_{one.pk}_%s")

    def act() -> None:
        sent = form.cleaned_data
        assessing.decide(
            appeal, upheld=sent["upheld"], reason=sent["reason"], by=member, at=timezone.now()
        )

    return _acted(request, uid, form, act, _("Decided."), decision=(one.pk, form))


@login_required
@require_POST
def assessment_publish(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Publish: from now on it stands for ever."""
    member = _reader(request)
    if not typed_in(request.POST, "confirmed"):
        messages.error(request, _("Confirm first that it is to stand for ever."))
        return _page(request, uid, status=422)
    try:
        assessing.publish(uid, by=member, at=timezone.now())
    except Assessment.DoesNotExist as error:
        raise Http404 from error
    except Problem as problem:
        messages.error(request, str(problem.detail))
        return _page(request, uid, status=problem.status)
    messages.success(request, _("Published."))
    return redirect("mandates:assessment-detail", uid)


def _acted(
    request: MemberRequest, uid: UUID, form: Any, act: Callable[[], None], said: str, **shown: Any
) -> HttpResponse:
    """Do what a form asks for; a refusal is told at its fields, with what was written."""
    if not form.is_valid():
        return _page(request, uid, status=422, **shown)
    try:
        act()
    except (Assessment.DoesNotExist, AssessmentAppeal.DoesNotExist) as error:
        raise Http404 from error
    except NotAllowed:
        raise
    except Problem as problem:
        form.blame(problem)
        return _page(request, uid, status=problem.status, **shown)
    messages.success(request, said)
    return redirect("mandates:assessment-detail", uid)


# --- the page --------------------------------------------------------------------------------------


def _page(
    request: MemberRequest,
    uid: UUID,
    *,
    appeal_form: AppealForm | None = None,
    decision: tuple[int, DecisionForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    member, now = _reader(request), timezone.now()
    seen = _seen(uid, member)
    one = seen.assessment
    runs = member.may(Permission.ASSESSMENT_RUN) and not one.is_published
    is_county = member.township_id is None and member.department_id is None
    chosen = _chosen(seen, typed_in(request.GET, "unit"), is_county=is_county)
    may_appeal = (
        not is_county
        and bool(seen.scores)
        and member.may(Permission.ASSESSMENT_APPEAL)
        and not one.is_published
        and now < one.appeal_until
        and not any(not appeal.outcome for appeal in seen.appeals)
    )
    crumbs = [Crumb(_("Assessments"), reverse("mandates:assessment-list")), Crumb(str(one.scheme))]
    context = {
        "crumbs": crumbs,
        "one": one,
        "during": _period(one).label,
        "is_county": is_county,
        "table": table(seen) if is_county else [],
        "own": score_view(chosen, seen, is_county=is_county) if chosen else None,
        "ranks": seen.ranks,
        "appeals": [
            {"one": appeal, "form": _decision_form(appeal, decision) if runs else None}
            for appeal in seen.appeals
        ],
        "appeal_form": appeal_form or (AppealForm(auto_id="appeal_%s") if may_appeal else None),
        "may_publish": runs,
        "is_appeal_time": now < one.appeal_until,
        "has_files": is_county and one.is_published,
        "pdf_available": pdf.is_available(),
    }
    return render(request, "mandates/assessments/detail.html", context, status=status)


def _decision_form(
    appeal: AssessmentAppeal, bound: tuple[int, DecisionForm] | None
) -> DecisionForm | None:
    if appeal.outcome:
        return None
    if bound is not None and bound[0] == appeal.pk:
        return bound[1]
    return DecisionForm(numbers=appeal.numbers, auto_id=f"decide_{appeal.pk}_%s")


def _chosen(seen: Seen, unit: str, *, is_county: bool) -> AssessmentScore | None:
    if not is_county:
        return seen.scores[0] if seen.scores else None
    return next((row for row in seen.scores if str(row.unit.uid) == unit), None)


def table(seen: Seen) -> list[dict[str, Any]]:
    """List all units by group: score, rank, and why somebody has none."""
    placed = {row.name: row.rank for row in seen.ranks}
    if not seen.assessment.is_published:
        placed = {str(row.unit)[:100]: rank for row, rank in assessing.ranks(seen.scores)}
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in seen.scores:
        name = str(row.unit)[:100]
        groups.setdefault(row.group, []).append(
            {"name": name, "uid": row.unit.uid, "score": row.score, "rank": placed.get(name),
             "row": row}
        )  # fmt: skip
    return [
        {
            "name": name,
            "rows": sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0)),
        }
        for name, rows in sorted(groups.items())
    ]


def score_view(row: AssessmentScore, seen: Seen, *, is_county: bool) -> dict[str, Any]:
    """Show a unit's score with every count, and the calls behind it."""
    return {
        "row": row,
        "name": str(row.unit),
        "rank": next((r.rank for r in seen.ranks if r.name == str(row.unit)[:100]), None),
        "lines": [_line(line, row, seen, is_county=is_county) for line in row.items],
        "signs": [_line(line, row, seen, is_county=is_county) for line in row.signs],
    }


def _line(
    line: dict[str, Any], row: AssessmentScore, seen: Seen, *, is_county: bool
) -> dict[str, Any]:
    figure = FIGURES.get(line["figure"])
    reach = interval(line["hits"], line["cases"])
    code = _period(seen.assessment).code

    def calls(count: str) -> str:
        query = {"figure": count, "during": code}
        if is_county:
            query["department" if row.department_id else "township"] = str(row.unit.uid)
        return f"{reverse('mandates:call-list')}?{urlencode(query)}"

    return {
        **line,
        "label": figure.label if figure else line["figure"],
        "share": percent(line["hits"] / line["cases"]) if line["cases"] else "",
        "low": percent(reach[0]) if reach else "",
        "high": percent(reach[1]) if reach else "",
        "floor_text": percent(float(line["floor"])) if "floor" in line else "",
        "target_text": percent(float(line["target"])) if "target" in line else "",
        "hits_url": calls(figure.numerator) if figure else "",
        "cases_url": calls(figure.denominator) if figure else "",
    }


def percent(share: float) -> str:
    return f"{share * 100:.1f}%"


def _period(one: Assessment) -> Period:
    return Period(one.first, one.after)


def _seen(uid: UUID, member: Member) -> Seen:
    try:
        return load(uid, member)
    except Assessment.DoesNotExist as error:
        raise Http404 from error


def _reader(request: MemberRequest) -> Member:
    member = request.member
    if member.scope is None or not member.may(Permission.STATISTICS_READ):
        raise NotAllowed
    return member
