"""Forms of powers: what is looked for, and one form for each step of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from mandates.forms.assessments import Blamed
from mandates.forms.console import CountyForm
from mandates.forms.drafts import PlainText
from mandates.models import Criterion, EvaluationOutcome, Matter, PowerKind, PowerMode
from mandates.models.powers import HIGHEST
from mandates.operations.empowering import Capability, Draft, Published
from mandates.operations.granting import TakeBack
from mandates.queries.empowerment import Asked

Choices = Sequence[tuple[Any, Any]]


def _day(label: Any, *, required: bool = True, help_text: Any = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=required, widget=widget, help_text=help_text)


def _line(label: Any, *, longest: int = 300, required: bool = True, help_text: Any = "") -> Any:
    return PlainText(label=label, max_length=longest, required=required, help_text=help_text)


def _text(label: Any, *, longest: int = 2000, required: bool = True, help_text: Any = "") -> Any:
    return PlainText(
        label=label, max_length=longest, required=required, help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


def _many(label: Any, *, help_text: Any = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, required=False, help_text=help_text, widget=forms.CheckboxSelectMultiple
    )


def offer(form: forms.Form, **choices: Choices) -> None:
    """Offer choices in some fields of a form."""
    for name, known in choices.items():
        form.fields[name].choices = list(known)  # type: ignore[attr-defined]


def uids(texts: Sequence[str]) -> list[UUID]:
    return [UUID(text) for text in texts]


class PowerFilters(forms.Form):
    """What the catalogue is narrowed to; the address of the page says all of it."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    field = forms.ChoiceField(label=_("Field of work"), required=False)
    department = forms.ChoiceField(label=_("Department"), required=False)
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All kinds")), *PowerKind.choices]
    )
    mode = forms.ChoiceField(
        label=_("In force by"), required=False, choices=[("", _("All")), *PowerMode.choices]
    )
    township = forms.ChoiceField(label=_("Held by township"), required=False)

    def asked(self) -> Asked:
        """Return what is asked for; only of a valid form."""
        told = dict(self.cleaned_data)
        for name in ("department", "township"):
            told[name] = UUID(told[name]) if told.get(name) else None
        return Asked(**told)


