"""职责交叉台账: what was settled outside calls is written into the register, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import audit
from common.errors import Invalid, NotAllowed
from common.masking import without_numbers
from common.workflow import MoveRefused
from common.worktime import SHANGHAI
from mandates.models import Matter, Overlap, OverlapParty
from mandates.permissions import Permission
from townships.models import Department, Township

if TYPE_CHECKING:
    from townships.http import Member

NOTE_LENGTH = 2000
LENGTHS = {"title": 200, "dispute": NOTE_LENGTH, "ruling": NOTE_LENGTH, "ruled_by": 100}


@dataclass(frozen=True)
class Written:
    """A dispute and its ruling, as somebody writes them down."""

    title: str
    dispute: str
    ruling: str
    ruled_by: str
    ruled_on: date
    departments: Sequence[UUID] = ()
    townships: Sequence[UUID] = ()
    matter: str = ""
    document_no: str = ""
    replaces: UUID | None = None


def enter(written: Written, *, by: Member, at: datetime) -> Overlap:
    """Write a settled dispute into the register; a wrong entry is replaced by another.

    Raises NotAllowed, Invalid, MoveRefused.
    """
    if by.county_id is None or not by.may(Permission.LIST_EDIT):
        raise NotAllowed
    texts = {name: without_numbers(getattr(written, name).strip()) for name in LENGTHS}
    wrong: dict[str, Any] = {
        name: _("Write 2 to %(n)d characters.") % {"n": LENGTHS[name]}
        for name, text in texts.items()
        if not 2 <= len(text) <= LENGTHS[name]
    }
    document_no = written.document_no.strip()
    if len(document_no) > 60:
        wrong["document_no"] = _("At most %(n)d characters.") % {"n": 60}
    if written.ruled_on > timezone.localdate(at):
        wrong["ruled_on"] = _("This day is yet to come.")
    units = list(Department.objects.filter(county=by.county_id, uid__in=written.departments))
    areas = list(Township.objects.filter(county=by.county_id, uid__in=written.townships))
    if len(units) < len(set(written.departments)):
        wrong["departments"] = _("Choose departments of your county.")
    elif len(areas) < len(set(written.townships)):
        wrong["townships"] = _("Choose townships of your county.")
    elif not units or len(units) + len(areas) < 2:
        wrong["departments"] = _(
            "A dispute has two parties at least, one of them a department of the county."
        )
    matter = old = None
    if written.matter:
        matter = Matter.objects.routing().filter(county=by.county_id, code=written.matter).first()
        if matter is None:
            wrong["matter"] = _("Your county's list has no such matter.")
    if written.replaces is not None:
        old = Overlap.objects.filter(county=by.county_id, uid=written.replaces).first()
        if old is None:
            wrong["replaces"] = _("The register has no such entry.")
    if wrong:
        raise Invalid(fields=wrong)
    try:
        with transaction.atomic():
            made: Overlap = Overlap.objects.create(
                county_id=by.county_id, matter=matter, document_no=document_no, replaces=old,
                decided_at=datetime.combine(written.ruled_on, time(), SHANGHAI),
                entered_by_id=by.user_id, entered_at=at, **texts,
            )  # fmt: skip
            OverlapParty.objects.bulk_create(
                OverlapParty(county_id=by.county_id, overlap=made, department=unit)
                for unit in units
            )
            OverlapParty.objects.bulk_create(
                OverlapParty(county_id=by.county_id, overlap=made, area=area) for area in areas
            )
    except IntegrityError as error:
        if "overlap_replaced_once" not in str(error):
            raise
        raise MoveRefused(_("This entry has been replaced already."), code="replaced") from error
    audit.record(
        "overlap_entered", made, by=by, at=at, parties=[str(one) for one in (*units, *areas)],
        replaced=old.title if old else None,
    )  # fmt: skip
    return made
