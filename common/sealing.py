"""Secrets that must be read again, kept so that a dump of the database does not give them away.

The key follows from SECRET_KEY. What an earlier key of SECRET_KEY_FALLBACKS has sealed is still read.
"""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(RuntimeError):
    """Sealed under a key that this installation no longer knows."""


def _key(secret: str) -> Fernet:
    digest = sha256(f"sealing {secret}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def _keys() -> MultiFernet:
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([_key(secret) for secret in known])


def seal(text: str) -> str:
    return _keys().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Return what was sealed. Raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("sealed under another SECRET_KEY") from error


def reseal(sealed: str) -> str:
    """Return the same secret sealed under the key of today. Raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _keys().rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("sealed under another SECRET_KEY") from error


def is_current(sealed: str) -> bool:
    """Say whether the key of today alone opens it, so that earlier ones can be left out."""
    try:
        _key(settings.SECRET_KEY).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True
