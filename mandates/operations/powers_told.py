"""Heads of townships are told of powers: what waits for their confirmation, what was taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from common import bulk
from common.models import Notice
from common.tenancy import dispatching
from mandates.models import PowerAgreement
from mandates.operations.owing import owe
from mandates.operations.telling import POWERS, group_of, wish_of, wishes
from townships.models import Post
from townships.roles import Role


def tell_heads(
    part: PowerAgreement, kind: str, about: UUID, step: int, facts: dict[str, Any], *, at: datetime
) -> None:
    """Tell the heads of a township, once of each ``step``, as each has wished."""
    assert kind in POWERS
    with dispatching(reason="a notice goes to the heads of a township"):
        heads = set(
            Post.objects.as_of(timezone.localdate(at))
            .filter(township=part.township_id, role=Role.TOWNSHIP_HEAD, user__is_active=True)
            .values_list("user", flat=True)
        )
        known = wishes(heads)
        told = {
            (user, step): Notice(
                **part.tenant,
                user_id=user,
                kind=kind,
                about=about,
                step_id=step,
                at=at,
                facts=facts,
            )
            for user in sorted(heads)
            if wish_of(known, user, group_of(kind)).in_app
        }
        bulk.insert(list(told.values()), ignore_conflicts=True)
        owe(told, known, at=at)
