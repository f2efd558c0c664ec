"""草稿的行: one line of a draft is written, cell by cell, unless somebody else was there first.

Every function works inside the scope the caller has opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Model
from django.utils import timezone
from django.utils.translation import gettext as _

from common import audit
from common.errors import Invalid, NotAllowed, Stale
from mandates.models import (
    ClockKind,
    Entry,
    EntryLimit,
    ListVersion,
    Matter,
    UnitChoices,
    Urgency,
)
from mandates.operations import lists
from mandates.operations.list_files import LONGEST_TEXT, LimitOf
from mandates.permissions import Permission
from mandates.queries import draft_lines
from townships.models import Department, Platform

if TYPE_CHECKING:
    from townships.http import Member

TEXTS = ("category", "name", "department_duty", "township_duty", "legal_basis")
MOST_AMOUNT = 100_000
COLUMNS = (*TEXTS, "lead", "platform", "urgency")


@dataclass(frozen=True)
class Cells:
    """What the cells of a line are to say. ``limits`` one a line, in words or in the file's codes."""

    code: str = ""
    name: str = ""
    category: str = ""
    lead: UUID | None = None
    platform: str = ""  # its code
    urgency: str = Urgency.GENERAL
    limits: str = ""
    department_duty: str = ""
    township_duty: str = ""
    legal_basis: str = ""


def change(
    version: ListVersion,
    uid: UUID,
    wanted: Cells,
    *,
    seen: str,
    by: Member,
    at: datetime,
    reason: str = "",
) -> Entry:
    """Let a line of a draft say what its cells say; nothing else of it changes.

    ``reason`` stands in the audit trail where one was asked for. Raises NotAllowed, NotADraft, Entry.DoesNotExist, Stale (the line says something else than
    ``seen`` names), Invalid naming every cell that is wrong.
    """
    _require(by)
    with transaction.atomic():
        draft = lists.hold_draft(version)
        entry: Entry = draft_lines.lines(draft).get(uid=uid)
        if draft_lines.mark(entry) != seen:
            raise Stale(_("Somebody else has changed this line meanwhile."))
        before = draft_lines.cells(entry)
        _write(entry, wanted, at)
        after: Entry = draft_lines.lines(draft).get(uid=uid)
        said = draft_lines.cells(after)
        changes = {name: [before[name], said[name]] for name in said if before[name] != said[name]}
        if changes:
            why = {"reason": reason} if reason else {}
            audit.record("list_line_changed", after, by=by, at=at, changes=changes, **why)
    return after


def faults(entry: Entry, wanted: Cells, *, at: datetime) -> dict[str, list[str]]:
    """Say by cell why a line could not be written like this; empty where it could. Writes nothing."""
    try:
        _check(entry, wanted, at, {})
    except Invalid as problem:
        return problem.fields
    return {}


def add(version: ListVersion, wanted: Cells, *, by: Member, at: datetime) -> Entry:
    """Add a line at the end of a draft. Raises NotAllowed, NotADraft, Invalid."""
    _require(by)
    code = wanted.code.strip()
    with transaction.atomic():
        draft = lists.hold_draft(version)
        wrong = _wrong_code(code)
        if not wrong and draft.entries.filter(matter__code=code).exists():
            wrong = {"code": [_("This code stands in the draft already.")]}
        last = draft.entries.aggregate(last=Max("position"))["last"] or 0
        entry = Entry(**draft.tenant, version=draft, position=last + 1)
        if wrong:
            _check(entry, wanted, at, wrong)
        entry.matter = lists.matter_of(draft.duty_list, code=code)
        _write(entry, wanted, at)
        audit.record("list_line_added", entry, by=by, at=at, code=code)
    return entry


def check_unchanged(entry: Entry, seen: str) -> None:
    """Lock the draft of a line, and see that the form shows what stands there.

    Raises NotADraft, Stale.
    """
    lists.hold_draft(entry.version)
    if draft_lines.whole_mark(Entry.objects.get(pk=entry.pk)) != seen:
        raise Stale(_("Somebody else has changed this line meanwhile."))


