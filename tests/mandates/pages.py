"""Pages in tests: somebody signed in at an instant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import time_machine
from django.test import Client
from django.urls import reverse

from mandates.models import Call
from tests.factories.calls import World
from townships.http import Member


class Browser:
    """One person's browser; the clock stands at an instant while a page is made."""

    def __init__(self, member: Member, *, at: datetime, checks_origin: bool = False) -> None:
        self.at = at
        self.client = Client(enforce_csrf_checks=checks_origin)
        with time_machine.travel(at, tick=False):
            self.client.force_login(member.user)

    def get(self, url: str, **more: Any) -> Any:
        with time_machine.travel(self.at, tick=False):
            return self.client.get(url, **more)

    def post(self, url: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        with time_machine.travel(self.at, tick=False):
            return self.client.post(url, data or {}, **more)


def url(name: str, *args: Any) -> str:
    return reverse(f"mandates:{name}", args=args)


def move(world: World, call: Call, name: str, *, by: Member, at: datetime, **fields: Any) -> Any:
    """Send the form of a move as its page holds it; return the answer."""
    fields.setdefault("version", world.fresh(call).version)
    return Browser(by, at=at).post(url(f"call-{name.replace('_', '-')}", call.uid), fields)
