"""One message to the address of another system: signed, bounded in time and size, and nowhere else.

Signatures are those of Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
A name is looked up once and the connection made to the address that was looked at; redirects are
not followed; addresses inside are refused unless the installation names them.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid

PREFIX = "whsec_"
KEY_BYTES = 32
LONGEST = 500  # of an address
BODY = 2_000  # bytes of an answer that are read
EXCERPT = 300  # characters of it that are kept
# Addresses of IPv4 in the clothes of IPv6 by way of a translator.
NAT64 = ip_network("64:ff9b::/96")


class BadAddress(Invalid):
    """An address that nothing is sent to."""

    code = "bad_address"


# --- signatures ------------------------------------------------------------------------------------


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def signature(secret: str, uid: str, timestamp: int, body: bytes) -> str:
    """Sign as Standard Webhooks says: id, time and body, with the bytes of the secret."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{uid}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()


def headers(uid: str, at: datetime, body: bytes, secrets_: Sequence[str]) -> dict[str, str]:
    """Return the headers of a message; while a secret is changed it is signed with both."""
    timestamp = int(at.timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "Huying-Webhooks/1",
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(one, uid, timestamp, body) for one in secrets_),
    }


# --- when again --------------------------------------------------------------------------------------


def wait(attempts: int, uid: UUID) -> timedelta | None:
    """Return how long to wait after so many failed attempts; None: there is no further one.

    Up to a quarter longer than the schedule says, by the message's id, so that what failed together
    does not come back together.
    """
    schedule: Sequence[int] = settings.WEBHOOK_SCHEDULE
    if attempts > len(schedule):
        return None
    seconds = schedule[attempts - 1]
    share = int(sha256(f"{uid} {attempts}".encode()).hexdigest()[:6], 16) / 0xFFFFFF
    return timedelta(seconds=seconds * (1 + share / 4))


# --- where to ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """An address, taken apart."""

    host: str
    port: int
    path: str
    is_tls: bool


@dataclass(frozen=True)
class Inside:
    """What of the inside may be called: networks, and hosts by name (`WEBHOOK_INSIDE`)."""

    networks: tuple[Any, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Inside:
        networks, hosts = [], set()
        for entry in (one.strip().lower() for one in entries):
            try:
                networks.append(ip_network(entry))
            except ValueError:
                hosts.add(entry)
        return cls(tuple(networks), frozenset(hosts - {""}))

    def has(self, address: Any) -> bool:
        return any(address in network for network in self.networks)


def inside() -> Inside:
    return Inside.of(settings.WEBHOOK_INSIDE)


def target(url: str, allowed: Inside) -> Target:
    """Take an address apart. Raises BadAddress."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise BadAddress(_("This is no address.")) from None
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url or not host:
        raise BadAddress(_("This is no address."))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress(_("No user name, password or fragment may stand in the address."))
    if parts.scheme not in ("https", "http"):
        raise BadAddress(_("The address begins with https://."))
    is_tls = parts.scheme == "https"
    if not is_tls and not _is_inside(host, allowed):
        raise BadAddress(
            _("Only addresses inside that the installation names may do without https.")
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Target(host, port or (443 if is_tls else 80), path, is_tls)
    with suppress(ValueError):
        _check(ip_address(host), found, allowed)  # an address in figures needs no looking up
    return found


def _is_inside(host: str, allowed: Inside) -> bool:
    if host in allowed.hosts:
        return True
    try:
        return allowed.has(ip_address(host))
    except ValueError:
        return False


def _check(address: Any, wanted: Target, allowed: Inside) -> None:
    """Raise BadAddress for an address that is not out in the world, nor allowed inside."""
    meant = _meant(address)
    if wanted.host in allowed.hosts or allowed.has(meant) or allowed.has(address):
        return
    if not meant.is_global or meant.is_multicast or meant.is_reserved:
        raise BadAddress(
            _("This address lies inside. The installation must name it before it may be called.")
        )


def _meant(address: Any) -> Any:
    """Return the address of IPv4 that one of IPv6 stands for, if it does."""
    if not isinstance(address, IPv6Address):
        return address
    if address in NAT64:
        return ip_address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (0, address))[1]


Lookup = Callable[..., Any]


def resolve(wanted: Target, allowed: Inside, *, lookup: Lookup = socket.getaddrinfo) -> str:
    """Return the one address to connect to. Raises BadAddress if any of a name's is not allowed."""
    found = lookup(wanted.host, wanted.port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for address in addresses:
        _check(ip_address(address), wanted, allowed)
    if not addresses:
        raise OSError("no address")
    return addresses[0]


# --- sending ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or why there is none (``error``: a stable word)."""

    status: int | None
    milliseconds: int
    excerpt: str = ""
    error: str = ""

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """410: the receiver wants no more."""
        return self.status == 410


def send(
    url: str, body: bytes, heads: Mapping[str, str], *, lookup: Lookup = socket.getaddrinfo
) -> Answer:
    """Send one message and say what came back; whatever goes wrong out there is an answer too."""
    began = time.monotonic()

    def told(error: str, status: int | None = None, excerpt: str = "") -> Answer:
        taken = round((time.monotonic() - began) * 1000)
        return Answer(status, taken, excerpt, error)

    allowed = inside()
    try:
        wanted = target(url, allowed)
        address = resolve(wanted, allowed, lookup=lookup)
    except BadAddress:
        return told("address_not_allowed")
    except (OSError, UnicodeError):
        return told("name_not_found")
    link = _Link(wanted, address)
    # Whoever drips a byte now and then is not waited for either.
    watch = threading.Timer(settings.WEBHOOK_TIMEOUT_SECONDS, link.cut)
    watch.daemon = True
    watch.start()
    try:
        link.request("POST", wanted.path, body, dict(heads))
        answer = link.getresponse()
        status, excerpt = answer.status, _excerpt(answer.read(BODY))
    except ssl.SSLError:
        return told("too_slow" if link.was_cut else "tls_failed")
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as failure:
        slow = link.was_cut or isinstance(failure, TimeoutError)
        return told("too_slow" if slow else "connection_failed")
    finally:
        watch.cancel()
        link.close()
    if link.was_cut:
        return told("too_slow", excerpt=excerpt)
    if 300 <= status < 400:
        return told("redirected", status, excerpt)
    return told("" if 200 <= status < 300 else "refused", status, excerpt)


class _Link(http.client.HTTPConnection):
    """A connection to an address that was looked at, under the name that was asked for."""

    def __init__(self, wanted: Target, address: str) -> None:
        super().__init__(wanted.host, wanted.port, timeout=settings.WEBHOOK_TIMEOUT_SECONDS)
        if wanted.is_tls:
            self.default_port = 443
        self._address, self._wanted = address, wanted
        # The library lets go of its own once an answer has begun that ends with the connection.
        self._held: socket.socket | None = None
        self.was_cut = False

    def connect(self) -> None:
        timeout = settings.WEBHOOK_TIMEOUT_SECONDS
        self.sock = self._held = socket.create_connection(
            (self._address, self._wanted.port), timeout
        )
        if self._wanted.is_tls:
            context = ssl.create_default_context()
            # Shaking hands is within the watch too.
            self.sock = self._held = context.wrap_socket(
                self.sock, server_hostname=self._wanted.host
            )

    def cut(self) -> None:
        """End it from another thread; what is being read meanwhile ends there."""
        self.was_cut = True
        if self._held is not None:
            with suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)


def _excerpt(body: bytes) -> str:
    """Return the beginning of an answer as a text that can be kept and shown."""
    text = body.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text)[:EXCERPT]
