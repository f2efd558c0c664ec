"""The filter row over the list of calls. What a filter means stands in `queries.call_list`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mandates.models import CallState
from mandates.operations.filters import NAME_LENGTH
from mandates.queries.call_filters import LONGEST_WORDS

Choices = Iterable[tuple[Any, Any]]


class PlainSelect(forms.Select):
    """A select whose options are written in one go: Django renders a template for each of them."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        shown = self.get_context(name, value, attrs)["widget"]
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (option["value"], flatatt(option["attrs"]), option["label"])
                for _name, group, _index in shown["optgroups"]
                for option in group
            ),
        )
        attributes = flatatt(shown["attrs"])
        return format_html('<select name="{}"{}>{}</select>', name, attributes, options)


class FilterForm(forms.Form):
    """Shows the conditions of the address; a condition nobody may choose is left out."""

    q = forms.CharField(
        label=_("Words"),
        required=False,
        max_length=LONGEST_WORDS,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    township = forms.ChoiceField(label=_("Township"), required=False, widget=PlainSelect)
    department = forms.ChoiceField(label=_("Lead department"), required=False, widget=PlainSelect)
    category = forms.ChoiceField(label=_("Category"), required=False, widget=PlainSelect)
    state = forms.ChoiceField(label=_("State"), required=False, widget=PlainSelect)

    def __init__(
        self,
        *args: Any,
        townships: Iterable[tuple[UUID, str]] = (),
        departments: Iterable[tuple[UUID, str]] = (),
        categories: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("auto_id", "filter_%s")
        super().__init__(*args, **kwargs)
        known: dict[str, Choices] = {
            "township": [(str(uid), name) for uid, name in townships],
            "department": [(str(uid), name) for uid, name in departments],
            "category": [(name, name) for name in categories],
            "state": CallState.choices,
        }
        for name, choices in known.items():
            rows = list(choices)
            if rows:
                self.fields[name].choices = [("", _("All")), *rows]  # type: ignore[attr-defined]
            else:
                del self.fields[name]

    def label_of(self, name: str, value: str) -> str:
        """Return how a chosen value is called; the value itself where the form has no word."""
        choices = dict(getattr(self.fields.get(name), "choices", ()))
        return str(choices.get(value, value))


class KeepForm(forms.Form):
    """A name for the conditions that stand in the address."""

    name = forms.CharField(label=_("Name of the filter"), max_length=NAME_LENGTH)
    is_shared = forms.BooleanField(label=_("Colleagues of my unit see it too"), required=False)
    query = forms.CharField(label=_("conditions"), widget=forms.HiddenInput, max_length=2000)
