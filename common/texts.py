"""Texts of one line, as people type them."""

from __future__ import annotations

import hashlib
import unicodedata

DIVIDING = "\t\r\n"


def one_line(text: str) -> str:
    """Return a text with a plain space for every other kind of blank, as input methods leave them.

    Raises ValueError for a control character, or half of a surrogate pair.
    """
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in DIVIDING for c in text):
        raise ValueError(text)
    return "".join(" " if c.isspace() else c for c in text)


def key_of(text: str) -> str:
    """Return a short key of a text's letters and digits alone: the same words, the same key.

    Width, case, blanks and punctuation make no difference. A text without letters has no key.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(c for c in plain if c.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()[:16] if letters else ""
