"""What others than those who must see it see of a value that reaches a person.

One component for pages, API, files, logs, the audit trail and what is sent: nothing else shortens
such a value. What is masked is still known again by whoever knows it, and tells nobody else.
"""

from __future__ import annotations

import re
from typing import Any

from common.personal import Kind, is_identity

# A telephone, an identity card, an account: also with spaces or dashes between the digits.
_LONG_NUMBER = re.compile(r"(?<!\d)\d(?:[ -]?\d){6,}[xX]?(?!\d)")
# In logs and the audit trail, where other long numbers mean something: only what is one for sure.
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z.])(?:\+?86[ -]?)?(1[3-9][0-9])[ -]?[0-9]{4}[ -]?([0-9]{4})(?![0-9A-Za-z])"
)
_MAIL = re.compile(r"(?<![\w.+-])([\w+-])[\w.+-]*(@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})")
MASK = "***"
# Up to and with the last of these an address names a place where many live.
_PLACE = re.compile(r"^.*(?:乡|镇|街道|村|社区|路|街)(?=.)")


def without_numbers(text: str) -> str:
    """Return a text without numbers of seven digits and more: for what anybody reads."""
    return _LONG_NUMBER.sub(MASK, text)


def masked(kind: str, value: str) -> str:
    """Return what is shown of a value; "" of nothing. Raises ValueError for no kind.

    A name: its first letter. A mobile: three and four digits; another telephone: the last two.
    An identity card: the division (six digits) and the last two. An address: down to the road,
    the village or the township.
    """
    if not value:
        return ""
    if kind == Kind.NAME:
        return value[0] + "*" * max(1, min(len(value) - 1, 3))
    if kind == Kind.PHONE:
        return f"{value[:3]}****{value[-4:]}" if len(value) >= 11 else f"{MASK}{value[-2:]}"
    if kind == Kind.ID_NUMBER:
        return f"{value[:6]}{'*' * 10}{value[-2:]}"
    if kind == Kind.ADDRESS:
        found = _PLACE.match(value)
        return f"{found[0]}{MASK}" if found else f"{value[:2]}{MASK}"
    raise ValueError(f"no kind of personal data is called {kind!r}")


def without_persons(text: str) -> str:
    """Return a text whose mobile numbers, numbers of identity cards and e-mail addresses are masked."""
    if "@" in text:
        text = _MAIL.sub(r"\1***\2", text)
    if len(text) < 11:
        return text
    return _MOBILE.sub(r"\1****\2", _IDENTITY.sub(_identity, text))


def _identity(found: re.Match[str]) -> str:
    number = found[0].upper()
    return masked(Kind.ID_NUMBER, number) if is_identity(number) else found[0]


def in_values(value: Any) -> Any:
    """Mask persons in every text of what is fit for JSON, lists and dictionaries too."""
    if isinstance(value, str):
        return without_persons(value)
    if isinstance(value, dict):
        return {name: in_values(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [in_values(one) for one in value]
    return value
