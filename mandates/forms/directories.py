"""What the page of the city's directory is asked for, and what is derived from what."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.forms.drafts import PlainText


class DirectoryFilters(forms.Form):
    """The day whose directory and list are held side by side, and what became of its matters."""

    day = forms.DateField(
        label=_("As it stood on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    county = forms.UUIDField(widget=forms.HiddenInput, required=False)
    state = forms.ChoiceField(
        choices=[(one, one) for one in ("", "missing", "differs", "same", "own")],
        widget=forms.HiddenInput,
        required=False,
    )


class DeriveForm(forms.Form):
    """A matter of the county by its code, and the one of the directory it is derived from."""

    directory = forms.UUIDField()
    matter = PlainText(max_length=20)

    @property
    def code(self) -> str:
        code: str = self.cleaned_data["matter"]
        return code
