"""存证锚点: hashes of what was added, under a key that the database does not know.

A chain of hashes alone can be worked out anew by whoever administers the database. So every hour the
new rows of each history and township get an anchor: one root over them (RFC 6962), and a keyed check
value over that and over the anchor before. Anchors leave the house as a file (`lines`), and what
they say is held against the database by `common.verifying`.

Keys come from ANCHOR_KEYS, the newest first; the older ones stay while their anchors are verified.
Without any, the key follows from SECRET_KEY, and from those of SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import base64
import json
import os
import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Max

from common import hashing
from common.histories import History, Row, all_histories, canonical, rows_of
from common.models import Anchor
from common.tenancy import dispatching

WINDOW = 20_000  # rows looked at in one transaction: at most so many leaves in an anchor
# Rows get their number before they are committed: so far back an hourly run looks once more. What
# comes later still is found by the nightly run, which looks at everything.
BACK = 20_000
SHORTEST_KEY = 32
FORMAT = "huying-anchors-1"
LEAF = struct.Struct(">q16sI32s")  # row, record, number of the step, hash
HANDED = re.compile(r"anchors-\d+-(\d+)\.jsonl$")
LOCK = 0x48795F416E63686F  # pg_advisory_xact_lock: one chain of anchors


class UnknownKey(KeyError):
    """Made under a key that this process was not given."""


# --- keys ---------------------------------------------------------------------------------------------


def keys() -> dict[str, bytes]:
    """Return the keys by name; new anchors are made under the first.

    Those that follow from SECRET_KEY stand last: what they signed before there were others is verified
    with them, and `verifying` believes nothing they signed later.
    """
    digests = (
        sha256(f"anchors {one}".encode()).digest()
        for one in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
    derived = {f"secret-{sha256(key).hexdigest()[:8]}": key for key in digests}
    own = own_keys()
    return {**own, **{name: key for name, key in derived.items() if name not in own}}


def own_keys() -> dict[str, bytes]:
    """Return the keys that were given to this installation, the newest first."""
    given = dict(one.partition(":")[::2] for one in settings.ANCHOR_KEYS)
    return {name.strip(): key.strip().encode() for name, key in given.items()}


def current_key() -> str:
    return next(iter(keys()))


def signed(text: bytes, key: str, by: str) -> str:
    """Return the check value of a text under a key. Raises UnknownKey, UnknownAlgorithm."""
    try:
        secret = keys()[key]
    except KeyError:
        raise UnknownKey(key) from None
    return hashing.keyed(secret, text, by)


# --- what an anchor says ----------------------------------------------------------------------------


def pack(rows: Iterable[Row]) -> bytes:
    return b"".join(LEAF.pack(row.id, row.record.bytes, row.seq, row.hash) for row in rows)


def unpack(leaves: bytes) -> Iterator[Row]:
    for key, record, seq, found in LEAF.iter_unpack(leaves):
        yield Row(key, UUID(bytes=record), seq, found)


def root_of(leaves: bytes, by: str) -> str:
    size = LEAF.size
    return hashing.root([leaves[n : n + size] for n in range(0, len(leaves), size)], by)


SAID = (
    "number", "history", "county_id", "area_id", "begins_at", "ends_at", "count", "first_row",
    "last_row", "columns", "root", "algorithm", "previous", "key",
)  # fmt: skip


def mac_of(anchor: Anchor) -> str:
    """Return what the check value of an anchor must be. Raises UnknownKey, UnknownAlgorithm."""
    text = canonical({name: getattr(anchor, name) for name in SAID})
    return signed(text, anchor.key, anchor.algorithm)


# --- making them ----------------------------------------------------------------------------------------


@dataclass
class Made:
    """What one run has anchored."""

    anchors: int = 0
    rows: int = 0
    first: int = 0  # number of the first anchor made; 0 if none


def anchor(
    *,
    at: datetime,
    everything: bool = False,
    tell: Callable[[str, int], None] = lambda *_told: None,
) -> Made:
    """Anchor what no anchor holds yet; look at every row there is with ``everything``.

    Each window of rows is a transaction of its own: cut off, it goes on where it stood.
    """
    made = Made()
    for history in all_histories().values():
        last, end, begins = _reach(history)
        row = 0 if everything else max(0, last - BACK)
        while row < end:
            until = min(row + WINDOW, end)
            _window(history, row, until, begins, at, made)
            row = until
            tell(history.name, row)
    return made


def _reach(history: History) -> tuple[int, int, datetime | None]:
    """Return the last row anchored, the last row there is, and when the last period ended."""
    with dispatching(reason="histories are anchored"):
        mine = Anchor.objects.filter(history=history.name)
        told = mine.aggregate(last=Max("last_row"), ends=Max("ends_at"))
    with history.reading():
        end = history.rows.aggregate(last=Max("pk"))["last"]
    return told["last"] or 0, end or 0, told["ends"]


def _window(
    history: History, after: int, until: int, begins: datetime | None, at: datetime, made: Made
) -> None:
    by = hashing.algorithm()
    with dispatching(reason="histories are anchored"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        known = _known(history, after, until)
        groups: dict[tuple[int, int], list[Row]] = defaultdict(list)
        columns = [] if history.chain else history.columns
        with history.reading():
            rows = history.rows.filter(pk__gt=after, pk__lte=until).order_by("pk")
            for row in rows_of(history, rows, columns=columns, algorithm=by):
                if row.id not in known:
                    groups[row.owner].append(row)
        if not groups:
            return
        last = Anchor.objects.order_by("-number").values_list("number", "mac").first()
        number, previous = last or (0, "")
        for (county, area), held in sorted(groups.items()):
            number += 1
            leaves = pack(held)
            new = Anchor(
                number=number, history=history.name, county_id=county, area_id=area,
                begins_at=begins, ends_at=at, count=len(held), first_row=held[0].id,
                last_row=held[-1].id, columns=columns, leaves=leaves, root=root_of(leaves, by),
                algorithm=by, previous=previous, key=current_key(),
            )  # fmt: skip
            new.mac = previous = mac_of(new)
            new.save(force_insert=True)
            made.first = made.first or number
            made.anchors += 1
            made.rows += len(held)


def _known(history: History, after: int, until: int) -> set[int]:
    """Return the rows of a window that some anchor holds already."""
    mine = Anchor.objects.filter(history=history.name, last_row__gt=after, first_row__lte=until)
    return {
        row.id
        for (leaves,) in mine.values_list("leaves").iterator(chunk_size=50)
        for row in unpack(bytes(leaves))
        if after < row.id <= until
    }


# --- as a file, for safe-keeping elsewhere ------------------------------------------------------------


def lines(*, after: int = 0, at: datetime) -> Iterator[str]:
    """Yield the anchors with higher numbers as lines of JSON, each with its leaves.

    The first line says what follows and how it is hashed. The last bears the number of anchors and
    the check value of all lines, so that a file that was cut off or mended is known.
    """
    by, key, number, count = hashing.algorithm(), current_key(), after, 0
    head = {"format": FORMAT, "after": after, "at": at.isoformat(), "algorithm": by, "key": key}
    text = _written(head)
    whole = hashing.digest(text.encode(), by)
    yield text
    while True:
        with dispatching(reason="anchors are handed out"):
            found = list(Anchor.objects.filter(number__gt=number).order_by("number")[:50])
        if not found:
            break
        for one in found:
            text = _written(_spoken(one))
            whole = hashing.digest(whole + text.encode(), by)
            count += 1
            yield text
        number = found[-1].number
    end = {"end": FORMAT, "anchors": count, "lines": whole.hex()}
    yield _written({**end, "mac": signed(canonical(end), key, by)})


def last_handed(folder: Path) -> int:
    """Return the number of the last anchor that a file in the folder holds; 0 where there is none."""
    return max(
        (int(found[1]) for p in folder.iterdir() if (found := HANDED.match(p.name))), default=0
    )


def hand_out(*, at: datetime) -> Path | None:
    """Write the anchors that no file holds yet into ANCHOR_FOLDER; return the file, if there is one.

    A file is called after its first and last number, and stands there whole or not at all.
    """
    if not settings.ANCHOR_FOLDER:
        return None
    folder = Path(settings.ANCHOR_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    last = last_handed(folder)
    with dispatching(reason="anchors are handed out"):
        newest = Anchor.objects.aggregate(last=Max("number"))["last"] or 0
    if newest <= last:
        return None
    unfinished = folder / f".{os.getpid()}.part"
    number = last
    with unfinished.open("w", encoding="utf-8") as file:
        for text in lines(after=last, at=at):
            file.write(text + "\n")
            number += 1
        file.flush()
        os.fsync(file.fileno())
    # Head and end are lines too.
    whole = folder / f"anchors-{last + 1:09}-{number - 2:09}.jsonl"
    unfinished.rename(whole)
    return whole


def _written(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _spoken(one: Anchor) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in (*SAID, "mac")}
    for name in ("begins_at", "ends_at"):
        told[name] = told[name].isoformat(timespec="microseconds") if told[name] else None
    return {**told, "leaves": base64.b64encode(bytes(one.leaves)).decode()}


class BadFile(ValueError):
    """A file of anchors that is none, or not as it was handed out; ``line`` is where."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


