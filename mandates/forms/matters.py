"""What the list of matters is narrowed to; the address of the page says all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.display import ON_PAPER, day_text
from mandates.forms.drafts import PlainText
from mandates.models import DutyList, ListVersion
from mandates.queries.differences import Sort


class MatterFilters(forms.Form):
    """Words, category, lead department, and the day whose version is asked for."""

    list = forms.ChoiceField(label=_("List"), required=False)
    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    category = forms.CharField(
        label=_("Category"), max_length=40, required=False, widget=forms.HiddenInput
    )
    department = forms.ChoiceField(label=_("Lead"), required=False)
    law = PlainText(
        label=_("Law, article"),
        max_length=100,
        required=False,
        widget=forms.TextInput(
            attrs={"placeholder": _("《Title》 Article 16, or a document number")}
        ),
    )
    day = forms.DateField(
        label=_("Version in force on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    county = forms.UUIDField(widget=forms.HiddenInput, required=False)
    field_order = ("list", "q", "category", "department", "law", "day", "county")

    def narrow(
        self, *, departments: Sequence[tuple[str, str]], lists: Sequence[DutyList] = ()
    ) -> None:
        """Offer the departments that lead in the version, and the lists that a county has."""
        fields: dict[str, Any] = self.fields
        fields["department"].choices = [("", _("All departments")), *departments]
        fields["list"].choices = [
            ("", _("The list that calls go by")),
            *((str(one.uid), one.name) for one in lists if not one.routes),
        ]
        if len(fields["list"].choices) == 1:
            del fields["list"]


class TakeBackForm(forms.Form):
    """From which day the superior department does a matter itself, and by which document."""

    day = forms.DateField(
        label=_("taken back from"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=_(
            "From this day on nothing new is begun under it; what is open ends as it began."
        ),
    )
    document_no = PlainText(label=_("document number"), max_length=100)


class GiveBackForm(forms.Form):
    """Why a matter is the county's again."""

    reason = PlainText(label=_("Reason or document"), max_length=100)


class CompareForm(forms.Form):
    """Which two versions of a list are compared."""

    before = forms.ChoiceField(label=_("Earlier version"), required=False)
    after = forms.ChoiceField(label=_("Later version"), required=False)
    matter = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)
    sort = forms.ChoiceField(
        choices=[("", ""), *((sort.value, sort.value) for sort in Sort)],
        required=False,
        widget=forms.HiddenInput,
    )

    def offer(
        self,
        versions: Sequence[ListVersion],
        *,
        before: ListVersion | None,
        after: ListVersion | None,
    ) -> None:
        """Offer the versions of a list, with those chosen marked, also where none was asked for."""
        choices = [(str(one.uid), _version_text(one)) for one in versions]
        told = self.data.copy()  # type: ignore[attr-defined]
        for name, chosen in (("before", before), ("after", after)):
            field: Any = self.fields[name]
            field.choices = choices
            told[name] = str(chosen.uid) if chosen else ""
        self.data = told


def _version_text(version: ListVersion) -> str:
    if version.valid_from is None:
        return gettext("Version %(n)d, draft") % {"n": version.number}
    return gettext("Version %(n)d, from %(day)s") % {
        "n": version.number,
        "day": day_text(version.valid_from, today=ON_PAPER.date()),
    }
