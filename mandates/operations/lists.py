"""责任清单: drafts are opened, filled and deleted. `publications` lets them hold.

Every function works inside the scope the caller has opened.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit, bulk
from common.errors import Invalid, Refused
from mandates.models import (
    DutyList,
    Entry,
    EntryAssist,
    EntryLimit,
    EntryStep,
    ListKind,
    ListProposal,
    ListPublication,
    ListReview,
    ListVersion,
    Matter,
    Urgency,
    VersionState,
)
from mandates.operations.list_files import LimitOf, Line, Part
from mandates.rules.citations import in_lines
from townships.models import Department, Platform

if TYPE_CHECKING:
    from common.audit import Actor
    from townships.models import County


LONGEST_REASON = 300
COPIED = 1000  # entries in memory
Names = Mapping[str, Mapping[int, str]]  # by column that points at something: its names


class DraftExists(Refused):
    """A list has one draft at a time."""

    code = "draft_exists"
    detail = gettext_lazy("This list has a draft already. Publish or delete it first.")


class NotADraft(Refused):
    """Published versions stand; a new one is made instead."""

    code = "already_published"
    detail = gettext_lazy("This version has been published and stands. Open a new draft instead.")


class Waits(Refused):
    """A draft that waits for a second person stays as it was proposed."""

    code = "publication_waits"
    detail = gettext_lazy(
        "This draft waits for a second person and stays as it was proposed. "
        "The proposal is withdrawn or refused before anything of it is changed."
    )


@dataclass(frozen=True)
class Changed:
    """One matter that a file says otherwise: the fields, each with what it was and will be."""

    code: str
    name: str
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Preview:
    """What a file would change against the last version; ``mark`` names exactly that."""

    last: ListVersion | None
    draft: ListVersion | None
    added: tuple[Line, ...]
    removed: tuple[Line, ...]
    changed: tuple[Changed, ...]
    same: int
    mark: str

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Loaded:
    """What a load did: the version made, and its number of entries; None if nothing was new."""

    version: ListVersion | None
    entries: int


def list_of(county: County, *, kind: str = ListKind.TERRITORIAL) -> DutyList:
    """Return a county's list, made if it has none."""
    found, _made = DutyList.objects.get_or_create(
        county=county,
        kind=kind,
        of_township=None,
        defaults={"name": _("County and township duties of %s") % county.name},
    )
    duty_list: DutyList = found
    return duty_list


def matter_of(duty_list: DutyList, *, code: str) -> Matter:
    """Return the identity behind a code, the same through all versions; made if it is new."""
    found, _made = Matter.objects.get_or_create(**duty_list.tenant, duty_list=duty_list, code=code)
    matter: Matter = found
    return matter


def hold_draft(version: ListVersion) -> ListVersion:
    """Lock a draft until the transaction ends, so that nobody proposes or publishes it meanwhile.

    Raises NotADraft, Waits.
    """
    return _draft(version)


def hold(duty_list: DutyList) -> None:
    """Lock a list against other officers until the transaction ends."""
    _locked(duty_list)


def open_draft(duty_list: DutyList, *, reason: str, by: Actor | None, at: datetime) -> ListVersion:
    """Open a draft that begins as a copy of the last version. Raises DraftExists, Invalid."""
    reason = reason_of(reason)
    with transaction.atomic():
        last = _locked(duty_list).last()
        draft = _new_version(duty_list)
        if last is not None:
            _copy(last, draft)
        copied = last.number if last else None
        audit.record("list_draft_opened", draft, by=by, at=at, copied=copied, reason=reason)
    return draft


def discard_draft(version: ListVersion, *, reason: str, by: Actor | None, at: datetime) -> None:
    """Delete a draft with all its entries; proposals that went into it wait again.

    Raises NotADraft, Waits, Invalid.
    """
    reason = reason_of(reason)
    with transaction.atomic():
        row = _draft(version)
        entries = row.entries.count()
        audit.record("list_draft_discarded", row, by=by, at=at, entries=entries, reason=reason)
        ListProposal.objects.filter(version=row).reopen()
        ListReview.objects.filter(version=row).delete()
        EntryLimit.objects.filter(entry__version=row).delete()
        EntryStep.objects.filter(entry__version=row).delete()
        EntryAssist.objects.filter(entry__version=row).delete()
        row.entries.all().delete()
        row.delete()


