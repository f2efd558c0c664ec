"""What a township writes when it calls. Rules stay in `operations.calls`; this reads and shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import attachments
from common.attachments import BadFile, Upload
from common.errors import Problem
from mandates.models import Call, Origin, Urgency
from mandates.operations.writing import Draft

UNLISTED = "unlisted"
FIND_LENGTH = 100
FILES_AT_ONCE = settings.DATA_UPLOAD_MAX_NUMBER_FILES
# What an operation calls it, and what the form does.
FIELD_OF = {"entry": "matter"}


class PlainText(forms.CharField):
    """Text with plain line ends, counted as people count; control characters are left out."""

    default_error_messages = {"required": _("This is needed.")}

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        # NUL stays, for its own complaint.
        return "".join(c for c in text if c in "\n\t\0" or unicodedata.category(c) != "Cc")


class ManyFiles(forms.FileInput):
    """Several files in one control."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, each checked as `common.attachments` does."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Upload]:
        uploads: list[Upload] = [one for one in data or () if one]
        if not uploads and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        if len(uploads) > FILES_AT_ONCE:
            raise forms.ValidationError(_("At most %(n)d files at once.") % {"n": FILES_AT_ONCE})
        wrong = []
        for upload in uploads:
            try:
                attachments.check(upload)
            except BadFile as problem:
                wrong.append(forms.ValidationError(str(problem.detail), code=problem.code))
        if wrong:
            raise forms.ValidationError(wrong)
        return uploads


def _files_taken() -> str:
    return gettext("Pictures, PDF, OFD, Office or WPS; %(limit)d MB each, %(n)d at once.") % {
        "limit": settings.UPLOAD_LIMIT_BYTES // (1024 * 1024),
        "n": FILES_AT_ONCE,
    }


def files_field(**more: Any) -> FilesField:
    """Return a field for files that says which ones are taken."""
    limit = settings.UPLOAD_LIMIT_BYTES
    return FilesField(
        label=_("Photos, files"),
        required=more.pop("required", False),
        help_text=lazy(_files_taken, str)(),
        widget=ManyFiles(
            attrs={
                "accept": attachments.ACCEPT,
                "data-max-bytes": limit,
                "data-wrong-type": _("This file type is not allowed."),
                "data-too-large": _("This file is too large."),
            }
        ),
        **more,
    )


def _longest(name: str) -> int:
    length: int = Call._meta.get_field(name).max_length  # type: ignore[union-attr,assignment]
    return length


def _text(name: str, *, label: Any, rows: int = 0, **more: Any) -> PlainText:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    return PlainText(label=label, max_length=_longest(name), widget=widget, **more)


class CallForm(forms.Form):
    """A call as written. ``token`` becomes its uid, so that a form sent twice is one call."""

    token = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    find = PlainText(label=_("Say it in one sentence"), required=False)
    matter = forms.CharField(
        label=_("Matter"),
        error_messages={"required": _("Choose a matter, or say why it is on no list.")},
    )
    unlisted_reason = _text("unlisted_reason", label=_("Why it is on no list"), required=False)
    title = _text("title", label=_("Title"))
    place = _text("place", label=_("Place"), required=False)
    body = _text(
        "body",
        label=_("What happened and what is asked for"),
        rows=5,
        help_text=_("When, where, what; what the county is asked to do."),
    )
    done_so_far = _text(
        "done_so_far", label=_("What this township has done"), rows=3, required=False
    )
    urgency = forms.ChoiceField(label=_("Urgency"), choices=Urgency.choices, required=False)
    origin = forms.ChoiceField(
        label=_("Origin"), choices=Origin.choices, initial=Origin.PATROL, required=False
    )
    files = files_field()  # type: ignore[assignment]  # a field, not what was uploaded

    def clean_matter(self) -> UUID | None:
        """Return the entry's uid; None for what is on no list."""
        chosen = self.cleaned_data["matter"]
        if chosen == UNLISTED:
            return None
        try:
            return UUID(chosen)
        except ValueError:
            raise forms.ValidationError(
                _("Your county's list has no such matter."), code="unknown_matter"
            ) from None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        unlisted = self.data.get("matter") == UNLISTED
        if unlisted and not cleaned.get("unlisted_reason") and "unlisted_reason" in cleaned:
            self.add_error("unlisted_reason", _("Say why it is on no list."))
        return cleaned

    def written(self) -> Draft:
        """Return what was written, as the operations take it."""
        cleaned = self.cleaned_data
        entry = cleaned["matter"]
        return Draft(
            title=cleaned["title"],
            body=cleaned["body"],
            urgency=cleaned["urgency"],
            entry=entry,
            unlisted_reason="" if entry else cleaned["unlisted_reason"],
            done_so_far=cleaned["done_so_far"],
            place=cleaned["place"],
            origin=cleaned["origin"] or Origin.PATROL,
        )

    def complain(self, problem: Problem) -> None:
        """Show what an operation refused, at the field it is about."""
        for name, text in problem.fields.items():
            known = FIELD_OF.get(name, name)
            self.add_error(known if known in self.fields else None, str(text))
        if not problem.fields:
            self.add_error(None, str(problem.detail))

    @property
    def chosen(self) -> str:
        """The matter that is chosen, as sent or as first shown."""
        return _shown(self["matter"].value())

    @property
    def chosen_urgency(self) -> str:
        value = _shown(self["urgency"].value())
        return value if value in Urgency.values else ""


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def first_shown(call: Call, *, matter: str) -> dict[str, Any]:
    """Return what the form of a draft begins with."""
    return {
        "version": call.version,
        "matter": matter,
        "unlisted_reason": call.unlisted_reason,
        "title": call.title,
        "place": call.place,
        "body": call.body,
        "done_so_far": call.done_so_far,
        "urgency": call.urgency,
        "origin": call.origin,
    }


def as_typed(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return what was typed so far, to be shown again without complaints."""
    return {name: data[name] for name in names if name in data and name != "files"}
