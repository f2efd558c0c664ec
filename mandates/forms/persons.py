"""Forms of who asked for a call, of the search for a person, and of disposal."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.personal import Kind
from mandates.forms.assessments import Blamed
from mandates.forms.drafts import PlainText
from mandates.models import RetentionKind
from mandates.operations.callers import LONGEST
from mandates.operations.disposals import LONGEST as LONGEST_MONTHS

_UNREMEMBERED = {"autocomplete": "off", "spellcheck": "false"}


def _reason() -> PlainText:
    return PlainText(
        label=_("Reason"),
        max_length=LONGEST,
        help_text=_("It is kept with your name and the time, and supervisors can read it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RevealForm(Blamed):
    """Why somebody wants to see who asked."""

    reason = _reason()


class CallerForm(Blamed):
    """Who asked, as far as the call needs it."""

    name = PlainText(label=pgettext_lazy("of a person", "Name"), max_length=60, required=False,
                     widget=forms.TextInput(attrs=_UNREMEMBERED))  # fmt: skip
    phone = PlainText(label=_("Phone"), max_length=30, required=False,
                      widget=forms.TextInput(attrs={**_UNREMEMBERED, "inputmode": "tel"}))  # fmt: skip
    id_number = PlainText(label=_("ID card"), max_length=30, required=False,
                          widget=forms.TextInput(attrs=_UNREMEMBERED))  # fmt: skip
    address = PlainText(label=pgettext_lazy("of a person", "Address"), max_length=200, required=False,
                        widget=forms.TextInput(attrs=_UNREMEMBERED))  # fmt: skip


class PersonSearchForm(Blamed):
    """A number that one person has, and why it is searched for."""

    kind = forms.ChoiceField(
        label=_("Search by"),
        choices=[(Kind.PHONE.value, _("Phone")), (Kind.ID_NUMBER.value, _("ID card"))],
    )
    value = PlainText(label=pgettext_lazy("of a person", "Number"), max_length=30,
                      widget=forms.TextInput(attrs=_UNREMEMBERED))  # fmt: skip
    reason = _reason()


class OfficialForm(Blamed):
    """Whose file is asked for, in which form, and why."""

    username = PlainText(label=_("User name of an official"), max_length=60,
                         widget=forms.TextInput(attrs=_UNREMEMBERED))  # fmt: skip
    form = forms.ChoiceField(label=_("As"), choices=[("xlsx", "Excel"), ("json", "JSON")])
    reason = _reason()


class RuleForm(Blamed):
    """How long something is kept, and which document says so."""

    kind = forms.ChoiceField(label=_("What is kept"), choices=RetentionKind.choices)
    months = forms.IntegerField(label=_("Months"), min_value=1, max_value=LONGEST_MONTHS)
    basis = PlainText(label=_("By which document"), max_length=200)


class DecideForm(Blamed):
    """Whether what was proposed goes; why not, where it stays."""

    agrees = forms.ChoiceField(
        label=_("Decision"),
        choices=[("yes", _("Dispose of them")), ("no", _("Keep them"))],
        widget=forms.RadioSelect,
    )
    note = PlainText(label=_("Note"), max_length=300, required=False)
