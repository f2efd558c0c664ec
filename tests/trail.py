"""Every write of the suite is looked at: does a row of the audit trail or a step stand beside it?

A wrapper around the connection sees each INSERT, UPDATE and DELETE. What one call of a test into the
product writes in one transaction belongs together; where a table of ours was changed, a table to
which rows are only added must have got one in the same transaction (E1). What needs none stands in
EXCEPTIONS with its reason, and a whole run says which of these no write needed any more.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import connections, transaction
from django.db.backends.signals import connection_created

ROOT = Path(__file__).resolve().parent.parent
APPS = ("common", "townships", "mandates", "grid", "enforcement", "services")
OURS = tuple(f"{ROOT}/{name}/" for name in (*APPS, "config"))
TESTS = (f"{ROOT}/tests/", f"{ROOT}/bench/")
# Moves no record by itself: what other systems are told of what has a step already.
NO_EVIDENCE = frozenset({"common_event"})
PLAIN = re.compile(r'\s*(insert\s+into|update|delete\s+from)\s+(?:only\s+)?"?(\w+)"?', re.I)
INSIDE = re.compile(
    r'\b(insert\s+into|delete\s+from)\s+"?(\w+)"?|\b(update)\s+"?(\w+)"?(?:\s+\w+)?\s+set\b', re.I
)

# table, or table (* is any) and the module or function that writes it: why no row of the trail is needed.
EXCEPTIONS: dict[str, str] = {
    "common_eventcounter": "a counter of what is told to other systems of steps that stand already",
    "common_event": "tells other systems of a step that stands already",
    "common_heartbeat": "signs of life of processes",
    "common_idempotencykey": "the answer to a request, kept beside what the request itself has left",
    "common_job common.jobs": "how far a job is; asking for it and fetching its result are in the trail",
    "common_notice": "tells people of a step that stands already",
    "common_noticehabit": "how somebody wants to be told; concerns nobody else",
    "common_noticemail": "a message owed because of a step that stands already",
    "common_noticewish": "how somebody wants to be told; concerns nobody else",
    "common_outbox": "work that follows from a step that stands already",
    "mandates_callfollower": "who looks at a call; changes nothing of it",
    "mandates_callfile mandates.operations.disposals.discard_files": "the signed record of the disposal "
    "stands before its files go",
    "mandates_clockaction": "when to look at a clock; what happens then is a step",
    "mandates_dayfigures": "counted from records, and counted anew at any time",
    "mandates_daykept": "counted from records, and counted anew at any time",
    "mandates_daylengths": "counted from records, and counted anew at any time",
    "mandates_daymark": "counted from records, and counted anew at any time",
    "mandates_importrow": "rows of a workbook being checked; taking it in and applying it are in the trail",
    "mandates_listimport mandates.operations.list_checking": "how far the check of a workbook is",
    "mandates_listimport mandates.operations.list_applying": "that the work of applying it was ended",
    "mandates_learnedwords": "worked out from records every night",
    "mandates_matter mandates.operations.lists.matter_of": "the code that lines of versions hang on; that a "
    "line was written is in the trail",
    "mandates_replay mandates.operations.replays.run": "how far a replay is; asking for it and taking it are "
    "in the trail",
    "mandates_replay mandates.operations.replays.told": "likewise",
    "mandates_replay mandates.operations.replays.finish": "likewise",
    "* common.rotation.rotate": "the same values under another key; how many of which table is in the trail",
    "* common.rotation.open_all": "the same values in clear; how many of which table is in the trail",
    "mandates_replaycall": "worked out from records; asking for a replay and taking it are in the trail",
    "mandates_savedfilter": "how somebody looks at lists; changes no record",
    "townships_signin": "who is signed in where; that they signed in and how it ended is in the trail",
    "townships_attempt": "wrong tries being counted; refusals and closed doors are in the trail",
    "townships_factorchange": "a message owed because of a change that stands in the trail",
    "townships_delivery": "what was sent to another system and came back: a log, emptied by age",
    "townships_user townships.views.profile.profile": "how somebody reads pages; concerns nobody else",
    "townships_user townships.views.profile.language": "likewise",
    "townships_user townships.views.profile.type_size": "likewise",
    "townships_user townships.models.people.create_user": "the model's own; whoever calls it records it",
    "townships_receiver townships.operations.deliveries._lease": "whose turn it is to be served",
    "townships_receiver townships.operations.deliveries._release": "likewise",
    "townships_receiver townships.operations.deliveries.settle": "how far it has been served; that it "
    "was stopped is in the trail",
    "townships_deadletter townships.operations.deliveries._settle_event": "an event that stands in the "
    "feed could not be sent; sending it again is in the trail",
    "townships_deadletter townships.operations.deliveries._settle_letter": "likewise",
}


@dataclass(frozen=True)
class Write:
    table: str
    kind: str
    where: str  # the function of ours nearest to the database


@dataclass
class State:
    """What a thread is doing: the call into the product it is in, and what that wrote."""

    act: FrameType | None = None
    act_name: str = ""
    writes: list[Write] = field(default_factory=list)
    blocks: list[tuple[bool, int]] = field(default_factory=list)


class Recorder:
    """Of one process: who adds evidence, what was written without any, which exceptions served."""

    def __init__(self) -> None:
        self.tables: frozenset[str] = frozenset()
        self.evidence: frozenset[str] = frozenset()
        self.used: set[str] = set()
        self.looked_at = 0  # writes that were judged
        self.untraced = 0  # of those, without evidence and without an excuse, in all tests so far
        self.violations: list[str] = []
        self._local = threading.local()
        self._states: list[State] = []
        self._lock = threading.RLock()

    @property
    def state(self) -> State:
        found = getattr(self._local, "state", None)
        if found is None:
            found = self._local.state = State()
            with self._lock:
                self._states.append(found)
        return found

    # --- what is seen -----------------------------------------------------------------------------

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, told: Any
    ) -> Any:
        answer = execute(sql, params, many, told)
        text = sql if isinstance(sql, str) else str(sql)
        found = [(kind, table) for kind, table in _written(text) if table in self.tables]
        if found and told["cursor"].rowcount != 0:
            self._note(found)
        return answer

    def _note(self, found: list[tuple[str, str]]) -> None:
        inner, outer = _frames()
        if inner is None or outer is None:
            return  # a test prepares its ground itself
        state = self.state
        if state.act is not outer:
            self._judge(state)
            state.act, state.act_name = outer, _name(outer)
        state.writes += [Write(table, kind, _name(inner)) for kind, table in found]

    def entered(self, block: transaction.Atomic) -> None:
        state = self.state
        state.blocks.append((getattr(block, "_from_testcase", False), len(state.writes)))

    def left(self, failed: bool) -> None:
        state = self.state
        if not state.blocks:
            return
        of_test, before = state.blocks.pop()
        if failed:
            del state.writes[before:]
        if not of_test and all(outer for outer, _n in state.blocks):
            self._judge(state)

    def _judge(self, state: State) -> None:
        """Look at what one transaction of one call has written."""
        writes, state.writes = state.writes, []
        # What an open block takes back when it fails begins anew as well.
        state.blocks = [(of_test, 0) for of_test, _before in state.blocks]
        act, state.act = state.act_name, None
        self.looked_at += len(writes)
        if any(w.table in self.evidence and w.kind == "insert" for w in writes):
            return
        for write in dict.fromkeys(writes):
            excuse = next((k for k in _keys(write) if k in EXCEPTIONS), None)
            if excuse:
                self.used.add(excuse)
            else:
                self.violations.append(f"{write.kind} {write.table} by {write.where}, in {act}")

    # --- from test to test --------------------------------------------------------------------------

    def begin(self) -> None:
        with self._lock:
            self._states = [self.state]
        self.violations = []
        self.state.writes, self.state.act = [], None

    def end(self) -> list[str]:
        for state in self._states:
            self._judge(state)
        return sorted(set(self.violations))


recorder = Recorder()


def _keys(write: Write) -> Iterator[str]:
    yield write.table
    yield f"{write.table} {write.where.rpartition('.')[0]}"
    yield f"{write.table} {write.where}"
    yield f"* {write.where}"


def _written(sql: str) -> list[tuple[str, str]]:
    head = sql.lstrip()[:6].lower()
    if head in ("insert", "update", "delete"):
        found = PLAIN.match(sql)
        return [(found[1].split()[0].lower(), found[2])] if found else []
    if not head.startswith("with"):
        return []
    return [
        ((kind or "update").split()[0].lower(), table or updated)
        for kind, table, _update, updated in INSIDE.findall(sql)
    ]


def _frames() -> tuple[FrameType | None, FrameType | None]:
    """Return the innermost and the outermost frame of ours; none where a test itself writes.

    What a test has put in place of something of ours stands between the two, and is passed over.
    """
    inner = outer = None
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(TESTS) and not name.endswith("tests/trail.py"):
            if inner is None:
                break
        elif name.startswith(OURS) and "/common/tenancy.py" not in name:
            inner, outer = inner or frame, frame
        frame = frame.f_back
    return inner, outer


def _name(frame: FrameType) -> str:
    path = frame.f_code.co_filename.removeprefix(f"{ROOT}/").removesuffix(".py")
    return f"{path.replace('/', '.')}.{frame.f_code.co_name}"


def catalogue() -> None:
    """Ask PostgreSQL which tables are ours, and to which of them rows are only added."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "select c.relname::text, exists (select from pg_trigger t where t.tgrelid = c.oid "
            "and t.tgname = 'append_only') from pg_class c where c.relkind in ('r', 'p') "
            "and c.relnamespace = 'public'::regnamespace and c.relname ~ %s",
            [f"^({'|'.join(APPS)})_"],
        )
        rows = cursor.fetchall()
    recorder.tables = frozenset(name for name, _fixed in rows)
    recorder.evidence = frozenset(name for name, fixed in rows if fixed) - NO_EVIDENCE


def _watch(connection: Any, **_told: Any) -> None:
    if recorder.execute not in connection.execute_wrappers:
        connection.execute_wrappers.append(recorder.execute)


@contextmanager
def watching() -> Iterator[None]:
    """See every write of this process while the block runs."""
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def entering(block: transaction.Atomic) -> Any:
        enter(block)
        recorder.entered(block)

    def leaving(block: transaction.Atomic, kind: Any, value: Any, trace: Any) -> Any:
        failed = kind is not None or connections[block.using or "default"].needs_rollback
        try:
            leave(block, kind, value, trace)
        except BaseException:
            failed = True
            raise
        finally:
            recorder.left(failed)

    _watch(connections["default"])
    connection_created.connect(_watch, dispatch_uid="evidence")
    transaction.Atomic.__enter__ = entering  # type: ignore[method-assign]
    transaction.Atomic.__exit__ = leaving  # type: ignore[method-assign]
    try:
        yield
    finally:
        transaction.Atomic.__enter__ = enter  # type: ignore[method-assign]
        transaction.Atomic.__exit__ = leave  # type: ignore[method-assign]
        connection_created.disconnect(dispatch_uid="evidence")
