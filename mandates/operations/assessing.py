"""双考核: opening a preview, appeals by name of the calls, decisions, and publishing for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common import audit
from common.errors import Invalid, NotAllowed
from common.workflow import MoveRefused
from mandates.models import (
    Assessment,
    AssessmentAppeal,
    AssessmentExclusion,
    AssessmentRank,
    AssessmentScore,
    AssessmentState,
    Call,
    Scheme,
    SchemeItem,
    SchemeMember,
    Subject,
    UnitChoices,
)
from mandates.operations.assessment_notices import tell_appeal, tell_units
from mandates.operations.casework import compute_due
from mandates.permissions import Permission
from mandates.queries.assessing import Counted, counted, definitions, excluded
from mandates.queries.rulebook import rulebook
from mandates.queries.statistics.periods import Period

if TYPE_CHECKING:
    from townships.http import Member

NOTE_LENGTH = 2000
MOST_CALLS = 50  # that one appeal names


def preview(scheme_uid: UUID, period_text: str, *, by: Member, at: datetime) -> Assessment:
    """Count a period that is over by a scheme, and show each unit its own; appeals begin.

    Raises NotAllowed, Scheme.DoesNotExist, Invalid, MoveRefused.
    """
    _require(by, Permission.ASSESSMENT_RUN)
    scheme = Scheme.objects.get(uid=scheme_uid, county=by.county_id)
    period = Period.parse(period_text.strip())
    if period.length != scheme.length:
        raise Invalid(
            fields={
                "during": _("This scheme assesses %(what)s.")
                % {"what": scheme.get_length_display()}
            }
        )
    if not period.is_over(at):
        raise Invalid(fields={"during": _("This period is not over yet.")})
    if scheme.is_ended:
        raise MoveRefused(_("This scheme is no longer used."), code="scheme_ended")
    items, members = _parts(scheme)
    if not items or not members:
        raise MoveRefused(
            _("The scheme has no items, or nobody it assesses."), code="scheme_incomplete"
        )
    due = compute_due(rulebook(scheme.county_id), at, scheme.appeal_days, UnitChoices.WORKING_DAY)
    try:
        with transaction.atomic():
            made = Assessment.objects.create(
                county_id=scheme.county_id,
                scheme=scheme,
                first=period.first,
                after=period.after,
                as_of=at,
                definitions=definitions(),
                appeal_until=due.at,
                opened_by_id=by.user_id,
                opened_at=at,
            )
    except IntegrityError as error:
        if "assessment_once" not in str(error):
            raise
        raise MoveRefused(
            _("This period has been assessed by this scheme already."), code="assessed_once"
        ) from error
    found = counted(made, items, members, ())
    AssessmentScore.objects.bulk_create(
        AssessmentScore(
            county_id=made.county_id,
            assessment=made,
            department_id=member.department_id,
            area_id=member.area_id,
            group=member.group,
            **_columns(found[member.unit_id]),
        )
        for member in members
    )
    audit.record("assessment_opened", made, by=by, at=at, during=period.code, rows=len(members))
    tell_units("opened", made, by_id=by.user_id, at=at)
    return made


def appeal(
    uid: UUID, *, reason: str, numbers: Iterable[str], by: Member, at: datetime
) -> AssessmentAppeal:
    """Say which calls should not count for the own unit, and why.

    Raises NotAllowed, Assessment.DoesNotExist, Invalid, MoveRefused.
    """
    _require(by, Permission.ASSESSMENT_APPEAL)
    with transaction.atomic():
        found = Assessment.objects.get(uid=uid)
        own = AssessmentScore.objects.filter(assessment=found).first()
        if own is None or by.county_id != found.county_id:
            raise Assessment.DoesNotExist
        if found.is_published:
            raise MoveRefused(
                _("It has been published: nothing changes any more."), code="published"
            )
        if at >= found.appeal_until:
            raise MoveRefused(_("The time for an appeal is over."), code="appeal_window_closed")
        if AssessmentAppeal.objects.filter(assessment=found, outcome="").exists():
            raise MoveRefused(
                _("An appeal of your unit waits for a decision already."), code="already_asked"
            )
        wrong: dict[str, Any] = {}
        if not 2 <= len(reason.strip()) <= NOTE_LENGTH:
            wrong["reason"] = _("Write 2 to %(n)d characters.") % {"n": NOTE_LENGTH}
        named = list(dict.fromkeys(text.strip() for text in numbers if text.strip()))
        if not 1 <= len(named) <= MOST_CALLS:
            wrong["numbers"] = _("Name 1 to %(n)d calls by their numbers.") % {"n": MOST_CALLS}
        elif unknown := _unknown(named, own):
            wrong["numbers"] = _("Not calls of your unit: %(which)s.") % {
                "which": "、".join(unknown)
            }
        if wrong:
            raise Invalid(fields=wrong)
        made: AssessmentAppeal = AssessmentAppeal.objects.create(
            county_id=found.county_id,
            assessment=found,
            department_id=own.department_id,
            area_id=own.area_id,
            reason=reason.strip(),
            numbers=named,
            asked_by_id=by.user_id,
            asked_in=str(by.unit)[:100],
            asked_at=at,
        )
        audit.record("assessment_appealed", found, by=by, at=at, unit=str(made.unit), numbers=named)
        tell_appeal("appealed", made, by_id=by.user_id, at=at)
    return made


def _unknown(numbers: Sequence[str], own: AssessmentScore) -> list[str]:
    ours = (
        Q(township_id=own.area_id)
        if own.area_id
        else Q(county_id=own.county_id, departments__concern=[own.department_id])
    )
    known = set(Call.objects.filter(ours, number__in=numbers).values_list("number", flat=True))
    return [number for number in numbers if number not in known]


def decide(
    uid: UUID, *, upheld: Iterable[str], reason: str, by: Member, at: datetime
) -> AssessmentAppeal:
    """Decide on an appeal: the calls upheld no longer count in this assessment; none upholds none.

    Raises NotAllowed, AssessmentAppeal.DoesNotExist, Invalid, MoveRefused.
    """
    _require(by, Permission.ASSESSMENT_RUN)
    with transaction.atomic():
        one = AssessmentAppeal.objects.select_related("assessment__scheme").get(
            uid=uid, county=by.county_id
        )
        found = _locked(one.assessment)
        one.refresh_from_db(fields=["outcome"])
        if one.outcome:
            raise MoveRefused(_("This appeal has been decided."), code="decided")
        taken = list(dict.fromkeys(upheld))
        if any(number not in one.numbers for number in taken):
            raise Invalid(fields={"upheld": _("The appeal does not name this call.")})
        if not 2 <= len(reason.strip()) <= NOTE_LENGTH:
            raise Invalid(fields={"reason": _("Write 2 to %(n)d characters.") % {"n": NOTE_LENGTH}})
        calls = list(Call.objects.filter(county=by.county_id, number__in=taken))
        before = set(excluded(found))
        AssessmentExclusion.objects.bulk_create(
            AssessmentExclusion(
                **call.tenant,
                assessment=found,
                appeal=one,
                call=call,
                reason=reason.strip(),
                by_id=by.user_id,
                at=at,
            )
            for call in calls
            if call.pk not in before
        )
        one.outcome = one.Outcome.UPHELD if taken else one.Outcome.REJECTED
        one.decision, one.decided_at = reason.strip(), at
        one.decided_by_id, one.decided_in = by.user_id, str(by.unit)[:100]
        one.save(update_fields=["outcome", "decision", "decided_at", "decided_by", "decided_in"])
        if taken:
            _count_again(found)
        audit.record(
            "assessment_appeal_decided", found, by=by, at=at,
            asked=str(one.unit), numbers=taken, reason=reason.strip(),
        )  # fmt: skip
        tell_appeal("decided", one, by_id=by.user_id, at=at)
    return one


def publish(uid: UUID, *, by: Member, at: datetime) -> Assessment:
    """Publish an assessment: scores and ranks stand for ever.

    Raises NotAllowed, Assessment.DoesNotExist, MoveRefused.
    """
    _require(by, Permission.ASSESSMENT_RUN)
    with transaction.atomic():
        found = _locked(Assessment.objects.get(uid=uid, county=by.county_id))
        if at < found.appeal_until:
            raise MoveRefused(_("The time for appeals is not over."), code="appeals_open")
        if AssessmentAppeal.objects.filter(assessment=found, outcome="").exists():
            raise MoveRefused(_("An appeal is not yet decided."), code="appeals_open")
        rows = AssessmentScore.objects.filter(assessment=found).select_related("department", "area")
        AssessmentRank.objects.bulk_create(
            AssessmentRank(
                county_id=found.county_id,
                assessment=found,
                group=row.group,
                name=str(row.unit)[:100],
                rank=rank,
            )
            for row, rank in ranks(rows)
        )
        found.state, found.published_at = AssessmentState.PUBLISHED, at
        found.published_by_id = by.user_id
        found.save(update_fields=["state", "published_at", "published_by"])
        audit.record("assessment_published", found, by=by, at=at, definitions=found.definitions)
        tell_units("published", found, by_id=by.user_id, at=at)
    return found


def ranks(rows: Iterable[AssessmentScore]) -> list[tuple[AssessmentScore, int]]:
    """Rank units within their groups; equal scores share a rank. Who stands alone has none."""
    groups: dict[str, list[AssessmentScore]] = {}
    for row in rows:
        if row.is_compared:
            groups.setdefault(row.group, []).append(row)
    found = []
    for group in groups.values():
        if len(group) < 2:
            continue
        for row in sorted(group, key=_standing):
            better = sum(1 for other in group if _earned(other) > _earned(row))
            found.append((row, better + 1))
    return found


def _standing(row: AssessmentScore) -> tuple[Decimal, int]:
    return -_earned(row), row.pk


def _earned(row: AssessmentScore) -> Decimal:
    return row.score or Decimal(0)


def _count_again(found: Assessment) -> None:
    """Work all scores out anew, without the calls excluded, as known at the same instant."""
    items, members = _parts(found.scheme)
    again = counted(found, items, members, excluded(found))
    rows = list(AssessmentScore.objects.filter(assessment=found))
    for row in rows:
        for name, value in _columns(again[row.unit_id]).items():
            setattr(row, name, value)
    AssessmentScore.objects.bulk_update(rows, ["items", "signs", "score", "is_compared"])


def _columns(one: Counted) -> dict[str, Any]:
    return {
        "items": one.lines,
        "signs": one.signs,
        "score": one.score,
        "is_compared": one.is_compared,
    }


def _parts(scheme: Scheme) -> tuple[list[SchemeItem], list[SchemeMember]]:
    members = scheme.members.order_by("group", "id")
    wanted = {"department__isnull": scheme.subject != Subject.DEPARTMENT}
    return list(scheme.items.order_by("position", "id")), list(members.filter(**wanted))


def _locked(one: Assessment) -> Assessment:
    """Fetch for change. Raises MoveRefused once it has been published."""
    found: Assessment = (
        Assessment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("scheme")
        .get(pk=one.pk)
    )
    if found.is_published:
        raise MoveRefused(_("It has been published: nothing changes any more."), code="published")
    return found


def _require(by: Member, permission: str) -> None:
    if by.county_id is None or not by.may(permission):
        raise NotAllowed


def renew(scheme_uid: UUID, *, by: Member, at: datetime) -> Scheme:
    """Begin the next version of a scheme with what the last one had.

    Raises NotAllowed, Scheme.DoesNotExist.
    """
    _require(by, Permission.ASSESSMENT_EDIT)
    with transaction.atomic():
        old = Scheme.objects.select_for_update(no_key=True).get(uid=scheme_uid, county=by.county_id)
        last = Scheme.objects.filter(county=old.county_id, name=old.name).order_by("-number")[0]
        new: Scheme = Scheme.objects.create(
            county_id=old.county_id, name=old.name, number=last.number + 1, subject=old.subject,
            length=old.length, fewest=old.fewest, appeal_days=old.appeal_days, source=old.source,
        )  # fmt: skip
        for name, model in (("items", SchemeItem), ("members", SchemeMember)):
            rows = list(getattr(old, name).order_by("id"))
            for row in rows:
                row.pk, row.scheme = None, new
                row._state.adding = True
            model.objects.bulk_create(rows)
        audit.record("scheme_renewed", new, by=by, at=at, copied=old.number)
    return new
