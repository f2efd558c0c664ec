"""Addresses and networks that somebody may come from: a text with one of them a line."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import (
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from allauth.core.internal.httpkit import get_client_ip
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import F, Func
from django.http import HttpRequest

Network = IPv4Network | IPv6Network
MOST = 50


def client_address(request: HttpRequest) -> str:
    """Return the address a request came from, as far as the proxies in front are trusted."""
    try:
        return get_client_ip(request) or ""
    except ImproperlyConfigured:  # it came past one of the proxies
        return str(request.META.get("REMOTE_ADDR", ""))


class BadNetwork(ValueError):
    """A line that is no address and no network, or means all of them."""

    def __init__(self, line: str) -> None:
        self.line = line
        super().__init__(line)


def tidy(text: str) -> str:
    """Return networks as they are kept: each once, in their short form. Raises BadNetwork."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(dict.fromkeys(str(_network(line)) for line in lines if line))


def _network(line: str) -> Network:
    try:
        found = ip_network(line)
    except ValueError as error:
        raise BadNetwork(line) from error
    # PostgreSQL keeps no zone (fe80::1%eth0); and what lets everybody in is no list.
    if found.prefixlen == 0 or "%" in line:
        raise BadNetwork(line)
    return found


def is_in(address: str, networks: str) -> bool:
    """Say whether an address lies in one of the networks; one that cannot be read lies in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in _networks(networks))


@lru_cache(maxsize=1000)
def _networks(text: str) -> tuple[Network, ...]:
    return tuple(_network(line) for line in text.splitlines())


def are_networks(field: str) -> Func:
    """Return the condition that every line of a column is a network, as PostgreSQL reads it."""
    return Func(
        F(field),
        template="(string_to_array(%(expressions)s, chr(10))::cidr[] IS NOT NULL)",
        output_field=models.BooleanField(),
    )
