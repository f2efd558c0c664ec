"""What the list of matters is narrowed to; the address of the page says all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class MatterFilters(forms.Form):
    """Words, category, lead department, and the day whose version is asked for."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    category = forms.CharField(
        label=_("Category"), max_length=40, required=False, widget=forms.HiddenInput
    )
    department = forms.ChoiceField(label=_("Lead"), required=False)
    day = forms.DateField(
        label=_("Version in force on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    county = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def narrow(self, *, departments: Sequence[tuple[str, str]]) -> None:
        """Offer the departments that lead in the version."""
        fields: dict[str, Any] = self.fields
        fields["department"].choices = [("", _("All departments")), *departments]
