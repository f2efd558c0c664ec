"""The filter of the audit trail."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.audit_words import ACTIONS
from townships.queries.trail import TrailFilters

SPAN = timedelta(days=30)
FIRST, LAST = date(2020, 1, 1), date(2200, 1, 1)


class DaysForm(forms.Form):
    """From which day to which; both count, and either may be left out."""

    from_day = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    to_day = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        begin, end = cleaned.get("from_day"), cleaned.get("to_day")
        if begin and end and end < begin:
            self.add_error("to_day", _("The last day comes before the first."))
        for name in ("from_day", "to_day"):
            if cleaned.get(name) and not FIRST <= cleaned[name] <= LAST:
                self.add_error(name, _("Choose a day between 2020 and 2199."))
        return cleaned


class TrailForm(DaysForm):
    """Person, record, act and days; without days the last thirty."""

    person = forms.CharField(label=_("Person"), max_length=60, required=False)
    record = forms.CharField(label=_("Record"), max_length=60, required=False)
    action = forms.ChoiceField(label=_("Act"), required=False)
    field_order = ("person", "record", "action", "from_day", "to_day")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        action: Any = self.fields["action"]
        action.choices = [("", _("All acts")), *ACTIONS.items()]

    def filters(self, *, today: date) -> TrailFilters:
        """Return what is asked for; what does not fit is left out."""
        asked = self.cleaned_data if self.is_bound and self.is_valid() else {}
        end = asked.get("to_day") or max(today, asked.get("from_day") or today)
        return TrailFilters(
            from_day=asked.get("from_day") or end - SPAN,
            to_day=end,
            person=asked.get("person", ""),
            record=asked.get("record", ""),
            action=asked.get("action", ""),
        )
