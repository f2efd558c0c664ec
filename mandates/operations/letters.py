"""催办单、督办单、通报: written where a step of the ladder says so, numbered without gaps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from common import audit, bulk, hashing
from mandates.models import Letter, LetterKind, LetterReading, Party, Step
from mandates.operations.casework import local_day, mover
from mandates.queries import sql
from mandates.queries.rulebook import Rulebook, rulebook
from mandates.rules import is_told
from townships.models import Township

if TYPE_CHECKING:
    from townships.http import Member

# As the numbers of official letters are written: 泾督办〔2026〕3号.
MARKS = {LetterKind.URGING: "催办", LetterKind.SUPERVISION: "督办", LetterKind.BULLETIN: "通报"}


def issue(steps: Iterable[Step]) -> None:
    """Write the letters these steps ask for, each step's once. Needs the scope of dispatch.

    A letter bears the day on which its step was written down, however late that was.
    """
    asking = [step for step in steps if _asks(step)]
    if not asking:
        return
    known = set(
        Letter.objects.filter(step__in=[s.pk for s in asking]).values_list("step", flat=True)
    )
    asking = [step for step in asking if step.pk not in known]
    names = dict(
        Township.objects.filter(pk__in={step.township_id for step in asking}).values_list(
            "pk", "name"
        )
    )
    letters: list[Letter] = []
    # In this order all workers lock the counters.
    for (county, kind, year), group in groupby(sorted(asking, key=_order), key=_counter):
        rows = list(group)
        first = sql.take_letter_numbers(county, kind, year, len(rows))
        book = rulebook(county)
        letters += [_letter(step, first + offset, book, names) for offset, step in enumerate(rows)]
    bulk.insert(letters)


def _asks(step: Step) -> bool:
    """Say whether a step writes a letter, and to somebody."""
    data = step.data
    to_nobody = data.get("party") == Party.DEPARTMENT and not data.get("department")
    return data.get("does") in LetterKind.values and bool(data.get("party")) and not to_nobody


def _counter(step: Step) -> tuple[int, str, int]:
    return step.county_id, step.data["does"], local_day(step.recorded_at).year


def _order(step: Step) -> tuple[tuple[int, str, int], datetime, int]:
    return _counter(step), step.recorded_at, step.pk


def _letter(step: Step, sequence: int, book: Rulebook, townships: dict[int, str]) -> Letter:
    county, kind, year = _counter(step)
    township = townships.get(step.township_id, "")
    party, department = step.data["party"], step.data.get("department")
    letter = Letter(
        county_id=county,
        township_id=step.township_id,
        call_id=step.call_id,
        step_id=step.pk,
        kind=kind,
        year=year,
        sequence=sequence,
        number=f"{book.short_name}{MARKS[LetterKind(kind)]}〔{year}〕{sequence}号",
        party=party,
        department_id=department if party == Party.DEPARTMENT else None,
        addressee=_addressee(party, department, township, book),
        issued_at=step.recorded_at,
        facts=_facts(step, book, township),
        algorithm=hashing.algorithm(),
    )
    letter.digest = letter.seal()
    return letter


def _addressee(party: str, department: int | None, township: str, book: Rulebook) -> str:
    if party == Party.DEPARTMENT:
        unit = book.units.get(department or 0)
        return unit.name if unit else ""
    if party == Party.DESK:
        with translation.override(settings.LANGUAGE_CODE):
            return _("County desk")
    return township


def _facts(step: Step, book: Rulebook, township: str) -> dict[str, Any]:
    """Return what the letter says, as it stood then."""
    call, data = step.call, step.data
    entry = book.entries.get(call.entry_id) if call.entry_id else None
    return {
        "call": call.number,
        "title": call.title,
        "township": township,
        "matter": f"{entry.code} {entry.name}" if entry else "",
        "urgency": call.urgency,
        "clock": data.get("clock", ""),
        "due": data.get("due", ""),
        "reached": step.at.isoformat(),
        "move": step.move,
        "told": data.get("told", []),
        "by": step.actor,
        "unit": step.unit,
        "note": step.note,
        "step": step.seq,
        "step_hash": step.hash,
    }


def opened(letter: Letter, *, by: Member, at: datetime) -> None:
    """Keep that somebody to whom a letter speaks has opened it, the first time alone."""
    if not is_told(by, letter):
        return
    who = mover(by)
    reading = LetterReading(
        county_id=letter.county_id,
        township_id=letter.township_id,
        letter=letter,
        user_id=by.user_id,
        reader=who.name,
        unit=who.unit,
        at=at,
    )
    bulk.insert([reading], ignore_conflicts=True)


def exported(letter: Letter, *, by: Member, at: datetime) -> None:
    """Write down that somebody took a letter out of the system."""
    audit.record("letter_exported", letter, by=by, at=at, uid=str(letter.uid), digest=letter.digest)
