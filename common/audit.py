"""Who did what beside the work on records: sign-in, roles, exports, changes of reference data.

Written by operations in the transaction of the change, never by signals. Work on calls stands in
their own steps.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from django.db import models

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