def preview(county: County, lines: Iterable[Line]) -> Preview:
    """Compare the lines of a file with the last version of a county's list; writes nothing."""
    versions = list(
        ListVersion.objects.filter(county=county, duty_list__county=county)
        .routing()
        .order_by("number")
    )
    draft = next((one for one in versions if one.state == VersionState.DRAFT), None)
    last = next((one for one in reversed(versions) if one.state == VersionState.PUBLISHED), None)
    before = {line.code: line for line in _says(last)} if last else {}
    after = {line.code: line for line in lines}
    names = {
        "lead_id": dict(Department.objects.filter(county=county).values_list("pk", "name")),
        "platform_id": dict(Platform.objects.values_list("pk", "name")),
    }
    changed = [
        Changed(code, line.name, _difference(before[code], line, names))
        for code, line in after.items()
        if code in before and before[code] != line
    ]
    facts = repr((last and last.pk, draft and draft.pk, sorted(after.items())))
    return Preview(
        last=last,
        draft=draft,
        added=tuple(line for code, line in after.items() if code not in before),
        removed=tuple(line for code, line in sorted(before.items()) if code not in after),
        changed=tuple(changed),
        same=sum(1 for code, line in after.items() if before.get(code) == line),
        mark=hashlib.sha256(facts.encode()).hexdigest(),
    )


def _difference(old: Line, new: Line, names: Names) -> tuple[tuple[str, str, str], ...]:
    found = []
    for name in (*COLUMNS, "assists", "limits"):
        before, after = (_in_words(getattr(line, name), name, names) for line in (old, new))
        if before != after:
            found.append((name.removesuffix("_id"), before, after))
    was, will = in_lines(old.legal_basis), in_lines(new.legal_basis)
    if was != will:
        found.append(("basis", was, will))
    return tuple(found)


def _in_words(value: Any, name: str, names: Names) -> str:
    if name == "assists":
        units = names["lead_id"]
        return "；".join(f"{units.get(p.department_id, '')} {p.duty}".strip() for p in value)
    if name == "limits":
        return "；".join(f"{one.urgency} {one.kind} {one.amount} {one.unit}" for one in value)
    if name in names:
        return names[name].get(value, "")
    if name == "urgency":
        return str(Urgency(value).label)
    return "" if value is None else str(value)


def load(
    county: County,
    lines: Iterable[Line],
    *,
    by: Actor | None,
    at: datetime,
    reason: str = "",
) -> Loaded:
    """Make a draft of a county's list from the lines of a file.

    A file that says what the last version says already changes nothing. Raises DraftExists.
    """
    lines = list(lines)
    with transaction.atomic():
        duty_list = list_of(county)
        last = _locked(duty_list).last()
        if last is not None and last.state == VersionState.PUBLISHED and _says(last) == set(lines):
            return Loaded(None, len(lines))
        version = _new_version(duty_list)
        _write(version, lines, last)
        audit.record("list_loaded", version, by=by, at=at, entries=len(lines), reason=reason)
    return Loaded(version, len(lines))


def reason_of(text: str) -> str:
    """Return why, trimmed. Raises Invalid where nothing is said."""
    text = text.strip()
    if not 2 <= len(text) <= LONGEST_REASON:
        raise Invalid(fields={"reason": [_("Say why, in a few words.")]})
    return text


def _locked(duty_list: DutyList) -> Any:
    """Return the versions of a list in order, with the list locked against other officers."""
    DutyList.objects.select_for_update().get(pk=duty_list.pk)
    return duty_list.versions.order_by("number")


def _draft(version: ListVersion) -> ListVersion:
    row: ListVersion = (
        ListVersion.objects.select_for_update(of=("self",))
        .select_related("duty_list")
        .get(pk=version.pk)
    )
    if row.state != VersionState.DRAFT:
        raise NotADraft
    if ListPublication.objects.of(row).waiting().exists():
        raise Waits
    return row


def _new_version(duty_list: DutyList) -> ListVersion:
    versions = list(duty_list.versions.values_list("number", "state"))
    if any(state == VersionState.DRAFT for _number, state in versions):
        raise DraftExists
    number = max((number for number, _state in versions), default=0) + 1
    draft: ListVersion = ListVersion.objects.create(
        **duty_list.tenant, duty_list=duty_list, number=number
    )
    return draft


