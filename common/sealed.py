"""A column whose values are encrypted at rest, and plain text to everybody who reads the model.

For what is shown to whoever needs it by duty, and never searched for. What is kept is bound to the
column, not to the row: where a value in another row would do harm, use `ciphers` as `MobileNumber`
does. Rows of a release before, still in clear, are read as they are until `rotate_keys` has met them.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Value

from common import ciphers, rotation

TOKEN = re.compile(ciphers.SEALED)
UNREADABLE = "***"


class Unread(str):
    """Stands for a value whose key is not known here; saved again, it stays what it was."""

    token: str

    def __new__(cls, token: str) -> Unread:
        made = super().__new__(cls, UNREADABLE)
        made.token = token
        return made


class SealedField(models.TextField):
    """Text of at most ``longest`` letters, encrypted; only "" can be asked for."""

    def __init__(self, *args: Any, longest: int = 30, **options: Any) -> None:
        self.longest = longest
        super().__init__(*args, **options)
        self.validators = [*self.validators, MaxLengthValidator(longest)]

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "longest": self.longest}

    def _place(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def get_prep_value(self, value: Any) -> Any:
        found = super().get_prep_value(value)
        if isinstance(value, Unread):
            return value.token
        return ciphers.encrypt(found, of=self._place()) if found else found

    def from_db_value(self, value: str | None, *_context: Any) -> str | None:
        if not value or not TOKEN.fullmatch(value):
            return value
        try:
            return ciphers.decrypt(value, of=self._place())
        except ciphers.Unreadable:
            return Unread(value)

    def save_form_data(self, instance: Any, data: Any) -> None:
        """Keep what cannot be read here where the form hands its placeholder back."""
        if data == UNREADABLE and isinstance(getattr(instance, self.name), Unread):
            return
        super().save_form_data(instance, data)

    def get_lookup(self, lookup_name: str) -> Any:
        """Offer what can be right: every encryption of one value is another text."""
        return super().get_lookup(lookup_name) if lookup_name in ("exact", "isnull") else None

    def formfield(self, **options: Any) -> Any:
        given = {"max_length": self.longest, "form_class": forms.CharField, **options}
        return models.Field.formfield(self, **given)


def register(model: Any, column: str) -> None:
    """Let a column of a model come under new keys; a row is renewed by being saved."""

    def renew(row: Any) -> list[str]:
        if isinstance(getattr(row, column), Unread):
            raise ciphers.Unreadable("encrypted under a key that is not known here")
        return [column]

    def opened(row: Any) -> dict[str, Any]:
        renew(row)
        return {column: Value(getattr(row, column), output_field=models.TextField())}

    name = f"{model._meta.label_lower}.{column}"
    rotation.register(
        rotation.Table(name, model, renew, keyless=True, column=column, opened=opened)
    )
