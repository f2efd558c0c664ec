"""Hashes that make records evidence: which algorithm new ones are made with, and those still known.

SHA-256, or SM3 (GB/T 32905-2016) where commercial cryptography is asked for. Whatever is hashed keeps
the name of its algorithm beside it, so that changing the setting breaks nothing that stands.
"""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

ALGORITHMS = ("sha256", "sm3")  # both give 32 bytes
NAMES = {"sha256": "SHA-256", "sm3": "SM3"}  # as standards write them


class UnknownAlgorithm(ValueError):
    """A row names an algorithm that no version of this system has ever used."""


def algorithm() -> str:
    """Return the algorithm that new hashes are made with (CHAIN_ALGORITHM)."""
    name: str = settings.CHAIN_ALGORITHM
    return name


def digest(data: bytes, by: str) -> bytes:
    """Hash some bytes. Raises UnknownAlgorithm."""
    if by not in ALGORITHMS:
        raise UnknownAlgorithm(by)
    return hashlib.new(by, data).digest()


def keyed(key: bytes, data: bytes, by: str) -> str:
    """Return the HMAC of some bytes (RFC 2104), in hexadecimal. Raises UnknownAlgorithm."""
    if by not in ALGORITHMS:
        raise UnknownAlgorithm(by)
    return hmac.new(key, data, by).hexdigest()


def is_available(name: str) -> bool:
    """Say whether this Python has the algorithm: SM3 comes with OpenSSL, unless left out of it."""
    try:
        hashlib.new(name)
    except ValueError:
        return False
    return True


# --- one root for many (RFC 6962, section 2.1) ------------------------------------------------------


def root(leaves: list[bytes], by: str) -> str:
    """Return the root of the Merkle tree over some leaves, in hexadecimal. Raises UnknownAlgorithm.

    Leaves and nodes are hashed under different first bytes, so that none passes for the other. A
    node without a sibling goes up as it is, which gives the same tree as RFC 6962 describes.
    """
    level = [digest(b"\0" + leaf, by) for leaf in leaves]
    if not level:
        return digest(b"", by).hex()
    while len(level) > 1:
        pairs = [digest(b"\1" + level[n] + level[n + 1], by) for n in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()
