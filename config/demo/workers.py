"""The year of several counties at once: each process has counties, and a connection, of its own."""

from __future__ import annotations

import gc
import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from multiprocessing.connection import Connection, wait
from typing import Any

from django.core.management.base import CommandError
from django.db import connections
from django.utils.translation import gettext as _

from config.demo.plan import CountyPlan
from config.demo.year import Year

Tell = Callable[[str], None]
EVERY = 100  # calls between two lines of progress


class Progress:
    """Says how far the year has come, every so many calls."""

    def __init__(self, whole: int, tell: Tell) -> None:
        self.whole, self.tell, self.made = whole, tell, 0

    def add(self, number: int) -> None:
        before, self.made = self.made, self.made + number
        if self.made // EVERY > before // EVERY or self.made == self.whole:
            self.tell(_("… %(made)d/%(whole)d calls") % {"made": self.made, "whole": self.whole})


def run(plans: Sequence[CountyPlan], *, now: datetime, processes: int, tell: Tell) -> None:
    """Live through the year. Raises CommandError if a process did not come to its end."""
    groups = _groups(plans, processes)
    progress = Progress(sum(len(plan.calls) for plan in plans), tell)
    if len(groups) == 1:
        Year(groups[0], now=now, told=progress.add).run()
        return
    # No connection may be shared by two processes.
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    ends = []
    for group in groups:
        ours, theirs = fork.Pipe(duplex=False)
        child = fork.Process(target=_live, args=(group, now, theirs, os.getpid()), daemon=True)
        child.start()
        theirs.close()
        ends.append(ours)
    _listen(ends, progress)


def _listen(ends: list[Connection], progress: Progress) -> None:
    while ends:
        for end in wait(ends):
            assert isinstance(end, Connection)
            try:
                said: Any = end.recv()
            except EOFError:
                raise CommandError(_("A process of the seeding ended too early.")) from None
            if said is None:
                ends.remove(end)
            elif isinstance(said, str):
                raise CommandError(said)
            else:
                progress.add(said)


def _groups(plans: Sequence[CountyPlan], processes: int) -> list[list[CountyPlan]]:
    """Share the counties out, so that all have about as many calls."""
    groups: list[list[CountyPlan]] = [[] for _number in range(max(1, min(processes, len(plans))))]
    for plan in sorted(plans, key=lambda one: -len(one.calls)):
        min(groups, key=lambda group: sum(len(one.calls) for one in group)).append(plan)
    return groups


def _live(group: list[CountyPlan], now: datetime, end: Connection, parent: int) -> None:
    def told(number: int) -> None:
        if os.getppid() != parent:  # nobody is there any more who could be told
            os._exit(1)
        end.send(number)

    gc.freeze()
    gc.set_threshold(100_000, 50, 50)  # short-lived rows by the million, hardly a cycle
    try:
        Year(group, now=now, told=told).run()
        end.send(None)
    except KeyboardInterrupt:
        os._exit(1)
    except Exception:
        end.send(traceback.format_exc())
    finally:
        connections.close_all()
