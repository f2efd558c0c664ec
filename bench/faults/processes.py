"""Processes of this machine, found by what the kernel says of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def children_of(parent: int) -> list[int]:
    """Return the processes that a process has started and that still live."""
    tasks = (PROC / str(parent) / "task").glob("*/children")
    found = [int(one) for listed in tasks for one in listed.read_text().split()]
    return sorted(found)


def connected_to(port: int, chosen: Iterable[int]) -> list[int]:
    """Return those of some processes that hold a connection to this port of 127.0.0.1."""
    remote = f"0100007F:{port:04X}"
    sockets = {f"socket:[{line[9]}]" for line in _connections() if line[2] == remote}
    return [process for process in chosen if sockets & _sockets(PROC / str(process))]


def _connections() -> list[list[str]]:
    return [line.split() for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]]


def _sockets(folder: Path) -> set[str]:
    try:
        return {str(one.readlink()) for one in (folder / "fd").iterdir()}
    except OSError:  # gone, or somebody else's
        return set()


def owner_of_port(port: int) -> int | None:
    """Return the process that holds the connection from this port of 127.0.0.1."""
    local = f"0100007F:{port:04X}"
    sockets = {f"socket:[{line[9]}]" for line in _connections() if line[1] == local}
    found = (folder for folder in PROC.glob("[0-9]*") if sockets & _sockets(folder))
    return next((int(folder.name) for folder in found), None)


def holders_of(ports: Iterable[int], chosen: Iterable[int]) -> list[int]:
    """Return those of some processes that hold connections from these ports of 127.0.0.1."""
    locals_ = {f"0100007F:{port:04X}" for port in ports}
    sockets = {f"socket:[{line[9]}]" for line in _connections() if line[1] in locals_}
    return [process for process in chosen if sockets & _sockets(PROC / str(process))]
