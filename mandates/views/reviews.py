"""征求意见: an officer asks units, units speak for themselves, objections are answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.display import Crumb, list_text
from common.errors import Invalid, Problem
from common.models import Notice
from common.sent import typed_in
from mandates.forms.reviews import InviteForm
from mandates.models import (
    Entry,
    ListReview,
    ListVersion,
    ReviewComment,
    ReviewOpinion,
    VersionState,
)
from mandates.operations import reviewing
from mandates.permissions import Permission
from mandates.queries.reviews import Remark, remarks
from townships.http import Member, MemberRequest
from townships.rules import require


@login_required
@require_safe
def draft_review(request: MemberRequest, uid: UUID) -> HttpResponse:
    """The draft with its rounds: all opinions for the office, the own one for a unit that is asked.

    What was said of a version stays to be read once it is published.
    """
    member = request.member
    require(member, Permission.LIST_READ)
    version = _version(member, uid)
    if version is None:
        return _gone(request, uid)
    return _page(request, version, InviteForm(**_offer(member)))


@login_required
@require_POST
def draft_invite(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Ask units for their opinion."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    version = _draft(member, uid)
    form = InviteForm(request.POST, **_offer(member))
    if not form.is_valid():
        return _page(request, version, form, status=422)
    return _done(
        request,
        version,
        lambda: reviewing.invite(version, by=member, at=timezone.now(), **form.cleaned_data),
        _("The units have been asked."),
    )


@login_required
@require_POST
def draft_say(request: MemberRequest, uid: UUID, opinion: UUID) -> HttpResponse:
    """Agree or object, or remark on a line, for the own unit."""
    member, given = request.member, request.POST
    require(member, Permission.LIST_OPINE)
    version = _draft(member, uid)
    text = typed_in(given, "text")

    def act() -> None:
        if "comment" in given:
            if "withdraw" not in given and not text.strip():
                raise Invalid(fields={"text": [_("This is needed.")]})
            said = "" if "withdraw" in given else text
            reviewing.reword(_comment(given), said, by=member, at=timezone.now())
        elif "matter" in given:
            code = typed_in(given, "matter")
            reviewing.comment(opinion, code, text, by=member, at=timezone.now())
        else:
            reviewing.say(opinion, typed_in(given, "stance"), text, by=member, at=timezone.now())

    return _done(request, version, act, _("It has been recorded."))


@login_required
@require_POST
def draft_answer(request: MemberRequest, uid: UUID, opinion: UUID) -> HttpResponse:
    """Answer an objection."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    text = typed_in(request.POST, "answer")
    return _done(
        request,
        _draft(member, uid),
        lambda: reviewing.answer(opinion, text, by=member, at=timezone.now()),
        _("The objection has been answered."),
    )


@login_required
@require_POST
def draft_close(request: MemberRequest, uid: UUID, review: UUID) -> HttpResponse:
    """End a round."""
    member = request.member
    require(member, Permission.LIST_EDIT)
    return _done(
        request,
        _draft(member, uid),
        lambda: reviewing.close(review, by=member, at=timezone.now()),
        _("The round of opinions has been closed."),
    )


def _version(member: Member, uid: UUID) -> ListVersion | None:
    """Return a version for the office, the second person, and units that are or were asked about it."""
    rows = ListVersion.objects.filter(county=member.county_id, uid=uid)
    if not _reads_all(member):
        rows = rows.filter(reviews__opinions__in=_mine(member))
    found: ListVersion | None = rows.select_related("duty_list").distinct().first()
    return found


def _reads_all(member: Member) -> bool:
    """Say whether somebody reads what every unit said: who writes a list or confirms it."""
    return member.may(Permission.LIST_EDIT) or member.may(Permission.LIST_CONFIRM)


def _draft(member: Member, uid: UUID) -> ListVersion:
    """Return a version that is still a draft, for those `_version` is for."""
    found = _version(member, uid)
    if found is None or found.state != VersionState.DRAFT:
        raise Http404
    return found


def _gone(request: MemberRequest, uid: UUID) -> HttpResponse:
    """Lead on whoever was told of a draft that has been deleted since; to others it never was."""
    if not Notice.objects.filter(user=request.member.user, about=uid).exists():
        raise Http404
    messages.info(request, _("This draft has been deleted since."))
    return redirect("mandates:entry-list")


def _comment(given: Any) -> UUID:
    try:
        return UUID(typed_in(given, "comment"))
    except ValueError:
        raise Http404 from None


def _mine(member: Member) -> Any:
    if member.department_id is None and member.township_id is None:
        return ReviewOpinion.objects.none()
    return ReviewOpinion.objects.filter(
        county=member.county_id, department=member.department_id, of_township=member.township_id
    )


def _done(request: MemberRequest, version: ListVersion, act: Any, said: str) -> HttpResponse:
    try:
        act()
        messages.success(request, said)
    except (ReviewOpinion.DoesNotExist, ReviewComment.DoesNotExist):
        raise Http404 from None
    except ListReview.DoesNotExist:
        raise Http404 from None
    except Invalid as problem:
        texts = [str(text) for row in problem.fields.values() for text in row]
        messages.error(request, list_text(texts))
    except Problem as problem:
        messages.error(request, str(problem.detail))
    return redirect("mandates:draft-review", version.uid)


def _offer(member: Member) -> dict[str, Any]:
    return {"county": member.county_id, "day": timezone.localdate()}


def _page(
    request: MemberRequest, version: ListVersion, form: InviteForm, *, status: int = 200
) -> HttpResponse:
    member = request.member
    edits = member.may(Permission.LIST_EDIT)
    opinions = ReviewOpinion.objects.filter(review__version=version).select_related(
        "review", "department", "of_township"
    )
    reads = _reads_all(member)
    if not reads:
        opinions = opinions.filter(pk__in=_mine(member))
    shown = list(opinions.prefetch_related("comments__matter").order_by("-review", "id"))
    said = {one.pk: remarks(one.comments.all()) for one in shown}
    own = next((one for one in shown if not reads and one.review.closed_at is None), None)
    is_draft = version.state == VersionState.DRAFT
    reviews = ListReview.objects.filter(version=version).order_by("-id")
    context = {
        "version": version,
        "is_draft": is_draft,
        "lines": _lines(version, said[own.pk] if own else []),
        "rounds": [
            (one, [(o, said[o.pk]) for o in shown if o.review_id == one.pk]) for one in reviews
        ],
        "own": own,
        "may_speak": member.may(Permission.LIST_OPINE),
        "edits": edits and is_draft,
        "form": form,
        "runs": any(one.closed_at is None for one in reviews),
        "crumbs": [
            Crumb(_("Responsibility list"), reverse("mandates:entry-list")),
            Crumb(_("Opinions on the draft")),
        ],
    }
    return render(request, "mandates/drafts/review.html", context, status=status)


def _lines(version: ListVersion, own: list[Remark]) -> list[tuple[Entry, list[Remark]]]:
    """Return the lines of a draft, each with what the reader's own unit remarked on it."""
    entries = Entry.objects.filter(version=version).with_columns().order_by("position", "id")
    return [(e, [r for r in own if r.now.matter_id == e.matter_id]) for e in entries]
