"""What a page or the console is sent beside its forms: the one way to read it (B2).

A form refuses NUL by itself, and a serializer does; a value read out of GET or POST by its name does
not, and PostgreSQL answers one with an error. No keyboard writes it, so it is left out here.
"""

from __future__ import annotations

from django.http import QueryDict


def typed_in(sent: QueryDict, name: str, default: str = "") -> str:
    """Return the last value of a name, without NUL; ``default`` if there is none."""
    return str(sent.get(name, default)).replace("\0", "")


def all_typed(sent: QueryDict) -> dict[str, str]:
    """Return the last value of each name, names and values without NUL."""
    return {name.replace("\0", ""): typed_in(sent, name) for name in sent}
