"""申请: what is written down before a duty admission is submitted, and again when it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAllowed, Stale
from common.workflow import MoveRefused
from mandates.models import Admission, AdmissionState
from mandates.models.admissions import PACKAGE
from mandates.operations.admission_work import Work, concerned
from mandates.operations.casework import local_day, mover
from mandates.permissions import Permission
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

TEXT_LENGTH = 4000
# Written into a field of the package so that something stands there: it is empty all the same.
NOTHING = frozenset(
    {"无", "没有", "暂无", "不需要", "none", "nothing", "no", "n/a", "-", "—", "/", "0"}
)
NEEDED = ("name", "category", "legal_basis", "reason", "township_duty", "department_duty")


@dataclass(frozen=True)
class Written:
    """An application as it is written down. ``lead`` left out: the department that applies."""

    name: str
    category: str
    legal_basis: str
    reason: str
    township_duty: str
    department_duty: str
    lead: UUID | None = None
    targets: Sequence[UUID] = ()
    people: str = ""
    money: str = ""
    equipment: str = ""
    training: str = ""
    systems: str = ""
    term: str = ""


TEXTS = [one.name for one in fields(Written) if one.name not in ("lead", "targets")]


def write(written: Written, *, by: Member, at: datetime) -> Admission:
    """Write an application down as a draft of the own unit. Raises NotAllowed, Invalid."""
    if not by.may(Permission.ADMISSION_APPLY) or by.county_id is None:
        raise NotAllowed
    one = Admission(
        county_id=by.county_id,
        department_id=by.department_id,
        area_id=by.township_id,
        created_by_id=by.user_id,
        created_at=at,
    )
    _take(one, written, at)
    with transaction.atomic():
        one.save()
        work = Work(one, mover(by), at)
        work.step("write", "")
        work.save()
    return one


def revise(
    uid: UUID, written: Written, *, by: Member, at: datetime, version: int | None = None
) -> Admission:
    """Write a draft anew. Raises Admission.DoesNotExist, NotAllowed, Invalid, Stale, MoveRefused."""
    if not by.may(Permission.ADMISSION_APPLY):
        raise NotAllowed
    with transaction.atomic():
        one = lock(uid, by=by)
        if (one.department_id, one.area_id) != (by.department_id, by.township_id):
            raise NotAllowed
        if version is not None and version != one.version:
            raise Stale
        if one.state != AdmissionState.DRAFT:
            raise MoveRefused(_("It has been submitted and is no longer changed."))
        _take(one, written, at)
        work = Work(one, mover(by), at)
        work.step("revise", one.state)
        return work.save()


def lock(uid: UUID, *, by: Member) -> Admission:
    """Fetch an admission for change; whoever else wants to change it waits."""
    rows = Admission.objects.visible_to(by).select_for_update(of=("self",), no_key=True)
    found: Admission = rows.get(uid=uid)
    return found


def _take(one: Admission, written: Written, at: datetime) -> None:
    """Copy what was written, trimmed and checked. Raises Invalid, naming every field."""
    told = asdict(written)
    wrong: dict[str, Any] = {}
    for name in TEXTS:
        text = told[name].strip()
        if name in PACKAGE and text.casefold().rstrip("。.") in NOTHING:
            text = ""
        longest = Admission.length_of(name) or TEXT_LENGTH
        if name in NEEDED and len(text) < 2:
            wrong[name] = _("This is needed.")
        elif len(text) > longest:
            wrong[name] = _("At most %(n)d characters.") % {"n": longest}
        setattr(one, name, text)
    units = Department.objects.filter(county=one.county_id).as_of(local_day(at))
    lead = units.filter(uid=written.lead).first() if written.lead else one.department
    if lead is None:
        wrong["lead"] = _("Name the county department whose duty it is.")
    areas = Township.objects.filter(
        county=one.county_id, uid__in=list(written.targets), valid_to=None
    )
    one.targets = sorted(areas.values_list("pk", flat=True))
    if not one.targets or len(one.targets) != len(set(written.targets)):
        wrong["targets"] = _("Name at least one township of the county.")
    if wrong:
        raise Invalid(fields=wrong)
    one.lead = lead
    if not one.number:  # before it is submitted nobody else reads it
        one.townships = [one.area_id] if one.area_id else []
        one.departments = [one.department_id] if one.department_id else []
    else:
        concerned(one, one.departments)
