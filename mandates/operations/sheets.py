"""呼叫单: a call taken out of the system on paper or as a file; who did so is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from common import audit
from mandates.models import Call

if TYPE_CHECKING:
    from townships.http import Member


def exported(call: Call, *, by: Member, at: datetime) -> None:
    """Write down that somebody took the sheet of a call out of the system, and as it then stood."""
    audit.record(
        "call_sheet_exported",
        call,
        by=by,
        at=at,
        uid=str(call.uid),
        version=call.version,
        last_hash=call.last_hash,
    )
