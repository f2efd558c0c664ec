"""Admissions as a member may read them: the list, whose turn it is, and one with all that was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from common.errors import Invalid
from common.paging import Page, page
from common.worktime import SHANGHAI
from mandates.models import (
    Admission,
    AdmissionBody,
    AdmissionFile,
    AdmissionState,
    AdmissionStep,
    AdmissionTask,
    AdmissionVoice,
    VoiceKind,
)
from mandates.models.admissions import ENDED
from mandates.permissions import Permission
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

S = AdmissionState
SIZE = 30
MINE, LATE, OPEN, ALL = "mine", "late", "open", "all"
SHOWS = (MINE, OPEN, LATE, ALL)
# Steps in which the establishment office acts, whoever else is asked.
OF_THE_OFFICE = (S.FORMAL, S.MEETING, S.DECISION, S.FILING, S.LISTING)


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to; everything may be left out."""

    q: str = ""
    state: str = ""
    show: str = ""
    as_of: date | None = None


@dataclass(frozen=True)
class Said:
    """What one township said in the round at hand, and the applicant's answer to an objection."""

    area: Township
    opinion: AdmissionVoice | None
    answer: AdmissionVoice | None


@dataclass(frozen=True)
class Record:
    """One admission with everything that belongs to it; voices are those of the round at hand."""

    admission: Admission
    targets: Sequence[Township]
    steps: Sequence[AdmissionStep]
    voices: Sequence[AdmissionVoice]
    files: Sequence[AdmissionFile] = ()

    @property
    def opinions(self) -> list[Said]:
        """What the townships that are asked have said; the applicant is not asked."""
        by = {(voice.kind, voice.area_id): voice for voice in self.voices if voice.area_id}
        return [
            Said(area, by.get((VoiceKind.OPINION, area.pk)), by.get((VoiceKind.ANSWER, area.pk)))
            for area in self.targets
            if area.pk != self.admission.area_id
        ]

    @property
    def was_asked(self) -> bool:
        """Whether the townships have been asked for their opinions in this round."""
        return self.admission.state == S.OPINIONS or bool(self.of(VoiceKind.OPINION))

    def of(self, kind: str) -> list[AdmissionVoice]:
        return [voice for voice in self.voices if voice.kind == kind]


def readable(member: Member) -> QuerySet[Any]:
    """Return the admissions a member may read, with what a row shows."""
    rows: QuerySet[Any] = Admission.objects.visible_to(member).select_related(
        "department", "area", "lead"
    )
    return rows if member.county_id is None else rows.filter(county_id=member.county_id)


def waiting(member: Member, at: datetime) -> Q:
    """Match the admissions on which the member's unit has to act now."""
    if member.township_id is not None:
        found = Q(area=member.township_id) & _of_the_applicant()
        return found | Q(pending_townships__contains=[member.township_id])
    if member.department_id is not None:
        found = Q(department=member.department_id) & _of_the_applicant()
        return found | Q(pending_departments__contains=[member.department_id])
    if not member.may(Permission.ADMISSION_MANAGE):
        return Q(pk__in=())
    alone = Q(state__in=(S.LEGALITY, S.RESOURCES), pending_departments=[])
    to_evaluate = Q(state=S.IN_FORCE, evaluate_from__lte=at)
    return Q(state__in=OF_THE_OFFICE) | alone | to_evaluate


def _of_the_applicant() -> Q:
    return Q(state=S.DRAFT) | ~Q(open_objections=[])


def as_of(rows: QuerySet[Any], day: date) -> QuerySet[Any]:
    """Add where each stood at the end of a day, from its steps: ``then_state``, ``then_seq``,
    ``then_at`` of the last step by then; None where nothing had been written yet.
    """
    ends = datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
    steps = AdmissionStep.objects.filter(
        county=OuterRef("county"), admission=OuterRef("pk"), at__lt=ends
    ).order_by("-seq")
    last = {"then_state": "to_state", "then_seq": "seq", "then_at": "at"}
    return rows.annotate(
        **{name: Subquery(steps.values(column)[:1]) for name, column in last.items()}
    )


def _then(rows: Any, asked: Asked, day: date) -> Any:
    if asked.show in (MINE, LATE):
        raise Invalid(
            fields={
                "show": _("What waits and what is late is told of today alone: leave out as_of.")
            }
        )
    rows = as_of(rows, day).exclude(then_state=None)
    if asked.state:
        rows = rows.filter(then_state=asked.state)
    return rows.exclude(then_state__in=ENDED) if asked.show == OPEN else rows


def narrowed(member: Member, asked: Asked, *, at: datetime) -> QuerySet[Any]:
    """Narrow what a member may read; with ``as_of``, by where each stood on that day.

    Raises Invalid for a question that only today can answer.
    """
    rows: Any = readable(member)
    rows = rows.speaking_of(asked.q)
    if asked.as_of is not None:
        return _then(rows, asked, asked.as_of)
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.show == MINE:
        rows = rows.filter(waiting(member, at))
    elif asked.show == LATE:
        rows = rows.filter(due_at__lte=at)
    elif asked.show == OPEN:
        rows = rows.exclude(state__in=ENDED)
    return rows


def admission_page(
    member: Member, asked: Asked, *, at: datetime, cursor: str = "", size: int = SIZE
) -> Page:
    """Return one page, the newest first. Raises BadCursor."""
    return page(narrowed(member, asked, at=at), order=("-id",), cursor=cursor, size=size)


def waiting_count(member: Member, *, at: datetime, most: int) -> int:
    """Count what waits for the member's unit, up to ``most``."""
    return int(readable(member).filter(waiting(member, at))[:most].count())


def load(uid: UUID, member: Member, *, day: date | None = None) -> Record:
    """Fetch one with all that belongs to it, and where it stood on a day.

    Raises Admission.DoesNotExist out of reach.
    """
    rows = readable(member).select_related("matter")
    one = (rows if day is None else as_of(rows, day)).get(uid=uid)
    voices = AdmissionVoice.objects.filter(admission=one, round=one.round)
    steps = AdmissionStep.objects.filter(admission=one)
    return Record(
        admission=one,
        targets=list(Township.objects.filter(pk__in=one.targets).order_by("code")),
        steps=list(steps.order_by("seq")),
        voices=list(voices.select_related("area", "department").order_by("id")),
        files=list(AdmissionFile.objects.filter(admission=one).order_by("id")),
    )


def members_of_the_meeting(county_id: int) -> list[Department]:
    """Return who sits in the joint meeting of a county."""
    rows = AdmissionBody.objects.filter(county=county_id, task=AdmissionTask.MEETING)
    return [
        row.department for row in rows.select_related("department").order_by("department__code")
    ]
