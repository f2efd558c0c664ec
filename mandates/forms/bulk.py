"""What is asked before one thing is done with many calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from mandates.forms.drafts import PlainText
from mandates.forms.moves import FIELDS, MoveForm, Options
from mandates.operations.bulk import ASSIGN
from mandates.operations.making import NOTE_LENGTH, Given


class AssignForm(forms.Form):
    """To whom calls are given."""

    taker = forms.ChoiceField(label=_("To whom"))
    note = PlainText(
        label=_("A word to your colleague"),
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, people: Sequence[tuple[UUID, str]], *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "id_assign_%s")
        super().__init__(*args, **kwargs)
        taker: Any = self.fields["taker"]
        taker.choices = [("", _("Choose somebody")), *((str(uid), name) for uid, name in people)]


def form_for(
    name: str, options: Options, people: Sequence[tuple[UUID, str]], data: Any = None
) -> forms.Form | None:
    """Return the form of what is to be done; None where a button says all."""
    if name == ASSIGN:
        return AssignForm(people, data)
    if name not in FIELDS:
        return None
    form = MoveForm(name, options, data)
    form.fields.pop("files", None)  # a file belongs to one call
    return form


def given_by(form: forms.Form | None) -> tuple[Given, UUID | None]:
    """Return what a valid form says, and to whom."""
    if form is None:
        return Given(), None
    if isinstance(form, MoveForm):
        return form.given(), None
    return Given(note=form.cleaned_data["note"]), UUID(form.cleaned_data["taker"])