def _copy(source: ListVersion, target: ListVersion) -> None:
    """Copy entries with what stands under them, a portion at a time."""
    rows = source.entries.prefetch_related(*PARTS).order_by("position", "id")
    keys = list(rows.values_list("pk", flat=True))
    for begin in range(0, len(keys), COPIED):
        _copy_portion(list(rows.filter(pk__in=keys[begin : begin + COPIED])), target)


def _copy_portion(found: list[Entry], target: ListVersion) -> None:
    made = [_again(entry, uid=uuid.uuid4(), version_id=target.pk) for entry in found]
    bulk.insert(made)
    pairs = list(zip(found, made, strict=True))
    for name in PARTS:
        bulk.insert(
            [_again(one, entry_id=new.pk) for old, new in pairs for one in getattr(old, name).all()]
        )


def _again(row: Any, **changes: Any) -> Any:
    """Return an unsaved copy of a row with other values."""
    fields = {
        field.attname: copy(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if not field.primary_key
    }
    return type(row)(**{**fields, **changes})


# What stands under an entry, by the name under which it is reached.
PARTS: dict[str, type[Any]] = {"assists": EntryAssist, "limits": EntryLimit, "steps": EntryStep}


def _write(version: ListVersion, lines: list[Line], last: ListVersion | None) -> None:
    """Write lines as entries; what a file has no column for stays as the last version has it."""
    tenant = version.tenant
    before = {one.matter_id: one for one in last.entries.prefetch_related("steps")} if last else {}
    known = dict(version.duty_list.matters.values_list("code", "pk"))
    new = [
        Matter(**tenant, duty_list=version.duty_list, code=line.code)
        for line in lines
        if line.code not in known
    ]
    known |= {matter.code: matter.pk for matter in Matter.objects.bulk_create(new)}
    entries = Entry.objects.bulk_create(
        [
            Entry(
                **tenant,
                version=version,
                matter_id=known[line.code],
                **_columns(line),
                **_kept(before.get(known[line.code])),
            )
            for line in lines
        ]
    )
    EntryStep.objects.bulk_create(
        [
            _again(one, entry_id=new.pk)
            for new in entries
            if new.matter_id in before
            for one in before[new.matter_id].steps.all()
        ]
    )
    pairs = list(zip(lines, entries, strict=True))
    EntryAssist.objects.bulk_create(
        [
            EntryAssist(**tenant, entry=entry, department_id=part.department_id, duty=part.duty)
            for line, entry in pairs
            for part in line.assists
        ]
    )
    EntryLimit.objects.bulk_create(
        [
            EntryLimit(
                **tenant,
                entry=entry,
                urgency=limit.urgency,
                kind=limit.kind,
                amount=limit.amount,
                unit=limit.unit,
                source=line.source_note[:200],
            )
            for line, entry in pairs
            for limit in line.limits
        ]
    )


COLUMNS = (
    "position",
    "category",
    "name",
    "lead_id",
    "platform_id",
    "urgency",
    "department_duty",
    "township_duty",
    "legal_basis",
    "evidence",
    "evidence_files",
    "is_sample",
    "source_note",
)


KEPT = (
    "share",
    "department_role",
    "township_role",
    "village_role",
    "village_duty",
    "contact",
    "discretion",
)


def _kept(before: Entry | None) -> dict[str, Any]:
    return {name: getattr(before, name) for name in KEPT} if before else {}


def _columns(source: Line | Entry) -> dict[str, Any]:
    return {name: getattr(source, name) for name in COLUMNS}


def _key(row: Any) -> int:
    """Order rows as they were written."""
    key: int = row.pk
    return key


def _says(version: ListVersion) -> set[Line]:
    """Return a version as lines, to compare it with a file."""
    return {
        Line(
            code=entry.matter.code,
            assists=tuple(
                Part(one.department_id, one.duty) for one in sorted(entry.assists.all(), key=_key)
            ),
            limits=tuple(
                LimitOf(one.urgency, one.kind, one.amount, one.unit)
                for one in sorted(entry.limits.all(), key=_key)
            ),
            **_columns(entry),
        )
        for entry in version.entries.select_related("matter").prefetch_related("assists", "limits")
    }
