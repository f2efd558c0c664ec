"""Encrypted tables brought under another key, or into it, with a row of the audit trail for each."""

from __future__ import annotations

from datetime import datetime

from common import audit, ciphers, rotation
from common.rotation import Done, Table
from common.tenancy import dispatching


def encrypt_clear(*, at: datetime) -> int:
    """Encrypt whatever a release before has left in clear; return how many rows."""
    found = 0
    for table in rotation.tables():
        done = rotation.to_end(rotation.rotate(table, only_clear=True))
        note("personal_data_encrypted", table, done, at=at)
        found += done.renewed
    return found


def note(action: str, table: Table, done: Done, *, at: datetime) -> None:
    """Leave a row of the audit trail of what was done to a table, if anything was.

    Afterwards and once: the values are the same, and portions are many.
    """
    if done.renewed or done.unreadable:
        told = {"rows": done.renewed, "unreadable": done.unreadable, "key": ciphers.current().name}
        with dispatching(reason="the trail of keys"):
            audit.record(action, table.name, by=None, at=at, **told)
