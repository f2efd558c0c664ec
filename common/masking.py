"""Texts that more people read than they were written for: numbers that reach a person are left out."""

from __future__ import annotations

import re

# A telephone, an identity card, an account: also with spaces or dashes between the digits.
_LONG_NUMBER = re.compile(r"(?<!\d)\d(?:[ -]?\d){6,}[xX]?(?!\d)")
MASK = "***"


def without_numbers(text: str) -> str:
    """Return a text without numbers of seven digits and more."""
    return _LONG_NUMBER.sub(MASK, text)
