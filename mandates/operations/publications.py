"""公布审签: whoever proposes that a draft be published is not who confirms it.

The proposal says from which day and by which document; until it is decided nobody changes the draft.
Who may confirm, and which commands publish without anybody, stands in `docs/architecture.md`. PostgreSQL
holds the same rules (`mandates.models.publications`). Works inside the scope the caller has opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit, reference, tenancy
from common.errors import Invalid, NotAllowed, Refused, TwoPersons
from mandates.models import (
    ListPublication,
    ListReview,
    ListVersion,
    PublicationDecision,
    PublicationKind,
    PublicationOutcome,
    ReviewOpinion,
    Stance,
    VersionState,
)
from mandates.operations import admission_publishing, bases, lists, review_notices
from mandates.permissions import Permission
from mandates.queries import sql
from mandates.queries.gaps import Finding, gaps
from townships.rules import require

if TYPE_CHECKING:
    from common.audit import Actor
    from mandates.operations.list_files import Line
    from townships.http import Member
    from townships.models import County


class HasGaps(Refused):
    """Blocking findings; they are in ``findings``."""

    code = "list_has_gaps"

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        texts = [str(finding) for finding in findings]
        super().__init__(
            _("The draft has gaps that must be filled first: %s") % "; ".join(texts[:5]),
            fields={"entries": texts},
        )


class ReviewPending(Refused):
    """Units are still being asked, or an objection waits for its answer."""

    code = "review_pending"
    detail = gettext_lazy("Units are still being asked for their opinion. Close the round first.")


class BadDate(Refused):
    """The version cannot begin on that day."""

    code = "bad_valid_from"


class Decided(Refused):
    """Somebody else was faster."""

    code = "publication_decided"
    detail = gettext_lazy("This proposal does not wait for a decision any more.")


class Changed(Refused):
    """The draft says something else than what was proposed."""

    code = "publication_changed"
    detail = gettext_lazy(
        "The draft is not what was proposed any more. Refuse it, and have it proposed anew."
    )


def propose(
    version: ListVersion,
    *,
    valid_from: date,
    document_no: str,
    note: str = "",
    by: Member,
    at: datetime,
) -> ListPublication:
    """提请公布: have a draft published from a day on, if a second person agrees.

    Raises NotAllowed, NotADraft, Waits, Invalid, BadDate, ReviewPending, HasGaps; then nothing was
    written.
    """
    require(by, Permission.LIST_PUBLISH)
    if by.is_system or by.county_id != version.county_id:
        raise NotAllowed
    document_no, note = document_no.strip(), note.strip()[:300]
    with transaction.atomic():
        row = lists.hold_draft(version)
        _check(row, valid_from=valid_from, document_no=document_no, at=at)
        made = _write(
            row, valid_from, document_no, note=note, at=at, proposed_by=by.user, proposer=by.label
        )
        _record("list_publication_proposed", made, by=by, at=at, reason=note or document_no)
        review_notices.tell_confirmers(made, at=at)
    return made


def confirm(uid: UUID, *, note: str = "", by: Member, at: datetime) -> ListVersion:
    """公布: let a draft hold as it was proposed; the version before it ends with the day before.

    Raises ListPublication.DoesNotExist, NotAllowed, TwoPersons, Decided, Changed, and of what changed
    since BadDate, ReviewPending, HasGaps.
    """
    with transaction.atomic():
        found, row = _decided(uid, PublicationOutcome.CONFIRMED, note.strip(), by=by, at=at)
        _publish(row, found, by=by, at=at)
    return row


def refuse(uid: UUID, *, reason: str, by: Member, at: datetime) -> ListPublication:
    """退回: the draft may be changed again. Raises as `confirm` does, and Invalid without a reason."""
    answer = lists.reason_of(reason)
    with transaction.atomic():
        found, _row = _decided(uid, PublicationOutcome.REFUSED, answer, by=by, at=at)
        _record("list_publication_refused", found, by=by, at=at, reason=answer)
    return found


def withdraw(uid: UUID, *, reason: str, by: Member, at: datetime) -> ListPublication:
    """Take back one's own proposal. Raises NotAllowed for others, Decided, Invalid."""
    answer = lists.reason_of(reason)
    with transaction.atomic():
        found, _row = _decided(uid, PublicationOutcome.WITHDRAWN, answer, by=by, at=at)
        _record("list_publication_withdrawn", found, by=by, at=at, reason=answer)
    return found


