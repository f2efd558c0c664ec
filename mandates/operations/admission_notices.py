"""Who is told of which step of an admission; never whoever made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from common.models import Notice
from common.tenancy import dispatching
from mandates.models import Admission, AdmissionState, AdmissionStep
from mandates.operations.announce import Reader, deliver, people_of

PREFIX = "admission_"

# Audiences of a step. "waiting" are those for whom the step that follows waits.
AUDIENCES: dict[str, tuple[str, ...]] = {
    "submit": ("waiting",),
    "accept": ("waiting", "applicant"),
    "send_back": ("applicant",),
    "refuse": ("applicant",),
    "give_opinion": ("applicant",),
    "answer_objection": ("targets",),
    "stay_silent": ("targets",),
    "close_opinions": ("waiting", "applicant"),
    "find_lawful": ("waiting", "applicant"),
    "find_unlawful": ("applicant", "office"),
    "assess": ("office", "applicant"),
    "close_resources": ("waiting",),
    "send_to_meeting": ("applicant",),
    "return_package": ("applicant",),
    "hold_meeting": ("applicant",),
    "approve": ("applicant", "targets"),
    "reject": ("applicant", "targets"),
    "publish": ("applicant", "targets", "lead"),
    "evaluate": ("applicant", "targets", "lead"),
    "withdraw": ("office", "targets"),
    "overdue": ("waiting",),
}


def tell(one: Admission, steps: Iterable[AdmissionStep], *, at: datetime) -> None:
    """Write one notice a person and step, in the groups and ways each has chosen."""
    notices: dict[tuple[int, int], Notice] = {}
    with dispatching(reason="notices go to every unit an admission concerns"):
        for step in steps:
            readers = {r for name in AUDIENCES.get(step.move, ()) for r in _audience(name, one)}
            for reader, users in people_of(readers, at).items():
                for user in users - {step.by_id}:
                    notices[user, step.pk] = _notice(one, step, reader, user)
        deliver(notices, at=at)


def _audience(name: str, one: Admission) -> Iterator[Reader]:
    match name:
        case "applicant":
            yield from _unit(one.department_id, one.area_id)
        case "office":
            yield "office", one.county_id
        case "lead":
            yield from _unit(one.lead_id, None)
        case "targets":
            yield from (("township", key) for key in one.targets)
        case "waiting":
            yield from waiting_for(one)


def waiting_for(one: Admission) -> Iterator[Reader]:
    """Yield for whom the step at hand waits."""
    if one.state == AdmissionState.DRAFT or one.open_objections:
        yield from _unit(one.department_id, one.area_id)
    yield from (("township", key) for key in one.pending_townships)
    yield from (("department", key) for key in one.pending_departments)
    is_theirs = one.state in (AdmissionState.DRAFT, AdmissionState.OPINIONS)
    if not (is_theirs or one.pending_departments):
        yield "office", one.county_id


def _unit(department: int | None, area: int | None) -> Iterator[Reader]:
    if department is not None:
        yield "department", department
    if area is not None:
        yield "township", area


def _notice(one: Admission, step: AdmissionStep, reader: Reader, user: int) -> Notice:
    kind, unit = reader
    return Notice(
        county_id=one.county_id,
        # A person of a township reads what stands in their own; the others read the county's.
        township_id=unit if kind == "township" else one.targets[0],
        user_id=user,
        kind=f"{PREFIX}{step.move}",
        about=one.uid,
        step_id=step.pk,
        at=step.at,
        facts={
            "title": one.name,
            "number": one.number,
            "unit": step.unit,
            "due": one.due_at.isoformat() if one.due_at and not one.has_ended else "",
        },
    )
