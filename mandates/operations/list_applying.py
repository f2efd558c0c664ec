"""清单导入: what was looked at is made so in the draft, all or nothing, and undone as exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit, bulk
from common.errors import Refused
from mandates.models import (
    Entry,
    EntryAssist,
    ImportRow,
    ListImport,
    ListVersion,
    Matter,
    VersionState,
)
from mandates.operations import lists
from mandates.operations.list_imports import Moved, State, base_of, mark_of
from mandates.permissions import Permission
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

PORTION = 300  # matters in memory
Kind = ImportRow.Kind


def apply(imported: ListImport, *, reason: str, by: Member, at: datetime) -> ListImport:
    """Write a workbook into the draft of its list, opened if there is none; all or nothing.

    Raises Refused (not checked, or with problems), Moved, Invalid (no reason).
    """
    require(by, Permission.LIST_EDIT)
    with transaction.atomic():
        row = _locked(imported)
        if row.state != State.CHECKED:
            raise Refused(_("Check the workbook first."), code="import_not_checked")
        if row.counts.get("wrong"):
            raise Refused(
                _("The workbook has problems. Mend them in the file and send it again."),
                code="import_has_problems",
            )
        lists.hold(row.duty_list)
        base = base_of(row.duty_list)
        if mark_of(base) != row.base_mark:
            raise Moved
        row.opened_draft = base is None or base.state != VersionState.DRAFT
        if row.opened_draft:
            draft = lists.open_draft(row.duty_list, reason=reason, by=by, at=at)
        else:
            assert base is not None
            draft = lists.hold_draft(base)
        for portion in _portions(row, Kind.ADDED, Kind.CHANGED, Kind.MOVED, Kind.REMOVED):
            _write(draft, portion)
        row.state, row.version, row.applied_at = State.APPLIED, draft, at
        row.after_mark = mark_of(draft)
        row.save()
        audit.record(
            "list_import_applied", draft, by=by, at=at, reason=lists.reason_of(reason),
            file=row.file_name, sha256=row.sha256, **{k: row.counts[k] for k in Kind.values},
        )  # fmt: skip
    return row


def undo(imported: ListImport, *, reason: str, by: Member, at: datetime) -> ListImport:
    """Put the draft back as it was before, row by row. Raises Refused once it was touched since."""
    require(by, Permission.LIST_EDIT)
    with transaction.atomic():
        row = _locked(imported)
        if row.state != State.APPLIED:
            raise Refused(
                _("This workbook was not applied, or is undone."), code="import_not_applied"
            )
        lists.hold(row.duty_list)
        draft = base_of(row.duty_list)
        if draft is None or draft.pk != row.version_id or mark_of(draft) != row.after_mark:
            raise Refused(
                _("The draft was changed or published since: it can no longer be put back."),
                code="import_overtaken",
            )
        reason = lists.reason_of(reason)
        audit.record("list_import_undone", draft, by=by, at=at, reason=reason, file=row.file_name)
        row.state, row.undone_at = State.UNDONE, at
        if row.opened_draft:
            row.version = None
            row.save()
            lists.discard_draft(draft, reason=reason, by=by, at=at)
            return row
        for portion in _portions(row, Kind.ADDED, Kind.CHANGED, Kind.MOVED, Kind.REMOVED):
            _put_back(draft, portion)
        if mark_of(draft) != row.base_mark:
            raise Refused(
                _("The draft cannot be put back exactly as it was; nothing was changed."),
                code="import_not_restored",
            )
        row.save()
    return row


def can_undo(imported: ListImport) -> bool:
    """Say whether the draft is still as the workbook left it."""
    if imported.state != State.APPLIED or imported.version_id is None:
        return False
    draft = base_of(imported.duty_list)
    return (
        draft is not None
        and draft.pk == imported.version_id
        and (mark_of(draft) == imported.after_mark)
    )


def _locked(imported: ListImport) -> ListImport:
    rows = ListImport.objects.select_for_update(of=("self",)).select_related("duty_list")
    found: ListImport = rows.get(pk=imported.pk)
    return found


def _portions(row: ListImport, *kinds: str) -> Iterator[list[ImportRow]]:
    for kind in kinds:
        after = 0
        while True:
            rows = ImportRow.objects.filter(
                county_id=row.county_id, imported=row, kind=kind, id__gt=after
            )
            found = list(rows.order_by("id")[:PORTION])
            if found:
                yield found
            if len(found) < PORTION:
                break
            after = found[-1].pk


def _entries(draft: ListVersion, portion: Sequence[ImportRow]) -> dict[str, Entry]:
    rows = Entry.objects.filter(
        county_id=draft.county_id, version=draft, matter__code__in=[one.code for one in portion]
    )
    found = rows.select_related("matter").prefetch_related(*lists.PARTS)
    return {one.matter.code: one for one in found}


def _write(draft: ListVersion, portion: Sequence[ImportRow]) -> None:
    entries = _entries(draft, portion)
    for row in portion:
        row.before = _snapshot(entries[row.code]) if row.code in entries else None
    if portion[0].kind == Kind.REMOVED:
        _delete(list(entries.values()))
    elif portion[0].kind == Kind.ADDED:
        _add(draft, portion)
    else:
        _change(draft, portion, entries)
    bulk.update(portion, ("before",))


def _add(draft: ListVersion, portion: Sequence[ImportRow]) -> None:
    matters = Matter.objects.filter(
        county_id=draft.county_id,
        duty_list_id=draft.duty_list_id,
        code__in=[one.code for one in portion],
    )
    known = {one.code: one for one in matters}
    new = [
        Matter(**draft.tenant, duty_list_id=draft.duty_list_id, code=row.code)
        for row in portion
        if row.code not in known
    ]
    bulk.insert(new)
    known |= {one.code: one for one in new}
    made = [
        Entry(**draft.tenant, version=draft, matter=known[row.code], **_columns(row))
        for row in portion
    ]
    bulk.insert(made)
    _assists(list(zip(portion, made, strict=True)))


def _change(draft: ListVersion, portion: Sequence[ImportRow], entries: dict[str, Entry]) -> None:
    pairs = [(row, entries[row.code]) for row in portion]
    names = sorted({name for row in portion for name in _columns(row)})
    for row, entry in pairs:
        for name, value in _columns(row).items():
            setattr(entry, name, value)
    fields = tuple(Entry._meta.get_field(name.removesuffix("_id")).name for name in names)
    bulk.update([entry for _row, entry in pairs], fields)
    anew = [(row, entry) for row, entry in pairs if "assists" in row.values]
    EntryAssist.objects.filter(entry__in=[entry for _row, entry in anew]).delete()
    _assists(anew)


def _columns(row: ImportRow) -> dict[str, Any]:
    return {name: value for name, value in row.values.items() if name != "assists"}


def _assists(pairs: Sequence[tuple[ImportRow, Entry]]) -> None:
    bulk.insert(
        [
            EntryAssist(county_id=entry.county_id, entry=entry, department_id=key, duty=duty)
            for row, entry in pairs
            for key, duty in row.values.get("assists", ())
        ]
    )


def _delete(entries: Sequence[Entry]) -> None:
    for model in lists.PARTS.values():
        model.objects.filter(entry__in=entries).delete()
    Entry.objects.filter(pk__in=[one.pk for one in entries]).delete()


def _snapshot(entry: Entry) -> dict[str, Any]:
    """Return every column of an entry and of what stands under it, keys too."""
    return {
        "entry": _facts(entry),
        **{name: [_facts(one) for one in getattr(entry, name).all()] for name in lists.PARTS},
    }


def _facts(row: Any) -> dict[str, Any]:
    return {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}


def _made(model: type[Any], facts: dict[str, Any]) -> Any:
    """Return a row as it was; a column that is newer has what is usual for it."""
    fields = {one.attname: one for one in model._meta.concrete_fields}
    return model(
        **{name: fields[name].to_python(value) for name, value in facts.items() if name in fields}
    )


def _put_back(draft: ListVersion, portion: Sequence[ImportRow]) -> None:
    kind = portion[0].kind
    if kind != Kind.REMOVED:
        entries = _entries(draft, portion)
        _delete(list(entries.values()))
    kept = [row.before for row in portion if row.before]
    Entry.objects.bulk_create([_made(Entry, one["entry"]) for one in kept])
    for name, model in lists.PARTS.items():
        model.objects.bulk_create([_made(model, part) for one in kept for part in one[name]])
