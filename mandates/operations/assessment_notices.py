"""Who is told of an assessment: units of what is theirs, the desk of what it must decide."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from common.models import Notice
from common.tenancy import dispatching
from mandates.models import Assessment, AssessmentAppeal, AssessmentScore
from mandates.operations.announce import Reader, deliver, people_of
from townships.models import Township

PREFIX = "assessment_"
MOVES = ("opened", "appealed", "decided", "published")


def tell_units(move: str, one: Assessment, *, by_id: int, at: datetime) -> None:
    """Tell every assessed unit that its preview stands, or that the assessment is published."""
    with dispatching(reason="an assessment concerns units of the whole county"):
        scores = AssessmentScore.objects.filter(assessment=one)
        units = scores.values_list("department", "area")
        readers = {_reader(department, area) for department, area in units}
        _tell(move, one, one.pk, readers, by_id=by_id, at=at)


def tell_appeal(move: str, appeal: AssessmentAppeal, *, by_id: int, at: datetime) -> None:
    """Tell the desk that a unit appeals, or the unit what was decided."""
    unit = _reader(appeal.department_id, appeal.area_id)
    readers: set[Reader] = {("desk", appeal.county_id)} if move == "appealed" else {unit}
    with dispatching(reason="an assessment concerns units of the whole county"):
        _tell(move, appeal.assessment, appeal.pk, readers, by_id=by_id, at=at, unit=appeal.asked_in)


def _reader(department: int | None, area: int | None) -> Reader:
    if department is not None:
        return "department", department
    assert area is not None
    return "township", area


def _tell(
    move: str,
    one: Assessment,
    key: int,
    readers: Iterable[Reader],
    *,
    by_id: int,
    at: datetime,
    unit: str = "",
) -> None:
    # A notice stands in a township; those of departments and of the desk are read by the county.
    anywhere = Township.objects.filter(county=one.county_id).order_by("pk").values_list("pk")[0][0]
    notices: dict[tuple[int, int], Notice] = {}
    for (kind, where), users in people_of(set(readers), at).items():
        for user in users - {by_id}:
            notices[user, key] = Notice(
                county_id=one.county_id,
                township_id=where if kind == "township" else anywhere,
                user_id=user,
                kind=f"{PREFIX}{move}",
                about=one.uid,
                step_id=key,
                at=at,
                facts={
                    "title": str(one),
                    "number": "",
                    "unit": unit,
                    "due": one.appeal_until.isoformat() if move == "opened" else "",
                },
            )
    deliver(notices, at=at)
