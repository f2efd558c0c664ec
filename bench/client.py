"""python -m bench.client: asks a server in a closed loop, and says how long each answer took.

One process, one thread, plain sockets: so it takes a few per cent of a core and not a measurable
share of the work. It reads a job as JSON from its input and writes what it measured as JSON. As
the servers close a connection after each answer, every request has a connection of its own.
"""

from __future__ import annotations

import base64
import json
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Ask:
    """A request on its way."""

    began: float
    to_send: bytes
    answer: bytearray = field(default_factory=bytearray)


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Ask until the time is over or the requests are used up; wait for what is on its way.

    ``requests`` are sent in turn, again and again unless ``once``. @KEY@ in them becomes a number
    that no other request of the run has.
    """
    requests = [base64.b64decode(text) for text in job["requests"]]
    address, once = (job["host"], job["port"]), job.get("once", False)
    end = time.perf_counter() + job["seconds"]
    poll = select.epoll()
    waiting: dict[int, tuple[socket.socket, Ask]] = {}
    statuses: Counter[str] = Counter()
    latencies: list[float] = []
    broken: list[str] = []
    sent = size = 0

    def start() -> None:
        nonlocal sent
        key = f"{job['prefix']}{sent:08d}".encode()
        request = requests[sent % len(requests)].replace(b"@KEY@", key)
        sent += 1
        link = socket.socket()
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        link.connect(address)
        link.setblocking(False)
        ask = Ask(began, request)
        waiting[link.fileno()] = (link, ask)
        poll.register(link.fileno(), select.EPOLLIN)
        done = link.send(request)
        if done < len(request):  # a few kilobytes always fit
            raise RuntimeError("a request larger than the socket's buffer")

    def more() -> bool:
        return time.perf_counter() < end and not (once and sent >= len(requests))

    began = time.perf_counter()
    for _n in range(job["connections"]):
        if more():
            start()
    while waiting:
        for number, _event in poll.poll(30):
            link, ask = waiting[number]
            chunk = link.recv(262_144)
            if chunk:
                ask.answer += chunk
                continue
            latencies.append(time.perf_counter() - ask.began)
            poll.unregister(number)
            link.close()
            del waiting[number]
            status = ask.answer[9:12].decode("ascii", "replace")
            statuses[status] += 1
            size += len(ask.answer)
            if status[:1] != "2" and len(broken) < 3:
                broken.append(ask.answer[-400:].decode("utf-8", "replace"))
            if more():
                start()
    took = time.perf_counter() - began
    return {
        "took": took,
        "statuses": dict(statuses),
        "broken": broken,
        "bytes": size,
        "cpu": time.process_time(),
        "latencies": sorted(latencies),
    }


if __name__ == "__main__":
    json.dump(load(json.load(sys.stdin)), sys.stdout)