def may_decide(one: ListPublication, *, by: Member) -> bool:
    """Say whether somebody is the second person for what still waits."""
    is_second = one.proposed_by_id != by.user_id and one.county_id == by.county_id
    return (
        one.state == "waiting"
        and is_second
        and not by.is_system
        and by.may(Permission.LIST_CONFIRM)
    )


def may_withdraw(one: ListPublication, *, by: Member) -> bool:
    return one.state == "waiting" and one.proposed_by_id == by.user_id


def set_up(
    version: ListVersion, *, valid_from: date, document_no: str, reason: str, at: datetime
) -> ListVersion:
    """Publish the first version of a list by a command, while there is nobody to ask.

    Stands in the trail with its reason. Raises Refused where the list has been published before, and
    what `propose` raises. PostgreSQL refuses it to the roles of requests.
    """
    document_no, reason = document_no.strip(), lists.reason_of(reason)
    with transaction.atomic(), tenancy.dispatching(reason="a list is set up by a command"):
        row = lists.hold_draft(version)
        versions: Any = row.duty_list.versions
        if versions.published().exists():
            raise Refused(
                _(
                    "This list has been published before. A new version of it is loaded as a draft, "
                    "and two persons publish it."
                ),
                code="two_persons",
            )
        _check(row, valid_from=valid_from, document_no=document_no, at=at)
        made = _write(row, valid_from, document_no, note=reason, at=at, kind=PublicationKind.SETUP)
        _publish(row, made, by=None, at=at)
    return row


def load_and_set_up(
    county: County,
    lines: Iterable[Line],
    *,
    valid_from: date,
    document_no: str,
    reason: str,
    at: datetime,
) -> lists.Loaded:
    """Make the first version of a county's list from a file and publish it, by a command.

    All or nothing; raises what `lists.load` and `set_up` raise.
    """
    with transaction.atomic():
        loaded = lists.load(county, lines, by=None, at=at, reason=reason)
        if loaded.version is None:
            return loaded
        version = set_up(
            loaded.version, valid_from=valid_from, document_no=document_no, reason=reason, at=at
        )
    return lists.Loaded(version, loaded.entries)


# --- what is common ------------------------------------------------------------------------------


def _write(
    row: ListVersion, valid_from: date, document_no: str, *, note: str, at: datetime, **more: Any
) -> ListPublication:
    made: ListPublication = ListPublication.objects.create(
        **row.tenant, duty_list=row.duty_list, version_uid=row.uid, number=row.number,
        valid_from=valid_from, document_no=document_no, note=note, digest=sql.list_mark(row.pk),
        proposed_at=at, **more,
    )  # fmt: skip
    return made


def _decided(
    uid: UUID, outcome: PublicationOutcome, answer: str, *, by: Member, at: datetime
) -> tuple[ListPublication, ListVersion]:
    """Write down what becomes of a proposal; return it, and the draft, locked."""
    is_own = outcome == PublicationOutcome.WITHDRAWN
    require(by, Permission.LIST_PUBLISH if is_own else Permission.LIST_CONFIRM)
    if by.is_system or by.county_id is None:
        raise NotAllowed
    found: ListPublication = ListPublication.objects.select_related("duty_list").get(
        uid=uid, county=by.county_id, kind=PublicationKind.PERSONS
    )
    # Whoever holds the lock on the draft decides: the row of the proposal itself never changes.
    row: ListVersion | None = (
        ListVersion.objects.select_for_update(of=("self",))
        .select_related("duty_list")
        .filter(county=by.county_id, uid=found.version_uid, state=VersionState.DRAFT)
        .first()
    )
    if row is None or found.decisions.exists():
        raise Decided
    if is_own and found.proposed_by_id != by.user_id:
        raise NotAllowed(_("Only who proposed it takes it back; others refuse it."))
    if not is_own and found.proposed_by_id == by.user_id:
        raise TwoPersons
    PublicationDecision.objects.create(
        **found.tenant, publication=found, outcome=outcome, proposed_by_id=found.proposed_by_id,
        decided_by=by.user, decider=by.label[:200], decided_at=at, answer=answer[:300],
    )  # fmt: skip
    review_notices.tell_proposer(found, outcome, by_id=by.user_id, at=at)
    return found, row


