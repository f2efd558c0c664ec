"""The cells of a line of a draft, as they are sent from the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Problem
from mandates.forms.drafts import PlainText
from mandates.models import Entry, Matter, Urgency
from mandates.operations.draft_lines import Cells, longest_of
from mandates.operations.lists import LONGEST_REASON
from mandates.queries import draft_lines

MOST_LIMITS = 1000  # characters


class OpenDraftForm(forms.Form):
    """Why a draft is opened: it stands in the audit trail."""

    reason = PlainText(
        label=_("Reason of this change"),
        min_length=2,
        max_length=LONGEST_REASON,
        help_text=_("For example the document that asks for it."),
    )


class GridFilters(forms.Form):
    """Words and category; the address of the page says both."""

    q = PlainText(label=_("Words"), max_length=100, required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)

    def offer(self, categories: Sequence[str]) -> None:
        field: Any = self.fields["category"]
        field.choices = [("", _("All categories")), *((one, one) for one in categories)]


class LineForm(forms.Form):
    """One line of a draft as the grid shows it; ``seen`` names what it said when it was read.

    What the cells may say is the operation's to judge: here it is only read.
    """

    use_required_attribute = False

    seen = forms.CharField(max_length=32, required=False, widget=forms.HiddenInput)
    code = PlainText(label=_("code"), max_length=longest_of(Matter, "code"), required=False)
    name = PlainText(label=_("Name"), max_length=longest_of(Entry, "name"), required=False)
    category = PlainText(
        label=_("Category"), max_length=longest_of(Entry, "category"), required=False
    )
    lead = forms.UUIDField(label=_("Lead department"), required=False)
    department_duty = PlainText(label=_("duty of the county department"), required=False)
    township_duty = PlainText(label=_("duty of the township"), required=False)
    platform = PlainText(label=_("Owner platform"), required=False)
    urgency = forms.ChoiceField(
        label=_("Usual urgency"), choices=Urgency.choices, initial=Urgency.GENERAL
    )
    limits = PlainText(label=_("Limits of its own"), max_length=MOST_LIMITS, required=False)
    legal_basis = PlainText(label=_("Legal basis"), required=False)

    @classmethod
    def shown(cls, entry: Entry | None) -> LineForm:
        """Return the form of a line as it stands; an empty one for a line to be."""
        if entry is None:
            return cls(auto_id="new-%s")
        said = {**draft_lines.cells(entry), "seen": draft_lines.mark(entry)}
        return cls(initial=said, auto_id=f"{entry.uid}-%s")

    def cells(self) -> Cells:
        """Return what the line is to say; only of a valid form."""
        return Cells(**{name: value for name, value in self.cleaned_data.items() if name != "seen"})

    def blame(self, problem: Problem) -> None:
        """Say what the operation refused, at the cells it is about."""
        for name, texts in problem.fields.items():
            self.add_error(name if name in self.fields else None, texts)
        if not problem.fields:
            self.add_error(None, str(problem))

    def controls(self) -> Iterator[forms.BoundField]:
        """Yield the cells in their order."""
        return (bound for bound in self if not bound.is_hidden)
