"""Forms of the console for receivers of webhooks."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from common import events, webhooks
from townships.forms.people import ReasonForm
from townships.models import Post, Receiver, SystemAccount
from townships.operations.receivers import NothingToRead, reach


class ReceiverForm(forms.ModelForm):
    """Where a system is told of what, within what its post may read."""

    county_id: int | None = None  # of the officer; None for those of the city

    kinds = forms.MultipleChoiceField(
        label=_("Kinds of events"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all of them, also those that come later."),
    )

    class Meta:
        model = Receiver
        fields = ("account", "url", "own_only")
        widgets: ClassVar[dict[str, Any]] = {
            "url": forms.URLInput(attrs={"class": "vTextField", "autocomplete": "off"})
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        if "kinds" in fields:
            fields["kinds"].choices = [
                (kind, format_html("{} <code>{}</code>", words, kind))
                for kind, words in events.all_kinds().items()
            ]
            self.initial["kinds"] = self.instance.kinds
        if "account" in fields:
            fields["account"].queryset = accounts(self.county_id)

    def clean_account(self) -> SystemAccount:
        account: SystemAccount = self.cleaned_data["account"]
        # The units of the post say what the system may read.
        account.post = Post.objects.with_units().get(pk=account.post_id)
        if reach(account) is None:
            raise ValidationError(str(NothingToRead.detail))
        return account

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            webhooks.target(url, webhooks.inside())
        except webhooks.BadAddress as problem:
            raise ValidationError(str(problem)) from problem
        return url


def accounts(county_id: int | None) -> Any:
    """Return the systems in use; for an officer of a county those that work in it."""
    rows = SystemAccount.objects.filter(is_active=True).order_by("source_system")
    if county_id is None:
        return rows
    units = ("post__county", "post__township__county", "post__department__county")
    within = Q()
    for unit in units:
        within |= Q(**{unit: county_id})
    return rows.filter(within)


ACTS = {
    "ping": _("Send a test message"),
    "start": _("Start again: it goes on where it stopped"),
    "stop": _("Stop: what happens meanwhile is kept for it"),
    "secret": _("Change the secret; messages are signed with both"),
    "end_secret": _("End the previous secret"),
    "replay_from": _("Tell everything again from a time on"),
}


class ActForm(ReasonForm):
    """What is to be done with a receiver, and why."""

    act = forms.ChoiceField(
        label=_("What is to be done"), choices=list(ACTS.items()), widget=forms.RadioSelect
    )
    since = forms.DateTimeField(
        label=_("From this time on"),
        required=False,
        help_text=_("For telling again only: 2026-03-02 08:00"),
        input_formats=["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    field_order = ("act", "since", "reason")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("act") == "replay_from" and not cleaned.get("since"):
            self.add_error("since", _("This is needed."))
        return cleaned
