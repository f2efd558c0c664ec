"""The second person's word on a version that is to be published."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.forms.assessments import Blamed
from mandates.forms.drafts import PlainText
from mandates.operations.lists import LONGEST_REASON


class ConfirmForm(Blamed):
    """It is published as it was proposed, for good."""

    note = PlainText(label=_("Note"), max_length=LONGEST_REASON, required=False)
    checked = forms.BooleanField(
        label=_("I have checked the draft. Once published it can no longer be changed."),
        label_suffix="",
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        cleaned.pop("checked", None)
        return cleaned


class DeclineForm(Blamed):
    """Why it is not published like this."""

    reason = PlainText(label=_("Reason"), min_length=2, max_length=LONGEST_REASON)
