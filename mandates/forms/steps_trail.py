"""The filter of steps, for who audits."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.queries.steps_trail import StepFilters, kinds
from townships.forms.trail import SPAN, DaysForm


class StepsForm(DaysForm):
    """Person, call, kind of step and days; without days the last thirty."""

    person = forms.CharField(label=_("Person"), max_length=60, required=False)
    call = forms.CharField(label=_("Call"), max_length=60, required=False)
    move = forms.ChoiceField(label=_("Step"), required=False)
    field_order = ("person", "call", "move", "from_day", "to_day")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        move: Any = self.fields["move"]
        move.choices = [("", _("All steps")), *kinds()]

    def filters(self, *, today: date) -> StepFilters:
        """Return what is asked for; what does not fit is left out."""
        asked = self.cleaned_data if self.is_bound and self.is_valid() else {}
        end = asked.get("to_day") or max(today, asked.get("from_day") or today)
        return StepFilters(
            from_day=asked.get("from_day") or end - SPAN,
            to_day=end,
            person=asked.get("person", ""),
            call=asked.get("call", ""),
            move=asked.get("move", ""),
        )
