"""Personal data at rest: encrypted under keys that have names, and found again by a blind index.

PERSONAL_KEYS, or the file PERSONAL_KEYS_FILE names, lists keys as `name:base64 of 32 bytes`. The
first encrypts; all of them decrypt, until `manage.py rotate_keys` has left none of their rows.
What is kept says algorithm and key, is authenticated, and holds in its own row and column alone.

Without keys of its own an installation uses what follows from SECRET_KEY; `check --deploy` says so.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

AES, SM = "aes-256-gcm", "sm4-gcm"
CODES = {AES: "a", SM: "s"}
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,18}")
NONCE, TAG = 12, 16
KEY = 32  # bytes
SEALED = r"^[as][$][a-z0-9-]{1,19}[$][A-Za-z0-9_-]+={0,2}$"


class Unreadable(RuntimeError):
    """Encrypted under a key that this installation no longer knows, moved, or changed."""


@dataclass(frozen=True)
class Key:
    """One named key; what encrypts and what finds are derived from it apart."""

    name: str
    secret: bytes

    def derived(self, purpose: str, length: int) -> bytes:
        return _derived(self.secret, purpose, length)


@lru_cache(maxsize=64)
def _derived(secret: bytes, purpose: str, length: int) -> bytes:
    info = f"huying personal data: {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


def keys() -> Mapping[str, Key]:
    """Return all keys by name, the current one first. Raises ImproperlyConfigured."""
    return _read(
        settings.PERSONAL_KEYS,
        settings.PERSONAL_KEYS_FILE,
        (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
    )


def current() -> Key:
    """Return the key that encrypts."""
    return next(iter(keys().values()))


def are_own() -> bool:
    """Say whether the installation has keys for personal data beside SECRET_KEY."""
    return bool(settings.PERSONAL_KEYS or settings.PERSONAL_KEYS_FILE)


@lru_cache(maxsize=8)
def _read(listed: str, file: str, secrets: tuple[str, ...]) -> Mapping[str, Key]:
    text = listed.replace(",", "\n")
    if file:
        try:
            text += "\n" + Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise ImproperlyConfigured(f"PERSONAL_KEYS_FILE cannot be read: {error}") from error
    lines = [line.strip() for line in text.splitlines()]
    found: dict[str, Key] = {}
    for line in lines:
        if not line or line.startswith("#"):
            continue
        name, _separator, encoded = line.partition(":")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            secret = b""
        # Never the line itself: it would stand in the log.
        if not NAME.fullmatch(name) or len(secret) != KEY or name in found:
            raise ImproperlyConfigured(
                f"PERSONAL_KEYS: a key is written name:base64 of {KEY} bytes, each name once"
            )
        found[name] = Key(name, secret)
    if found:
        return found
    for secret_key in secrets:
        digest = sha256(f"personal data {secret_key}".encode()).digest()
        name = f"secret-{sha256(digest).hexdigest()[:8]}"
        found[name] = Key(name, digest)
    return found


# --- encrypting ------------------------------------------------------------------------------------


def encrypt(text: str, *, of: str) -> str:
    """Encrypt a value under the current key; ``of`` names its row and column. "" stays ""."""
    if not text:
        return ""
    key, nonce, bound = current(), os.urandom(NONCE), of.encode()
    algorithm = settings.PERSONAL_CIPHER
    if algorithm == AES:
        sealed = AESGCM(key.derived(AES, 32)).encrypt(nonce, text.encode(), bound)
    elif algorithm == SM:
        encryptor = Cipher(SM4(key.derived(SM, 16)), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(bound)
        sealed = encryptor.update(text.encode()) + encryptor.finalize() + encryptor.tag
    else:
        raise ImproperlyConfigured(f"PERSONAL_CIPHER is {AES} or {SM}")
    return f"{CODES[algorithm]}${key.name}${base64.urlsafe_b64encode(nonce + sealed).decode()}"


def decrypt(token: str, *, of: str) -> str:
    """Return what was encrypted for this row and column. Raises Unreadable."""
    if not token:
        return ""
    try:
        code, name, encoded = token.split("$")
        key, raw = keys()[name], base64.urlsafe_b64decode(encoded)
        nonce, sealed, bound = raw[:NONCE], raw[NONCE:], of.encode()
        if code == CODES[AES]:
            return AESGCM(key.derived(AES, 32)).decrypt(nonce, sealed, bound).decode()
        if code != CODES[SM]:
            raise Unreadable("encrypted in a way that this version does not know")
        mode = modes.GCM(nonce, sealed[-TAG:])
        decryptor: AEADDecryptionContext = Cipher(SM4(key.derived(SM, 16)), mode).decryptor()
        decryptor.authenticate_additional_data(bound)
        return (decryptor.update(sealed[:-TAG]) + decryptor.finalize()).decode()
    except KeyError:
        raise Unreadable("encrypted under a key that is not known here") from None
    except (ValueError, InvalidTag):
        raise Unreadable("changed, or moved from another row") from None


# --- finding, signing --------------------------------------------------------------------------------


def index(kind: str, value: str) -> str:
    """Return what equal values of a kind share, under the current key; "" of nothing."""
    return _index(current(), kind, value) if value else ""


def indexes(kind: str, value: str) -> list[str]:
    """Return the same under every key: rows not yet rotated are found, too."""
    return [_index(key, kind, value) for key in keys().values()]


def _index(key: Key, kind: str, value: str) -> str:
    secret = key.derived("index", 32)
    return f"{key.name}:{hmac.new(secret, f'{kind}:{value}'.encode(), sha256).hexdigest()[:32]}"


def sign(text: str) -> tuple[str, str]:
    """Return the current key's name and its signature (HMAC-SHA-256, hex) of a text."""
    key = current()
    return key.name, _signature(key, text)


def is_signed(text: str, *, key: str, signature: str) -> bool | None:
    """Say whether a signature is right; None where its key is not known here any more."""
    known = keys().get(key)
    return None if known is None else hmac.compare_digest(_signature(known, text), signature)


def _signature(key: Key, text: str) -> str:
    return hmac.new(key.derived("signature", 32), text.encode(), sha256).hexdigest()
