"""The forms of moves: which fields each has, and how they are worded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.errors import Problem
from mandates.forms.deadlines import instant
from mandates.forms.drafts import PlainText, files_field
from mandates.models import Rating
from mandates.operations.making import NOTE_LENGTH, Given
from mandates.operations.on_site import TEXT_LENGTH

# Moves that are made by a button alone are not named here.
FIELDS: dict[str, tuple[str, ...]] = {
    "send_back_draft": ("note",),
    "withdraw": ("note",),
    "dispatch": ("lead", "assists", "note"),
    "return_to_township": ("note",),
    "object": ("note", "entry", "law", "article", "proposed"),
    "uphold": ("lead", "note"),
    "reject": ("note",),
    "change_lead": ("lead", "note", "wrong"),
    "add_assist": ("assists", "duty", "note"),
    "remove_assist": ("note",),
    "call_on_site": ("place", "note", "departments"),
    "report_on_site": ("people", "arrived_at", "note", "files"),
    "call_off": ("note",),
    "reply": ("note", "files"),
    "ask_information": ("note",),
    "supply_information": ("note", "files"),
    "ask_extension": ("amount", "note"),
    "grant_extension": ("note",),
    "refuse_extension": ("note",),
    "feed_back": ("note", "files"),
    "answer": ("note", "files", "override"),
    "rate": ("rating", "speed", "quality", "attitude", "note"),
    "send_back": ("speed", "quality", "attitude", "note"),
    "appeal_rating": ("note",),
    "exclude_rating": ("note", "evidence"),
    "keep_rating": ("note",),
    "urge": ("note",),
    "link": ("original", "note"),
    "unlink": ("note",),
    "split": ("title", "note", "entry", "unlisted_reason"),
}
OPTIONAL_NOTE = ("grant_extension", "rate", "urge", "report_on_site")
NOTE_LABELS: dict[str, Any] = {
    "send_back_draft": _("What has to be changed"),
    "withdraw": _("Why it is withdrawn"),
    "dispatch": _("Why these departments"),
    "return_to_township": _("Why it goes back"),
    "object": _("Why it is not your duty"),
    "uphold": _("Reason for the ruling"),
    "reject": _("Reason for the ruling"),
    "change_lead": _("Why another department leads"),
    "add_assist": _("Why these departments"),
    "remove_assist": _("Why it is no longer needed"),
    "call_on_site": _("What is needed there"),
    "report_on_site": _("What was found there"),
    "call_off": _("Why nobody is needed there any more"),
    "reply": _("What has been done so far"),
    "ask_information": _("What is missing"),
    "supply_information": _("The missing information"),
    "ask_extension": _("Why more time is needed"),
    "grant_extension": _("A word to the department"),
    "refuse_extension": _("Why not"),
    "feed_back": _("Your opinion"),
    "answer": _("What was done, and what came of it"),
    "rate": _("What you want to say about it"),
    "send_back": _("What has not been solved"),
    "appeal_rating": _("Why the rating should not count"),
    "exclude_rating": _("Reason for the decision"),
    "keep_rating": _("Reason for the decision"),
    "urge": _("A word to the department"),
    "link": _("Why it is the same"),
    "unlink": _("Why it is taken up again"),
    "split": _("What is to be done in this part"),
}
NOTE_HINTS: dict[str, Any] = {
    "split": _("The department it goes to reads this; place and urgency are those of the call."),
    "answer": _("The township rates by this text. Say when, who and what."),
    "rate": _("Needed when you are not satisfied."),
    "appeal_rating": _("Say what can be proved; the desk decides, and the township is told."),
    "ask_information": _("The clocks stand still until the township has answered."),
    "object": _(
        "Cite a line of the list below, or a law and its article. The county reads it with the "
        "ruling: name nobody."
    ),
    "uphold": _("The whole county reads it as a precedent: name nobody."),
    "reject": _("The whole county reads it as a precedent: name nobody."),
}


@dataclass(frozen=True)
class Options:
    """What may be chosen in a county: departments and lines of the list in force."""

    departments: Sequence[tuple[UUID, str]] = ()
    entries: Sequence[tuple[UUID, str]] = ()
    own_department: UUID | None = None
    # Those that have a part in the call already.
    standing: frozenset[UUID] = frozenset()
    # Those that may be called on site; None where that is not known.
    to_call: frozenset[UUID] | None = None
    lead_needed: bool = True
    needs_override: bool = True
    files_wanted: int = 0


class MoveForm(forms.Form):
    """What has to be written or chosen for one move."""

    def __init__(self, move: str, options: Options, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"id_{move}_%s")
        super().__init__(*args, **kwargs)
        self.move = move
        for name in FIELDS[move]:
            if name == "override" and not options.needs_override:
                continue
            self.fields[name] = MAKERS[name](move, options)

    def given(self) -> Given:
        """Return what the move takes from a valid form."""
        cleaned = {k: v for k, v in self.cleaned_data.items() if k != "files" and v is not None}
        for name in ("lead", "entry", "proposed"):
            if name in cleaned:
                cleaned[name] = UUID(cleaned[name]) if cleaned[name] else None
        for name in ("assists", "departments"):
            if name in cleaned:
                cleaned[name] = [UUID(uid) for uid in cleaned[name]]
        return Given(**cleaned)

    def blame(self, problem: Problem) -> None:
        """Show why the move was refused, at the fields it is about."""
        named = {name: text for name, text in problem.fields.items() if name in self.fields}
        for name, text in named.items():
            self.add_error(name, str(text))
        if not named:
            texts = [str(text) for text in problem.fields.values()] or [str(problem.detail)]
            self.add_error(None, texts)


def _note(move: str, options: Options) -> forms.Field:
    return PlainText(
        label=NOTE_LABELS[move],
        help_text=NOTE_HINTS.get(move, ""),
        required=move not in OPTIONAL_NOTE,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6 if move in ("answer", "feed_back") else 4}),
    )


def _one_department(label: Any, hint: Any = "", *, required: bool) -> Any:
    def make(move: str, options: Options) -> forms.Field:
        needed = required and options.lead_needed
        choices = [("", _("Choose a department"))] + [
            (str(uid), name) for uid, name in options.departments if uid != options.own_department
        ]
        return forms.ChoiceField(label=label, help_text=hint, required=needed, choices=choices)

    return make


def _assists(move: str, options: Options) -> forms.Field:
    taken = options.standing if move == "add_assist" else frozenset()
    return forms.MultipleChoiceField(
        label=_("Assisting departments"),
        required=move == "add_assist",
        choices=[(str(uid), name) for uid, name in options.departments if uid not in taken],
        widget=forms.CheckboxSelectMultiple,
    )


def _wrong(move: str, options: Options) -> forms.Field:
    return forms.BooleanField(
        label=_("The dispatch was wrong from the beginning"),
        help_text=_("Then the time lost counts for the dispatch, not for the department."),
        required=False,
    )


def _duty(move: str, options: Options) -> forms.Field:
    return PlainText(
        label=_("What they are to do"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def _entry(move: str, options: Options) -> forms.Field:
    choices = [("", _("None of the list"))] + [(str(u), label) for u, label in options.entries]
    return forms.ChoiceField(label=_("Line of the list"), required=False, choices=choices)


def _original(move: str, options: Options) -> forms.Field:
    return forms.CharField(
        label=_("Number of the call it repeats"),
        max_length=60,
        help_text=_("An open call of the same township. This one ends with it."),
    )


def _title(move: str, options: Options) -> forms.Field:
    return forms.CharField(label=_("Title of the part"), max_length=80)


def _unlisted_reason(move: str, options: Options) -> forms.Field:
    return forms.CharField(
        label=_("Why it is on no list"),
        required=False,
        max_length=500,
        help_text=_("Only where no line of the list fits; the desk dispatches it by hand."),
    )


def _law(move: str, options: Options) -> forms.Field:
    return forms.CharField(
        label=_("Law"), required=False, max_length=100, help_text=_("For example: Water Law")
    )


def _article(move: str, options: Options) -> forms.Field:
    return forms.CharField(
        label=_("Article"), required=False, max_length=60, help_text=_("For example: article 65")
    )


def _amount(move: str, options: Options) -> forms.Field:
    return forms.IntegerField(
        label=_("How much longer"),
        help_text=_("Counted as the date itself is; at most as long again."),
        min_value=1,
        max_value=100_000,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


def _rating(move: str, options: Options) -> forms.Field:
    given = [Rating.SATISFIED, Rating.MOSTLY, Rating.UNSATISFIED]
    return forms.ChoiceField(
        label=_("Rating"),
        choices=[(str(one), one.label) for one in given],
        widget=forms.RadioSelect,
    )


def _dimension(label: Any) -> Any:
    def make(move: str, options: Options) -> forms.Field:
        given = [Rating.SATISFIED, Rating.MOSTLY, Rating.UNSATISFIED]
        return forms.ChoiceField(
            label=label,
            required=False,
            choices=[("", _("Not said")), *((str(one), one.label) for one in given)],
            widget=forms.RadioSelect,
        )

    return make


def _evidence(move: str, options: Options) -> forms.Field:
    return PlainText(
        label=_("Evidence"),
        help_text=_("What proves it: records, pictures of the call, a document number."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _override(move: str, options: Options) -> forms.Field:
    return PlainText(
        label=_("Why you answer without the assisting departments"),
        help_text=_("They have not answered yet; their part ends with your answer."),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def _line(label: Any, hint: Any = "") -> Any:
    def make(move: str, options: Options) -> forms.Field:
        return PlainText(label=label, help_text=hint, max_length=TEXT_LENGTH)

    return make


def _called(move: str, options: Options) -> forms.Field:
    return forms.MultipleChoiceField(
        label=_("Departments"),
        help_text=_("None chosen: all that still work on it and are not awaited there already."),
        required=False,
        choices=[
            (str(uid), name)
            for uid, name in options.departments
            if options.to_call is None or uid in options.to_call
        ],
        widget=forms.CheckboxSelectMultiple,
    )


def _arrived(move: str, options: Options) -> forms.Field:
    hint = _("If it was earlier than now. The instant of this report counts for the limit.")
    return instant(_("On site since"), required=False, hint=hint)


def _files(move: str, options: Options) -> forms.Field:
    return files_field(required=False)


DIMENSIONS: dict[str, Any] = {
    "speed": pgettext_lazy("what is rated", "Speed"),
    "quality": pgettext_lazy("what is rated", "Quality"),
    "attitude": pgettext_lazy("what is rated", "Attitude"),
}
MAKERS: dict[str, Any] = {
    "note": _note,
    "lead": _one_department(_("Lead department"), required=True),
    "assists": _assists,
    "entry": _entry,
    "original": _original,
    "title": _title,
    "unlisted_reason": _unlisted_reason,
    "law": _law,
    "article": _article,
    "proposed": _one_department(
        _("Whose duty it is"), _("In your opinion; the desk decides."), required=False
    ),
    "amount": _amount,
    "rating": _rating,
    **{name: _dimension(label) for name, label in DIMENSIONS.items()},
    "evidence": _evidence,
    "override": _override,
    "wrong": _wrong,
    "duty": _duty,
    "place": _line(_("Place")),
    "departments": _called,
    "people": _line(_("Who has come"), _("Names, and how to reach them there.")),
    "arrived_at": _arrived,
    "files": _files,
}


class NoteForm(forms.Form):
    """An internal note."""

    text = PlainText(label=_("Note"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class FileForm(forms.Form):
    """Files added to a call on their own."""

    files = files_field(required=True)  # type: ignore[assignment]  # the uploads of a form
