"""指导目录: loaded from a file as a new version; matters of counties are derived from it.

`load` needs no scope, everything else works inside the one the caller has opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from common import audit, reference
from common.errors import Invalid
from mandates.models import (
    Directory,
    DirectoryEntry,
    DirectoryMatter,
    DutyList,
    Entry,
    ListVersion,
    Matter,
)
from mandates.operations.list_files import LONGEST_TEXT, Fault, FileRefused, table
from mandates.operations.lists import hold_draft, matter_of
from mandates.operations.publications import BadDate

if TYPE_CHECKING:
    from common.audit import Actor
    from townships.models import City

COLUMNS = [
    "no",
    "code",
    "category",
    "name",
    "department_duty",
    "township_duty",
    "legal_basis",
    "is_sample",
    "source_note",
]
TEXTS = ("category", "name", "department_duty", "township_duty", "legal_basis", "source_note")


@dataclass(frozen=True)
class Line:
    """One matter of the directory as a file has it."""

    position: int
    code: str
    category: str
    name: str
    department_duty: str
    township_duty: str
    legal_basis: str
    is_sample: bool
    source_note: str


def read(text: str) -> list[Line]:
    """Return the matters of a CSV text. Raises FileRefused, naming every faulty line."""
    lines: list[Line] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for number, row in table(text, COLUMNS):
        wrong = [*_faults_of(row)]
        first = seen.setdefault(row["code"], number)
        if row["code"] and first != number:
            text_ = _("code “%(code)s” stands in line %(line)d already")
            wrong.append(("code", text_ % {"code": row["code"], "line": first}))
        faults += [Fault(number, text_, column, row[column][:40]) for column, text_ in wrong]
        if not wrong:
            texts = {name: row[name] for name in TEXTS}
            is_sample = row["is_sample"] == "1"
            lines.append(Line(int(row["no"]), row["code"], is_sample=is_sample, **texts))
    if faults:
        raise FileRefused(faults)
    return lines


def _faults_of(row: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name in ("code", "category", "name"):
        if not row[name]:
            yield name, _("“%s” is empty") % name
    for name in ("code", *TEXTS):
        model = DirectoryMatter if name == "code" else DirectoryEntry
        longest = getattr(model._meta.get_field(name), "max_length", None) or LONGEST_TEXT
        if len(row[name]) > longest:
            words = {"name": name, "max": longest}
            yield name, _("“%(name)s” is longer than %(max)d characters") % words
    if not (row["no"].isascii() and row["no"].isdigit() and int(row["no"]) < 10000):
        yield "no", _("“%s” must be a whole number") % "no"
    if row["is_sample"] not in ("0", "1"):
        yield "is_sample", _("“is_sample” must be 0 or 1")


def load(
    city: City,
    lines: Iterable[Line],
    *,
    name: str,
    document_no: str,
    valid_from: date,
    at: datetime,
) -> Directory | None:
    """Make a new version of a city's directory; the one before ends when it begins.

    None where the version in force says the same already. Raises Invalid, BadDate.
    """
    if not document_no.strip():
        raise Invalid(fields={"document_no": [_("A document number is needed.")]})
    with transaction.atomic():
        versions = Directory.objects.select_for_update().filter(city=city).order_by("number")
        last = versions.last()
        lines = list(lines)
        if last is not None and _says(last) == set(lines):
            return None
        if last is not None and valid_from <= last.valid_from:
            words = {"number": last.number, "day": last.valid_from}
            raise BadDate(_("Version %(number)d begins on %(day)s; a later day is needed.") % words)
        if last is not None and last.valid_to is None:
            last.valid_to = valid_from
            last.save(update_fields=["valid_to"])
        made = Directory.objects.create(
            city=city,
            number=last.number + 1 if last else 1,
            name=name,
            document_no=document_no.strip(),
            valid_from=valid_from,
            loaded_at=at,
        )
        _write(made, lines)
        audit.record(
            "directory_loaded", made, by=None, at=at, entries=len(lines), document_no=document_no
        )
    return made


def _says(directory: Directory) -> set[Line]:
    return {
        Line(
            position=one.position,
            code=one.matter.code,
            is_sample=one.is_sample,
            **{name: getattr(one, name) for name in TEXTS},
        )
        for one in directory.entries.select_related("matter")
    }


def _write(directory: Directory, lines: Sequence[Line]) -> None:
    known = {one.code: one for one in DirectoryMatter.objects.filter(city=directory.city)}
    new = [
        DirectoryMatter(city=directory.city, code=line.code)
        for line in lines
        if line.code not in known
    ]
    known |= {one.code: one for one in DirectoryMatter.objects.bulk_create(new)}
    DirectoryEntry.objects.bulk_create(
        DirectoryEntry(
            directory=directory,
            matter=known[line.code],
            position=line.position,
            is_sample=line.is_sample,
            **{name: getattr(line, name) for name in TEXTS},
        )
        for line in lines
    )


def link(matter: Matter, to: DirectoryMatter | None, *, by: Actor | None, at: datetime) -> None:
    """Say from which matter of the city's directory a county's matter is derived, or from none."""
    with transaction.atomic():
        row = Matter.objects.select_for_update(of=("self",)).get(pk=matter.pk)
        before = row.directory_matter
        if before == to:
            return
        row.directory_matter = to
        row.save(update_fields=["directory_matter"])
        audit.record(
            "matter_derived", row, by=by, at=at, before=str(before or ""), after=str(to or "")
        )
        reference.refresh()


def take_over(
    draft: ListVersion, entry: DirectoryEntry, *, by: Actor | None, at: datetime
) -> Entry:
    """Put a matter of the directory at the end of a draft, in the directory's words.

    Lead, platform and evidence are the county's to say. Raises NotADraft, Invalid where the draft
    has its code already.
    """
    with transaction.atomic():
        row = hold_draft(draft)
        code = entry.matter.code
        if row.entries.filter(matter__code=code).exists():
            raise Invalid(fields={"code": [_("This code stands in the draft already.")]})
        matter = matter_of(row.duty_list, code=code)
        link(matter, entry.matter, by=by, at=at)
        last = row.entries.order_by("position").last()
        made: Entry = Entry.objects.create(
            **row.tenant,
            version=row,
            matter=matter,
            position=last.position + 1 if last else 1,
            **{name: getattr(entry, name) for name in (*TEXTS, "is_sample")},
        )
        audit.record("directory_taken_over", made, by=by, at=at, code=code, draft=row.number)
    return made


def link_by_code(
    duty_list: DutyList, directory: Directory, *, by: Actor | None, at: datetime
) -> int:
    """Derive every matter that stands under a code of the directory from that; return how many.

    What is derived already stays as it is.
    """
    with transaction.atomic():
        rows = directory.entries.select_related("matter")
        known = {one.matter.code: one.matter for one in rows}
        waiting = duty_list.matters.filter(directory_matter=None, code__in=known)
        found = list(waiting.select_for_update(of=("self",)).order_by("code"))
        for matter in found:
            matter.directory_matter = known[matter.code]
        Matter.objects.bulk_update(found, ["directory_matter"])
        if found:
            codes = [one.code for one in found]
            audit.record("matters_derived", duty_list, by=by, at=at, codes=codes)
            reference.refresh()
    return len(found)
