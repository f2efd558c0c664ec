"""One admission under lock: its state, its limit, its steps and who is told, written together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from common import hashing
from common.workflow import chain_hash
from mandates.models import (
    Admission,
    AdmissionBody,
    AdmissionFile,
    AdmissionFileKind,
    AdmissionLimit,
    AdmissionState,
    AdmissionStep,
    AdmissionTask,
    AdmissionVoice,
    Verdict,
    VoiceKind,
)
from mandates.models.admission_parts import USUAL_LIMITS
from mandates.operations.admission_notices import tell
from mandates.operations.casework import SYSTEM, Mover, compute_due, local_day
from mandates.queries.rulebook import rulebook
from townships.models import Department

# The kind of document that a move takes up: it is named in the step, with its hash.
TAKES_UP = {
    "submit": AdmissionFileKind.APPLICATION,
    "find_lawful": AdmissionFileKind.LEGALITY,
    "find_unlawful": AdmissionFileKind.LEGALITY,
    "hold_meeting": AdmissionFileKind.MINUTES,
    "approve": AdmissionFileKind.DECISION,
    "reject": AdmissionFileKind.DECISION,
}
REVIEWS = {
    AdmissionState.LEGALITY: AdmissionTask.LEGALITY,
    AdmissionState.RESOURCES: AdmissionTask.RESOURCES,
}


@dataclass(frozen=True)
class Given:
    """What comes with a move: only the fields its row of the table names are looked at."""

    note: str = ""
    verdict: str = ""
    township: UUID | None = None
    entry: UUID | None = None
    mode: str = ""
    held_on: date | None = None
    minutes: str = ""
    votes: Mapping[UUID, str] = field(default_factory=dict)
    document_no: str = ""
    filing_no: str = ""
    code: str = ""
    outcome: str = ""


@dataclass
class Work:
    """An admission that somebody holds the lock of."""

    admission: Admission
    mover: Mover
    at: datetime
    given: Given = field(default_factory=Given)
    member: Any = None  # None for the system
    data: dict[str, Any] = field(default_factory=dict)
    steps: list[AdmissionStep] = field(default_factory=list)
    voices: list[AdmissionVoice] = field(default_factory=list)

    def enter(self, state: str) -> None:
        """Stand at a step from now on, with its limit; what the step before waited for is gone."""
        one = self.admission
        one.state = state
        one.pending_townships, one.open_objections, one.pending_departments = [], [], []
        if state == AdmissionState.OPINIONS:
            one.pending_townships = [key for key in one.targets if key != one.area_id]
        elif state in REVIEWS:
            one.pending_departments = bodies(one.county_id, REVIEWS[AdmissionState(state)], self.at)
            concerned(one, [*one.departments, *one.pending_departments])
        one.began_at, one.reminded_for = self.at, None
        amount, unit = limits_of(one.county_id).get(state, (None, ""))
        one.limit_amount, one.limit_unit = amount, unit
        one.due_at = due_of(one)
        if one.has_ended:
            one.ended_at = self.at

    def say(self, kind: str, verdict: str, *, text: str = "", **unit: Any) -> None:
        """Keep what a unit said; ``unit`` is ``area_id`` or ``department_id``, or neither."""
        one, who = self.admission, self.mover
        self.voices.append(
            AdmissionVoice(
                county_id=one.county_id, admission=one, round=one.round, kind=kind,
                verdict=verdict, text=text.strip(), by_id=who.user_id, unit=who.unit,
                actor=who.name, at=self.at, **unit,
            )
        )  # fmt: skip

    def step(self, move: str, before: str, *, note: str = "", by_system: bool = False) -> None:
        """Add a step to the history, with the hash of the one before; it takes up its documents."""
        if kind := TAKES_UP.get(move):
            self._take_up(kind)
        one, who = self.admission, SYSTEM if by_system else self.mover
        made = AdmissionStep(
            county_id=one.county_id, admission=one, seq=one.step_count + 1, move=move,
            from_state=before, to_state=one.state, by_id=who.user_id, post_id=who.post_id,
            role=who.role, unit=who.unit, actor=who.name, at=self.at, note=note.strip(),
            data=self.data, algorithm=hashing.algorithm(), previous_hash=one.last_hash,
        )  # fmt: skip
        made.hash = chain_hash(made.previous_hash, made.facts(one.uid), algorithm=made.algorithm)
        one.step_count, one.last_hash = made.seq, made.hash
        self.steps.append(made)
        self.data = {}

    def _take_up(self, kind: str) -> None:
        rows = AdmissionFile.objects.filter(admission=self.admission, kind=kind, taken_with=None)
        if found := list(rows.order_by("id")):
            self.data = {**self.data, "files": told(found)}
            rows.update(taken_with=self.admission.step_count + 1)

    def go_on(self) -> None:
        """Close a step by itself once nobody is waited for; what was said decides whither."""
        one = self.admission
        if one.state == AdmissionState.OPINIONS:
            if not (one.pending_townships or one.open_objections):
                self._pass(AdmissionState.LEGALITY, "close_opinions")
        elif one.state == AdmissionState.RESOURCES and not one.pending_departments:
            said = {*self._found(), *(voice.verdict for voice in self.voices)}
            if said == {Verdict.ADEQUATE}:
                self._pass(AdmissionState.MEETING, "close_resources")

    def _pass(self, state: AdmissionState, move: str) -> None:
        before = self.admission.state
        self.enter(state)
        self.step(move, before, by_system=True)

    def _found(self) -> set[str]:
        rows = AdmissionVoice.objects.filter(
            admission=self.admission, round=self.admission.round, kind=VoiceKind.RESOURCES
        )
        return set(rows.values_list("verdict", flat=True))

    def save(self) -> Admission:
        """Write everything, and tell whoever is to be told."""
        self.admission.version += 1
        self.admission.save()
        AdmissionVoice.objects.bulk_create(self.voices)
        AdmissionStep.objects.bulk_create(self.steps)
        tell(self.admission, self.steps, at=self.at)
        return self.admission


def told(files: Iterable[AdmissionFile]) -> list[dict[str, str]]:
    """Return what the history keeps of documents."""
    return [{"kind": one.kind, "name": one.name, "sha256": one.sha256} for one in files]


def limits_of(county_id: int) -> dict[str, tuple[int, str]]:
    """Return the limits of a county's admissions: its own, else the usual ones."""
    rows = AdmissionLimit.objects.filter(county=county_id)
    return {**USUAL_LIMITS, **{row.kind: (row.amount, row.unit) for row in rows}}


def due_of(one: Admission) -> datetime | None:
    """Work out when the step at hand is due, by the county's calendar and hours of today."""
    if one.limit_amount is None or one.began_at is None:
        return None
    return compute_due(rulebook(one.county_id), one.began_at, one.limit_amount, one.limit_unit).at


def bodies(county_id: int, task: str, at: datetime) -> list[int]:
    """Return the departments that a county has named for a task, as far as they stand today."""
    standing = Department.objects.filter(county=county_id).as_of(local_day(at)).values("pk")
    rows = AdmissionBody.objects.filter(county=county_id, task=task, department__in=standing)
    return list(rows.order_by("department__code").values_list("department", flat=True))


def concerned(one: Admission, departments: Iterable[int]) -> None:
    """Let the applicant, the townships it concerns and these departments read an admission."""
    one.townships = _all(one.targets, {one.area_id})
    one.departments = _all(departments, {one.department_id, one.lead_id})


def _all(keys: Iterable[int], more: Collection[int | None]) -> list[int]:
    return sorted({*keys, *(key for key in more if key is not None)})
