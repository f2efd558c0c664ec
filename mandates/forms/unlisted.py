"""The forms of unlisted tasks: what was asked, what is decided, and the list's filter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.errors import Problem
from common.workflow import Move
from mandates.forms.assessments import Blamed
from mandates.forms.drafts import PlainText
from mandates.models import UnlistedState
from mandates.models.unlisted import AskedBy
from mandates.operations.unlisted import NOTE_LENGTH, TEXT_LENGTH, Decided, Recorded
from mandates.queries.statistics.periods import Period
from mandates.queries.unlisted import UNLISTED, Asked
from townships.models import Department

Choices = Iterable[tuple[UUID, str]]


class TaskForm(Blamed):
    """A task as it came: from whom, how, what."""

    title = PlainText(label=_("Task in a few words"), max_length=100)
    what = PlainText(
        label=_("What is asked"), max_length=TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 4})
    )
    department = forms.ChoiceField(label=_("Department that asks, or that stands behind it"))
    in_name_of = PlainText(
        label=_("In the name of"), max_length=100, required=False,
        help_text=_("A working group or temporary body, if it asked in such a name."),
    )  # fmt: skip
    way = forms.ChoiceField(label=_("How it was asked"), choices=AskedBy.choices)
    document = PlainText(
        label=_("Document"), max_length=200, required=False, help_text=_("Title and number.")
    )
    received_on = forms.DateField(
        label=_("Received on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, departments: Iterable[Department], **more: Any) -> None:
        super().__init__(*args, **more)
        choices = [("", "—"), *((str(one.uid), one.name) for one in departments)]
        self.fields["department"].choices = choices  # type: ignore[attr-defined]

    def recorded(self) -> Recorded:
        """Return what was written; only of a valid form."""
        told = self.cleaned_data
        return Recorded(**{**told, "department": UUID(told["department"])})


class DecisionForm(Blamed):
    """What comes with one move of a task."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        *args: Any,
        move: Move,
        entries: Choices = (),
        admissions: Choices = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.move = move
        offered = {"entry": entries, "admission": admissions}
        labels = {"entry": _("Line of the list that covers it"), "admission": _("Admission")}
        for name in (*move.needs, *move.takes):
            if name in offered:
                known = [(str(uid), text) for uid, text in offered[name]]
                self.fields[name] = forms.ChoiceField(
                    label=labels[name], choices=[("", "—"), *known],
                    help_text="" if known else _("There is none that concerns your township."),
                )  # fmt: skip
        needed = "note" in move.needs
        self.fields["note"] = PlainText(
            label=_("Reason") if needed else _("Note"), max_length=NOTE_LENGTH, required=needed,
            widget=forms.Textarea(attrs={"rows": 3}),
        )  # fmt: skip

    def decided(self) -> Decided:
        """Return what was filled in; only of a valid form."""
        told = self.cleaned_data
        named = {name: UUID(told[name]) for name in ("entry", "admission") if told.get(name)}
        return Decided(note=told["note"], **named)


class TaskFilters(forms.Form):
    """Words, state, department, period."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    state = forms.ChoiceField(
        label=_("state"),
        required=False,
        choices=[
            ("", _("All states")),
            (UNLISTED, pgettext_lazy("unlisted tasks", "On no list")),
            *UnlistedState.choices,
        ],
    )
    department = forms.ChoiceField(label=_("Department"), required=False)
    during = forms.CharField(
        label=_("Period"), max_length=10, required=False,
        widget=forms.TextInput(attrs={"placeholder": "2026-Q1"}),
    )  # fmt: skip

    def __init__(self, *args: Any, departments: Iterable[Department], **more: Any) -> None:
        super().__init__(*args, **more)
        choices = [("", _("All departments")), *((str(one.uid), one.name) for one in departments)]
        self.fields["department"].choices = choices  # type: ignore[attr-defined]

    def clean_during(self) -> Period | None:
        text = self.cleaned_data["during"].strip()
        try:
            return Period.parse(text) if text else None
        except Problem as problem:
            raise forms.ValidationError(str(problem.detail)) from problem

    def asked(self) -> Asked:
        """Return what is asked for; only of a valid form."""
        told = self.cleaned_data
        department = UUID(told["department"]) if told["department"] else None
        return Asked(told["q"], told["state"], department, told["during"])
