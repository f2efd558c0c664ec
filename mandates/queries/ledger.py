"""Invariants of calls and admissions: steps, routing, clocks, files and letters."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common import attachments
from common.ledger import PORTION, Check, Violation, invariant, portions
from common.models import Outbox
from common.tenancy import dispatching, everywhere
from common.workflow import chain_hash
from mandates.models import (
    AccountabilityCounter,
    AccountabilityReport,
    Admission,
    AdmissionFile,
    AdmissionStep,
    Call,
    Caller,
    CallFile,
    Clock,
    ClockAction,
    Disposal,
    Letter,
    LetterCounter,
    Level,
    RetentionKind,
    Step,
)
from mandates.models.moves import STEP_OF_LEVEL, WITHOUT_LADDER
from mandates.queries.accountability import verify
from mandates.queries.chain import step_facts
from mandates.queries.retention import KINDS

SWEEP_PATIENCE = timedelta(minutes=5)
# A file is written before its row: only one that stays without a row is too many.
FILE_PATIENCE = timedelta(hours=1)
REPORTS = 5  # in memory


def _calls(check: Check) -> Iterator[list[Call]]:
    return portions(Call.objects.all, check)


def _steps(calls: Iterable[Call]) -> dict[int, list[Step]]:
    found: dict[int, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(call__in=[call.pk for call in calls]).order_by("call", "seq"):
        found[step.call_id].append(step)
    return found


@invariant("I1", _("Every raised call was handed to routing, once, by the step that raised it"))
def raised_calls_are_routed(check: Check) -> Iterator[Violation]:
    for calls in _calls(check):
        keys = [call.pk for call in calls]
        moves: dict[int, Counter[str]] = defaultdict(Counter)
        rows = Step.objects.filter(call__in=keys, move__in=("raise", "return_to_township"))
        for key, move in rows.values_list("call", "move"):
            moves[key][move] += 1
        waiting = Counter(
            Outbox.objects.filter(kind="route", subject_id__in=keys).values_list(
                "subject_id", flat=True
            )
        )
        for call in calls:
            raised, returned = moves[call.pk]["raise"], moves[call.pk]["return_to_township"]
            wanted = 1 if raised else 0
            if raised != returned + (1 if call.raised_at else 0):
                yield Violation(_name(call), f"raised {raised} times, returned {returned} times")
            if waiting[call.pk] != wanted:
                yield Violation(_name(call), f"{waiting[call.pk]} rows for routing, not {wanted}")


@invariant("I3", _("The steps of every call form an unbroken chain that ends in its state"))
def steps_form_chains(check: Check) -> Iterator[Violation]:
    for calls in _calls(check):
        steps = _steps(calls)
        for call in calls:
            fault = _fault_of_chain(call, steps[call.pk])
            if fault:
                yield Violation(_name(call), fault)


def _fault_of_chain(call: Call, steps: list[Step]) -> str:
    previous = ""
    for number, step in enumerate(steps, start=1):
        if step.seq != number:
            return f"step {number} is missing"
        if step.previous_hash != previous:
            return f"step {number} does not follow the one before"
        if step.hash != _hash_of(step, call):
            return f"step {number} was changed"
        previous = step.hash
    if not steps:
        return "has no steps"
    if steps[-1].to_state != call.state:
        return f"is {call.state}, but its last step leads to {steps[-1].to_state}"
    if (call.step_count, call.last_hash) != (len(steps), previous):
        return f"counts {call.step_count} steps, but has {len(steps)}, or ends in another hash"
    return ""


def _hash_of(step: Step, call: Call) -> str:
    try:
        return chain_hash(step.previous_hash, step_facts(step, call), algorithm=step.algorithm)
    except ValueError:  # no such algorithm
        return ""


@invariant("I4", _("What is due happened once a clock and level, stamped with the due instant"))
def levels_happen_once(check: Check) -> Iterator[Violation]:
    for calls in _calls(check):
        keys = [call.pk for call in calls]
        clocks = Clock.objects.filter(call__in=keys).exclude(kind__in=WITHOUT_LADDER)
        actions: dict[int, list[ClockAction]] = defaultdict(list)
        for action in ClockAction.objects.filter(clock__call__in=keys):
            actions[action.clock_id].append(action)
        happened = Counter(_happened(keys))
        for clock in clocks.order_by("pk"):
            for fault in _faults_of_clock(clock, actions[clock.pk], happened, check.at):
                yield Violation(f"clock {clock.pk} ({clock.kind}) of call {clock.call_id}", fault)


Happened = tuple[int, int | None, str, str, datetime]


def _happened(keys: list[int]) -> Iterator[Happened]:
    rows = Step.objects.filter(call__in=keys, move__in=set(STEP_OF_LEVEL.values()))
    for call, part, move, data, at in rows.values_list("call", "assignment", "move", "data", "at"):
        yield call, part, move, data.get("clock", ""), at


def _faults_of_clock(
    clock: Clock, actions: list[ClockAction], happened: Counter[Happened], now: datetime
) -> Iterator[str]:
    done = [action for action in actions if action.done_at]
    for action in done:
        assert action.done_at is not None
        move = STEP_OF_LEVEL[Level(action.level)]
        steps = happened[(clock.call_id, clock.assignment_id, move, clock.kind, action.done_at)]
        if steps != 1:
            yield f"{action.level} is done, with {steps} steps"
    # What came before the date was put off, or before it at all, is no breach of it.
    breached = any(
        action.level != Level.LAPSE and action.done_at and action.done_at >= clock.due_at
        for action in done
    )
    if breached and clock.breached_at != clock.due_at:
        yield f"breached at {clock.breached_at}, but due at {clock.due_at}"
    if clock.breached_at and not done:
        yield "breached, but nothing has happened"
    if not clock.is_running or clock.paused_since:
        return
    late = now - SWEEP_PATIENCE
    waiting = [
        a.level for a in actions if not a.done_at and not a.passed_at and a.at and a.at < late
    ]
    if waiting:
        yield f"{', '.join(sorted(waiting))} should have happened"
    if clock.due_at < late and not actions:
        yield "nothing is planned for it"


@invariant("I6", _("Every file has its row, and every row its file, unchanged"))
def files_stand(check: Check) -> Iterator[Violation]:
    for rows in portions(lambda: CallFile.objects.filter(disposed_at=None), check):
        for row in rows:
            fault = _fault_of_file(row)
            if fault:
                yield Violation(f"file {row.uid} of call {row.call_id}", fault)
    for papers in portions(AdmissionFile.objects.all, check):
        for paper in papers:
            if fault := _fault_of_file(paper):
                yield Violation(f"document {paper.uid} of admission {paper.admission_id}", fault)
    yield from _without_row(check)


def _fault_of_file(row: CallFile | AdmissionFile) -> str:
    digest, size = hashlib.sha256(), 0
    try:
        with attachments.stored(row.path).open("rb") as content:
            while portion := content.read(1 << 20):
                digest.update(portion)
                size += len(portion)
    except OSError:
        return f"{row.path} cannot be read"
    if (size, digest.hexdigest()) != (row.size, row.sha256):
        return f"{row.path} was changed"
    return ""


def _without_row(check: Check) -> Iterator[Violation]:
    root = Path(settings.MEDIA_ROOT)
    until = (check.at - FILE_PATIENCE).astimezone(UTC).timestamp()
    old = (
        path
        for folder in ("calls", "admissions")
        for path in root.glob(f"{folder}/*/*")
        if path.is_file() and path.stat().st_mtime < until
    )
    while paths := list(islice(old, PORTION)):
        names = {str(path.relative_to(root)) for path in paths}
        with everywhere(reason="the ledger is verified"):
            known = {
                path
                for model in (CallFile, AdmissionFile)
                for path in model.objects.filter(path__in=names).values_list("path", flat=True)
            }
        for name in sorted(names - known):
            owner = "call" if name.startswith("calls/") else "admission"
            yield Violation(name, f"belongs to no {owner}")


@invariant("I7", _("Every letter says what it was sealed with, and no number is missing"))
def letters_stand(check: Check) -> Iterator[Violation]:
    given: Counter[tuple[int, str, int]] = Counter()
    for rows in portions(Letter.objects.all, check):
        for row in rows:
            given[row.county_id, row.kind, row.year] += 1
            if row.seal() != row.digest:
                yield Violation(f"letter {row.number}", "was changed")
    with everywhere(reason="the ledger is verified"):
        counters = list(
            LetterCounter.objects.values_list("county", "kind", "year", "last").order_by("pk")
        )
    for county, kind, year, last in counters:
        count = given[county, kind, year]
        # Some may have been written since they were read: those are counted again.
        if count < last and (count := _count(county, kind, year, last)) < last:
            yield Violation(f"letters {kind} {year} of county {county}", f"{count} of {last}")


def _count(county: int, kind: str, year: int, last: int) -> int:
    with everywhere(reason="the ledger is verified"):
        rows = Letter.objects.filter(county=county, kind=kind, year=year, sequence__lte=last)
        return rows.count()


@invariant("I8", _("The steps of every admission form an unbroken chain that ends in its state"))
def admissions_form_chains(check: Check) -> Iterator[Violation]:
    for rows in portions(Admission.objects.all, check):
        steps: dict[int, list[AdmissionStep]] = defaultdict(list)
        for step in AdmissionStep.objects.filter(admission__in=rows).order_by("seq"):
            steps[step.admission_id].append(step)
        for one in rows:
            if fault := _fault_of_admission(one, steps[one.pk]):
                yield Violation(f"admission {one.pk} {one.number}".strip(), fault)


def _fault_of_admission(one: Admission, steps: list[AdmissionStep]) -> str:
    previous = ""
    for number, step in enumerate(steps, start=1):
        if (step.seq, step.previous_hash) != (number, previous):
            return f"step {number} does not follow the one before"
        if step.hash != _hash_of_admission(step, one):
            return f"step {number} was changed"
        previous = step.hash
    if not steps:
        return "has no steps"
    if (steps[-1].to_state, len(steps), previous) != (one.state, one.step_count, one.last_hash):
        return f"is {one.state} after {one.step_count} steps, which its steps do not say"
    return ""


def _hash_of_admission(step: AdmissionStep, one: Admission) -> str:
    try:
        return chain_hash(step.previous_hash, step.facts(one.uid), algorithm=step.algorithm)
    except ValueError:  # no such algorithm
        return ""


@invariant("I9", _("Every accountability report is as it was sealed and agrees with its records"))
def reports_agree(check: Check) -> Iterator[Violation]:
    """A report proves as much as the steps below it: steps that came since take nothing from it."""
    given: Counter[tuple[int, int]] = Counter()
    # Each is megabytes and has up to two hundred chains of its own: few at a time.
    for rows in portions(AccountabilityReport.objects.all, check, size=REPORTS):
        for row in rows:
            given[row.county_id, row.year] += 1
            with everywhere(reason="the ledger is verified"):
                verdict = verify(row)
            if not verdict.is_sealed:
                yield Violation(f"report {row.number}", "was changed, or bears another code")
            for chain in verdict.broken:
                where = f"call {chain.number or chain.uid}, step {chain.broken}"
                yield Violation(f"report {row.number}", f"does not agree with {where}")
    with everywhere(reason="the ledger is verified"):
        counters = list(
            AccountabilityCounter.objects.values_list("county", "year", "last").order_by("pk")
        )
    for county, year, last in counters:
        if given[county, year] < last:
            with everywhere(reason="the ledger is verified"):
                rows_now = AccountabilityReport.objects.filter(
                    county=county, year=year, sequence__lte=last
                ).count()
            if rows_now < last:
                yield Violation(f"reports {year} of county {county}", f"{rows_now} of {last}")


@invariant(
    "I10", _("Every disposal of personal data is as it was signed, and nothing else is gone")
)
def disposals_stand(check: Check) -> Iterator[Violation]:
    chains: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for rows in portions(lambda: Disposal.objects.filter(state="done"), check, size=REPORTS):
        for row in rows:
            chains[row.county_id].append((row.number or 0, row.previous_hash, row.hash))
            name = f"disposal {row.number} of county {row.county_id}"
            if not row.is_signed:
                known = row.is_signed is not None
                yield Violation(name, "was changed" if known else "is signed by an unknown key")
            yield from _faults_of_disposal(row, name)
    for county, links in chains.items():
        before = ""
        for wanted, (number, previous, own) in enumerate(sorted(links), start=1):
            if (number, previous) != (wanted, before):
                yield Violation(f"disposal {wanted} of county {county}", "is missing, or moved")
            before = own
    with dispatching(reason="the ledger is verified"):
        named = Disposal.objects.filter(state="done").values("uid")
        gone = Caller.objects.filter(disposed_at__isnull=False).exclude(disposal_uid__in=named)
        uids = list(gone.order_by("pk").values_list("uid", flat=True)[:PORTION])
        lost = CallFile.objects.filter(disposed_at__isnull=False).exclude(disposal_uid__in=named)
        files = list(lost.order_by("pk").values_list("uid", flat=True)[:PORTION])
    for uid in uids:
        yield Violation(f"person {uid}", "is gone without a record of disposal")
    for uid in files:
        yield Violation(f"file {uid}", "is gone without a record of disposal")


def _faults_of_disposal(row: Disposal, name: str) -> Iterator[Violation]:
    known = KINDS[RetentionKind(row.kind)]
    if still := known.still(row):
        yield Violation(name, f"names {len(row.items)}, of which {still} are not gone by it")


def _name(call: Call) -> str:
    return f"call {call.pk} {call.number}".strip()
