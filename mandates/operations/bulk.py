"""批量办理: one move for many calls, each on its own: what is refused for one hinders no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Problem, StorageFull, Unavailable
from mandates.models import Call
from mandates.models.moves import MOVES
from mandates.operations import calls
from mandates.operations.assigning import assign, may_assign
from mandates.operations.casework import Casework
from mandates.operations.making import Given

if TYPE_CHECKING:
    from townships.http import Member

MOST: Final = 200
DONE: Final = "done"
# Moves that say the same of every call. What has to be written for each call by itself, an answer
# or an objection, is none of these.
MOVES_OF_MANY: Final = (
    "raise", "accept", "dispatch", "change_lead", "grant_extension", "rate", "urge", "link",
)  # fmt: skip
# Handing calls to a colleague is no move: it changes no state.
ASSIGN: Final = "assign"

Work = Callable[[UUID, int | None], Casework]


@dataclass(frozen=True)
class Chosen:
    """One call, and its version as it was read; None where nobody can have acted in between."""

    uid: UUID
    version: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one call: the code "done", or that of the refusal with its words."""

    uid: UUID
    code: str
    text: Any = ""
    work: Casework | None = None

    @property
    def is_done(self) -> bool:
        return self.code == DONE


def offered(member: Member) -> list[str]:
    """Name what a member may do with many calls."""
    found = [name for name in MOVES_OF_MANY if member.may(MOVES[name].permission)]
    if may_assign(member):
        found.append(ASSIGN)
    return found


def make_many(
    name: str,
    chosen: Sequence[Chosen],
    *,
    by: Member,
    at: datetime,
    given: Given | None = None,
    taker: UUID | None = None,
) -> list[Outcome]:
    """Do the same with many calls; return what came of each, in the order given.

    A call that is refused stays as it was, and the others are done. All of them are locked before
    the first is touched, in the order of their keys, so that two of these never wait in a ring.
    Raises Invalid for none, for too many and for one named twice, NotAllowed for what the post
    may not do at all.
    """
    _check(name, chosen, by)
    work: Work
    if name == ASSIGN:

        def work(uid: UUID, version: int | None) -> Casework:
            return assign(uid, taker, by=by, at=at, version=version, note=(given or Given()).note)

    else:

        def work(uid: UUID, version: int | None) -> Casework:
            return calls.make(name, uid, by=by, at=at, given=given, version=version)

    with transaction.atomic():
        _lock(chosen, by)
        return list(_outcomes(chosen, work))


def _check(name: str, chosen: Sequence[Chosen], by: Member) -> None:
    if name not in (*MOVES_OF_MANY, ASSIGN):
        raise Invalid(fields={"move": _("This cannot be done with many calls at once.")})
    if name not in offered(by):
        raise NotAllowed
    if not chosen:
        raise Invalid(fields={"calls": _("Choose at least one call.")})
    if len(chosen) > MOST:
        raise Invalid(fields={"calls": _("At most %(n)d calls at once.") % {"n": MOST}})
    if len({one.uid for one in chosen}) != len(chosen):
        raise Invalid(fields={"calls": _("A call is named twice.")})


def _lock(chosen: Sequence[Chosen], by: Member) -> None:
    rows = Call.objects.visible_to(by).filter(uid__in=[one.uid for one in chosen])
    list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))


def _outcomes(chosen: Sequence[Chosen], work: Work) -> Iterator[Outcome]:
    for one in chosen:
        try:
            with transaction.atomic():
                yield Outcome(one.uid, DONE, work=work(one.uid, one.version))
        except (Unavailable, StorageFull):
            raise  # it says nothing about this call
        except Call.DoesNotExist:
            yield Outcome(one.uid, "not_found", _("There is no such call."))
        except Problem as problem:
            texts = [str(text) for text in problem.fields.values()]
            yield Outcome(one.uid, problem.code, " ".join(texts) or problem.detail)
