"""What the deadline calculator asks; the address of the page holds all of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common import worktime
from common.due_lines import sentence
from common.texts import one_line
from common.worktime import SHANGHAI, Due, WorkCalendar, WorktimeError
from mandates.models import UnitChoices

PAUSES = 5
WRITTEN = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
LARGEST = 5_000_000  # minutes of more than nine years
# Where a refusal of the arithmetic belongs.
FIELD_OF = {"unknown_unit": "unit", "bad_amount": "amount", "before_calendar": "start"}


class Instant(forms.DateTimeField):
    """A date and time as the control writes it, and nothing behind it."""

    def to_python(self, value: Any) -> datetime | None:
        if isinstance(value, str):
            try:
                value = one_line(value)
            except ValueError:
                invalid = self.error_messages["invalid"]
                raise forms.ValidationError(invalid, code="invalid") from None
        return super().to_python(value)


def instant(label: Any, *, required: bool, hint: Any = "") -> Instant:
    """A control for a date and time of the county's own clock."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return Instant(
        label=label, help_text=hint, required=required, widget=widget, input_formats=WRITTEN
    )


class DeadlineForm(forms.Form):
    """A period and what stops it; instants are those of the county's own clock."""

    start = instant(_("Starts at"), required=True)
    amount = forms.IntegerField(label=_("Length"), min_value=1, max_value=LARGEST)
    unit = forms.ChoiceField(label=_("Unit of time"), choices=UnitChoices.choices)
    roll = forms.BooleanField(
        label=_("A last day of rest moves to the next working day"),
        required=False,
        help_text=_("For calendar days and months."),
    )
    extension = forms.IntegerField(
        label=_("Extension"),
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text=_("In the same unit."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for n in range(1, PAUSES + 1):
            self.fields[f"from_{n}"] = instant(_("Pause %(n)d begins") % {"n": n}, required=False)
            self.fields[f"to_{n}"] = instant(_("Pause %(n)d ends") % {"n": n}, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for n in range(1, PAUSES + 1):
            begins, ends = cleaned.get(f"from_{n}"), cleaned.get(f"to_{n}")
            if f"from_{n}" in self.errors or f"to_{n}" in self.errors:
                continue
            if bool(begins) != bool(ends):
                self.add_error(
                    f"to_{n}" if begins else f"from_{n}",
                    _("A pause needs its beginning and its end."),
                )
            elif begins and ends and ends < begins:
                self.add_error(f"to_{n}", _("A pause ends after it begins."))
        return cleaned

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The pauses, a pair of fields each."""
        return [(self[f"from_{n}"], self[f"to_{n}"]) for n in range(1, PAUSES + 1)]

    @property
    def has_more(self) -> bool:
        """True if an extension or a pause was typed, so that they are to be seen."""
        names = ["extension", *(name for row in self.rows for name in (row[0].name, row[1].name))]
        return any(self[name].value() or name in self.errors for name in names)

    def due(self, calendar: WorkCalendar) -> Due | None:
        """Work it out; None if the arithmetic refuses, which is then told at the field."""
        asked = self.cleaned_data
        pauses = [
            (_local(asked[f"from_{n}"]), _local(asked[f"to_{n}"]))
            for n in range(1, PAUSES + 1)
            if asked.get(f"from_{n}")
        ]
        try:
            return worktime.due(
                _local(asked["start"]),
                asked["amount"],
                asked["unit"],
                calendar=calendar,
                roll=asked["roll"],
                pauses=pauses,
                extension=asked["extension"] or 0,
            )
        except WorktimeError as error:
            self.add_error(FIELD_OF.get(error.code), sentence(error))
            return None


def _local(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI)
