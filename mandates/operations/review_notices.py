"""Who is told of drafts and proposals: units that are asked or answered, the office of what comes in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from typing import TYPE_CHECKING
from uuid import UUID

from common.models import Notice
from common.tenancy import dispatching
from common.worktime import SHANGHAI
from mandates.operations.announce import Reader, deliver, people_of
from townships.models import Township

if TYPE_CHECKING:
    from mandates.models import ListProposal, ListPublication, ListReview, ReviewOpinion

PREFIX, PROPOSALS, PUBLICATIONS = "review_", "proposal_", "publication_"
PUBLICATION_MOVES = ("waits", "confirmed", "refused")
MOVES = ("asked", "said", "objected", "commented", "answered")
END_OF_DAY = time(23, 59)


def tell_asked(review: ListReview, *, key: int, by_id: int, at: datetime) -> None:
    """Tell every unit that is asked, and until when."""
    units = review.opinions.values_list("department", "of_township")
    due = datetime.combine(review.until, END_OF_DAY, SHANGHAI)
    readers = {_reader(department, township) for department, township in units}
    _tell(f"{PREFIX}asked", readers, about=review.version.uid, title=str(review.version),
          county=review.county_id, key=key, by_id=by_id, at=at, due=due)  # fmt: skip


def tell_office(move: str, opinion: ReviewOpinion, *, key: int, by_id: int, at: datetime) -> None:
    """Tell the office that a unit has spoken: "said", "objected" or "commented"."""
    version = opinion.review.version
    _tell(f"{PREFIX}{move}", {("office", opinion.county_id)}, about=version.uid,
          title=str(version), county=opinion.county_id, key=key, by_id=by_id, at=at,
          unit=opinion.unit)  # fmt: skip


def tell_answered(opinion: ReviewOpinion, *, key: int, by_id: int, at: datetime) -> None:
    """Tell a unit that its objection has been answered."""
    version = opinion.review.version
    reader = _reader(opinion.department_id, opinion.of_township_id)
    _tell(f"{PREFIX}answered", {reader}, about=version.uid, title=str(version),
          county=opinion.county_id, key=key, by_id=by_id, at=at)  # fmt: skip


def tell_proposal(one: ListProposal, *, by_id: int | None, at: datetime) -> None:
    """Tell the office of a proposal to amend the list that is new."""
    _tell(f"{PROPOSALS}opened", {("office", one.county_id)}, about=one.uid, title=one.title,
          county=one.county_id, key=one.pk, by_id=by_id, at=at)  # fmt: skip


def tell_confirmers(one: ListPublication, *, at: datetime) -> None:
    """Tell the second persons there may be that a version waits: the office and the leader."""
    readers: set[Reader] = {("office", one.county_id), ("leader", one.county_id)}
    _tell(f"{PUBLICATIONS}waits", readers, about=one.uid, title=str(one), county=one.county_id,
          key=one.pk, by_id=one.proposed_by_id, at=at)  # fmt: skip


def tell_proposer(one: ListPublication, outcome: str, *, by_id: int, at: datetime) -> None:
    """Tell who proposed a publication what became of it."""
    if one.proposed_by_id is not None:
        _tell(f"{PUBLICATIONS}{outcome}", {("user", one.proposed_by_id)}, about=one.uid,
              title=str(one), county=one.county_id, key=one.pk, by_id=by_id, at=at)  # fmt: skip


def _reader(department: int | None, township: int | None) -> Reader:
    if department is not None:
        return "department", department
    assert township is not None
    return "township", township


def _tell(
    kind: str,
    readers: Iterable[Reader],
    *,
    about: UUID,
    title: str,
    county: int,
    key: int,
    by_id: int | None,
    at: datetime,
    unit: str = "",
    due: datetime | None = None,
) -> None:
    """Write one notice a person, once for each ``key``; never to whoever did it."""
    with dispatching(reason="a draft concerns the office and the units that are asked"):
        # A notice stands in a township; those of departments and of the office are the county's.
        towns = Township.objects.filter(county=county).order_by("pk").values_list("pk", flat=True)
        anywhere = towns.first()
        if anywhere is None:
            return
        facts = {"title": title, "number": "", "unit": unit, "due": due.isoformat() if due else ""}
        notices = {
            (user, key): Notice(
                county_id=county,
                township_id=where if what == "township" else anywhere,
                user_id=user,
                kind=kind,
                about=about,
                step_id=key,
                at=at,
                facts=facts,
            )
            for (what, where), users in people_of(set(readers), at).items()
            for user in users - {by_id}
        }
        deliver(notices, at=at)
