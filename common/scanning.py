"""Files people hand in, looked at by a ClamAV that stands beside us; without an address none is.

clamd's INSTREAM over a socket: each portion behind its length in four bytes, an empty one ends it; the
answer is one line (https://docs.clamav.net/manual/Usage/Scanning.html, clamd(8)).
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.errors import NotAllowed, Unavailable

logger = logging.getLogger(__name__)

PORTION = 1 << 16
LONGEST_ANSWER = 4096
WAITING = "unscanned"  # folder of marks: one beside each file that nobody has looked at yet
SCHEMES = ("tcp", "unix")


class ScannerAway(Unavailable):
    """Nobody can say what is in a file at the moment."""

    code = "scanner_away"
    detail = _("Files cannot be checked for viruses at the moment. Try again in a few minutes.")
    retry_after: int | None = 60


class NotLooked(ScannerAway):
    """The scanner answers, and has not looked at this one file: another may fare better."""


class LargerThanScanned(NotLooked):
    """The file is beyond the scanner's own limit: asking again is of no use."""

    code = "file_not_scanned"
    status = 413
    detail = _(
        "This file is larger than the virus scanner takes, so it was not checked. Make it smaller, "
        "or tell the system administrator."
    )
    retry_after = None


class NeverLooked(NotAllowed):
    """A stored file that the scanner does not take: nobody can say what is in it."""

    code = "file_not_scanned"
    detail = _(
        "This file is larger than the virus scanner takes. It is not handed out before it was "
        "checked; tell the system administrator."
    )


class Quarantined(NotAllowed):
    """A stored file in which something was found after it had been taken in."""

    code = "file_infected"
    detail = _("A virus was found in this file. It is kept as evidence and not handed out.")


def is_on() -> bool:
    return bool(settings.CLAMD)


def scan(portions: Iterable[bytes]) -> str:
    """Return the name of what clamd finds in a file; "" for nothing.

    Raises ScannerAway; NotLooked of this file alone, LargerThanScanned.
    """
    # A timeout of the socket counts anew with every operation; this one is for the whole file.
    until = time.monotonic() + settings.CLAMD_TIMEOUT
    try:
        link = _connected()
    except OSError as error:
        logger.exception("clamd does not answer")
        raise ScannerAway from error
    try:
        answer = _asked(link, portions, until)
    except OSError as error:  # out of time, or cut off: it may be this file
        logger.exception("clamd has not done with a file")
        raise NotLooked from error
    said = answer.partition(":")[2].strip()
    if said == "OK":
        return ""
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")[:200]
    # "INSTREAM size limit exceeded. ERROR" stands without a colon.
    said = said or answer.strip()
    logger.error("clamd has not looked", extra={"said": said[:200]})
    if "size limit exceeded" in said:
        raise LargerThanScanned
    raise NotLooked


def _asked(link: socket.socket, portions: Iterable[bytes], until: float) -> str:
    with link:
        try:
            _send(link, b"zINSTREAM\0", until)
            for portion in portions:
                for start in range(0, len(portion), PORTION):
                    piece = portion[start : start + PORTION]
                    _send(link, struct.pack("!L", len(piece)) + piece, until)
            _send(link, struct.pack("!L", 0), until)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough, and may have said why
        answer = b""
        while b"\0" not in answer and len(answer) < LONGEST_ANSWER:
            link.settimeout(_left(until))
            if not (more := link.recv(LONGEST_ANSWER)):
                break
            answer += more
    return answer.partition(b"\0")[0].decode("utf-8", "replace")


def _send(link: socket.socket, what: bytes, until: float) -> None:
    link.settimeout(_left(until))
    link.sendall(what)


def _left(until: float) -> float:
    if (seconds := until - time.monotonic()) <= 0:
        raise TimeoutError("clamd has not done with a file in time")
    return seconds


def fault() -> str:
    """Say what is wrong with the address of clamd; "" if nothing is."""
    try:
        where = urlsplit(settings.CLAMD)
        _port = where.port
    except ValueError as error:
        return f"CLAMD cannot be read: {error}."
    if where.scheme not in SCHEMES:
        return "CLAMD is none of tcp://host:3310 and unix:///path."
    if where.scheme == "tcp" and not where.hostname:
        return "CLAMD names no host."
    if where.scheme == "unix" and (where.netloc or not where.path.strip("/")):
        return "CLAMD names no path: unix:///path has three slashes."
    return ""


def _connected() -> socket.socket:
    if wrong := fault():
        raise OSError(wrong)
    where = urlsplit(settings.CLAMD)
    if where.scheme == "unix":
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(settings.CLAMD_TIMEOUT)
        try:
            link.connect(where.path)
        except OSError:
            link.close()
            raise
        return link
    return socket.create_connection(
        (str(where.hostname), where.port or 3310), timeout=settings.CLAMD_TIMEOUT
    )


# --- files that were taken in while clamd was away -------------------------------------------------------


def mark(path: str) -> None:
    """Say of a file below MEDIA_ROOT that nobody has looked at it. Written before the file itself.

    Once more, and it waits behind all others.
    """
    beside = _mark(path)
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.touch()


def forget(path: str) -> None:
    _mark(path).unlink(missing_ok=True)


def release(path: str) -> None:
    """Let a file be handed out: look at it now if nobody has.

    Raises Quarantined, NeverLooked, ScannerAway.
    """
    beside = _mark(path)
    if not beside.exists():
        return
    try:
        found = beside.stat().st_size or _look(path, beside)
    except LargerThanScanned as error:
        raise NeverLooked from error
    if found:
        raise Quarantined


def waiting(*, before: datetime | None = None) -> list[str]:
    """Return the paths of files that nobody has looked at, the longest first; ``before`` an instant.

    A mark is written before its file: one that is young may belong to a file still being written.
    """
    root = Path(settings.MEDIA_ROOT) / WAITING
    until = before.timestamp() if before else None
    found = []
    for one in root.rglob("*"):
        try:
            is_waiting = one.is_file() and not (now := one.stat()).st_size
        except FileNotFoundError:  # somebody asked for the file meanwhile
            continue
        if is_waiting and (until is None or now.st_mtime < until):
            found.append((now.st_mtime, one.relative_to(root).as_posix()))
    return [path for _marked_at, path in sorted(found)]


def look(path: str) -> str:
    """Look at a file that waits; return what is found in it. Raises ScannerAway, OSError."""
    return _look(path, _mark(path))


def _look(path: str, beside: Path) -> str:
    try:
        with (Path(settings.MEDIA_ROOT) / path).open("rb") as file:
            found = scan(_portions(file))
    except FileNotFoundError:
        found = ""  # the file was never written, or is gone
    if found:
        # Written whole or not at all: a mark that is cut short would let the file out.
        beside.with_suffix(".new").write_text(f"{found}\n", encoding="utf-8")
        os.replace(beside.with_suffix(".new"), beside)
    else:
        beside.unlink(missing_ok=True)
    return found


def _portions(file: IO[bytes]) -> Iterable[bytes]:
    try:
        while portion := file.read(PORTION):
            yield portion
    except OSError as error:  # of the disk, not of the scanner
        logger.exception("a stored file cannot be read")
        raise NotLooked from error


def _mark(path: str) -> Path:
    return Path(settings.MEDIA_ROOT) / WAITING / path
