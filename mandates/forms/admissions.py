"""The forms of duty admission: the application, what comes with each move, and the list's filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.workflow import Move
from mandates.forms.assessments import Blamed
from mandates.forms.drafts import PlainText
from mandates.forms.moves import FileForm
from mandates.models import (
    Admission,
    AdmissionFileKind,
    AdmissionState,
    Evaluation,
    HandingMode,
    Verdict,
)
from mandates.models.admission_parts import FINDINGS, OPINIONS, VOTES
from mandates.models.admissions import PACKAGE
from mandates.operations.admission_drafts import TEXT_LENGTH, Written
from mandates.operations.admission_list import CODE_LENGTH
from mandates.operations.admission_work import Given
from mandates.operations.admitting import MINUTES_LENGTH, NOTE_LENGTH
from mandates.queries.admissions import Asked
from townships.models import Department, Township

VOTE = "vote_"
PACKAGE_HINTS = {
    "people": _("Posts, persons sent, hired helpers: how many to each township."),
    "money": _("How much, from which budget, for each year."),
    "equipment": _("Vehicles, devices, protective gear."),
    "training": _("Who trains whom, when."),
    "systems": _("Accounts, data, terminals."),
}
WHAT_THE_NOTE_IS = {
    "give_opinion": _("Conditions, or why we object"),
    "answer_objection": _("Answer"),
    "find_lawful": _("Basis, and what to observe"),
    "assess": _("What we find"),
    "evaluate": _("What was found"),
}


def _label(name: str) -> Any:
    return Admission.label_of(name)


def _line(name: str, *, required: bool = True, hint: Any = "") -> PlainText:
    longest = Admission.length_of(name)
    return PlainText(label=_label(name), max_length=longest, required=required, help_text=hint)


def _text(name: str, hint: Any = "") -> PlainText:
    return PlainText(
        label=_label(name), max_length=TEXT_LENGTH, help_text=hint,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class AdmissionForm(Blamed):
    """An application: the matter, the basis, the reason, for whom, and the resource package."""

    name = _line("name", hint=_("As it is to stand in the list."))
    category = _line("category")
    lead = forms.ChoiceField(label=_("Lead department"))
    legal_basis = _text("legal_basis", _("Law, article, document number."))
    reason = _text("reason", _("Why townships, and why now."))
    township_duty = _text("township_duty")
    department_duty = _text("department_duty", _("What stays with the department."))
    targets = forms.MultipleChoiceField(
        label=_("Townships it concerns"), widget=forms.CheckboxSelectMultiple
    )
    people = _line("people", required=False, hint=PACKAGE_HINTS["people"])
    money = _line("money", required=False, hint=PACKAGE_HINTS["money"])
    equipment = _line("equipment", required=False, hint=PACKAGE_HINTS["equipment"])
    training = _line("training", required=False, hint=PACKAGE_HINTS["training"])
    systems = _line("systems", required=False, hint=PACKAGE_HINTS["systems"])
    term = _line("term", required=False, hint=_("From when, for how long."))

    def __init__(
        self, *args: Any, departments: Iterable[Department], areas: Iterable[Township], **more: Any
    ) -> None:
        super().__init__(*args, **more)
        fields: dict[str, Any] = self.fields
        fields["lead"].choices = [("", "—"), *((str(one.uid), one.name) for one in departments)]
        fields["targets"].choices = [(str(one.uid), one.name) for one in areas]

    @property
    def package(self) -> list[Any]:
        """The fields of the resource package."""
        return [self[name] for name in (*PACKAGE, "term")]

    def written(self) -> Written:
        """Return what was written; only of a valid form."""
        told = dict(self.cleaned_data)
        targets = tuple(UUID(uid) for uid in told.pop("targets"))
        return Written(**{**told, "lead": UUID(told["lead"]), "targets": targets})


class MoveForm(Blamed):
    """What comes with one move; its fields follow from the move's row of the table."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        *args: Any,
        move: Move,
        townships: Iterable[Township] = (),
        entries: Iterable[tuple[UUID, str]] = (),
        members: Iterable[Department] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.move, self.members = move, list(members)
        offered = {
            "township": [(str(one.uid), one.name) for one in townships],
            "entry": [("", "—"), *((str(uid), name) for uid, name in entries)],
        }
        for name in (*move.needs, *move.takes):
            if name == "votes":
                self.fields |= {f"{VOTE}{unit.uid.hex}": _vote(unit) for unit in self.members}
            else:
                self.fields[name] = _field(name, move, offered)

    def blame(self, problem: Any) -> None:
        if "votes" in problem.fields and self.members:  # the votes have a field each
            first = f"{VOTE}{self.members[0].uid.hex}"
            problem.fields = {**problem.fields, first: problem.fields["votes"]}
        super().blame(problem)

    def given(self) -> Given:
        """Return what was filled in; only of a valid form."""
        told: Mapping[str, Any] = self.cleaned_data
        found = {name: told[name] for name in (*self.move.needs, *self.move.takes) if name in told}
        for name in ("township", "entry"):
            if name in found:
                found[name] = UUID(found[name]) if found[name] else None
        if "votes" in self.move.needs:
            found["votes"] = {unit.uid: told[f"{VOTE}{unit.uid.hex}"] for unit in self.members}
        return Given(**found)


