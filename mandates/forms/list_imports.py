"""A workbook of a list: chosen, its columns named, departments told apart, applied with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.models import DutyList, ImportRow
from mandates.operations.list_columns import FIELDS
from townships.models import Department


class WorkbookForm(forms.Form):
    """The file, and the list it is about."""

    duty_list = forms.ChoiceField(label=_("Responsibility list"))
    file = forms.FileField(
        label=_("Excel file (.xlsx)"),
        help_text=_(
            "As published, with merged cells and several sheets; without macros and formulas."
        ),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".xlsx"}),
    )

    def offer(self, lists: Iterable[DutyList]) -> None:
        """Let one of these lists be chosen."""
        field: Any = self.fields["duty_list"]
        field.choices = [(str(one.uid), one.name) for one in lists]


class ColumnsForm(forms.Form):
    """What each column means, for every kind of heading the workbook has; and unknown departments.

    The names of the fields count: ``c-<table>-<column>`` and ``u-<word>``.
    """

    def __init__(
        self,
        *args: Any,
        sheets: Sequence[dict[str, Any]],
        words: Sequence[str] = (),
        departments: Iterable[Department] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.tables: list[dict[str, Any]] = []
        self._signatures: list[str] = []
        self.units = {str(unit.uid): unit for unit in departments}
        choices = [("", _("leave it out")), *FIELDS.items()]
        for sheet in sheets:
            if sheet["signature"] in self._signatures:
                self.tables[self._signatures.index(sheet["signature"])]["names"].append(
                    sheet["name"]
                )
                continue
            self._signatures.append(sheet["signature"])
            rows = []
            for n, (_column, heading) in enumerate(sheet["headings"]):
                name = f"c-{len(self.tables)}-{n}"
                self.fields[name] = forms.ChoiceField(
                    label=heading.replace("／", " / "),
                    choices=choices,
                    initial=sheet["columns"][n],
                    required=False,
                )
                rows.append(name)
            self.tables.append(
                {"names": [sheet["name"]], "rows": rows, "remembered": sheet.get("remembered")}
            )
        units = [("", "—"), *((key, unit.name) for key, unit in self.units.items())]
        self.words = list(words)
        for n, word in enumerate(self.words):
            self.fields[f"u-{n}"] = forms.ChoiceField(label=word, choices=units, required=False)

    def shown(self) -> list[dict[str, Any]]:
        """Return the tables with their fields, for the page."""
        return [{**one, "fields": [self[name] for name in one["rows"]]} for one in self.tables]

    def unit_fields(self) -> list[Any]:
        return [self[f"u-{n}"] for n in range(len(self.words))]

    def columns(self) -> dict[str, list[str]]:
        """Return the fields of the headings of each signature."""
        return {
            signature: [self.cleaned_data[name] for name in table["rows"]]
            for signature, table in zip(self._signatures, self.tables, strict=True)
        }

    def chosen_units(self) -> dict[str, Department]:
        found = {}
        for n, word in enumerate(self.words):
            if key := self.cleaned_data[f"u-{n}"]:
                found[word] = self.units[key]
        return found


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason of this change"), min_length=2, max_length=300)


class RowFilters(forms.Form):
    """Which rows of an import are shown."""

    kind = forms.ChoiceField(choices=[("", ""), *ImportRow.Kind.choices], required=False)
    q = forms.CharField(label=_("Words"), required=False, max_length=100)
