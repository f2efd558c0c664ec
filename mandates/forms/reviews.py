"""Which units are asked for their opinion on a draft, and until when."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from townships.models import Department, Township


class InviteForm(forms.Form):
    """Departments and townships of the county that stand on the day."""

    until = forms.DateField(
        label=_("opinions until"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    departments = forms.MultipleChoiceField(
        label=_("Departments"), required=False, widget=forms.CheckboxSelectMultiple
    )
    townships = forms.MultipleChoiceField(
        label=_("Townships"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, county: int | None, day: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known: dict[str, dict[str, Any]] = {}
        for name, model in (("departments", Department), ("townships", Township)):
            rows = model.objects.filter(county=county).as_of(day).order_by("code")
            self.known[name] = {str(one.uid): one for one in rows}
            field: Any = self.fields[name]
            field.choices = [(uid, one.name) for uid, one in self.known[name].items()]

    def clean(self) -> dict[str, Any]:
        """Give the units in place of their keys."""
        cleaned = super().clean() or self.cleaned_data
        for name, known in self.known.items():
            cleaned[name] = [known[uid] for uid in cleaned.get(name, ()) if uid in known]
        return cleaned
