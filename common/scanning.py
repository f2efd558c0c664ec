"""Files people hand in, looked at by a ClamAV that stands beside us; without an address none is.

clamd's INSTREAM over a socket: each portion behind its length in four bytes, an empty one ends it; the
answer is one line (https://docs.clamav.net/manual/Usage/Scanning.html, clamd(8)).
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Iterable
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
    retry_after = 60


class Quarantined(NotAllowed):
    """A stored file in which something was found after it had been taken in."""

    code = "file_infected"
    detail = _("A virus was found in this file. It is kept as evidence and not handed out.")


def is_on() -> bool:
    return bool(settings.CLAMD)


def scan(portions: Iterable[bytes]) -> str:
    """Return the name of what clamd finds in a file; "" for nothing. Raises ScannerAway."""
    try:
        answer = _asked(portions)
    except OSError as error:
        logger.exception("clamd does not answer")
        raise ScannerAway from error
    said = answer.partition(":")[2].strip()
    if said == "OK":
        return ""
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")[:200]
    # "INSTREAM size limit exceeded. ERROR", or an answer that is none: the file was not looked at.
    logger.error("clamd has not looked", extra={"said": said[:200]})
    raise ScannerAway


def _asked(portions: Iterable[bytes]) -> str:
    with _connected() as link:
        try:
            link.sendall(b"zINSTREAM\0")
            for portion in portions:
                for start in range(0, len(portion), PORTION):
                    piece = portion[start : start + PORTION]
                    link.sendall(struct.pack("!L", len(piece)) + piece)
            link.sendall(struct.pack("!L", 0))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough, and may have said why
        answer = b""
        while b"\0" not in answer and len(answer) < LONGEST_ANSWER:
            if not (more := link.recv(LONGEST_ANSWER)):
                break
            answer += more
    return answer.partition(b"\0")[0].decode("utf-8", "replace")


def _connected() -> socket.socket:
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
        (where.hostname or "127.0.0.1", where.port or 3310), timeout=settings.CLAMD_TIMEOUT
    )


# --- files that were taken in while clamd was away -------------------------------------------------------


def mark(path: str) -> None:
    """Say of a file below MEDIA_ROOT that nobody has looked at it. Written before the file itself."""
    beside = _mark(path)
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.touch()


def forget(path: str) -> None:
    _mark(path).unlink(missing_ok=True)


def release(path: str) -> None:
    """Let a file be handed out: look at it now if nobody has. Raises Quarantined, ScannerAway."""
    beside = _mark(path)
    if not beside.exists():
        return
    if beside.stat().st_size or _look(path, beside):
        raise Quarantined


def waiting() -> list[str]:
    """Return the paths of files that nobody has looked at."""
    root = Path(settings.MEDIA_ROOT) / WAITING
    return sorted(
        one.relative_to(root).as_posix()
        for one in root.rglob("*")
        if one.is_file() and not one.stat().st_size
    )


def look(path: str) -> str:
    """Look at a file that waits; return what is found in it. Raises ScannerAway."""
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
    while portion := file.read(PORTION):
        yield portion


def _mark(path: str) -> Path:
    return Path(settings.MEDIA_ROOT) / WAITING / path
