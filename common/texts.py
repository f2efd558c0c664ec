"""Texts of one line, as people type them."""

from __future__ import annotations

import unicodedata

DIVIDING = "\t\r\n"


def one_line(text: str) -> str:
    """Return a text with a plain space for every other kind of blank, as input methods leave them.

    Raises ValueError for a control character, or half of a surrogate pair.
    """
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in DIVIDING for c in text):
        raise ValueError(text)
    return "".join(" " if c.isspace() else c for c in text)
