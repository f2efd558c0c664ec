"""清单外事项: a township writes down what it was asked without a line of the list, and may refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Problem, Stale
from common.models import Notice
from common.tenancy import dispatching
from common.workflow import Move, WrongState
from mandates.models import Admission, Entry, UnlistedStep, UnlistedTask
from mandates.models.unlisted import TOWNSHIP, UNLISTED_MOVES, AskedBy
from mandates.operations.announce import Reader, deliver, people_of
from mandates.operations.casework import local_day, mover
from mandates.permissions import Permission
from mandates.queries.rulebook import rulebook
from townships.models import Department

if TYPE_CHECKING:
    from townships.http import Member

PREFIX = "unlisted_"
NOTE_LENGTH = 2000
TEXT_LENGTH = 4000
OLDEST = date(2000, 1, 1)
# Told of a step: the department, and the establishment office; the township of what others did.
TELLS: dict[str, tuple[str, ...]] = {
    "refuse": ("department", "office"),
    "take": ("department", "office"),
    "find_listed": ("department",),
    "point_at": ("department",),
    "drop": ("township", "office"),
}


@dataclass(frozen=True)
class Recorded:
    """A task as it is written down."""

    title: str
    what: str
    received_on: date
    way: str
    department: UUID | None = None
    in_name_of: str = ""
    document: str = ""


@dataclass(frozen=True)
class Decided:
    """What comes with a move."""

    note: str = ""
    entry: UUID | None = None
    admission: UUID | None = None


@dataclass
class Acting:
    """One task under lock, and what somebody does with it."""

    task: UnlistedTask
    by: Member
    at: datetime
    given: Decided = field(default_factory=Decided)
    data: dict[str, Any] = field(default_factory=dict)

    def step(self, name: str, seq: int) -> UnlistedStep:
        who, task = mover(self.by), self.task
        made: UnlistedStep = UnlistedStep.objects.create(
            **task.tenant, department_id=task.department_id, task=task, seq=seq, move=name,
            to_state=task.state, by_id=who.user_id, unit=who.unit, actor=who.name, at=self.at,
            note=self.given.note.strip(), data=self.data,
        )  # fmt: skip
        return made


def record(written: Recorded, *, by: Member, at: datetime) -> UnlistedTask:
    """Write a task down for the own township. Raises NotAllowed, Invalid."""
    if not by.may(Permission.UNLISTED_RECORD) or by.township_id is None:
        raise NotAllowed
    wrong: dict[str, Any] = {}
    texts = {
        name: getattr(written, name).strip() for name in ("title", "what", "in_name_of", "document")
    }
    for name in ("title", "what"):
        if len(texts[name]) < 2:
            wrong[name] = _("This is needed.")
    for name, text in texts.items():
        longest = _length(name)
        if len(text) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
    if not OLDEST <= written.received_on <= local_day(at):
        wrong["received_on"] = _("This day is still to come, or too long ago.")
    if written.way not in AskedBy.values:
        wrong["way"] = _("This is needed.")
    units = Department.objects.filter(county=by.county_id, uid__in=[written.department])
    department = units.first()
    if department is None:
        wrong["department"] = _("Name the department that asks, or that stands behind it.")
    if wrong or department is None:
        raise Invalid(fields=wrong)
    with transaction.atomic():
        task: UnlistedTask = UnlistedTask.objects.create(
            county_id=by.county_id, township_id=by.township_id, department=department, **texts,
            received_on=written.received_on, way=written.way, recorded_by_id=by.user_id,
            recorded_at=at,
        )  # fmt: skip
        Acting(task, by, at).step("record", 1)
    return task


def make(
    name: str,
    uid: UUID,
    *,
    by: Member,
    at: datetime,
    given: Decided | None = None,
    version: int | None = None,
) -> UnlistedTask:
    """Make one move, or nothing.

    Raises UnlistedTask.DoesNotExist out of reach, Stale, NotAllowed, Invalid, WrongState.
    """
    move, given = UNLISTED_MOVES[name], given or Decided()
    if not by.may(move.permission):
        raise NotAllowed
    with transaction.atomic():
        rows = UnlistedTask.objects.select_for_update(of=("self",), no_key=True)
        task: UnlistedTask = rows.get(uid=uid, county=by.county_id)
        if version is not None and version != task.version:
            raise Stale
        if problem := refusal(by, move, task):
            raise problem
        _check(move, given)
        acting = Acting(task, by, at, given)
        task.entry = task.admission = None
        task.state = move.to or task.state
        if handler := HANDLERS.get(name):
            handler(acting)
        task.version += 1
        task.save()
        _tell(task, acting.step(name, task.version), at)
    return task


def refusal(by: Member, move: Move, task: UnlistedTask) -> Problem | None:
    """Return what stands against a move, or None."""
    is_theirs = (
        by.township_id == task.township_id
        if move.relation == TOWNSHIP
        else by.department_id == task.department_id
    )
    if not by.may(move.permission) or not is_theirs:
        return NotAllowed()
    if task.state not in move.sources:
        return WrongState(move, task.get_state_display)
    return None


def available_moves(by: Member, task: UnlistedTask) -> list[str]:
    """List the moves a member can make now, in the order of the table."""
    return [name for name, move in UNLISTED_MOVES.items() if refusal(by, move, task) is None]


def _check(move: Move, given: Decided) -> None:
    wrong: dict[str, Any] = {}
    for name in move.needs:
        value = getattr(given, name)
        if not (value.strip() if isinstance(value, str) else value):
            wrong[name] = _("This is needed.")
    if len(given.note) > NOTE_LENGTH:
        wrong["note"] = _("At most %(n)d characters.") % {"n": NOTE_LENGTH}
    if wrong:
        raise Invalid(fields=wrong)


def _length(name: str) -> int:
    column: Any = UnlistedTask._meta.get_field(name)
    return column.max_length or TEXT_LENGTH


def _listed(acting: Acting) -> None:
    """Only a line that held on the day of the task says that the list held it."""
    task, wanted = acting.task, acting.given.entry
    facts = rulebook(task.county_id).entry_by_uid(wanted) if wanted else None
    if facts is None or not facts.holds_on(task.received_on):
        raise Invalid(fields={"entry": _("The list in force on that day has no such line.")})
    task.entry = Entry.objects.get(pk=facts.id)
    acting.data = {"code": facts.code, "name": facts.name}


def _admitted(acting: Acting) -> None:
    rows = Admission.objects.visible_to(acting.by).exclude(number="")
    one = rows.filter(uid__in=[acting.given.admission], targets__contains=[acting.task.township_id])
    acting.task.admission = one.first()
    if acting.task.admission is None:
        raise Invalid(fields={"admission": _("No admission of this kind concerns your township.")})
    acting.data = {
        "number": acting.task.admission.number, "name": acting.task.admission.name,
    }  # fmt: skip


HANDLERS: dict[str, Callable[[Acting], None]] = {"find_listed": _listed, "point_at": _admitted}


def _tell(task: UnlistedTask, step: UnlistedStep, at: datetime) -> None:
    readers: dict[str, Reader] = {
        "department": ("department", task.department_id),
        "office": ("office", task.county_id),
        "township": ("township", task.township_id),
    }
    with dispatching(reason="a department is told what a township refuses"):
        wanted = {readers[name] for name in TELLS.get(step.move, ())}
        users = set().union(*people_of(wanted, at).values()) if wanted else set()
        notices = {
            (user, step.pk): Notice(
                **task.tenant, user_id=user, kind=f"{PREFIX}{step.move}", about=task.uid,
                step_id=step.pk, at=at,
                facts={"title": task.title, "number": "", "unit": step.unit},
            )
            for user in users - {step.by_id}
        }  # fmt: skip
        deliver(notices, at=at)
