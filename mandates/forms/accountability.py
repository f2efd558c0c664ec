"""What an accountability report is asked about: matter, place, days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.forms.assessments import Blamed
from mandates.forms.drafts import PlainText
from mandates.queries.accountability import Asked
from townships.models import Township


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AccountForm(Blamed):
    """Matter by code or words; a day, or the first and the last of several."""

    matter = PlainText(
        label=_("Matter"), max_length=100, help_text=_("Its code, or words of its line.")
    )
    first = forms.DateField(label=_("Day, or first day"), widget=_day())
    last = forms.DateField(
        label=_("Last day"), required=False, widget=_day(), help_text=_("Empty for one day.")
    )
    township = forms.ChoiceField(label=_("Township"), required=False)
    place = PlainText(
        label=_("Place"), max_length=100, required=False,
        help_text=_("Words that stand in the place or the title of a call."),
    )  # fmt: skip

    def __init__(self, *args: Any, townships: Iterable[Township], **more: Any) -> None:
        super().__init__(*args, **more)
        choices = [("", _("All townships")), *((str(one.uid), one.name) for one in townships)]
        self.fields["township"].choices = choices  # type: ignore[attr-defined]

    def asked(self, matter: str = "") -> Asked:
        """Return what is asked for, of the matter that was meant; only of a valid form."""
        told = self.cleaned_data
        return Asked(
            matter=matter or told["matter"],
            first=told["first"],
            last=told["last"] or told["first"],
            township=UUID(told["township"]) if told["township"] else None,
            place=told["place"],
        )
