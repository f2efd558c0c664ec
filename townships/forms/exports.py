"""How a list is wanted as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.exports import Column
from common.sheets import CSV, XLSX


class ExportForm(forms.Form):
    """Kind of file and columns; what is not chosen here the list itself says."""

    format = forms.ChoiceField(
        label=_("Kind of file"),
        choices=[(XLSX, _("Excel (XLSX)")), (CSV, _("CSV in UTF-8"))],
        initial=XLSX,
        widget=forms.RadioSelect,
    )
    column = forms.MultipleChoiceField(
        label=_("Columns"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one column.")},
    )

    def __init__(self, *args: Any, columns: Sequence[Column], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["column"]
        field.choices = [(column.name, column.label) for column in columns]
        field.initial = [column.name for column in columns if column.usual]
