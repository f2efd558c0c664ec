"""What a process takes."""

from __future__ import annotations


def pss_of(pid: str = "self") -> float:
    """Return the memory of a process in MB, pages it shares with others counted by share."""
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
