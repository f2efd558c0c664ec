"""What the list of proposals is narrowed to, a proposal by hand, and the change that is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Problem
from mandates.forms.assessments import BETWEEN, Blamed
from mandates.forms.drafts import PlainText
from mandates.models import Entry, LineChange, Matter, ProposalOrigin, ProposalState, Urgency
from mandates.operations.amending import BY_HAND, NOTE_LENGTH, Line, Written
from mandates.operations.lists import LONGEST_REASON
from mandates.queries.amending import Asked, mark

Choices = Sequence[tuple[str, str]]
SPARE = 3  # empty rows for assisting departments


class ProposalFilters(forms.Form):
    """Words, origin, state and matter; the address of the page says all of it."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    origin = forms.ChoiceField(
        label=_("Origin"),
        required=False,
        choices=[("", _("All origins")), *ProposalOrigin.choices],
    )
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All states")), *ProposalState.choices]
    )
    matter = forms.ChoiceField(label=_("Matter"), required=False)

    def offer(self, matters: Choices) -> None:
        set_choices(self, "matter", [("", _("All matters")), *matters])

    def asked(self) -> Asked:
        """Return what is asked for; only of a valid form."""
        return Asked(**{name: self.cleaned_data[name] for name in self.fields})


class ProposalForm(Blamed):
    """A proposal that somebody writes down."""

    origin = forms.ChoiceField(
        label=_("Origin"),
        choices=[(one.value, one.label) for one in BY_HAND],
        help_text=_("A change of the law is named by law and article."),
    )
    matter = forms.ChoiceField(
        label=_("Matter"), required=False, help_text=_("None: something that is on no list.")
    )
    title = PlainText(label=_("Title"), max_length=200)
    law = PlainText(label=_("Law"), max_length=100, required=False)
    article = PlainText(label=_("Article"), max_length=60, required=False)
    wanted = PlainText(
        label=_("What is proposed, and why"),
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    numbers = PlainText(
        label=_("Numbers of calls it rests on"),
        help_text=_("One a line, at most 50; each counts once for every origin."),
        max_length=3000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_numbers(self) -> list[str]:
        return [text for text in BETWEEN.split(self.cleaned_data["numbers"]) if text]

    def offer(self, matters: Choices) -> None:
        set_choices(self, "matter", [("", _("No matter of the list")), *matters])

    def written(self) -> Written:
        """Return the proposal; only of a valid form."""
        return Written(**{name: self.cleaned_data[name] for name in self.fields})


class ReasonForm(Blamed):
    """Why the list stays as it is."""

    reason = PlainText(
        label=_("Reason for the decision"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ChangeForm(forms.Form):
    """Which change is to be written: of which line, or a new one."""

    change = forms.ChoiceField(label=_("What becomes of the list"), choices=LineChange.choices)
    matter = forms.ChoiceField(label=_("Line"), required=False)

    def offer(self, matters: Choices) -> None:
        set_choices(self, "matter", [("", _("A new matter")), *matters])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("change") == LineChange.ADD:
            cleaned["matter"] = ""
        elif "matter" in cleaned and not cleaned["matter"]:
            self.add_error("matter", _("Choose the line."))
        return cleaned


class LineForm(ReasonForm):
    """A line as it is to read, with the reason of the decision; of one taken out the reason alone."""

    seen = forms.CharField(max_length=32, required=False, widget=forms.HiddenInput)
    code = PlainText(
        label=_("Code of the new matter"), max_length=Matter._meta.get_field("code").max_length
    )
    category = PlainText(label=_("Category"), max_length=40)
    name = PlainText(label=_("Name"), max_length=100)
    lead = forms.ChoiceField(label=_("Lead department"))
    department_duty = PlainText(
        label=_("Duty of the county department"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    township_duty = PlainText(
        label=_("Duty of the township"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    platform = forms.ChoiceField(label=_("Owner platform"), required=False)
    urgency = forms.ChoiceField(label=_("Usual urgency"), choices=Urgency.choices)
    legal_basis = PlainText(
        label=_("Legal basis"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(
        self,
        *args: Any,
        change: str,
        standing: Entry | None,
        units: Choices = (),
        platforms: Choices = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{"initial": _initial(standing) if standing else {}, **kwargs})
        self.change, self.standing = change, standing
        taken = list(standing.assists.all()) if standing else []
        self.rows = len(taken) + SPARE
        blank = [("", _("None")), *units]
        set_choices(self, "lead", [("", _("Choose")), *units])
        set_choices(self, "platform", [("", _("None")), *platforms])
        for n in range(self.rows):
            one = taken[n] if n < len(taken) else None
            self.fields[f"assist_{n}"] = forms.ChoiceField(
                label=_("Assisting department"),
                required=False,
                choices=blank,
                initial=str(one.department.uid) if one else "",
            )
            self.fields[f"duty_{n}"] = PlainText(
                label=_("Its duty"), max_length=300, required=False, initial=one.duty if one else ""
            )
        if standing is not None:
            del self.fields["code"]
        if change == LineChange.REMOVE:
            self.fields = {name: self.fields[name] for name in ("seen", "reason")}

    def assist_rows(self) -> list[list[forms.BoundField]]:
        """Return the two fields of each assisting department."""
        if self.change == LineChange.REMOVE:
            return []
        return [[self[f"assist_{n}"], self[f"duty_{n}"]] for n in range(self.rows)]

    def line(self) -> Line:
        """Return the line as it is to read; only of a valid form."""
        told = self.cleaned_data
        code = self.standing.matter.code if self.standing else told["code"]
        if self.change == LineChange.REMOVE:
            return Line(self.change, code, told["seen"])
        parts = [(told[f"assist_{n}"], told[f"duty_{n}"]) for n in range(self.rows)]
        texts = ("category", "name", "platform", "urgency", "department_duty", "township_duty")
        return Line(
            self.change, code, told["seen"], lead=UUID(told["lead"]),
            legal_basis=told["legal_basis"],
            assists=[(UUID(uid), duty) for uid, duty in parts if uid],
            **{name: told[name] for name in texts},
        )  # fmt: skip

    def blame(self, problem: Problem) -> None:
        """What is wrong with the assisting departments stands at the first of them."""
        fields = dict(problem.fields)
        if "assists" in fields and "assist_0" in self.fields:
            fields["assist_0"] = fields.pop("assists")
        super().blame(Problem(problem.detail, code=problem.code, fields=fields))


def _initial(entry: Entry) -> dict[str, Any]:
    names = (*("category", "name", "urgency", "department_duty", "township_duty", "legal_basis"),)
    return {
        **{name: getattr(entry, name) for name in names},
        "lead": str(entry.lead.uid) if entry.lead else "",
        "platform": entry.platform.code if entry.platform else "",
        "seen": mark(entry),
    }


def set_choices(form: forms.Form, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
    """Let a field choose among these."""
    field: Any = form.fields[name]
    field.choices = choices
