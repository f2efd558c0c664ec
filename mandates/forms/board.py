"""The filter row over a board. What a filter means stands in `queries.boards`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

Choices = Iterable[tuple[Any, Any]]


class BoardForm(forms.Form):
    """Shows the conditions of the address; a condition nobody may choose is left out."""

    county = forms.ChoiceField(label=_("County"), required=False)
    township = forms.ChoiceField(label=_("Township"), required=False)
    department = forms.ChoiceField(label=_("Lead department"), required=False)
    matter = forms.ChoiceField(label=_("Matter"), required=False)
    urgency = forms.ChoiceField(label=_("Urgency"), required=False)
    origin = forms.ChoiceField(label=_("Origin"), required=False)

    def __init__(
        self,
        *args: Any,
        counties: Choices = (),
        townships: Choices = (),
        departments: Choices = (),
        matters: Choices = (),
        urgencies: Choices = (),
        origins: Choices = (),
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("auto_id", "board_%s")
        super().__init__(*args, **kwargs)
        known = {
            "county": counties,
            "township": townships,
            "department": departments,
            "matter": matters,
            "urgency": urgencies,
            "origin": origins,
        }
        for name, choices in known.items():
            rows = [(str(key), label) for key, label in choices]
            if rows:
                self.fields[name].choices = [("", _("All")), *rows]  # type: ignore[attr-defined]
            else:
                del self.fields[name]
