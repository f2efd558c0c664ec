"""吹哨报到 as the record has it: steps say who was called whither, clocks until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mandates.models import Clock, ClockKind, Step


class Outcome(StrEnum):
    """How it stands with one department."""

    AWAITED = "awaited"
    IN_TIME = "in_time"
    LATE = "late"
    CALLED_OFF = "called_off"  # nobody came, and nobody is awaited any more


@dataclass(frozen=True)
class Called:
    """One department called to a place, with what it reported."""

    clock: Clock
    report: Step | None

    @property
    def outcome(self) -> Outcome:
        clock = self.clock
        if clock.met_at is not None:
            return Outcome.IN_TIME if clock.met_at < clock.due_at else Outcome.LATE
        return Outcome.CALLED_OFF if clock.cancelled_at is not None else Outcome.AWAITED

    @property
    def people(self) -> str:
        """Who came, in the words of the department."""
        return str(self.report.data.get("people", "")) if self.report else ""


@dataclass(frozen=True)
class OnSite:
    """One whistle: the step that called, and the departments it called."""

    step: Step
    departments: Sequence[Called]


def on_site(steps: Sequence[Step], clocks: Sequence[Clock]) -> list[OnSite]:
    """Put together who was called on site, the latest first; no query."""
    running = [clock for clock in clocks if clock.kind == ClockKind.REPORT]
    reports: dict[tuple[int | None, datetime | None], Step] = {
        (one.assignment_id, one.at): one for one in steps if one.move == "report_on_site"
    }
    return [
        OnSite(
            step,
            [
                Called(clock, reports.get((clock.assignment_id, clock.met_at)))
                for clock in running
                if clock.started_at == step.at and clock.department_id in step.data["called"]
            ],
        )
        for step in reversed(steps)
        if step.move == "call_on_site"
    ]
