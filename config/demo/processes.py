"""Processes that end together with the one that started them, whatever ends it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.demo.servers import last_lines

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ProcessFailed(RuntimeError):
    """A process ended that should not have; the message ends with what its log says."""


def _follow_parent(parent: int, last_wish: signal.Signals) -> Callable[[], None]:
    """Return what a child does before it becomes its program: ask to be told of our death."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(last_wish), 0, 0, 0)
            if os.getppid() != parent:  # we died in between
                os._exit(1)

    return ask


@dataclass
class Child:
    """One started process, the leader of a group of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ending: signal.Signals  # how it is asked to end in good order

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signal the process alone, or its whole group to kill it: children of a dead one too."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            elif self.is_alive:
                self.process.send_signal(number)

    def failure(self) -> ProcessFailed:
        code = self.process.returncode
        return ProcessFailed(f"{self.name} ended with {code}\n{last_lines(self.log)}")


class Children:
    """Everything started so far, in order; ended in the opposite order."""

    def __init__(self, *, logs: Path) -> None:
        self.logs = logs
        self.all: list[Child] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        ending: signal.Signals = signal.SIGTERM,
        privileges: Mapping[str, object] | None = None,
    ) -> Child:
        """Start a process whose output goes to its log."""
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # type: ignore[call-overload]
                list(command),
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
                preexec_fn=_follow_parent(os.getpid(), ending),
                **(privileges or {}),
            )
        child = Child(name=name, process=process, log=log, ending=ending)
        self.all.append(child)
        return child

    def forget(self, child: Child) -> None:
        """Let go of one that has done its work."""
        self.all.remove(child)

    def dead(self) -> list[Child]:
        return [child for child in self.all if not child.is_alive]

    def stop(self, children: Sequence[Child] | None = None, *, seconds: float = 12) -> None:
        """End processes in good order, and those that do not listen by force."""
        chosen = list(self.all if children is None else children)
        for child in reversed(chosen):
            child.send(child.ending)
        deadline = time.monotonic() + seconds
        while any(child.is_alive for child in chosen) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in chosen:
            child.send(signal.SIGKILL)  # also what a dead one has left behind in its group
        for child in chosen:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=5)
            if child in self.all:
                self.all.remove(child)
