"""What the list of precedents is narrowed to; the address of the page says all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.models import Objection
from mandates.queries.precedents import Asked


class PrecedentFilters(forms.Form):
    """Words, matter, department and outcome."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    matter = forms.ChoiceField(label=_("Matter"), required=False)
    department = forms.ChoiceField(label=_("Department"), required=False)
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        choices=[("", _("All outcomes")), *Objection.Outcome.choices],
    )

    def offer(
        self, *, matters: Sequence[tuple[str, str]], departments: Sequence[tuple[UUID, str]]
    ) -> None:
        """Offer the matters and departments of the county."""
        fields: dict[str, Any] = self.fields
        fields["matter"].choices = [("", _("All matters")), *matters]
        fields["department"].choices = [
            ("", _("All departments")),
            *((str(uid), name) for uid, name in departments),
        ]

    def asked(self) -> Asked:
        """Return what is asked for; only of a valid form."""
        told = self.cleaned_data
        department = UUID(told["department"]) if told["department"] else None
        return Asked(told["q"], told["matter"], department, told["outcome"])
