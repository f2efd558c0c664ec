"""The forms of the burden register: what is entered, what is decided, and the list's filter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.workflow import Move
from mandates.forms.assessments import Blamed
from mandates.forms.drafts import PlainText
from mandates.models import BurdenState
from mandates.models.burdens import BurdenCycle, BurdenKind, BurdenLevel
from mandates.operations.burdens import BASIS_LENGTH, NOTE_LENGTH, Decided, Written
from mandates.queries.burdens import ABOVE, BEARING, Asked
from townships.models import Department, Township

Choices = Iterable[tuple[UUID, str]]


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class BurdenForm(Blamed):
    """A burden as it is entered: one that is there (``found``), or a new one."""

    title = PlainText(label=pgettext_lazy("a burden", "Title"), max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), choices=BurdenKind.choices)
    cycle = forms.ChoiceField(label=_("Cycle"), choices=BurdenCycle.choices, initial="year")
    level = forms.ChoiceField(
        label=_("Level it comes from"), choices=BurdenLevel.choices, initial="county"
    )
    department = forms.ChoiceField(label=_("Department that imposes it"), required=False)
    imposed_by = PlainText(label=_("Or a body above the county"), max_length=100, required=False)
    basis = PlainText(
        label=_("Basis"), max_length=BASIS_LENGTH, required=False,
        help_text=_("Document with its number, or law and article."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    since = forms.DateField(label=_("In force since"), required=False, widget=_day())
    townships = forms.MultipleChoiceField(
        label=_("Townships that bear it"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all of the county."),
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        departments: Iterable[Department],
        townships: Iterable[Township],
        is_found: bool,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.is_found = is_found
        chosen: Any = self.fields["department"]
        chosen.choices = [("", "—"), *((str(one.uid), one.name) for one in departments)]
        chosen = self.fields["townships"]
        chosen.choices = [(str(one.uid), one.name) for one in townships]
        self.fields["basis"].required = not is_found
        if is_found:
            self.fields["since"].required = True
        else:
            del self.fields["since"]

    def written(self) -> Written:
        """Return what was written; only of a valid form."""
        told = self.cleaned_data
        named = {
            "department": UUID(told["department"]) if told["department"] else None,
            "townships": [UUID(text) for text in told["townships"]],
        }
        return Written(**{**told, **named}, is_found=self.is_found)


class DecisionForm(Blamed):
    """What comes with one move of a burden."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, move: Move, others: Choices = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.move = move
        asked, needs = (*move.needs, *move.takes), move.needs
        if "into" in asked:
            choices = [("", "—"), *((str(uid), text) for uid, text in others)]
            self.fields["into"] = forms.ChoiceField(label=_("Merged into"), choices=choices)
        if "document_no" in asked:
            self.fields["document_no"] = PlainText(
                label=_("Document number of the decision"), max_length=60,
                required="document_no" in needs,
            )  # fmt: skip
        if "day" in asked:
            first = move.to == BurdenState.IN_FORCE
            label = _("In force from") if first else _("No longer in force from")
            self.fields["day"] = forms.DateField(label=label, widget=_day())
        self.fields["note"] = PlainText(
            label=_("Reason") if "note" in needs else _("Note"), max_length=NOTE_LENGTH,
            required="note" in needs, widget=forms.Textarea(attrs={"rows": 3}),
        )  # fmt: skip

    def decided(self) -> Decided:
        """Return what was filled in; only of a valid form."""
        told = self.cleaned_data
        return Decided(
            told["note"], told.get("document_no", ""), told.get("day"),
            UUID(told["into"]) if told.get("into") else None,
        )  # fmt: skip


class BurdenFilters(forms.Form):
    """Words, state, kind, origin, a day on which it held."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    state = forms.ChoiceField(
        label=_("state"),
        required=False,
        choices=[
            ("", _("All states")),
            (BEARING, pgettext_lazy("burdens", "Borne now")),
            *BurdenState.choices,
        ],
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All kinds")), *BurdenKind.choices]
    )
    department = forms.ChoiceField(label=_("Imposed by"), required=False)
    on = forms.DateField(label=_("In force on"), required=False, widget=_day())

    def __init__(self, *args: Any, departments: Iterable[Department], **more: Any) -> None:
        super().__init__(*args, **more)
        chosen: Any = self.fields["department"]
        chosen.choices = [
            ("", _("All departments")),
            (ABOVE, _("Bodies above the county")),
            *((str(one.uid), one.name) for one in departments),
        ]

    def asked(self) -> Asked:
        """Return what is asked for; only of a valid form."""
        told = self.cleaned_data
        unit = told["department"]
        return Asked(
            told["q"], told["state"], told["kind"], UUID(unit) if unit and unit != ABOVE else unit,
            told["on"],
        )  # fmt: skip
