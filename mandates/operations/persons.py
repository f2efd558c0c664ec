"""All that is kept about a person: found by telephone or identity card, for a reason that is kept."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import xlsxwriter
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common import audit, ciphers, personal
from common.errors import Invalid, NotAllowed
from common.masking import masked
from common.personal import Kind
from common.worktime import SHANGHAI
from mandates.models import Caller, CallerReveal, PersonSearch
from mandates.models.callers import INDEXED
from mandates.operations import officials
from mandates.operations.callers import reason_of, seen
from mandates.permissions import Permission
from mandates.queries.callers import holding
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member
    from townships.models import User


@dataclass(frozen=True)
class Found:
    """What a search found: ``what`` was searched for, masked, and the persons, not decrypted."""

    kind: Kind
    what: str
    callers: Sequence[Caller]
    officials: Sequence[User] = ()


def search(kind: str, value: str, reason: str, *, by: Member, at: datetime) -> Found:
    """Find a person's calls in one's own county, and keep who searched and why.

    Raises NotAllowed, Invalid.
    """
    found, _value, why = _find(kind, value, reason, by)
    with transaction.atomic():
        _keep(found, _value, why, by=by, at=at)
    return found


def export(kind: str, value: str, reason: str, *, by: Member, at: datetime) -> bytes:
    """Write all that is kept about a person as XLSX, as PIPL article 45 lets them ask for it.

    Every person who is decrypted leaves a row like any other look. Nothing is kept of the file.
    Raises NotAllowed, Invalid, KeyUnknown.
    """
    found, plain, why = _find(kind, value, reason, by)
    looks = list(
        CallerReveal.objects.filter(caller__in=[one.pk for one in found.callers]).order_by("id")
    )
    with transaction.atomic():
        search_row = _keep(found, plain, why, by=by, at=at, is_export=True)
        rows = [
            (one, seen(one, why, way="export", by=by, at=at)) for one in found.callers
            if not one.is_disposed
        ]  # fmt: skip
    return _written(found, rows, looks, search_row)


def _find(kind: str, value: str, reason: str, by: Member) -> tuple[Found, str, str]:
    require(by, Permission.PERSON_SEARCH)
    if by.is_system or by.county_id is None:
        raise NotAllowed
    if kind not in INDEXED:
        raise Invalid(fields={"kind": _("Search by telephone or by identity card.")})
    wanted, why = Kind(kind), reason_of(reason)
    try:
        plain = personal.written(wanted, value)
    except Invalid as problem:
        raise Invalid(fields={"value": next(iter(problem.fields.values()))}) from None
    if not plain:
        raise Invalid(fields={"value": _("This is needed.")})
    callers = holding(wanted, plain, county_id=by.county_id)
    own = officials.holding(plain, county_id=by.county_id) if wanted == Kind.PHONE else ()
    return Found(wanted, masked(wanted, plain), callers, own), plain, why


def _keep(
    found: Found, plain: str, reason: str, *, by: Member, at: datetime, is_export: bool = False
) -> PersonSearch:
    assert by.county_id is not None
    row: PersonSearch = PersonSearch.objects.create(
        county_id=by.county_id, kind=found.kind, wanted=ciphers.index(found.kind, plain),
        masked=found.what, by_id=by.user_id, actor=by.label[:200], reason=reason,
        found=len(found.callers) + len(found.officials), is_export=is_export, at=at,
    )  # fmt: skip
    audit.record(
        "person_exported" if is_export else "person_searched", row, by=by, at=at,
        kind=found.kind, reason=reason, found=len(found.callers) + len(found.officials),
    )  # fmt: skip
    return row


# --- the file ----------------------------------------------------------------------------------------


def _written(
    found: Found,
    rows: Sequence[tuple[Caller, dict[Kind, str]]],
    looks: Sequence[CallerReveal],
    asked: PersonSearch,
) -> bytes:
    numbers = {one.pk: one.call.number or str(one.call.uid) for one in found.callers}
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        _fill(book, _("What is kept"), [
            [_("Call"), _("Title"), _("State"), _("Township"), pgettext("of a person", "Name"), _("Phone"),
             _("ID card"), pgettext("of a person", "Address"), _("Written down at")],
            *(
                [numbers[one.pk], one.call.title, one.call.get_state_display(),
                 str(one.call.township), *(values[kind] for kind in Kind), _when(one.taken_at)]
                for one, values in rows
            ),
        ])  # fmt: skip
        _fill(book, _("Disposed of"), [
            [_("Call"), _("Disposed of at"), _("Record of disposal")],
            *([numbers[one.pk], _when(one.disposed_at), str(one.disposal_uid)]
              for one in found.callers if one.is_disposed),
        ])  # fmt: skip
        _fill(book, _("Who has looked"), [
            [_("Call"), _("Time"), _("Who"), _("Reason")],
            *([numbers[look.caller_id], _when(look.at), look.actor, look.reason] for look in looks),
            ["", _when(asked.at), asked.actor, asked.reason],
        ])  # fmt: skip
    return out.getvalue()


def _fill(book: Any, name: str, lines: Sequence[Sequence[str]]) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 8, 22)
    for number, line in enumerate(lines):
        for column, value in enumerate(line):
            sheet.write_string(number, column, value)


def _when(at: datetime | None) -> str:
    return f"{timezone.localtime(at, SHANGHAI):%Y-%m-%d %H:%M:%S}" if at else ""