class AskForm(forms.Form):
    """May this township do this, on this day?"""

    township = forms.ChoiceField(label=_("Township"))
    item = forms.CharField(
        label=_("Act"), max_length=100, help_text=_("Code of the item, or words of the act.")
    )
    on = _day(pgettext_lazy("a date", "Day"))
    opened = _day(
        _("Case opened on"),
        required=False,
        help_text=_(
            "Empty for a new case. A case opened before a matter was taken back is finished."
        ),
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("opened") and told.get("on") and told["opened"] > told["on"]:
            self.add_error("opened", _("The case cannot be opened after the day asked about."))
        return told


class ScoreForm(Blamed):
    """Points and a reason for each of the four criteria."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in Criterion:
            self.fields[f"{one}_score"] = forms.IntegerField(
                label=one.label, min_value=0, max_value=HIGHEST, help_text=_("0 to 5")
            )
            self.fields[f"{one}_reason"] = _line(_("Reason"))

    def pairs(self) -> list[Any]:
        return [(self[f"{one}_score"], self[f"{one}_reason"]) for one in Criterion]

    def given(self) -> dict[str, tuple[int, str]]:
        told = self.cleaned_data
        return {one.value: (told[f"{one}_score"], told[f"{one}_reason"]) for one in Criterion}


class BatchForm(Blamed):
    """A new batch."""

    title = _line(_("Title"), longest=100)
    mode = forms.ChoiceField(
        label=_("Mode"), choices=PowerMode.choices, widget=forms.RadioSelect,
        help_text=_("Empowerment: in the township's own name. Entrustment: in the department's name."),
    )  # fmt: skip
    giver = forms.ChoiceField(
        label=_("Who hands it over"), required=False,
        help_text=_("For an entrustment, the department whose power it is."),
    )  # fmt: skip
    powers = _text(
        _("Powers and boundaries"), help_text=_("What the township does, what stays with the department.")
    )  # fmt: skip
    basis = _line(_("Basis"), required=False)
    decision = _line(
        _("Decision of the province"), longest=200, required=False,
        help_text=_("Needed for empowerment: title and document number."),
    )  # fmt: skip
    valid_from = _day(_("In force from"))
    valid_to = _day(
        _("In force until"), required=False, help_text=_("The first day after it; needed for an entrustment.")
    )  # fmt: skip

    def given(self) -> Draft:
        told = dict(self.cleaned_data)
        told["giver"] = UUID(told["giver"]) if told["giver"] else None
        return Draft(**told)


class ChooseForm(Blamed):
    items = _many(_("Items"))
    townships = _many(_("Townships"))


class CheckForm(Blamed):
    """承接能力核查, for one or several townships with the same finding."""

    townships = _many(_("Townships"))
    officers = forms.IntegerField(
        label=_("Officers with certificates"), min_value=0, max_value=999, help_text=_("persons")
    )
    cases = forms.IntegerField(label=_("Cases a year expected"), min_value=0, max_value=99999)
    equipment = _line(_("Equipment"))
    training = _line(_("Training"))
    passed = forms.ChoiceField(
        label=_("Finding"), choices=[("1", _("Can take it on")), ("0", _("Cannot take it on yet"))]
    )
    note = _line(_("Remark"), required=False)

    def given(self) -> Capability:
        told = self.cleaned_data
        return Capability(
            officers=told["officers"], equipment=told["equipment"], training=told["training"],
            cases=told["cases"], passed=told["passed"] == "1", note=told["note"],
        )  # fmt: skip


class _Sides(Blamed):
    """One day for all townships; who differs has a field of its own (``parts``: uid, name)."""

    def __init__(self, *args: Any, parts: Choices = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts = [str(uid) for uid, _name in parts]
        for uid, name in parts:
            self.fields[f"on_{uid}"] = _day(name, required=False)

    def others(self) -> list[Any]:
        return [self[f"on_{uid}"] for uid in self.parts]

    def days(self) -> dict[UUID, date | None]:
        told = self.cleaned_data
        return {UUID(uid): told[f"on_{uid}"] or told["all_on"] for uid in self.parts}


class AgreeForm(_Sides):
    giver_on = _day(_("Sealed by who hands it over"))
    all_on = _day(_("Sealed by the townships"), required=False)


class ApproveForm(Blamed):
    document_no = _line(_("Document number"), longest=60)


class PublishForm(_Sides):
    giver_on = _day(_("Published by who hands it over"))
    giver_in = _line(_("Where it was published"), longest=200)
    all_on = _day(_("Published by the townships"), required=False)
    all_in = _line(_("Where the townships published it"), longest=200, required=False)

    def giver(self) -> Published:
        return Published(self.cleaned_data["giver_on"], self.cleaned_data["giver_in"])

    def takers(self) -> dict[UUID, Published]:
        where = self.cleaned_data["all_in"]
        return {uid: Published(day, where) for uid, day in self.days().items()}


class ConfirmForm(Blamed):
    note = _line(_("Remark"), required=False)


class EndForm(Blamed):
    """Taking back: from when, why, by which document, and when the township was told."""

    on = _day(_("From"))
    notified_on = _day(_("Township told on"))
    document_no = _line(_("Document number"), longest=60)
    reason = _line(_("Reason"))

    def given(self) -> TakeBack:
        told = self.cleaned_data
        return TakeBack(told["on"], told["reason"], told["document_no"], told["notified_on"])


class TakeBackForm(EndForm):
    grants = _many(_("What is taken back"))


class EvaluateForm(Blamed):
    grants = _many(_("What is evaluated"))
    outcome = forms.ChoiceField(label=_("Outcome"), choices=EvaluationOutcome.choices)
    cases = forms.IntegerField(label=_("Cases handled"), min_value=0, max_value=99999)
    finding = _line(_("Finding"))


class SwapForm(Blamed):
    outs = _many(_("Given back"))
    ins = _many(_("Taken on instead"), help_text=_("As many as are given back."))
    reason = _line(_("Reason"))


class DecideForm(Blamed):
    approved = forms.ChoiceField(
        label=_("Decision"), choices=[("1", _("Approve")), ("0", _("Refuse"))]
    )
    on = _day(_("From"), required=False)
    document_no = _line(_("Document number"), longest=60, required=False)
    decision = _line(_("Reason for the decision"), required=False)


class PowerItemForm(CountyForm):
    """A power in the console; the matter it serves is named by its code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "matter" in self.fields:
            rows = Matter.objects.routing().filter(county=self.instance.county_id)
            self.fields["matter"] = forms.ModelChoiceField(
                label=_("matter of the list"),
                queryset=rows,
                to_field_name="code",
                required=False,
                widget=forms.TextInput,
                help_text=_(
                    "The code of the matter. Once the superior takes that back, no new case is begun "
                    "by this power."
                ),
                error_messages={"invalid_choice": _("The county's list has no such matter.")},
            )
            self.initial["matter"] = self.instance.matter and self.instance.matter.code