def texts_wrong(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Say which texts of a line are missing or too long, by column."""
    wrong = {}
    for name, text in texts.items():
        longest = longest_of(Entry, name)
        if len(text) > longest:
            wrong[name] = [_("At most %(n)d characters.") % {"n": longest}]
        elif not text and name in ("category", "name"):
            wrong[name] = [_("This is needed.")]
    return wrong


def longest_of(model: type[Model], name: str) -> int:
    return getattr(model._meta.get_field(name), "max_length", None) or LONGEST_TEXT


def standing(
    entry: Entry, uids: Sequence[UUID | None], at: datetime, *, beside: Sequence[int] = ()
) -> dict[UUID, Department]:
    """Return the departments that stand on the day, or have a part in the line already."""
    rows = Department.objects.filter(county=entry.county_id, uid__in=[one for one in uids if one])
    known = {entry.lead_id, *beside}
    day = timezone.localdate(at)
    return {one.uid: one for one in rows if one.in_force_on(day) or one.pk in known}


# --- the change ------------------------------------------------------------------------------------


def _require(by: Member) -> None:
    if by.county_id is None or not by.may(Permission.LIST_EDIT):
        raise NotAllowed


def _write(entry: Entry, wanted: Cells, at: datetime) -> None:
    limits, lead, platform = _check(entry, wanted, at, {})
    code = wanted.code.strip()
    if entry.pk and code != entry.matter.code:
        _rename(entry, code)
    for name in TEXTS:
        setattr(entry, name, getattr(wanted, name).strip())
    entry.lead, entry.platform, entry.urgency = lead, platform, wanted.urgency
    entry.save(update_fields=COLUMNS if entry.pk else None)
    _write_limits(entry, limits)


def _check(
    entry: Entry, wanted: Cells, at: datetime, wrong: dict[str, list[str]]
) -> tuple[list[LimitOf], Department | None, Platform | None]:
    """Read the cells. Raises Invalid naming all that are wrong, with what is known already."""
    wrong = {**texts_wrong({name: getattr(wanted, name).strip() for name in TEXTS}), **wrong}
    if not wrong.get("code"):
        wrong |= _wrong_code(wanted.code.strip())
    if wanted.urgency not in Urgency.values:
        wrong["urgency"] = [_("This is needed.")]
    lead = standing(entry, [wanted.lead], at).get(wanted.lead) if wanted.lead else None
    if wanted.lead and lead is None:
        wrong["lead"] = [_("Choose a department of your county that stands.")]
    elif lead and entry.pk and entry.assists.filter(department=lead).exists():
        wrong["lead"] = [_("Each department has one part in a matter.")]
    platform = Platform.objects.filter(code=wanted.platform).first() if wanted.platform else None
    if wanted.platform and platform is None:
        wrong["platform"] = [_("There is no such platform.")]
    limits, faults = read_limits(wanted.limits)
    if faults:
        wrong["limits"] = faults
    if wrong:
        raise Invalid(fields=wrong)
    return limits, lead, platform


def _wrong_code(code: str) -> dict[str, list[str]]:
    longest = longest_of(Matter, "code")
    if not code:
        return {"code": [_("This is needed.")]}
    if len(code) > longest:
        return {"code": [_("At most %(n)d characters.") % {"n": longest}]}
    return {} if code.isprintable() else {"code": [_("Give the new matter a code.")]}


def _rename(entry: Entry, code: str) -> None:
    """Give a matter another code: only one that no other version knows, and to a code still free."""
    matter = entry.matter
    if Entry.objects.filter(matter=matter).exclude(version=entry.version_id).exists():
        raise Invalid(
            fields={
                "code": [
                    _("The code %(code)s stands in other versions and stays.")
                    % {"code": matter.code}
                ]
            }
        )
    matter.code = code
    try:
        with transaction.atomic():
            matter.save(update_fields=["code"])
    except IntegrityError as error:
        if "matter_code" not in str(error):
            raise
        taken = _("Another matter of the list has this code.")
        raise Invalid(fields={"code": [taken]}) from error


def _write_limits(entry: Entry, wanted: Sequence[LimitOf]) -> None:
    """Let the line have these limits; one that stays as it was keeps where it comes from."""
    before = {
        LimitOf(one.urgency, one.kind, one.amount, one.unit): one for one in entry.limits.all()
    }
    gone = [one.pk for limit, one in before.items() if limit not in wanted]
    EntryLimit.objects.filter(county=entry.county_id, pk__in=gone).delete()
    EntryLimit.objects.bulk_create(
        EntryLimit(
            **entry.tenant,
            entry=entry,
            source=entry.source_note[:200],
            **{field.name: getattr(limit, field.name) for field in fields(limit)},
        )
        for limit in wanted
        if limit not in before
    )


# --- limits in words -------------------------------------------------------------------------------

LIMIT = re.compile(r"^(?P<what>\D+?)\s*(?P<amount>\d+)\s*(?P<unit>\D+)$")


def read_limits(text: str) -> tuple[list[LimitOf], list[str]]:
    """Read limits, one a line or between semicolons; return them, and what is wrong."""
    found: dict[tuple[str, str], LimitOf] = {}
    wrong = []
    for line in filter(None, (one.strip() for one in re.split(r"[\n;；]", text))):
        limit = _limit(line)
        if limit is None:
            told = _("“%(line)s” is no limit. Write for example: %(example)s")
            wrong.append(told % {"line": line[:40], "example": example()})
        elif (limit.urgency, limit.kind) in found:
            wrong.append(_("“%(line)s”: this limit stands there twice.") % {"line": line[:40]})
        else:
            found[limit.urgency, limit.kind] = limit
    return list(found.values()), wrong


def example() -> str:
    """Return a limit as it is written, in the reader's language."""
    one = EntryLimit(
        urgency=Urgency.GENERAL, kind=ClockKind.CLOSE, amount=10, unit=UnitChoices.WORKING_DAY
    )
    return draft_lines.limit_words(one)


def _limit(line: str) -> LimitOf | None:
    parts = LIMIT.match(line)
    if parts is None or not parts["amount"].isascii():
        return None
    what, unit, amount = _plain(parts["what"]), _plain(parts["unit"]), int(parts["amount"][:9])
    units = {_plain(word): one.value for one in UnitChoices for word in (one.value, str(one.label))}
    heads = {
        _plain(f"{a}{b}"): (urgency.value, kind.value)
        for urgency in Urgency
        for kind in ClockKind
        for a in (urgency.value, str(urgency.label))
        for b in (kind.value, str(kind.label))
    }
    if what not in heads or unit not in units or not 0 < amount < MOST_AMOUNT:
        return None
    return LimitOf(*heads[what], amount, units[unit])


def _plain(word: str) -> str:
    """Return a word as it is compared: without spaces, marks and the Chinese measure word."""
    return "".join(c for c in word.casefold() if c.isalnum()).removeprefix("个").removesuffix("s")
