"""Processes that are misled: messages come several times, the clock shows another time."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

from kombu.messaging import Producer


def repeat(control: Path) -> None:
    """Publish each task as often as dice say, up to the number in the control file, if it exists.

    The file may come and go while the processes run: "5 17" means up to five times, with seed 17.
    """
    publish = Producer.publish
    dice: dict[str, random.Random] = {}

    def often(self: Producer, body: Any, *arguments: Any, **options: Any) -> Any:
        times = 1
        if "task" in (options.get("headers") or {}) and control.exists():
            most, seed = control.read_text().split()
            thrown = dice.setdefault(seed, random.Random(f"{seed}:{os.path.basename(__file__)}"))
            times = thrown.randint(1, int(most))
        for _time in range(times):
            answer = publish(self, body, *arguments, **options)
        return answer

    Producer.publish = often  # type: ignore[method-assign]


def live_at_another_time(hours: float) -> None:
    """Let this process believe that it is later or earlier."""
    import time_machine  # noqa: PLC0415  # only where it is needed: a package of development

    time_machine.travel(time.time() + hours * 3600, tick=True).start()
