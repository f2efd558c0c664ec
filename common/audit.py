"""Who did what beside the work on records: sign-in, roles, exports, changes of reference data.

Written by operations in the transaction of the change, never by signals. Work on calls stands in
their own steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from django.db import models, transaction

from common import masking
from common.models.audit import AuditEntry


class Actor(Protocol):
    """Somebody who acts in a post; `townships.http.Member` is one."""

    @property
    def user_id(self) -> int: ...

    @property
    def label(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def county_id(self) -> int | None: ...


def record(
    action: str,
    target: models.Model | str,
    *,
    by: Actor | None,
    at: datetime,
    **detail: Any,
) -> AuditEntry:
    """Add a row to the audit trail: who did what to which record, with old and new values.

    ``by`` is None for the system itself. ``detail`` must be fit for JSON.
    """
    known = target if isinstance(target, models.Model) else None
    return AuditEntry.objects.create(
        at=at,
        action=action,
        actor_id=by.user_id if by else None,
        # Somebody who signs in or out holds no post yet.
        post_id=getattr(by, "post_id", None),
        actor=by.label if by else "",
        role=by.role if by else "",
        county_id=by.county_id if by else None,
        target_type=known._meta.label_lower if known else "",
        target_id=str(known.pk) if known else "",
        target=str(target)[:200],
        # A number of a person is no part of what was done: the trail outlives all disposal.
        detail=masking.in_values(detail),
    )


_owed: ContextVar[list[Callable[[], object]] | None] = ContextVar("owed", default=None)


def record_anyhow(
    action: str, target: models.Model | str, *, by: Actor | None, at: datetime, **detail: Any
) -> None:
    """Add a row that stands although whatever else the request writes is undone."""
    write = partial(record, action, target, by=by, at=at, **detail)
    owed = _owed.get()
    if owed is None:
        write()
    else:
        owed.append(write)


@contextmanager
def owing() -> Iterator[None]:
    """Write after the block what it has recorded anyhow. To be entered outside its transaction."""
    owed: list[Callable[[], object]] = []
    token = _owed.set(owed)
    try:
        yield
    finally:
        _owed.reset(token)
        for write in owed:
            with transaction.atomic():
                write()
