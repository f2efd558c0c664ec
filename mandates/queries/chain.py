"""What the hash of a step is over: for writing it, and for verifying it ever after."""

from __future__ import annotations

from typing import Any

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
