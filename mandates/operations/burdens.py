"""基层负担事项: what townships are held to is registered; a new one holds only once it is approved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Problem, Stale
from common.models import Notice
from common.tenancy import dispatching
from common.workflow import Move, MoveRefused, WrongState
from mandates.models import Burden, BurdenState, BurdenStep
from mandates.models.burdens import (
    BURDEN_MOVES,
    ENDED,
    OPEN,
    BurdenCycle,
    BurdenKind,
    BurdenLevel,
)
from mandates.operations.announce import Reader, deliver, people_of
from mandates.operations.casework import local_day, mover
from mandates.permissions import Permission
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

PREFIX = "burden_"
NOTE_LENGTH = 2000
BASIS_LENGTH = 1000
OLDEST = date(2000, 1, 1)
LATEST = date(2100, 1, 1)
TEXTS = {"title": 100, "imposed_by": 100, "basis": BASIS_LENGTH}
# Told of a step: the establishment office of what was entered, the reporting township of the rest.
ENTRIES = ("report", "propose")
TOLD = (*ENTRIES, *BURDEN_MOVES)


@dataclass(frozen=True)
class Written:
    """A burden as it is entered; ``townships`` empty means all of the county.

    ``since`` is needed of what is there already; a new one gets its first day when it is approved.
    """

    kind: str
    title: str
    level: str
    cycle: str
    department: UUID | None = None
    imposed_by: str = ""
    basis: str = ""
    townships: list[UUID] = field(default_factory=list)
    is_found: bool = False
    since: date | None = None


@dataclass(frozen=True)
class Decided:
    """What comes with a move."""

    note: str = ""
    document_no: str = ""
    day: date | None = None
    into: UUID | None = None


def may_report(by: Member) -> bool:
    return by.may(Permission.BURDEN_REPORT)


def may_propose(by: Member) -> bool:
    return by.may(Permission.BURDEN_PROPOSE)


def enter(written: Written, *, by: Member, at: datetime) -> Burden:
    """Register what is there already, or propose a new one. Raises NotAllowed, Invalid."""
    if not (may_report(by) if written.is_found else may_propose(by)):
        raise NotAllowed
    texts = {name: getattr(written, name).strip() for name in TEXTS}
    wrong = _wrong_texts(written, texts, local_day(at))
    units = Department.objects.filter(county=by.county_id, uid__in=[written.department])
    department = units.first() if written.department else None
    # A department proposes in its own name alone.
    if not written.is_found and by.department_id is not None:
        department = Department.objects.get(pk=by.department_id)
        texts["imposed_by"] = ""
    if written.department and department is None:
        wrong["department"] = _("There is no such department.")
    elif bool(department) == bool(texts["imposed_by"]):
        wrong["department"] = _("Name either a department of the county or a body above it.")
    areas = Township.objects.filter(county=by.county_id, uid__in=written.townships)
    keys = sorted(areas.values_list("pk", flat=True))
    if len(keys) != len(set(written.townships)):
        wrong["townships"] = _("There is no such township.")
    if wrong:
        raise Invalid(fields=wrong)
    with transaction.atomic():
        one: Burden = Burden.objects.create(
            county_id=by.county_id, kind=written.kind, level=written.level, cycle=written.cycle,
            department=department, townships=keys, is_found=written.is_found,
            state=BurdenState.FOUND if written.is_found else BurdenState.PROPOSED,
            since=written.since if written.is_found else None, area_id=by.township_id,
            entered_by_id=by.user_id, entered_at=at, **texts,
        )  # fmt: skip
        step = _step(one, "report" if written.is_found else "propose", 1, by=by, at=at)
        _tell(one, step)
    return one


def _wrong_texts(written: Written, texts: dict[str, str], today: date) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    for name, longest in TEXTS.items():
        if len(texts[name]) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
    if len(texts["title"]) < 2:
        wrong["title"] = _("This is needed.")
    if not written.is_found and not texts["basis"]:
        wrong["basis"] = _("A new burden names the document, or law and article, it rests on.")
    for name, choices in (("kind", BurdenKind), ("level", BurdenLevel), ("cycle", BurdenCycle)):
        if getattr(written, name) not in choices.values:
            wrong[name] = _("This is needed.")
    if written.is_found and written.since is None:
        wrong["since"] = _("This is needed.")
    elif written.is_found and written.since and not OLDEST <= written.since <= today:
        wrong["since"] = _("This day is still to come, or too long ago.")
    return wrong


def make(
    name: str,
    uid: UUID,
    *,
    by: Member,
    at: datetime,
    given: Decided | None = None,
    version: int | None = None,
) -> Burden:
    """Make one move, or nothing.

    Raises Burden.DoesNotExist out of reach, Stale, NotAllowed, Invalid, WrongState, MoveRefused.
    """
    move, given = BURDEN_MOVES[name], given or Decided()
    if not by.may(move.permission):
        raise NotAllowed
    with transaction.atomic():
        rows = Burden.objects.select_for_update(of=("self",), no_key=True)
        one: Burden = rows.get(uid=uid, county=by.county_id)
        if version is not None and version != one.version:
            raise Stale
        if problem := refusal(by, move, one):
            raise problem
        _check(move, given)
        data = _change(one, move, given, by)
        one.state = move.to or one.state
        one.version += 1
        one.save()
        step = _step(one, name, one.version, by=by, at=at, note=given.note.strip(), data=data)
        _tell(one, step)
    return one


def refusal(by: Member, move: Move, one: Burden) -> Problem | None:
    """Return what stands against a move, or None."""
    if not by.may(move.permission):
        return NotAllowed()
    if one.state not in move.sources:
        return WrongState(move, one.get_state_display)
    if move.name == "approve" and by.user_id == one.entered_by_id:
        return MoveRefused(_("Somebody else than who proposed it approves."), code="same_person")
    return None


def available_moves(by: Member, one: Burden) -> list[str]:
    """List the moves a member can make now, in the order of the table."""
    return [name for name, move in BURDEN_MOVES.items() if refusal(by, move, one) is None]


def _check(move: Move, given: Decided) -> None:
    wrong: dict[str, Any] = {}
    for name in move.needs:
        value = getattr(given, name)
        if not (value.strip() if isinstance(value, str) else value):
            wrong[name] = _("This is needed.")
    if given.day and not OLDEST <= given.day < LATEST:
        wrong["day"] = _("This cannot be read.")
    for name, longest in (("note", NOTE_LENGTH), ("document_no", 60)):
        if len(getattr(given, name).strip()) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
    if wrong:
        raise Invalid(fields=wrong)


def _change(one: Burden, move: Move, given: Decided, by: Member) -> dict[str, Any]:
    """Write what comes with a move into the row; return what its step keeps. Raises Invalid."""
    data: dict[str, Any] = {}
    if move.to in ENDED:
        if one.since and given.day and given.day < one.since:
            raise Invalid(fields={"day": _("This day is before the first day of the burden.")})
        one.ended_on = given.day
    elif move.name == "approve":
        one.since, one.approved_by_id = given.day, by.user_id
    if given.day and "day" in move.needs:
        data["day"] = given.day.isoformat()
    if given.document_no.strip() and "document_no" in (*move.needs, *move.takes):
        data["document_no"] = given.document_no.strip()
        # The number of the decision by which it holds stays; of its end, the step tells.
        if move.name == "approve":
            one.document_no = data["document_no"]
    if move.name == "merge":
        # Locked, so that two are not merged into each other at once.
        others = Burden.objects.select_for_update(of=("self",), no_key=True)
        into = others.filter(uid__in=[given.into], state__in=OPEN, county=one.county_id)
        target = into.exclude(pk=one.pk).first()
        if target is None:
            raise Invalid(fields={"into": _("It can be merged only into another one in force.")})
        one.merged_into = target
        data["into"] = target.title
    return data


def _step(
    one: Burden, name: str, seq: int, *, by: Member, at: datetime, note: str = "",
    data: dict[str, Any] | None = None,
) -> BurdenStep:  # fmt: skip
    who = mover(by)
    made: BurdenStep = BurdenStep.objects.create(
        county_id=one.county_id, burden=one, seq=seq, move=name, to_state=one.state,
        by_id=who.user_id, unit=who.unit, actor=who.name, at=at, note=note, data=data or {},
    )  # fmt: skip
    return made


def _tell(one: Burden, step: BurdenStep) -> None:
    """Write one notice a person; never to whoever made the step."""
    readers: set[Reader] = set()
    if step.move in ENTRIES:
        readers.add(("office", one.county_id))
    elif one.area_id is not None:
        readers.add(("township", one.area_id))
    elif one.department_id is not None:
        readers.add(("department", one.department_id))
    with dispatching(reason="the establishment office is told of burdens, townships of decisions"):
        every = Township.objects.filter(county=one.county_id).order_by("pk")
        # A notice stands in a township; one for the county or a department, in its first.
        first = one.area_id or every.values_list("pk", flat=True).first()
        if first is None:
            return
        users = set().union(*people_of(readers, step.at).values()) if readers else set()
        notices = {
            (user, step.pk): Notice(
                county_id=one.county_id, township_id=first, user_id=user,
                kind=f"{PREFIX}{step.move}", about=one.uid, step_id=step.pk, at=step.at,
                facts={"title": one.title, "number": "", "unit": step.unit},
            )
            for user in users - {step.by_id}
        }  # fmt: skip
        deliver(notices, at=step.at)
