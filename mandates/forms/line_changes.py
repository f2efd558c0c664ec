"""What many lines of drafts are to say, as the console asks it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Problem
from mandates.forms.drafts import PlainText
from mandates.models import Entry, Urgency
from mandates.operations.draft_lines import longest_of
from mandates.operations.line_changes import Wanted
from mandates.operations.lists import LONGEST_REASON
from townships.models import Department, Platform

STAYS = _("Stays as it is")


class SeveralForm(forms.Form):
    """What is set, and why. ``seen`` names the preview that was looked at."""

    required_css_class = "required"

    lead = forms.ModelChoiceField(
        Department.objects.none(),
        label=_("Lead department"),
        to_field_name="uid",
        required=False,
        empty_label=STAYS,
    )
    category = PlainText(
        label=_("Category"),
        max_length=longest_of(Entry, "category"),
        required=False,
        help_text=_("Left empty, the category of each line stays as it is."),
        widget=forms.TextInput(attrs={"class": "vTextField", "list": "hy-categories"}),
    )
    platform = forms.ChoiceField(label=_("Owner platform"), required=False)
    urgency = forms.ChoiceField(
        label=_("Usual urgency"), required=False, choices=[("", STAYS), *Urgency.choices]
    )
    reason = PlainText(
        label=_("Reason of this change"),
        min_length=2,
        max_length=LONGEST_REASON,
        help_text=_("It stands in the audit trail, line by line."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, county_id: int | None, day: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = Department.objects.filter(county=county_id).as_of(day).order_by("code")
        fields: Any = self.fields
        fields["lead"].queryset = units
        platforms = Platform.objects.order_by("position").values_list("code", "name")
        fields["platform"].choices = [("", STAYS), *platforms]

    def wanted(self) -> Wanted:
        """Return what lines are to say; only of a valid form."""
        said = self.cleaned_data
        return Wanted(
            lead=said["lead"].uid if said["lead"] else None,
            category=said["category"].strip() or None,
            platform=said["platform"] or None,
            urgency=said["urgency"] or None,
        )

    def blame(self, problem: Problem) -> None:
        """Say what the operation refused, at the field it is about."""
        for name, texts in problem.fields.items():
            self.add_error(name if name in self.fields else None, texts)
        if not problem.fields:
            self.add_error(None, str(problem))
