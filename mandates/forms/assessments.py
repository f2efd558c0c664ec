"""The forms of assessments: which period, which calls should not count, and the decision."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Problem
from mandates.forms.drafts import PlainText

BETWEEN = re.compile(r"[\s,，、;；]+")


class Blamed(forms.Form):
    """Shows what an operation refuses at the fields it is about."""

    def blame(self, problem: Problem) -> None:
        named = {name: text for name, text in problem.fields.items() if name in self.fields}
        for name, text in named.items():
            self.add_error(name, str(text))
        if not named:
            self.add_error(None, str(problem.detail))


class PreviewForm(Blamed):
    """Which scheme over which period."""

    scheme = forms.ChoiceField(label=_("Scheme"))
    during = forms.CharField(
        label=_("Period"),
        max_length=10,
        help_text=_("Written like 2026-03, 2026-Q1 or 2026; it must be over."),
    )

    def __init__(self, *args: Any, schemes: Any = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scheme"].choices = [(str(one.uid), str(one)) for one in schemes]  # type: ignore[attr-defined]


class AppealForm(Blamed):
    """Calls by number, and why they should not count."""

    numbers = PlainText(
        label=_("Numbers of the calls"),
        help_text=_("One a line. Only calls of your unit; at most 50."),
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    reason = PlainText(
        label=_("Why they should not count"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_numbers(self) -> list[str]:
        return [text for text in BETWEEN.split(self.cleaned_data["numbers"]) if text]


class DecisionForm(Blamed):
    """Which of the calls no longer count, and why; none of them rejects the appeal."""

    upheld = forms.MultipleChoiceField(
        label=_("These calls do not count in this assessment"),
        help_text=_("None of them rejects the appeal."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    reason = PlainText(
        label=_("Reason for the decision"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, numbers: Any = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upheld"].choices = [(one, one) for one in numbers]  # type: ignore[attr-defined]
