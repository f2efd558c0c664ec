"""What a scenario says, row by row, and the period it is run over. Empty rows are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from mandates.models import ClockKind, Level, UnitChoices, Urgency
from mandates.operations.scenarios import KINDS, LEVELS, MOST, NAME_LENGTH
from mandates.queries import proposed

MORE = 3  # empty rows offered at the end of each part
NONE = ("", "—")
DAYS: tuple[tuple[str, Any], ...] = (
    (proposed.OFF, pgettext_lazy("calendar", "day off")),
    (proposed.WORKED, _("worked instead")),
    (proposed.PLAIN, _("as its weekday")),
)


def _choice(label: Any, choices: Iterable[tuple[Any, Any]]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[NONE, *choices])


def _text(label: Any, **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs=attrs)
    return forms.CharField(label=label, required=False, max_length=60, widget=widget)


def _number(label: Any) -> forms.CharField:
    return _text(label, inputmode="numeric", size=6)


class Row(forms.Form):
    """One row; what is wrong with its values the operation says."""

    @property
    def given(self) -> dict[str, Any]:
        return {name: self.cleaned_data.get(name) for name in self.fields}

    @property
    def is_empty(self) -> bool:
        return not any(self.given.values())


class LimitRow(Row):
    urgency = _choice(_("Urgency"), Urgency.choices)
    kind = _choice(_("Clock"), [(k, ClockKind(k).label) for k in KINDS])
    amount = _number(_("Length"))
    unit = _choice(_("Unit of time"), UnitChoices.choices)
    roll = forms.BooleanField(label=_("A last day of rest moves on"), required=False)


class LevelRow(Row):
    urgency = _choice(_("Urgency"), Urgency.choices)
    level = _choice(_("Level"), [(one, Level(one).label) for one in LEVELS])
    share = _number(_("At this percent of the time"))
    after = _number(_("Or working days after the due time"))


class DayRow(Row):
    day = forms.CharField(
        label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    kind = _choice(_("Is to be"), DAYS)
    name = _text(_("Name"))


ROWS: Mapping[str, type[Row]] = {"limits": LimitRow, "ladder": LevelRow, "days": DayRow}
HOURS = ("morning_from", "morning_to", "afternoon_from", "afternoon_to")


def _clock(label: Any) -> forms.CharField:
    widget = forms.TimeInput(attrs={"type": "time"})
    return forms.CharField(label=label, required=False, widget=widget, max_length=20)


class ScenarioForm(forms.Form):
    """A scenario: its name, a list, hours, and the rows of three parts beside it."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH, strip=True)
    version = forms.ChoiceField(
        label=_("Responsibility list"),
        required=False,
        help_text=_("A draft or any version: who would have got the calls by it."),
    )
    morning_from = _clock(_("Morning from"))
    morning_to = _clock(_("Morning to"))
    afternoon_from = _clock(_("Afternoon from"))
    afternoon_to = _clock(_("Afternoon to"))
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        versions: Iterable[tuple[UUID, str]],
        kept: Mapping[str, Any] | None = None,
        more: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        version: Any = self.fields["version"]
        version.choices = [("", _("as they were dispatched")), *versions]
        self.parts = {
            name: _rows(name, form, data, (kept or {}).get(name, ()), more)
            for name, form in ROWS.items()
        }

    def is_valid(self) -> bool:
        bad = [row for part in self.parts.values() for row in part if not row.is_valid()]
        for row in bad:
            for name, errors in row.errors.items():
                self.add_error(None, f"{row.fields[name].label}{_colon()}{errors[0]}")
        return super().is_valid() and not bad

    def given(self) -> dict[str, Any]:
        """Return what was filled in, as `scenarios.keep` takes it."""
        found: dict[str, Any] = {
            name: [row.given for row in self.filled(name)] for name in self.parts
        }
        hours = {name: self.cleaned_data[name] for name in HOURS}
        if any(hours.values()):
            found["hours"] = hours
        return found

    def filled(self, name: str) -> list[Row]:
        return [row for row in self.parts[name] if not row.is_empty]

    def complain(self, fields: Mapping[str, Any]) -> None:
        """Say at the fields what the operation found."""
        for name, text in fields.items():
            part, _dot, rest = name.partition(".")
            number, _dot, column = rest.partition(".")
            if part in self.parts and column:
                self.filled(part)[int(number)].add_error(column, str(text))
                self.add_error(None, str(text))
            elif part == "hours":
                self.add_error("morning_from", str(text))
            else:
                self.add_error(part if part in self.fields else None, str(text))


def _colon() -> str:
    return pgettext("between a label and its error", ": ")


def _rows(
    name: str, form: type[Row], data: Any, kept: Iterable[Mapping[str, Any]], more: bool
) -> list[Row]:
    if data is None:
        given = [dict(row) for row in kept]
        return [
            form(prefix=f"{name}-{n}", initial=row)
            for n, row in enumerate([*given, *[{}] * MORE][:MOST])
        ]
    count = data.get(f"{name}-rows", "")
    known = min(int(count), MOST) if count.isascii() and count.isdigit() else MORE
    wanted = min(known + (MORE if more else 0), MOST)
    return [form(data, prefix=f"{name}-{n}") for n in range(wanted)]


class PeriodForm(forms.Form):
    """Over which calls: those raised from one day to another, both counted."""

    begins = forms.DateField(
        label=_("Raised from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    ends = forms.DateField(
        label=_("to"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
