"""Finding Chinese text: any substring finds, words need no spaces between them."""

from __future__ import annotations

import re

from django.db import models

_NOISE = re.compile(r"[\W_]+")
WORDS = 8  # parts of a query that are looked at


def matching(text: str, *columns: str) -> models.Q | None:
    """Return the condition that every part of ``text`` stands in one of the columns.

    None where nothing is left to look for. Parts are divided by spaces and punctuation.
    """
    parts = [part for part in re.split(r"[\s，、；。,;]+", text) if _NOISE.sub("", part)][:WORDS]
    if not parts:
        return None
    found = models.Q()
    for part in parts:
        # Most parts have no case. Folding that of every row takes ten times as long as looking.
        how = "contains" if part.upper() == part.lower() else "icontains"
        somewhere = models.Q()
        for column in columns:
            somewhere |= models.Q(**{f"{column}__{how}": part})
        found &= somewhere
    return found
