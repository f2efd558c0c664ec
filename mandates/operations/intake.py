"""来件: records of other systems taken in as calls, many at once, each for itself.

A record is known by its system and its number, for ever and in the whole county: the same again
gives the same call, another content under the number is refused. One bad record undoes no other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Problem, Refused
from common.personal import Kind
from mandates.models import Call, Caller
from mandates.models.moves import MOVES
from mandates.operations.callers import asked_by
from mandates.operations.calls import checked
from mandates.operations.casework import Casework, Mover, local_day, mover, save_new
from mandates.operations.drafts import go_on
from mandates.operations.guards import GUARDS
from mandates.operations.making import Given, Making
from mandates.operations.writing import Draft, begun
from mandates.permissions import Permission
from mandates.queries.rulebook import EntryFacts, rulebook
from townships.queries.places import places

if TYPE_CHECKING:
    from townships.http import Member

MOST = 500  # records of one request


class PlaceUnknown(Invalid):
    code = "place_unknown"
    detail = _("Neither the code nor the words of the place name one township of the county.")


class PlaceOutside(Invalid):
    code = "place_outside"
    detail = _("This place lies outside the township of your system.")


class NumberTwice(Invalid):
    code = "source_no_twice"
    detail = _("This number stands twice in one request.")


class SourceTaken(Refused):
    code = "source_no_taken"
    detail = _("A call with this number of your system is already here.")


@dataclass(frozen=True)
class Hint:
    """A matter that may be meant; nothing is decided by it."""

    code: str
    name: str
    score: float


@dataclass(frozen=True)
class Record:
    """One record, in the words of this house. ``draft`` has no line yet if ``matter`` is empty."""

    draft: Draft
    matter: str = ""
    division: str = ""
    place: str = ""
    hints: Sequence[Hint] = ()
    # Who asked, checked (`common.personal.written`); empty where nobody was named.
    caller: Mapping[Kind, str] = field(default_factory=dict, repr=False)


@dataclass
class Row:
    """What became of one record."""

    source_no: str
    outcome: str = ""  # accepted, existing, refused
    call: Call | None = None
    problem: Problem | None = None
    place_from: str = ""
    hints: Sequence[Hint] = ()
    said: Mapping[str, Any] | None = field(default=None, repr=False)
    content: str = ""
    work: Casework | None = field(default=None, repr=False)
    caller: Mapping[Kind, str] = field(default_factory=dict, repr=False)

    def refuse(self, problem: Problem) -> None:
        self.outcome, self.problem, self.call, self.work = "refused", problem, None, None


# Checks the shape of what was sent, which begins with its number. Raises Problem.
Reader = Callable[[Any], Mapping[str, Any]]
# Says what it means in the words of this house. Raises Problem.
Meaning = Callable[[Mapping[str, Any], "Member", datetime], Record]


def digest(sent: Mapping[str, Any]) -> str:
    """Hash what was sent beside the number; fields left empty and their order do not count."""
    said = {
        name: value
        for name, value in sent.items()
        # Who asked is no part: a hash of all that is known but a telephone would give that away.
        if name not in ("source_no", "caller") and value not in (None, "")
    }
    text = json.dumps(said, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def may_take_in(by: Member) -> bool:
    """Say whether a post brings calls of another system: a township's, or the county desk's."""
    if not by.is_system or by.county_id is None:
        return False
    return by.may(Permission.CALL_DRAFT if by.township_id else Permission.CALL_TAKE_IN)


def kept_before(source_system: str, source_no: str, *, content: str, by: Member) -> Call | None:
    """Return the call that a system has under a number. Raises SourceTaken for other content."""
    calls = Call.objects.filter(county_id=by.county_id, source_system=source_system)
    kept: Call | None = calls.filter(source_no=source_no).first()
    if kept is not None and kept.source_hash != content:
        raise taken(kept)
    return kept


def taken(kept: Call | None) -> SourceTaken:
    """Return the refusal of a number, naming the call that has it if it is within reach."""
    if kept is None:
        return SourceTaken(fields={"source_no": SourceTaken.detail})
    told = _("The call %(call)s has this number, with another content.")
    return SourceTaken(fields={"source_no": told % {"call": kept.number or kept.uid}})


def take_in(
    sent: Sequence[Any], *, read: Reader, meaning: Meaning, by: Member, at: datetime
) -> list[Row]:
    """Take records in and say of each what became of it, in the order they came.

    All that is new is written in the same few statements, whatever their number.
    Raises NotAllowed, Invalid for too many or none.
    """
    if not may_take_in(by) or by.system is None:
        raise NotAllowed
    if not 1 <= len(sent) <= MOST:
        text = _("Send 1 to %(most)d records.") % {"most": MOST}
        raise Invalid(fields={"records": text})
    taking = _Taking(by, mover(by), at, by.system.source_system)
    rows = [_read(one, read) for one in sent]
    _refuse_repeated(rows)
    with transaction.atomic(savepoint=False):
        # Before anything else: a list, a calendar may have ended since, and the call stays.
        taking.find_again(rows)
        for row in rows:
            taking.prepare(row, meaning)
        works = [row.work for row in rows if row.work is not None]
        if works:
            # In an order of their own: who sends the same numbers meanwhile is waited for.
            save_new(sorted(works, key=lambda work: work.call.source_no))
            taking.settle(rows)
            taking.keep_callers(rows)
    return rows


def _read(one: Any, read: Reader) -> Row:
    number = one.get("source_no") if isinstance(one, Mapping) else None
    row = Row(number if isinstance(number, str) else "")
    try:
        row.said = read(one)
        row.source_no, row.content = row.said["source_no"], digest(row.said)
    except Problem as problem:
        row.refuse(problem)
    return row


def _refuse_repeated(rows: Iterable[Row]) -> None:
    """Refuse a number the second time: which of the two is meant nobody can know."""
    seen: dict[str, Row] = {}
    for row in rows:
        first = seen.setdefault(row.source_no, row) if row.source_no else row
        if first is not row:
            row.refuse(NumberTwice(fields={"source_no": NumberTwice.detail}))


@dataclass
class _Taking:
    """One request's records being taken in."""

    by: Member
    who: Mover
    at: datetime
    system: str

    # --- one record, in memory ---------------------------------------------------------------

    def prepare(self, row: Row, meaning: Meaning) -> None:
        """Make the call of a record that is new; nothing is written yet."""
        if row.outcome or row.said is None:
            return
        try:
            record = meaning(row.said, self.by, self.at)
            row.hints, row.caller = record.hints, record.caller
            row.work = self._begun(row, record)
            self._go_on(row.work)
        except Problem as problem:
            row.refuse(problem)

    def _begun(self, row: Row, record: Record) -> Casework:
        township, row.place_from = self._township(record)
        draft = replace(
            record.draft,
            source_system=self.system,
            source_no=row.source_no,
            source_hash=row.content,
        )
        if record.matter:
            draft = replace(draft, entry=self._entry(record.matter).uid)
        return begun(
            draft,
            township_id=township,
            by=self.by,
            who=self.who,
            at=self.at,
            place_from=row.place_from,
        )

    def _township(self, record: Record) -> tuple[int, str]:
        """Return the township, and what said so: a code, words, or the post of the system."""
        known = places(self.by.county_id or 0, local_day(self.at))
        found = known.by_code(record.division) if record.division else None
        said = "code" if found else ""
        if found is None and record.place and (self.by.township_id is None or record.division):
            found = known.by_words(record.place)
            said = "words" if found else ""
        own = self.by.township_id
        if own is not None:
            if found not in (None, own):
                raise PlaceOutside(fields={"division": PlaceOutside.detail})
            return own, said or "post"
        if found is None:
            raise PlaceUnknown(fields={"division": PlaceUnknown.detail})
        return found, said

    def _entry(self, code: str) -> EntryFacts:
        day = local_day(self.at)
        entry = rulebook(self.by.county_id or 0).entry_by_code(code, day)
        if entry is None:
            raise Invalid(fields={"matter": _("Your county's list has no such matter.")})
        return entry

    def _go_on(self, work: Casework) -> None:
        """Raise a call where the post may, else submit it to the township's head."""
        if self.by.township_id is not None:
            name = "raise" if self.by.may(Permission.CALL_RAISE) else "submit"
            go_on(
                checked(
                    work, MOVES[name], by=self.by, at=self.at, given=Given(), who=self.who
                )
            )  # fmt: skip
            return
        # The county's desk brings it in the township's name, and says so in the history.
        for guard in GUARDS["raise"]:
            if problem := guard(work, None, self.at):
                raise problem
        go_on(Making(work, MOVES["raise"], None, self.by, self.who, self.at, Given()))

    # --- all of them, in the database ----------------------------------------------------------

    def find_again(self, rows: Sequence[Row]) -> None:
        """Give records that came before the call that they made then."""
        waiting = {row.source_no: row for row in rows if not row.outcome}
        if not waiting:
            return
        kept = Call.objects.filter(
            county_id=self.by.county_id, source_system=self.system, source_no__in=list(waiting)
        )
        for call in kept:
            row = waiting[call.source_no]
            row.place_from, row.hints = "", ()
            if call.source_hash == row.content:
                row.outcome, row.call, row.work = "existing", call, None
            else:
                row.refuse(taken(call))
                row.call = call

    def keep_callers(self, rows: Sequence[Row]) -> None:
        """Keep who asked for the calls that are new: with what came again nothing is changed."""
        Caller.objects.bulk_create(
            asked_by(row.call, row.caller, by_id=self.by.user_id, at=self.at)
            for row in rows
            if row.outcome == "accepted" and row.call is not None and row.caller
        )

    def settle(self, rows: Sequence[Row]) -> None:
        """Say what became of new records: what was not written has come in between, or is afar."""
        for row in rows:
            if row.work is not None and row.work.call.pk is not None:
                row.outcome, row.call = "accepted", row.work.call
        left = [row for row in rows if not row.outcome]
        self.find_again(left)
        for row in left:
            if not row.outcome:
                row.refuse(taken(None))
