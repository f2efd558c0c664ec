"""What the register of overlapping matters is narrowed to, and an entry written by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.forms.amendments import Choices, set_choices
from mandates.forms.assessments import Blamed
from mandates.forms.drafts import PlainText
from mandates.models import Overlap
from mandates.operations.overlaps import NOTE_LENGTH, Written
from mandates.queries.overlaps import BETWEEN, Asked


class OverlapFilters(forms.Form):
    """Words, matter, department and between whom; the address of the page says all of it."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    matter = forms.ChoiceField(label=_("Matter"), required=False)
    department = forms.ChoiceField(label=_("Department"), required=False)
    between = forms.ChoiceField(
        label=_("Between"),
        required=False,
        choices=[
            ("", _("All parties")),
            *zip(BETWEEN, (_("Departments of the county"), _("County and township")), strict=True),
        ],
    )

    def offer(self, *, matters: Choices, departments: Choices) -> None:
        set_choices(self, "matter", [("", _("All matters")), *matters])
        set_choices(self, "department", [("", _("All departments")), *departments])

    def asked(self) -> Asked:
        """Return what is asked for; only of a valid form."""
        told = self.cleaned_data
        department = UUID(told["department"]) if told["department"] else None
        return Asked(told["q"], told["matter"], department, told["between"])


class OverlapForm(Blamed):
    """A dispute settled outside calls."""

    matter = forms.ChoiceField(label=_("Matter"), required=False)
    title = PlainText(label=_("What was in dispute"), max_length=200)
    departments = forms.MultipleChoiceField(
        label=_("County departments"), widget=forms.CheckboxSelectMultiple
    )
    townships = forms.MultipleChoiceField(
        label=_("Townships"), required=False, widget=forms.CheckboxSelectMultiple
    )
    dispute = PlainText(
        label=_("Dispute"), max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 4})
    )
    ruling = PlainText(
        label=_("Ruling"), max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 4})
    )
    ruled_by = PlainText(label=_("Who ruled"), max_length=100)
    document_no = PlainText(label=_("Document number"), max_length=60, required=False)
    ruled_on = forms.DateField(
        label=_("Date of the ruling"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )

    def offer(self, *, matters: Choices, departments: Choices, townships: Choices) -> None:
        set_choices(self, "matter", [("", _("No matter of the list")), *matters])
        set_choices(self, "departments", departments)
        set_choices(self, "townships", townships)

    def written(self, replaces: UUID | None) -> Written:
        """Return the entry; only of a valid form."""
        told: dict[str, Any] = {name: self.cleaned_data[name] for name in self.fields}
        for name in ("departments", "townships"):
            told[name] = [UUID(uid) for uid in told[name]]
        return Written(**told, replaces=replaces)


def as_form(one: Overlap) -> dict[str, Any]:
    """Return an entry as the form that replaces it begins."""
    names = ("title", "dispute", "ruling", "ruled_by", "document_no")
    parties = list(one.parties.all())
    return {
        **{name: getattr(one, name) for name in names},
        "matter": one.matter.code if one.matter else "",
        "ruled_on": one.ruled_on,
        "departments": [str(p.department.uid) for p in parties if p.department],
        "townships": [str(p.area.uid) for p in parties if p.area],
    }
