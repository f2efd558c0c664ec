"""校验: are histories still what was written? Chains against themselves, rows against anchors.

Three passes. The anchors of a file that was kept elsewhere, if there is one, against the rows and
against the anchors of the database; the anchors of the database, their numbers, keys and roots,
against the rows; and every chain of steps against itself and the record it belongs to. Each finding
names the place: history, record, number of the step, and what is wrong. Memory does not grow with
what is verified, and the place reached can be kept, to go on from there (`Progress`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import anchors, hashing
from common.histories import Chain, History, Row, all_histories, rows_of
from common.models import Anchor, Verification
from common.tenancy import dispatching
from common.workflow import chain_hash

RECORDS = 1_000  # chains of one portion
ANCHORS, ROWS = 500, 20_000  # of one portion, at most
KEPT = 500  # findings that are kept; the rest is counted

# What a finding says. The names stand in the rows of verifications.
WHAT: dict[str, Any] = {
    "changed": _("was changed: it does not fit its own hash"),
    "rewritten": _("is no longer what it was when it was anchored"),
    "deleted": _("was deleted: an anchor still holds it"),
    "missing": _("is missing in its chain"),
    "unlinked": _("does not follow from the step before"),
    "head": _("the record names another last step: steps were cut off, or the record was changed"),
    "state": _("the record is in a state to which its steps do not lead"),
    "empty": _("the record has no steps"),
    "anchor_number": _("an anchor is missing before this one"),
    "anchor_forged": _("the anchor does not bear the check value of its key"),
    "anchor_root": _("the anchor's root is not that of its rows"),
    "anchor_link": _("the anchor does not follow from the one before"),
    "anchor_key": _("the anchor's key is not known here: give it in ANCHOR_KEYS"),
    "anchor_history": _("the anchor is of a history that this version does not know"),
    "anchor_gone": _("the anchor in the file is no longer in the database"),
    "anchor_other": _("the database holds another anchor under this number"),
}

# Why a file of anchors cannot be believed.
BAD_FILE: dict[str, Any] = {
    "unknown_format": _("it does not begin as a file of anchors"),
    "not_an_anchor": _("this is no anchor"),
    "lines_changed": _("lines were changed or are missing before it"),
    "not_signed": _("it is not signed with the key it names"),
    "cut_off": _("the end is missing"),
}


@dataclass(frozen=True)
class Finding:
    """One place at which something is wrong; ``seq`` is the step, ``anchor`` the number of one."""

    what: str
    history: str = ""
    record: str = ""
    name: str = ""
    seq: int = 0
    anchor: int = 0


@dataclass
class Progress:
    """How far a verification is, and what it has found; survives being written down as JSON."""

    phase: str = "file"
    position: int = 0
    previous: str = ""  # mac of the anchor before
    anchors: int = 0
    own: bool = False  # an anchor under a key of ANCHOR_KEYS has come
    trusted: list[list[int]] = field(
        default_factory=list
    )  # numbers that the file held, from and to
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    found: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def count(self, history: str, name: str, number: int) -> None:
        mine = self.counts.setdefault(history, {})
        mine[name] = mine.get(name, 0) + number

    def find(self, finding: Finding) -> None:
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(asdict(finding))


def sentence(found: Finding) -> str:
    """Say in words where something is wrong, and what."""
    history = all_histories().get(found.history)
    place = [str(history.label) if history else found.history]
    if found.record:
        place.append(" ".join(part for part in (found.name, found.record) if part))
    if found.seq:
        place.append(gettext("step %d") % found.seq)
    if found.anchor:
        place.append(gettext("anchor %d") % found.anchor)
    parts = [part for part in place if part]
    where = parts[0] if parts else ""
    for part in parts[1:]:
        where = gettext("%(place)s, %(part)s") % {"place": where, "part": part}
    told = {"place": where, "what": WHAT[found.what]}
    return gettext("%(place)s: %(what)s") % told


Tell = Callable[[Progress], None]


def verify(
    *,
    file: Iterable[str] | None = None,
    progress: Progress | None = None,
    tell: Tell = lambda _p: None,
) -> Progress:
    """Verify everything; return what was counted and found. ``tell`` is called between portions.

    ``file`` holds exported anchors. A ``progress`` goes on where it stood (the file from its start).
    Raises anchors.BadFile, anchors.UnknownKey for a file that cannot be trusted.
    """
    done = progress if progress and progress.phase != "file" else Progress()
    if done.phase == "file":
        if file is not None:
            _against_file(done, file, tell)
        done.phase, done.position, done.previous = "anchors", 0, ""
    if done.phase == "anchors":
        _against_anchors(done, tell)
        done.phase, done.position = "chains", 0
    names = [name for name, one in all_histories().items() if one.chain]
    if done.phase == "chains":
        done.phase = f"chain {names[0]}" if names else "count"
    for name, after in zip(names, [*names[1:], ""], strict=True):
        if done.phase == f"chain {name}":
            _chains(done, all_histories()[name], tell)
            done.phase, done.position = f"chain {after}" if after else "count", 0
    if done.phase == "count":
        _count(done)
        done.phase = "done"
    tell(done)
    return done


def keep(
    done: Progress, *, begun_at: datetime, ended_at: datetime, by: str = "", file_name: str = "",
    file_sha256: str = "",
) -> Verification:  # fmt: skip
    """Write down what a verification came to, for the auditor."""
    with dispatching(reason="a verification is written down"):
        made: Verification = Verification.objects.create(
            begun_at=begun_at, ended_at=ended_at, by=by[:200], file_name=file_name[:200],
            file_sha256=file_sha256, anchors=done.anchors, counts=done.counts, found=done.found,
            findings=done.findings,
        )  # fmt: skip
    return made


# --- anchors --------------------------------------------------------------------------------------------


def _against_file(done: Progress, file: Iterable[str], tell: Tell) -> None:
    previous, number = "", 0
    for portion in _portions(anchors.read(file)):
        with dispatching(reason="evidence is verified"):
            numbers = [one.number for one in portion]
            here = dict(Anchor.objects.filter(number__in=numbers).values_list("number", "mac"))
        for one in portion:
            # A file may begin late, and one file may follow another.
            if number and one.number > number + 1:
                done.find(Finding("anchor_number", one.history, anchor=one.number))
            elif number and one.number == number + 1 and one.previous != previous:
                done.find(Finding("anchor_link", one.history, anchor=one.number))
            number, previous = one.number, one.mac
            if one.number not in here:
                done.find(Finding("anchor_gone", one.history, anchor=one.number))
            elif here[one.number] != one.mac:
                done.find(Finding("anchor_other", one.history, anchor=one.number))
            if done.trusted and done.trusted[-1][1] + 1 == one.number:
                done.trusted[-1][1] = one.number
            else:
                done.trusted.append([one.number, one.number])
        _look(done, portion)
        done.count("", "file", len(portion))
        tell(done)


def _portions(told: Iterable[Anchor]) -> Iterator[list[Anchor]]:
    """Cut anchors into portions of not too many rows."""
    portion: list[Anchor] = []
    rows = 0
    for one in told:
        if portion and (len(portion) >= ANCHORS or rows + one.count > ROWS):
            yield portion
            portion, rows = [], 0
        portion.append(one)
        rows += len(one.leaves) // anchors.LEAF.size
    if portion:
        yield portion


def _against_anchors(done: Progress, tell: Tell) -> None:
    while True:
        with dispatching(reason="evidence is verified"):
            later = Anchor.objects.filter(number__gt=done.position).order_by("number")
            wanted: list[int] = []
            rows = 0
            for number, count in later.values_list("number", "count")[:ANCHORS]:
                if wanted and rows + count > ROWS:
                    break
                wanted.append(number)
                rows += count
            portion = list(later.filter(number__in=wanted))
        if not portion:
            return
        own, known = anchors.own_keys(), anchors.keys()
        for one in portion:
            # Whoever knows SECRET_KEY could sign under the key that follows from it.
            done.own = done.own or one.key in own
            if done.own and own and one.key not in own and one.key in known:
                done.find(Finding("anchor_forged", one.history, anchor=one.number))
            if one.number != done.position + 1:
                done.find(Finding("anchor_number", one.history, anchor=one.number))
            elif one.previous != done.previous:
                done.find(Finding("anchor_link", one.history, anchor=one.number))
            done.position, done.previous = one.number, one.mac
            done.anchors += 1
        _look(done, portion, trusted=done.trusted)
        tell(done)


def _look(
    done: Progress, portion: Sequence[Anchor], *, trusted: Sequence[Sequence[int]] = ()
) -> None:
    """Look at anchors by themselves, and hold the rows they name against the database.

    Not those of ``trusted`` numbers: the file held them already.
    """
    wanted: defaultdict[tuple[str, str, tuple[str, ...]], list[tuple[Row, int]]] = defaultdict(list)
    for one in portion:
        leaves = bytes(one.leaves)
        for what in _of_itself(one, leaves):
            done.find(Finding(what, one.history, anchor=one.number))
        if one.history not in all_histories():
            done.find(Finding("anchor_history", one.history, anchor=one.number))
        elif one.algorithm in hashing.ALGORITHMS and not any(
            first <= one.number <= last for first, last in trusted
        ):
            alike = wanted[one.history, one.algorithm, tuple(one.columns)]
            alike += [(leaf, one.number) for leaf in anchors.unpack(leaves)]
    for (name, algorithm, columns), held in wanted.items():
        _rows(done, all_histories()[name], algorithm, columns, held)


def _of_itself(one: Anchor, leaves: bytes) -> Iterator[str]:
    try:
        if anchors.mac_of(one) != one.mac:
            yield "anchor_forged"
    except anchors.UnknownKey:
        yield "anchor_key"
    except hashing.UnknownAlgorithm:
        yield "anchor_forged"
        return
    told = anchors.root_of(leaves, one.algorithm), len(leaves)
    if told != (one.root, one.count * anchors.LEAF.size):
        yield "anchor_root"


def _rows(
    done: Progress, history: History, algorithm: str, columns: Sequence[str],
    held: Sequence[tuple[Row, int]],
) -> None:  # fmt: skip
    """Hold anchored rows against the database; name the first that is wrong of each record."""
    known = {f.attname for f in history.model._meta.concrete_fields}
    # With a column gone from the table its rows cannot be compared, and count as changed.
    names = [name for name in columns if name in known]
    said: set[Any] = set()
    with history.reading():
        objects = history.rows.filter(pk__in=[leaf.id for leaf, _anchor in held])
        here = {
            row.id: row for row in rows_of(history, objects, columns=names, algorithm=algorithm)
        }
        for leaf, anchor in held:
            row = here.get(leaf.id)
            if row is not None and (row.hash, row.record, row.seq) == (
                leaf.hash, leaf.record, leaf.seq,
            ):  # fmt: skip
                continue
            if leaf.record in said:
                done.found += 1  # what follows it in the chain differs too
                continue
            said.add(leaf.record)
            what = "rewritten" if history.chain else "changed"
            done.find(_place("deleted" if row is None else what, history, leaf, anchor))
    done.count(history.name, "anchored", len(held))


def _place(what: str, history: History, leaf: Row, anchor: int) -> Finding:
    name = str(leaf.id)
    if history.chain is not None:
        parent: Any = history.model._meta.get_field(history.chain.record).related_model
        found = parent._default_manager.filter(uid=leaf.record).first()
        name = str(found)[:100] if found is not None else ""
    return Finding(what, history.name, str(leaf.record), name, leaf.seq, anchor)


# --- chains ---------------------------------------------------------------------------------------------


def _chains(done: Progress, history: History, tell: Tell) -> None:
    chain = history.chain
    assert chain is not None
    parent: Any = history.model._meta.get_field(chain.record).related_model
    key = f"{chain.record}_id"
    while True:
        with history.reading():
            rows = parent._default_manager.filter(pk__gt=done.position).order_by("pk")
            records = list(rows[:RECORDS])
            if not records:
                return
            steps = history.rows.filter(
                **{f"{key}__gte": records[0].pk, f"{key}__lte": records[-1].pk}
            ).order_by(key, "seq")
            held: dict[int, list[Any]] = {
                at: list(group) for at, group in groupby(steps, key=lambda one: getattr(one, key))
            }
            for record in records:
                mine = held.get(record.pk, [])
                for what, seq in faults(chain, record, mine):
                    done.find(Finding(what, history.name, str(record.uid), str(record)[:100], seq))
                for name, number in Counter(step.algorithm for step in mine).items():
                    done.count(history.name, name if name in hashing.ALGORITHMS else "?", number)
            done.count(history.name, "records", len(records))
            done.position = records[-1].pk
        tell(done)


def faults(chain: Chain, record: Any, steps: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """Yield what is wrong with the chain of one record, and at which step; nothing if it is whole."""
    previous, wanted = "", 1
    for step in steps:
        if step.seq != wanted:
            yield "missing", wanted
            return
        if step.previous_hash != previous:
            yield "unlinked", step.seq
            return
        try:
            own = chain_hash(previous, chain.facts(step, record), algorithm=step.algorithm)
        except hashing.UnknownAlgorithm:
            own = ""
        if step.hash != own:
            yield "changed", step.seq
            return
        previous, wanted = step.hash, wanted + 1
    if not steps:
        yield "empty", 0
    elif (record.step_count, record.last_hash) != (len(steps), previous):
        yield "head", len(steps)
    elif record.state != steps[-1].to_state:
        yield "state", len(steps)


def _count(done: Progress) -> None:
    """Count the rows of every history: what no anchor holds yet is the difference."""
    for history in all_histories().values():
        with history.reading():
            done.count(history.name, "rows", history.rows.count())
