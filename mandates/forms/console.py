"""Input of the console's pages for lists and limits."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.db.models import Q
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from common.errors import Stale
from mandates.models import Audience, ClockKind, Entry, Level, Matter, UnitChoices
from mandates.operations.draft_lines import check_unchanged
from mandates.queries.draft_lines import whole_mark
from townships.models import Department

CODE_LENGTH = Matter._meta.get_field("code").max_length


class CountyForm(forms.ModelForm):
    """A row of the officer's county: the county is no field, yet constraints see it."""

    county_id: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.county_id is None:
            self.instance.county_id = self.county_id

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"county"}


class CountyFormSet(forms.BaseInlineFormSet):
    """Rows under a record; they belong to its county."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        form.instance.county_id = self.instance.county_id
        return form


class EntryForm(CountyForm):
    """One entry of a draft. The code names the matter, old or new."""

    day: date
    code = forms.CharField(label=_("code"), max_length=CODE_LENGTH)
    # What the line said when it was read: a form sent after another officer's change is refused.
    seen = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen"] = whole_mark(self.instance)
        if "lead" in self.fields:
            # What is chosen already stays to be seen, even if it has ended.
            standing = Department.objects.filter(county=self.instance.county_id)
            in_force = standing.as_of(self.day) | standing.filter(pk=self.instance.lead_id)
            self.fields["lead"].queryset = in_force.order_by("code")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        version, code = cleaned.get("version"), cleaned.get("code")
        if version and code and Entry.objects.filter(version=version, matter__code=code).exists():
            self.add_error("code", _("This code stands in the draft already."))
        if self.instance.pk:
            try:
                check_unchanged(self.instance, cleaned.get("seen", ""))
            except Stale as problem:
                self._overtaken(cleaned, problem)
        return cleaned

    def _overtaken(self, typed: dict[str, Any], problem: Stale) -> None:
        """Say what stands there now; sent again, the form replaces it knowingly."""
        now = Entry.objects.with_columns().get(pk=self.instance.pk)
        data: Any = self.data
        data = data.copy()
        data[self.add_prefix("seen")] = whole_mark(now)
        self.data = data
        self.add_error(None, str(problem))
        colon = pgettext("between a label and its error", ": ")
        for name, field in self.fields.items():
            if name in typed and hasattr(now, name) and getattr(now, name) != typed[name]:
                shown = getattr(now, f"get_{name}_display", lambda name=name: getattr(now, name))()
                label = f"{_('Stands there now')} - {field.label}"
                self.add_error(None, f"{label}{colon}{shown or '—'}")
        self.add_error(None, gettext("Look at what stands there now; sending again replaces it."))


class EntryLimitForm(CountyForm):
    kind = forms.ChoiceField(label=_("clock"), choices=ClockKind.choices)
    unit = forms.ChoiceField(label=_("unit"), choices=UnitChoices.choices)


class LevelForm(CountyForm):
    """A level of the ladder; closing what nobody rated is no county's choice."""

    told = forms.MultipleChoiceField(
        label=_("who is told"),
        choices=Audience.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Empty: whom this level usually tells."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "level" in self.fields:
            choices = [one for one in Level.choices if one[0] != Level.LAPSE]
            self.fields["level"].choices = choices  # type: ignore[attr-defined]
        if "matter" in self.fields:
            matters = (
                Matter.objects.routing().filter(county=self.instance.county_id).order_by("code")
            )
            self.fields["matter"].queryset = matters  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why something is done; it stands in the audit trail."""

    reason = forms.CharField(
        label=_("Reason of this change"),
        min_length=2,
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


class DayForm(forms.Form):
    """The day as on which something is looked at."""

    day = forms.DateField(
        label=_("As it stood on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )


class PublishForm(forms.Form):
    """From when a draft is to hold, and by which document."""

    valid_from = forms.DateField(
        label=_("in force from"),
        widget=AdminDateWidget,
        help_text=_("The version before ends with the day before."),
    )
    document_no = forms.CharField(
        label=_("document number"), max_length=60, help_text=_("For example ×编办〔2026〕12号.")
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("For whoever confirms it."),
    )
    confirmed = forms.BooleanField(
        label=_("I have checked the draft. Until a second person decides nobody can change it."),
        label_suffix="",
    )


def standing_departments(county_id: int | None, *, day: date, entry_id: Any = None) -> Any:
    """Return the departments that may be chosen: those that stand, and those chosen already."""
    chosen = Q(pk__in=Entry.objects.filter(pk=entry_id).values("assists__department"))
    rows = Department.objects.filter(county=county_id)
    return (rows.as_of(day) | rows.filter(chosen)).order_by("code").distinct()
