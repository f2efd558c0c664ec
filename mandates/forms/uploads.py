"""A CSV file that is looked at first, and made so only once somebody has seen what it changes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

LARGEST = 1024 * 1024  # bytes; a county's list has some hundred thousand


class UploadForm(forms.Form):
    """The file, to be looked at."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("UTF-8 or GB18030, as Excel saves it; at most 1 MB."),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_file(self) -> bytes:
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        if upload.size is None or upload.size > LARGEST:
            raise forms.ValidationError(
                _("The file is larger than 1 MB. Nothing was read; send the table alone.")
            )
        return bytes(upload.read())


class ConfirmForm(forms.Form):
    """The same text again, with the mark of what was shown, and why."""

    content = forms.CharField(max_length=LARGEST, strip=False, widget=forms.HiddenInput)
    mark = forms.RegexField(r"[0-9a-f]{64}", widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Reason of this change"), min_length=2, max_length=300)
