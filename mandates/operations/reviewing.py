"""征求意见: a draft is put before departments and townships; objections are answered, or it waits.

Every function works inside the scope the caller has opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit
from common.errors import Invalid, NotAllowed, Refused, Stale
from mandates.models import ListReview, ListVersion, Matter, ReviewComment, ReviewOpinion, Stance
from mandates.operations import review_notices
from mandates.operations.lists import hold_draft
from mandates.permissions import Permission
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

LONGEST = 2000


class ReviewRuns(Refused):
    """A draft has one round of opinions at a time."""

    code = "review_open"
    detail = gettext_lazy("Units are being asked for their opinion already.")


class ReviewOver(Refused):
    """The round has been closed, or the draft published."""

    code = "review_closed"
    detail = gettext_lazy("The round of opinions has been closed.")


def invite(
    version: ListVersion,
    *,
    departments: Iterable[Department],
    townships: Iterable[Township],
    until: date,
    by: Member,
    at: datetime,
) -> ListReview:
    """Ask units for their opinion on a draft. Raises NotAllowed, NotADraft, Invalid, ReviewRuns."""
    if not by.may(Permission.LIST_EDIT):
        raise NotAllowed
    units: list[dict[str, Any]] = [{"department": one} for one in departments]
    units += [{"of_township": one} for one in townships]
    if not units:
        raise Invalid(fields={"departments": [_("Choose at least one unit.")]})
    with transaction.atomic():
        row = hold_draft(version)
        if ListReview.objects.filter(version=row, closed_at=None).exists():
            raise ReviewRuns
        review: ListReview = ListReview.objects.create(
            **row.tenant, version=row, until=until, opened_at=at
        )
        ReviewOpinion.objects.bulk_create(
            ReviewOpinion(**row.tenant, review=review, **unit) for unit in units
        )
        noted = audit.record("list_review_opened", row, by=by, at=at, units=len(units))
        review_notices.tell_asked(review, key=noted.pk, by_id=by.user_id, at=at)
    return review


def say(uid: UUID, stance: str, text: str, *, by: Member, at: datetime) -> ReviewOpinion:
    """Agree or object for one's unit; the last word before the end of the round counts.

    Raises ReviewOpinion.DoesNotExist, NotAllowed, Invalid, ReviewOver.
    """
    text = text.strip()
    if stance not in (Stance.AGREE, Stance.OBJECT):
        raise Invalid(fields={"stance": [_("Agree or object.")]})
    if stance == Stance.OBJECT and len(text) < 2:
        raise Invalid(fields={"text": [_("Say what you object to.")]})
    with transaction.atomic():
        row = _own(uid, by)
        row.stance, row.text, row.said_at = stance, _text(text), at
        row.said_by = by.label[:100]
        row.answer, row.answered_at = "", None
        row.save()
        noted = audit.record("list_review_said", row.review.version, by=by, at=at, stance=stance)
        move = "objected" if stance == Stance.OBJECT else "said"
        review_notices.tell_office(move, row, key=noted.pk, by_id=by.user_id, at=at)
    return row


def comment(uid: UUID, code: str, text: str, *, by: Member, at: datetime) -> ReviewComment:
    """Remark on one line of the draft. Raises what `say` raises."""
    text = _text(text.strip())
    if len(text) < 2:
        raise Invalid(fields={"text": [_("This is needed.")]})
    with transaction.atomic():
        row = _own(uid, by)
        matter = Matter.objects.filter(entries__version=row.review.version_id, code=code).first()
        if matter is None:
            raise Invalid(fields={"matter": [_("The draft has no such matter.")]})
        made: ReviewComment = ReviewComment.objects.create(
            **row.tenant, opinion=row, matter=matter, text=text, at=at, by=by.label[:100]
        )
        _remarked(made, "written", by, at)
    return made


def reword(uid: UUID, text: str, *, by: Member, at: datetime) -> ReviewComment:
    """Say a comment of one's own unit otherwise, or withdraw it ("") while the round runs.

    What was said before stays and is shown with it. Raises ReviewComment.DoesNotExist, Stale
    (it has been said otherwise meanwhile), Invalid, and what `say` raises.
    """
    text = _text(text.strip())
    if text and len(text) < 2:
        raise Invalid(fields={"text": [_("This is needed.")]})
    with transaction.atomic():
        before: ReviewComment = ReviewComment.objects.select_related("opinion", "matter").get(
            uid=uid, county=by.county_id
        )
        row = _own(before.opinion.uid, by)
        if ReviewComment.objects.filter(replaces=before).exists():
            raise Stale
        if not before.text:
            raise Refused(_("This comment has been withdrawn."), code="comment_withdrawn")
        if text == before.text:
            return before
        made: ReviewComment = ReviewComment.objects.create(
            **row.tenant, opinion=row, matter=before.matter, replaces=before, text=text, at=at,
            by=by.label[:100],
        )  # fmt: skip
        _remarked(made, "reworded" if text else "withdrawn", by, at)
    return made


def _remarked(made: ReviewComment, what: str, by: Member, at: datetime) -> None:
    """Write down that a unit remarked on a line, and tell the office."""
    noted = audit.record(
        "list_review_commented", made.opinion.review.version, by=by, at=at, matter=made.matter.code,
        what=what,
    )  # fmt: skip
    review_notices.tell_office("commented", made.opinion, key=noted.pk, by_id=by.user_id, at=at)


def answer(uid: UUID, text: str, *, by: Member, at: datetime) -> ReviewOpinion:
    """Answer an objection: what was changed, or why nothing. Raises NotAllowed, Invalid."""
    text = _text(text.strip())
    if not by.may(Permission.LIST_EDIT):
        raise NotAllowed
    if len(text) < 2:
        raise Invalid(fields={"answer": [_("This is needed.")]})
    with transaction.atomic():
        row: ReviewOpinion = (
            ReviewOpinion.objects.select_for_update(of=("self",))
            .select_related("review__version")
            .get(uid=uid, county=by.county_id, stance=Stance.OBJECT)
        )
        row.answer, row.answered_at = text, at
        row.save(update_fields=["answer", "answered_at"])
        noted = audit.record(
            "list_objection_answered", row.review.version, by=by, at=at, unit=row.unit
        )
        review_notices.tell_answered(row, key=noted.pk, by_id=by.user_id, at=at)
    return row


def close(uid: UUID, *, by: Member, at: datetime) -> ListReview:
    """End the round; who has said nothing is recorded as silent. Raises NotAllowed, ReviewOver."""
    if not by.may(Permission.LIST_EDIT):
        raise NotAllowed
    with transaction.atomic():
        row: ListReview = (
            ListReview.objects.select_for_update(of=("self",))
            .select_related("version")
            .get(uid=uid, county=by.county_id)
        )
        if row.closed_at is not None:
            raise ReviewOver
        silent = row.opinions.filter(stance=Stance.WAITING).update(stance=Stance.SILENT)
        row.closed_at = at
        row.save(update_fields=["closed_at"])
        audit.record("list_review_closed", row.version, by=by, at=at, silent=silent)
    return row


def _own(uid: UUID, by: Member) -> ReviewOpinion:
    """Lock the opinion of the member's own unit, while its round runs."""
    if not by.may(Permission.LIST_OPINE):
        raise NotAllowed
    row: ReviewOpinion = (
        ReviewOpinion.objects.select_for_update(of=("self",))
        .select_related("review__version")
        .get(
            uid=uid,
            county=by.county_id,
            department=by.department_id,
            of_township=by.township_id,
        )
    )
    if row.review.closed_at is not None:
        raise ReviewOver
    return row


def _text(text: str) -> str:
    if len(text) > LONGEST:
        raise Invalid(fields={"text": [_("At most %(n)d characters.") % {"n": LONGEST}]})
    return text
