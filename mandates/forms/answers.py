"""The form of a standard answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Problem
from mandates.forms.drafts import PlainText
from mandates.models.answers import ANSWER_LENGTH
from mandates.operations.answers import NAME_LENGTH


class AnswerForm(forms.Form):
    """A text of the unit: what it is for, and what it says."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    move = forms.ChoiceField(label=_("What it is for"))
    matter = forms.ChoiceField(
        label=_("Matter"), required=False, help_text=_("For calls about this matter alone.")
    )
    text = PlainText(
        label=_("Text"), max_length=ANSWER_LENGTH, widget=forms.Textarea(attrs={"rows": 8})
    )

    def __init__(
        self,
        *args: Any,
        moves: Sequence[tuple[str, Any]],
        matters: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["move"].choices = moves
        fields["matter"].choices = [("", _("All matters")), *matters]

    def blame(self, problem: Problem) -> None:
        """Show why it was refused, at the fields it is about."""
        for name, text in problem.fields.items():
            self.add_error(name, str(text))
        if not problem.fields:
            self.add_error(None, str(problem.detail))