def read(file: Iterable[str]) -> Iterator[Anchor]:
    """Yield the anchors of a file, not saved; one file may follow another. Raises BadFile, UnknownKey."""
    head: dict[str, Any] | None = None
    whole, count, number = b"", 0, 0
    for number, line in enumerate(file, start=1):
        text = line.rstrip("\r\n")
        told = _json(text, number)
        if head is None:
            if told.get("format") != FORMAT or told.get("algorithm") not in hashing.ALGORITHMS:
                raise BadFile(number, "unknown_format")
            head, count, whole = told, 0, hashing.digest(text.encode(), told["algorithm"])
        elif "end" in told:
            mac = told.pop("mac", "")
            if (told.get("anchors"), told.get("lines")) != (count, whole.hex()):
                raise BadFile(number, "lines_changed")
            if signed(canonical(told), str(head.get("key")), head["algorithm"]) != mac:
                raise BadFile(number, "not_signed")
            head = None
        else:
            whole = hashing.digest(whole + text.encode(), head["algorithm"])
            count += 1
            yield _heard(told, number)
    if head is not None or number == 0:
        raise BadFile(number, "cut_off")


def _json(text: str, number: int) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise BadFile(number, "not_an_anchor")
    return told


def _heard(told: dict[str, Any], number: int) -> Anchor:
    try:
        values = {name: told[name] for name in (*SAID, "mac")}
        for name in ("begins_at", "ends_at"):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        leaves = base64.b64decode(told["leaves"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise BadFile(number, "not_an_anchor") from None
    if not leaves or len(leaves) % LEAF.size:
        raise BadFile(number, "not_an_anchor")
    return Anchor(**values, leaves=leaves)
