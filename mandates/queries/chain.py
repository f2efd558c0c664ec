"""What the hash of a step is over: for writing it, and for verifying it ever after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.workflow import chain_hash
from mandates.models import Call, Step


def step_facts(step: Step, call: Call) -> dict[str, Any]:
    """Return the facts of a step that its hash protects."""
    return {
        "call": str(call.uid),
        "county": step.county_id,
        "township": step.township_id,
        "seq": step.seq,
        "move": step.move,
        "from": step.from_state,
        "to": step.to_state,
        "by": step.by_id,
        "post": step.post_id,
        "role": step.role,
        "unit": step.unit,
        "actor": step.actor,
        "at": step.at,
        "recorded_at": step.recorded_at,
        "note": step.note,
        "data": step.data,
    }


def broken_at(steps: Sequence[Step], call: Call) -> int | None:
    """Return the number of the first step that was changed or does not follow; None for none."""
    previous = ""
    for number, step in enumerate(steps, start=1):
        if (step.seq, step.previous_hash) != (number, previous):
            return number
        try:
            found = chain_hash(previous, step_facts(step, call), algorithm=step.algorithm)
        except ValueError:  # no such algorithm
            return number
        if step.hash != found:
            return number
        previous = step.hash
    return None
