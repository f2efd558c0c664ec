"""What the head of a unit writes about duty, absence and hand-over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Problem
from townships.models import Post, Shift


class DayInput(forms.DateInput):
    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


class StaffForm(forms.Form):
    """A form that names people of the unit."""

    people: tuple[str, ...] = ("post",)

    def __init__(self, posts: Iterable[Post], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (str(post.uid), f"{post.user.name} ({post.title or post.get_role_display()})")
            for post in posts
        ]
        for name in self.people:
            field: Any = self.fields[name]
            field.choices = [("", "—"), *choices]

    def uid(self, name: str) -> UUID:
        return UUID(self.cleaned_data[name])

    def blame(self, problem: Problem) -> None:
        """Show why it was refused, at the fields it is about."""
        for name, texts in problem.fields.items():
            self.add_error(name if name in self.fields else None, texts)
        if not problem.fields:
            self.add_error(None, str(problem))


class DutyForm(StaffForm):
    day = forms.DateField(label=_("Date"), widget=DayInput())
    shift = forms.ChoiceField(label=_("Shift"), choices=Shift.choices)
    post = forms.ChoiceField(label=_("Person"))
    phone = forms.CharField(
        label=_("Phone"),
        max_length=30,
        help_text=_("The whole county sees it while this person is on duty."),
    )


class AbsenceForm(StaffForm):
    people = ("post", "deputy")
    post = forms.ChoiceField(label=_("Who is away"))
    deputy = forms.ChoiceField(
        label=_("Who stands in"),
        help_text=_("Is asked instead; this gives no rights, they come with a post."),
    )
    from_day = forms.DateField(label=_("From"), widget=DayInput())
    to_day = forms.DateField(label=_("Until"), widget=DayInput())
    reason = forms.CharField(label=_("Reason"), max_length=200)


class HandOverForm(StaffForm):
    people = ("taker",)
    taker = forms.ChoiceField(label=_("To whom"))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Stands in the history of every call, and in the audit trail."),
    )
