"""What a move is given, and what its handler works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.workflow import Move
from mandates.models import Assignment
from mandates.models.moves import MOVES
from mandates.operations.casework import Casework, Mover, local_day

if TYPE_CHECKING:
    from townships.http import Member


NOTE_LENGTH = 2000


@dataclass(frozen=True)
class Given:
    """What comes with a move: only the fields its row of the table names are looked at."""

    note: str = ""
    rating: str = ""
    speed: str = ""
    quality: str = ""
    attitude: str = ""
    lead: UUID | None = None
    assists: Sequence[UUID] = ()
    assignment: UUID | None = None
    entry: UUID | None = None
    law: str = ""
    article: str = ""
    proposed: UUID | None = None
    amount: int | None = None
    override: str = ""
    original: str = ""
    wrong: bool = False
    duty: str = ""
    evidence: str = ""
    # Joint on-site dispatch.
    place: str = ""
    departments: Sequence[UUID] = ()
    people: str = ""
    arrived_at: datetime | None = None
    title: str = ""
    unlisted_reason: str = ""


@dataclass
class Making:
    """One move being made: what its handler may use."""

    work: Casework
    move: Move
    part: Assignment | None
    member: Member
    by: Mover
    at: datetime
    given: Given
    data: dict[str, Any] = field(default_factory=dict)
    # Steps of the system that follow at once: name, and what is kept with them.
    follows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def own(self) -> Assignment:
        """The assignment the move is about."""
        assert self.part is not None
        return self.part


Handler = Callable[[Making], None]
HANDLERS: dict[str, Handler] = {}


def makes(name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        if name not in MOVES or name in HANDLERS:
            raise ValueError(f"no such move, or twice: {name}")
        HANDLERS[name] = handler
        return handler

    return register


def department_of(work: Casework, uid: UUID | None, name: str, at: datetime) -> int:
    day = local_day(at)
    for unit in work.book.units.values():
        if unit.uid == uid and unit.exists_on(day):
            return unit.id
    raise Invalid(fields={name: _("The county has no such department.")})
