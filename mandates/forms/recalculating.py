"""What a recalculation of running clocks asks: which of them, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.models import ClockKind
from mandates.operations.recalculating import REASON_LENGTH, Which
from mandates.queries.rulebook import Rulebook


class WhichForm(forms.Form):
    """Which clocks; everything stands in the address of the page."""

    kind = forms.MultipleChoiceField(
        label=_("clocks"),
        choices=ClockKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of them."),
    )
    matter = forms.ChoiceField(label=_("matter"), required=False)

    def __init__(self, *args: Any, book: Rulebook, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The newest line of each matter stands first; its name is shown.
        names: dict[int, str] = {}
        for entry in book.entries.values():
            names.setdefault(entry.matter_id, f"{entry.code} {entry.name}")
        matters = sorted(((str(key), name) for key, name in names.items()), key=lambda one: one[1])
        field: Any = self.fields["matter"]
        field.choices = [("", _("All matters")), *matters]

    @property
    def which(self) -> Which:
        matter = self.cleaned_data["matter"]
        return Which(tuple(self.cleaned_data["kind"]), (int(matter),) if matter else ())


class WhyForm(forms.Form):
    """Why it is done; ``mark`` is what was looked at."""

    mark = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        label=_("Reason of this change"), min_length=2, max_length=REASON_LENGTH
    )
    confirmed = forms.BooleanField(
        label=_("I have looked at the dates that change; everybody concerned is told.")
    )
