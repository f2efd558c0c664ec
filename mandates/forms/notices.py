"""When a person wants to be told, and where text messages go."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


def _time(label: Any, *, required: bool = True, hint: Any = "") -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, required=required, widget=widget, help_text=hint)


class HabitForm(forms.Form):
    """Quiet hours, the digest, and a number. What the number must be the operation says."""

    quiet_from = _time(_("Quiet from"))
    quiet_to = _time(_("Quiet until"), hint=_("The same time twice: no quiet hours."))
    digest_at = _time(
        _("A digest every day at"),
        required=False,
        hint=_("One notice, and one e-mail: what is open, due soon, and new."),
    )
    mobile = forms.CharField(
        label=_("Mobile phone for text messages"),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    no_mobile = forms.BooleanField(label=_("Forget my number"), required=False)
