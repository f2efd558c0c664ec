"""修订建议: written down by people, and decided; what is accepted goes into the list's draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from common import audit
from common.display import list_text
from common.errors import Invalid, NotAllowed
from common.masking import without_numbers
from common.texts import key_of
from common.workflow import MoveRefused
from mandates.models import (
    COUNTED_ALONE,
    Call,
    DutyList,
    Entry,
    EntryAssist,
    LineChange,
    ListProposal,
    ListVersion,
    Matter,
    ProposalOrigin,
    ProposalState,
    Urgency,
    VersionState,
)
from mandates.operations import lists
from mandates.operations.draft_lines import TEXTS, longest_of, standing, texts_wrong
from mandates.operations.proposing import add_cases, raised, uncounted
from mandates.operations.review_notices import tell_proposal
from mandates.permissions import Permission
from mandates.queries.amending import line, mark
from townships.models import Department, Platform

if TYPE_CHECKING:
    from townships.http import Member

NOTE_LENGTH = 2000
MOST_CALLS = 50  # that one proposal names
BY_HAND = [one for one in ProposalOrigin if one not in COUNTED_ALONE]


@dataclass(frozen=True)
class Written:
    """A proposal as somebody writes it down."""

    origin: str
    title: str
    wanted: str
    matter: str = ""
    law: str = ""
    article: str = ""
    numbers: Sequence[str] = ()  # of calls it rests on


@dataclass(frozen=True)
class Line:
    """What an accepted proposal makes of one line; ``seen`` is the mark of the line as it was read.

    Taking a line out needs nothing but its code.
    """

    change: str
    code: str
    seen: str = ""
    category: str = ""
    name: str = ""
    lead: UUID | None = None
    platform: str = ""
    urgency: str = Urgency.GENERAL
    department_duty: str = ""
    township_duty: str = ""
    legal_basis: str = ""
    assists: Sequence[tuple[UUID, str]] = ()


def enter(written: Written, *, by: Member, at: datetime) -> ListProposal:
    """Write a proposal down by hand. Raises NotAllowed, Invalid, MoveRefused."""
    _require(by)
    title, wanted = without_numbers(written.title.strip()), without_numbers(written.wanted.strip())
    law, article = written.law.strip(), written.article.strip()
    wrong: dict[str, Any] = {}
    if written.origin not in BY_HAND:
        wrong["origin"] = _("This one is counted, not written down.")
    if not 2 <= len(title) <= 200 or not key_of(title):
        wrong["title"] = _("Write 2 to %(n)d characters.") % {"n": 200}
    if not 2 <= len(wanted) <= NOTE_LENGTH:
        wrong["wanted"] = _("Write 2 to %(n)d characters.") % {"n": NOTE_LENGTH}
    for name, text in (("law", law), ("article", article)):
        longest = longest_of(ListProposal, name)
        if len(text) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
        elif not text and written.origin == ProposalOrigin.LAW_CHANGE:
            wrong[name] = _("A change of the law is named by law and article.")
    matter = None
    if written.matter:
        matter = Matter.objects.routing().filter(county=by.county_id, code=written.matter).first()
        if matter is None:
            wrong["matter"] = _("Your county's list has no such matter.")
    calls, unknown = _named(written, by)
    if unknown:
        wrong["numbers"] = _("Not to be counted here: %(which)s.") % {"which": list_text(unknown)}
    if wrong:
        raise Invalid(fields=wrong)
    days = [timezone.localdate(call.raised_at) for call in calls]
    try:
        with transaction.atomic():
            made: ListProposal = ListProposal.objects.create(
                county_id=by.county_id, origin=written.origin, key=key_of(title), matter=matter,
                title=title, wanted=wanted, law=law, article=article, opened_by_id=by.user_id,
                opened_at=at, cases=len(calls), first_day=min(days, default=None),
                last_day=max(days, default=None),
            )  # fmt: skip
            add_cases(made, [raised(call) for call in calls])
    except IntegrityError as error:
        if "proposal_evidence_once" in str(error):  # named elsewhere this moment
            raise Invalid(fields={"numbers": _("Counted elsewhere meanwhile.")}) from error
        if "list_proposal_open_once" not in str(error):
            raise
        raise MoveRefused(
            _("A proposal with this title waits for a decision already."), code="already_proposed"
        ) from error
    audit.record("proposal_opened", made, by=by, at=at, origin=made.origin)
    tell_proposal(made, by_id=by.user_id, at=at)
    return made


def _named(written: Written, by: Member) -> tuple[list[Call], list[str]]:
    """Return the calls that are named, and the numbers that are none or count elsewhere already."""
    wanted = list(dict.fromkeys(text.strip() for text in written.numbers if text.strip()))
    rows = uncounted(Call.objects.visible_to(by), by.county_id, written.origin)
    found = rows.filter(number__in=wanted[:MOST_CALLS]).select_related("township", "lead")
    known = {call.number: call for call in found}
    return list(known.values()), [number[:40] for number in wanted if number not in known]


def reject(uid: UUID, *, reason: str, by: Member, at: datetime) -> ListProposal:
    """Leave the list as it is, for a reason.

    Raises NotAllowed, ListProposal.DoesNotExist, Invalid, MoveRefused.
    """
    _require(by)
    with transaction.atomic():
        one = _locked(uid, by)
        _decide(one, ProposalState.REJECTED, reason, by, at)
        one.save()
        audit.record("proposal_rejected", one, by=by, at=at, reason=one.decision)
    return one


def accept(uid: UUID, wanted: Line, *, reason: str, by: Member, at: datetime) -> ListProposal:
    """Change the list's draft as proposed; opened as a copy of the last version if there is none.

    Raises NotAllowed, ListProposal.DoesNotExist, Invalid, MoveRefused, and what opening a draft
    raises.
    """
    _require(by)
    assert by.county is not None
    with transaction.atomic():
        # First the list, then what is proposed: so do the night and whoever publishes.
        draft = _draft(lists.list_of(by.county), without_numbers(reason), by, at)
        one = _locked(uid, by)
        _decide(one, ProposalState.ACCEPTED, reason, by, at)
        one.amended = _changed(draft, wanted, by, at)
        one.version, one.change = draft, wanted.change
        one.save()
        audit.record(
            "proposal_accepted", one, by=by, at=at, reason=one.decision, change=one.change,
            matter=one.amended.code, version=draft.number,
        )  # fmt: skip
    return one


def _require(by: Member) -> None:
    if by.county_id is None or not by.may(Permission.LIST_EDIT):
        raise NotAllowed


def _locked(uid: UUID, by: Member) -> ListProposal:
    rows = ListProposal.objects.select_for_update(of=("self",), no_key=True)
    found: ListProposal = rows.get(uid=uid, county=by.county_id)
    if found.state != ProposalState.OPEN:
        raise MoveRefused(_("This proposal has been decided."), code="decided")
    return found


def _decide(one: ListProposal, state: str, reason: str, by: Member, at: datetime) -> None:
    reason = without_numbers(reason.strip())
    if not 2 <= len(reason) <= lists.LONGEST_REASON:
        raise Invalid(
            fields={"reason": _("Write 2 to %(n)d characters.") % {"n": lists.LONGEST_REASON}}
        )
    one.state, one.decision = state, reason
    one.decided_by_id, one.decided_at = by.user_id, at
    with translation.override(settings.LANGUAGE_CODE):  # as records keep it
        one.decided_in = str(by.post)[:100]


def _draft(duty_list: DutyList, reason: str, by: Member, at: datetime) -> ListVersion:
    """Return the draft of a list, locked; opened if there is none."""
    drafts = duty_list.versions.filter(state=VersionState.DRAFT)
    draft = drafts.first()
    if draft is None:
        try:
            return lists.open_draft(duty_list, reason=reason, by=by, at=at)
        except lists.DraftExists:  # somebody else has opened it this moment
            draft = drafts.get()
    return lists.hold_draft(draft)


# --- the change ------------------------------------------------------------------------------------


def _changed(draft: ListVersion, wanted: Line, by: Member, at: datetime) -> Matter:
    """Change one line of a draft; return its matter. Raises Invalid naming what is wrong."""
    if wanted.change not in LineChange.values:
        raise Invalid(fields={"change": _("Say what becomes of the list.")})
    standing = line(draft, wanted.code)
    if wanted.change == LineChange.ADD:
        if standing is not None:
            raise Invalid(fields={"code": _("This code stands in the draft already.")})
        return _added(draft, wanted, at)
    if standing is None:
        raise Invalid(fields={"code": _("The draft has no such line.")})
    if wanted.seen != mark(standing):
        raise MoveRefused(
            _("The line has been changed meanwhile. Read it again."), code="line_changed"
        )
    if wanted.change == LineChange.REMOVE:
        standing.delete()  # with what stands under it
        return standing.matter
    _write(standing, wanted, at)
    again = line(draft, wanted.code)
    assert again is not None
    if mark(again) == wanted.seen:
        raise Invalid(fields={"change": _("Nothing of the line is changed.")})
    return again.matter


def _added(draft: ListVersion, wanted: Line, at: datetime) -> Matter:
    code = wanted.code.strip()
    if not 1 <= len(code) <= longest_of(Matter, "code"):
        raise Invalid(fields={"code": _("Give the new matter a code.")})
    last = draft.entries.aggregate(last=Max("position"))["last"] or 0
    entry = Entry(
        **draft.tenant,
        version=draft,
        matter=lists.matter_of(draft.duty_list, code=code),
        position=last + 1,
    )
    _write(entry, wanted, at)
    return entry.matter


def _write(entry: Entry, wanted: Line, at: datetime) -> None:
    """Let a line say what is wanted. Raises Invalid naming every field that is wrong."""
    texts = {name: getattr(wanted, name).strip() for name in TEXTS}
    wrong: dict[str, Any] = {**texts_wrong(texts)}
    for name, text in texts.items():
        setattr(entry, name, text)
    if wanted.urgency not in Urgency.values:
        wrong["urgency"] = _("This is needed.")
    units = _units(entry, [wanted.lead, *(uid for uid, _duty in wanted.assists)], at)
    lead = units.get(wanted.lead) if wanted.lead else None
    if lead is None:
        wrong["lead"] = _("Choose a department of your county that stands.")
    platform = Platform.objects.filter(code=wanted.platform).first() if wanted.platform else None
    if wanted.platform and platform is None:
        wrong["platform"] = _("There is no such platform.")
    named = [uid for uid, _duty in wanted.assists]
    if any(uid not in units for uid in named):
        wrong["assists"] = _("Choose a department of your county that stands.")
    elif len(set(named)) < len(named) or wanted.lead in named:
        wrong["assists"] = _("Each department has one part in a matter.")
    elif any(len(duty) > 300 for _uid, duty in wanted.assists):
        wrong["assists"] = _("At most %(n)d characters.") % {"n": 300}
    if wrong:
        raise Invalid(fields=wrong)
    entry.lead, entry.platform, entry.urgency = lead, platform, wanted.urgency
    entry.save()
    EntryAssist.objects.filter(entry=entry).delete()
    EntryAssist.objects.bulk_create(
        EntryAssist(**entry.tenant, entry=entry, department=units[uid], duty=duty.strip())
        for uid, duty in wanted.assists
    )


def _units(entry: Entry, uids: Sequence[UUID | None], at: datetime) -> dict[UUID, Department]:
    """Return the departments that stand, or have a part in the line already."""
    parts = [one.department_id for one in entry.assists.all()] if entry.pk else []
    return standing(entry, uids, at, beside=parts)
