"""Another system on the API, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.test import Client

from mandates.models import Call
from tests.factories.townships import PostFactory, system_token
from townships.http import Member
from townships.models import Post

V1 = "/api/v1/"


class System:
    """A client with a token of its own, in a post like a member's."""

    def __init__(self, post: Post, *, language: str = "zh-hans", **token: Any) -> None:
        self.post_held = post
        bearer = system_token(post, **token)
        self.client = Client(
            headers={"Authorization": f"Bearer {bearer}", "Accept-Language": language},
            raise_request_exception=True,
        )

    @classmethod
    def beside(cls, member: Member, **options: Any) -> System:
        """Make a system in a post of the same role and unit."""
        post = member.post
        units = {name: getattr(post, name) for name in ("township", "department", "county", "city")}
        held = {name: unit for name, unit in units.items() if unit is not None}
        return cls(PostFactory(role=post.role, **held), **options)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path if path.startswith("/") else V1 + path, query)

    def post(
        self, path: str, data: Any = None, *, key: str | None = None, match: str | None = None,
        headers: Mapping[str, str] | None = None, **options: Any,
    ) -> Any:  # fmt: skip
        sent = dict(headers or {})
        if key is not None:
            sent["Idempotency-Key"] = key
        if match is not None:
            sent["If-Match"] = match
        options.setdefault("content_type", "application/json")
        return self.client.post(V1 + path, {} if data is None else data, headers=sent, **options)

    def put(self, path: str, data: Any, *, match: str | None = None) -> Any:
        headers = {} if match is None else {"If-Match": match}
        return self.client.put(V1 + path, data, headers=headers, content_type="application/json")

    def create(self, data: Mapping[str, Any], *, key: str | None = None) -> Any:
        return self.post("calls/", data, key=key or uuid4().hex)

    def move(self, name: str, call: Call | str, *, match: Any = None, **given: Any) -> Any:
        """Make a move with the version as it stands now, unless told another."""
        uid = call if isinstance(call, str) else call.uid
        if match is None:
            match = self.get(f"calls/{uid}/").get("ETag", '"1"')
        return self.post(f"calls/{uid}/{name.replace('_', '-')}/", given, match=match)
