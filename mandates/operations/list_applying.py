"""清单导入: what was looked at is made so in the draft, all or nothing, and undone as exactly.

A worker writes it, in one transaction that ends with the import being applied: a worker that dies
leaves nothing, and one that died just after is followed by one that finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit, bulk, jobs
from common.errors import Problem, Refused
from common.models import Job
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
from mandates.operations.list_imports import Moved, State, base_of, mark_of, of_member
from mandates.permissions import Permission
from townships.operations import jobs as asked_jobs
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

PORTION = 300  # matters in memory
Kind = ImportRow.Kind
CHANGING = (Kind.ADDED, Kind.CHANGED, Kind.MOVED, Kind.REMOVED)
JOB = "list_import_apply"
Told = Callable[[int], None]


# --- as a job ------------------------------------------------------------------------------------


def ask(imported: ListImport, *, reason: str, by: Member, at: datetime) -> ListImport:
    """Have a worker write a checked workbook into the draft.

    Raises Refused (not checked, with problems, or asked for already), Moved, Invalid (no reason).
    """
    require(by, Permission.LIST_EDIT)
    reason = lists.reason_of(reason)
    with transaction.atomic():
        row = _locked(imported)
        if is_being_written(row):
            raise Refused(
                _("The workbook is being written into the draft already."),
                code="import_being_applied",
            )
        _check(row)
        if mark_of(base_of(row.duty_list)) != row.base_mark:
            raise Moved
        asked = {"import": str(row.uid), "reason": reason}
        row.state = State.APPLYING
        row.job = asked_jobs.request(JOB, asked, by=by, at=at).uid
        row.save(update_fields=["state", "job"])
    return row


def is_being_written(imported: ListImport) -> bool:
    """Say whether a worker writes it, or will; not where that was cancelled or given up."""
    if imported.state != State.APPLYING:
        return False
    job = Job.objects.filter(uid=imported.job).first()
    return job is not None and job.is_active


def checked(member: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked in its one form. Raises NotAllowed, Invalid."""
    require(member, Permission.LIST_EDIT)
    found = of_member(member, str(parameters.get("import", "")))
    reason = lists.reason_of(str(parameters.get("reason", "")))
    return {"import": str(found.uid), "reason": reason}


@jobs.kind(JOB, label=gettext_lazy("Writing a workbook into the draft"), check=checked)
def run(work: jobs.Work) -> None:
    """Write it; where it cannot be written, the workbook is checked as it was, and the job says why."""
    with work.scope():
        imported = of_member(work.member, work.parameters["import"])
    if imported.job != work.job.uid:
        raise Refused(
            _("This workbook is being checked again, or was applied already."),
            code="import_overtaken",
        )
    if imported.state in (State.APPLIED, State.UNDONE):
        return  # whoever wrote it died before it could say so
    reason, total = work.parameters["reason"], sum(imported.counts[kind] for kind in CHANGING)
    try:
        with work.scope():
            with work.beside(total) as tell:
                apply(imported, reason=reason, by=work.member, at=work.clock(), tell=tell)
            jobs.hold(work.job)
    except Problem:
        with work.scope():
            rows = ListImport.objects.filter(pk=imported.pk, job=work.job.uid)
            rows.filter(state=State.APPLYING).update(state=State.CHECKED)
        raise


# --- writing -------------------------------------------------------------------------------------


def _check(row: ListImport) -> None:
    if row.state not in (State.CHECKED, State.APPLYING):
        raise Refused(_("Check the workbook first."), code="import_not_checked")
    if row.counts.get("wrong"):
        raise Refused(
            _("The workbook has problems. Mend them in the file and send it again."),
            code="import_has_problems",
        )


def apply(
    imported: ListImport,
    *,
    reason: str,
    by: Member,
    at: datetime,
    tell: Told = lambda done: None,
) -> ListImport:
    """Write a workbook into the draft of its list, opened if there is none; all or nothing.

    Raises Refused (not checked, or with problems), Moved, Invalid (no reason).
    """
    require(by, Permission.LIST_EDIT)
    with transaction.atomic():
        row = _locked(imported)
        if row.job != imported.job:
            raise Refused(_("Check the workbook first."), code="import_not_checked")
        _check(row)
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
        done = 0
        for portion in _portions(row, *CHANGING):
            _write(draft, portion)
            done += len(portion)
            tell(done)
        row.state, row.version, row.applied_at = State.APPLIED, draft, at
        row.after_mark = mark_of(draft)
        row.save()
        audit.record(
            "list_import_applied", draft, by=by, at=at, reason=lists.reason_of(reason),
            file=row.file_name, sha256=row.sha256, **{k: row.counts[k] for k in Kind.values},
        )  # fmt: skip
    return row


def undo(imported: ListImport, *, reason: str, by: Member, at: datetime) -> ListImport:
    """Put the draft back as it was before, row by row.

    Raises Refused once it was touched since, Waits.
    """
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
        lists.hold_draft(draft)
        reason = lists.reason_of(reason)
        audit.record("list_import_undone", draft, by=by, at=at, reason=reason, file=row.file_name)
        row.state, row.undone_at = State.UNDONE, at
        if row.opened_draft:
            row.version = None
            row.save()
            lists.discard_draft(draft, reason=reason, by=by, at=at)
            return row
        for portion in _portions(row, *CHANGING):
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