def _publish(row: ListVersion, said: ListPublication, *, by: Actor | None, at: datetime) -> None:
    if sql.list_mark(row.pk) != said.digest:
        raise Changed
    before = _check(row, valid_from=said.valid_from, document_no=said.document_no, at=at)
    bases.settle(row)
    if before is not None and before.valid_to is None:
        before.valid_to = said.valid_from
        before.save(update_fields=["valid_to"])
    row.state, row.document_no = VersionState.PUBLISHED, said.document_no
    row.valid_from, row.valid_to = said.valid_from, None
    row.published_at, row.published_by_id = at, by.user_id if by else None
    row.save()
    audit.record(
        "list_published",
        row,
        by=by,
        at=at,
        valid_from=said.valid_from.isoformat(),
        document_no=said.document_no,
        reason=said.document_no if by else said.note,
        entries=row.entries.count(),
        ended=before.number if before else None,
        proposed_by=said.proposer,
    )
    reference.refresh()
    admission_publishing.published(row, at=at)


def _record(action: str, one: ListPublication, *, by: Member, at: datetime, reason: str) -> None:
    audit.record(
        action, one, by=by, at=at, valid_from=one.valid_from.isoformat(),
        document_no=one.document_no, reason=reason,
    )  # fmt: skip


# --- whether a draft may be published ----------------------------------------------------------------


def _check(
    row: ListVersion, *, valid_from: date, document_no: str, at: datetime
) -> ListVersion | None:
    """Return the version that a draft follows, None for the first one.

    Raises Invalid (no document number), BadDate, ReviewPending, HasGaps.
    """
    if not document_no:
        raise Invalid(fields={"document_no": [_("A document number is needed.")]})
    lists.hold(row.duty_list)
    versions: Any = row.duty_list.versions
    before: ListVersion | None = versions.published().order_by("valid_from").last()
    _check_begin(before, valid_from, at)
    _check_review(row)
    if blocking := [one for one in gaps(row, on=valid_from) if one.is_blocking]:
        raise HasGaps(blocking)
    return before


def _check_review(draft: ListVersion) -> None:
    """Raise ReviewPending while a round of opinions runs, or an objection has no answer."""
    if ListReview.objects.filter(version=draft, closed_at=None).exists():
        raise ReviewPending
    open_ones = ReviewOpinion.objects.filter(
        review__version=draft, stance=Stance.OBJECT, answer=""
    ).select_related("department", "of_township")
    if units := [one.unit for one in open_ones]:
        raise ReviewPending(
            _("These units object and have no answer yet: %s") % _(", ").join(units)
        )


def _check_begin(before: ListVersion | None, day: date, at: datetime) -> None:
    if before is None:
        return
    assert before.valid_from is not None
    if day <= before.valid_from:
        raise BadDate(
            _("Version %(number)d begins on %(day)s; a later day is needed.")
            % {"number": before.number, "day": before.valid_from}
        )
    if before.valid_to is not None and day < before.valid_to:
        raise BadDate(
            _("Version %(number)d holds until %(day)s; two versions never hold on one day.")
            % {"number": before.number, "day": before.valid_to}
        )
    if day < timezone.localdate(at):
        raise BadDate(
            _("Calls of days gone by keep the version of their day: choose today or a later day."),
            code="valid_from_past",
        )