def _vote(unit: Department) -> forms.ChoiceField:
    return forms.ChoiceField(label=unit.name, choices=_said(VOTES), widget=forms.RadioSelect)


def _said(verdicts: Iterable[Verdict]) -> list[tuple[str, Any]]:
    return [(one.value, one.label) for one in verdicts]


def _field(name: str, move: Move, offered: Mapping[str, Any]) -> forms.Field:
    needed = name in move.needs
    match name:
        case "verdict":
            choices = _said(OPINIONS if move.name == "give_opinion" else FINDINGS)
            return forms.ChoiceField(label=_("Opinion"), choices=choices, widget=forms.RadioSelect)
        case "mode":
            return forms.ChoiceField(
                label=_label("mode"), choices=HandingMode.choices, widget=forms.RadioSelect
            )
        case "outcome":
            return forms.ChoiceField(
                label=_("Conclusion"), choices=Evaluation.choices, widget=forms.RadioSelect,
                help_text=_("What is not kept is prepared in the draft of the list."),
            )  # fmt: skip
        case "township":
            return forms.ChoiceField(label=_("Township that objects"), choices=offered[name])
        case "entry":
            return forms.ChoiceField(
                label=_("Line of the list that covers it"), choices=offered[name], required=False
            )
        case "held_on":
            return forms.DateField(
                label=_label(name),
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            )
        case "minutes":
            return PlainText(
                label=_label(name), max_length=MINUTES_LENGTH,
                widget=forms.Textarea(attrs={"rows": 6}),
            )  # fmt: skip
        case "code":
            return PlainText(
                label=_("code of the matter"), max_length=CODE_LENGTH,
                help_text=_("As it is to stand in the list; a draft is opened if there is none."),
            )  # fmt: skip
        case "document_no" | "filing_no":
            return _line(name, required=needed)
    return PlainText(
        label=WHAT_THE_NOTE_IS.get(move.name, _("Reason") if needed else _("Note")),
        max_length=NOTE_LENGTH, required=needed, widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class AdmissionFilters(forms.Form):
    """Words and step."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    state = forms.ChoiceField(
        label=pgettext_lazy("duty admission", "Step"),
        required=False,
        choices=[("", _("All steps")), *AdmissionState.choices],
    )

    def asked(self, show: str) -> Asked:
        """Return what is asked for; only of a valid form."""
        return Asked(self.cleaned_data["q"], self.cleaned_data["state"], show)


class AdmissionFilesForm(FileForm):
    """Documents, and which step of the way they belong to."""

    kind = forms.ChoiceField(label=_("Belongs to"))

    def __init__(self, *args: Any, kinds: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["kind"]
        field.choices = [(one.value, one.label) for one in AdmissionFileKind if one in kinds]
        field.initial = kinds[-1]
