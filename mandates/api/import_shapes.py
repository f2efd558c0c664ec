"""What an import of a list looks like to other systems."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from common.api import Strict
from common.models import JobState
from mandates.models import ImportRow, ListImport
from mandates.operations import list_applying, lists
from mandates.operations.list_columns import FIELDS, field_label
from mandates.queries.importing import job_of


def address_of(request: Request, one: ListImport) -> str:
    return str(reverse("api:import-detail", args=[one.uid], request=request))


UID = "5c3a1f0e-8d3b-4c58-9a55-0f6f2a1f7f10"
SIGNATURE = "9f2c" * 16
COLUMNS = ("no", "lead", "name", "legal_basis", "department_duty", "township_duty")
NAMED: dict[str, Any] = {
    "sheets": [{"signature": SIGNATURE, "columns": list(COLUMNS)}],
    "departments": [{"word": "市教体局", "department": UID}],
}


class Paged(Strict):
    cursor = serializers.CharField(required=False, max_length=300)
    size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=50)


class RowQuery(Paged):
    """Which rows; without `kind` all but those that say what the list says already."""

    kind = serializers.ChoiceField(ImportRow.Kind.choices, required=False)
    q = serializers.CharField(
        required=False, max_length=100, help_text="words of name or code, or one sheet"
    )


class ImportNew(Strict):
    """A workbook, and the list it is about."""

    file = serializers.FileField(help_text=".xlsx, without macros, formulas and links")
    list = serializers.UUIDField(
        required=False, help_text="one of `lists/`; the list that calls go by if left out"
    )


class SheetNamed(Strict):
    """What the columns of a kind of sheet mean."""

    signature = serializers.CharField(max_length=64, help_text="of the headings, from `sheets`")
    columns = serializers.ListField(
        child=serializers.ChoiceField([*FIELDS], allow_blank=True),
        max_length=40,
        help_text="one a heading, in their order; empty: left out",
    )


class WordNamed(Strict):
    """Which department a word of the workbook means, from now on."""

    word = serializers.CharField(max_length=60)
    department = serializers.UUIDField()


class ColumnsNamed(Strict):
    """What is meant otherwise than `sheets` of the import has it."""

    sheets = SheetNamed(many=True, required=False)
    departments = WordNamed(many=True, required=False)


class Reason(Strict):
    reason = serializers.CharField(
        min_length=2, max_length=lists.LONGEST_REASON, help_text="stands in the audit trail"
    )


class SheetShape(serializers.Serializer[Any]):
    """A sheet with its headings, and what each of them means."""

    name = serializers.CharField()
    signature = serializers.CharField()
    headings = serializers.SerializerMethodField()
    columns = serializers.ListField(
        child=serializers.ChoiceField([*FIELDS], allow_blank=True),
        help_text="as guessed, as named before, or as named now",
    )
    remembered = serializers.BooleanField(
        default=False, help_text="these headings were named before"
    )

    def get_headings(self, sheet: Any) -> list[str]:
        return [text for _column, text in sheet["headings"]]


class ImportCounts(serializers.Serializer[Any]):
    added = serializers.IntegerField(default=0)
    changed = serializers.IntegerField(default=0)
    moved = serializers.IntegerField(default=0)
    removed = serializers.IntegerField(default=0)
    same = serializers.IntegerField(default=0)
    wrong = serializers.IntegerField(default=0)


class WritingShape(serializers.Serializer[Any]):
    """How far the writing into the draft is; `jobs/{uid}/` says more."""

    uid = serializers.UUIDField()
    state = serializers.ChoiceField(JobState.choices)
    done = serializers.IntegerField(help_text="matters written; they count once all of them are")
    total = serializers.IntegerField(allow_null=True, help_text="null before it has begun")
    code = serializers.CharField(help_text="why it failed; empty otherwise")
    detail = serializers.CharField(source="words")


class CheckShape(serializers.Serializer[Any]):
    """How far the check is; `jobs/{uid}/` says more."""

    uid = serializers.UUIDField()
    state = serializers.ChoiceField(JobState.choices)
    done = serializers.IntegerField(help_text="matters looked at")
    code = serializers.CharField(help_text="why it failed; empty otherwise")
    detail = serializers.CharField(source="words")


class ImportShape(serializers.Serializer[Any]):
    """A workbook that was taken in."""

    uid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    list = serializers.UUIDField(source="duty_list.uid")
    file_name = serializers.CharField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(ListImport.State.choices)
    at = serializers.DateTimeField()
    checked_at = serializers.DateTimeField(allow_null=True)
    applied_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, one: ListImport) -> str:
        return address_of(self.context["request"], one)


class ImportFull(ImportShape):
    """A workbook with what was found in it."""

    sheets = SheetShape(many=True, source="layout.sheets")
    notices = serializers.ListField(child=serializers.CharField(), help_text="what is left out")
    counts = ImportCounts(help_text="matters; `wrong` ones keep the workbook from being applied")
    unknown = serializers.SerializerMethodField(
        help_text="names of departments that the county has not: to be named"
    )
    check = serializers.SerializerMethodField(
        help_text="null before it was asked for, and once the workbook is being written"
    )
    writing = serializers.SerializerMethodField(
        help_text="null before it was asked for, and once it is forgotten"
    )
    version = serializers.UUIDField(
        source="version.uid",
        default=None,
        allow_null=True,
        help_text="the draft it is written into",
    )
    can_undo = serializers.SerializerMethodField()

    def get_unknown(self, one: ListImport) -> list[str]:
        return list(one.counts.get("unknown", ()))

    @extend_schema_field(CheckShape(allow_null=True))
    def get_check(self, one: ListImport) -> Any:
        job = job_of(one)
        return CheckShape(job).data if job and job.kind != list_applying.JOB else None

    @extend_schema_field(WritingShape(allow_null=True))
    def get_writing(self, one: ListImport) -> Any:
        job = job_of(one)
        return WritingShape(job).data if job and job.kind == list_applying.JOB else None

    def get_can_undo(self, one: ListImport) -> bool:
        return list_applying.can_undo(one)


class ImportPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ImportShape(many=True)


class ChangeOfField(serializers.Serializer[Any]):
    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField()
    after = serializers.CharField()


class ProblemOfCell(serializers.Serializer[Any]):
    where = serializers.CharField(help_text="address of the cell, and its column")
    text = serializers.CharField(help_text="what stands there")
    detail = serializers.CharField(help_text="what is wrong with it")


class ImportRowShape(serializers.Serializer[Any]):
    """What one matter of the workbook would change, or what is wrong with it."""

    sheet = serializers.CharField()
    row = serializers.IntegerField(help_text="0 for a matter that the workbook has not")
    kind = serializers.ChoiceField(ImportRow.Kind.choices)
    code = serializers.CharField()
    name = serializers.CharField()
    changes = serializers.SerializerMethodField()
    problems = serializers.SerializerMethodField()

    @extend_schema_field(ChangeOfField(many=True))
    def get_changes(self, row: ImportRow) -> Any:
        told = [
            {"field": name, "label": field_label(name), "before": before, "after": after}
            for name, before, after in row.changes
        ]
        return ChangeOfField(told, many=True).data

    @extend_schema_field(ProblemOfCell(many=True))
    def get_problems(self, row: ImportRow) -> Any:
        told = [
            {"where": where, "text": cell, "detail": text} for where, cell, text in row.problems
        ]
        return ProblemOfCell(told, many=True).data


class ImportRowPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ImportRowShape(many=True)
