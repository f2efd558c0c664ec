"""Files people hand in: checked by content, kept under names of our own, served only on request."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol, cast
from uuid import uuid4

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common import audit, images, scanning
from common.display import list_text
from common.errors import Invalid, outage
from common.scanning import Quarantined as Quarantined

logger = logging.getLogger(__name__)

HEAD = 4096
SMALL = "small"  # folder of small pictures: each beside its own path, and made anew if lost
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OFFICE = "application/vnd.openxmlformats-officedocument"

# Extension: what its first bytes are, and the type it is served as.
KNOWN: dict[str, tuple[tuple[bytes, ...], str]] = {
    "jpg": ((b"\xff\xd8\xff",), "image/jpeg"),
    "jpeg": ((b"\xff\xd8\xff",), "image/jpeg"),
    "png": ((b"\x89PNG\r\n\x1a\n",), "image/png"),
    "webp": ((b"RIFF",), "image/webp"),
    "pdf": ((b"%PDF-",), "application/pdf"),
    "docx": ((ZIP,), f"{OFFICE}.wordprocessingml.document"),
    "xlsx": ((ZIP,), f"{OFFICE}.spreadsheetml.sheet"),
    "ofd": ((ZIP,), "application/ofd"),
    "doc": ((OLE,), "application/msword"),
    "xls": ((OLE,), "application/vnd.ms-excel"),
    "wps": ((OLE, ZIP), "application/wps-office.wps"),
}
_UNSAFE = re.compile(r'[<>:"|?*]')
ACCEPT = ",".join(f".{name}" for name in KNOWN)


class BadFile(Invalid):
    """A file that is not taken in; nothing of it is kept."""

    code = "bad_file"


class Infected(BadFile):
    """A file in which the scanner has found something."""

    def __init__(self, name: str, found: str, sha256: str) -> None:
        self.name, self.found, self.sha256 = name, found, sha256
        super().__init__(
            _("A virus was found in “%(name)s” (%(found)s). It was not taken in.")
            % {"name": name, "found": found},
            code="file_infected",
            fields={"files": _("A virus was found in this file.")},
        )


class Upload(Protocol):
    """What a request hands in."""

    name: str | None
    size: int | None

    def chunks(self) -> Any: ...

    def read(self, size: int = -1) -> bytes: ...

    def seek(self, offset: int) -> Any: ...


@dataclass(frozen=True)
class Kept:
    """A file in private storage; ``path`` is below MEDIA_ROOT.

    A picture is kept as it was drawn anew. ``sha256`` is of what is kept, by which the ledger finds
    that it was changed; ``received_sha256`` of what was handed in, which its owner can prove by.
    """

    name: str
    content_type: str
    size: int
    sha256: str
    path: str
    received_sha256: str


def check(upload: Upload) -> str:
    """Return the content type of an upload. Raises BadFile for a kind or size not allowed."""
    name = clean_name(upload.name or "")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in KNOWN:
        raise BadFile(
            _("“%(name)s” is not of an allowed kind. Allowed are: %(kinds)s.")
            % {"name": name, "kinds": list_text(KNOWN)},
            code="file_kind",
            fields={"files": _("This file type is not allowed.")},
        )
    limit = settings.UPLOAD_LIMIT_BYTES
    if (upload.size or 0) > limit:
        raise BadFile(
            _("“%(name)s” is larger than %(limit)d MB.")
            % {"name": name, "limit": limit // (1024 * 1024)},
            code="file_too_large",
            fields={"files": _("This file is too large.")},
        )
    upload.seek(0)
    head = upload.read(HEAD)
    upload.seek(0)
    starts, content_type = KNOWN[ending]
    if not any(head.startswith(start) for start in starts):
        raise BadFile(
            _("The content of “%(name)s” is not what its name says.") % {"name": name},
            code="file_content",
            fields={"files": _("This file type is not allowed.")},
        )
    return content_type


def keep(upload: Upload, *, folder: str) -> Kept:
    """Check an upload and store it under a generated name. Raises BadFile, BadImage, StorageFull.

    Where a scanner is named it looks first. Raises Infected, and ScannerAway, unless files are to be
    taken in while it is away: then they wait, marked, and are not handed out before.
    The file is written before the row that names it: a crash leaves a file too many, never a row
    without its file.
    """
    content_type = check(upload)
    path = f"{folder}/{uuid4().hex}"
    target = Path(settings.MEDIA_ROOT) / path
    try:
        name, received = fingerprint(upload)
        if not _looked_at(upload, name, received):
            scanning.mark(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if images.is_image(content_type):
            images.redraw(cast(IO[bytes], upload), target, content_type=content_type, name=name)
        else:
            with target.open("xb") as out:
                for chunk in upload.chunks():
                    out.write(chunk)
        size, digest = measured(target)
    except images.BadImage:
        discard(path)
        raise
    except OSError as error:
        discard(path)  # half a file helps nobody
        if full := outage(error):
            raise full from error
        raise
    return Kept(name, content_type, size, digest, path, received)


def _looked_at(upload: Upload, name: str, sha256: str) -> bool:
    """Say whether the scanner has found nothing, or there is none; False if it is away and may be."""
    if not scanning.is_on():
        return True
    upload.seek(0)
    try:
        found = scanning.scan(upload.chunks())
    except scanning.ScannerAway:
        if settings.CLAMD_WHEN_AWAY != "later":
            raise
        return False
    finally:
        upload.seek(0)
    if found:
        raise Infected(name, found, sha256)
    return True


def measured(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while portion := file.read(1 << 20):
            digest.update(portion)
            size += len(portion)
    return size, digest.hexdigest()


@contextmanager
def keep_all(
    uploads: Iterable[Upload], *, folder: str, by: audit.Actor | None = None, at: datetime
) -> Iterator[list[Kept]]:
    """Store uploads and hand them to the block: all are kept, or none if anything fails in it.

    Raises BadFile, StorageFull, ScannerAway. An infected file leaves a row in the trail, though
    whatever else the request has written is undone.
    """
    kept: list[Kept] = []
    try:
        kept += (keep(one, folder=folder) for one in uploads)
        yield kept
    except BaseException as problem:
        for one in kept:
            discard(one.path)
        if isinstance(problem, Infected):
            audit.record_anyhow("infected_file_refused", problem.name, by=by, at=at,
                                found=problem.found, sha256=problem.sha256)  # fmt: skip
        raise


def fingerprint(upload: Upload) -> tuple[str, str]:
    """Return the name an upload would be kept under, and its SHA-256."""
    digest = hashlib.sha256()
    upload.seek(0)
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return clean_name(upload.name or ""), digest.hexdigest()


def opened(path: str) -> IO[bytes]:
    """Open a stored file. Raises FileNotFoundError, also for a path that leads elsewhere.

    One that nobody has looked at yet is looked at now. Raises Quarantined, ScannerAway.
    """
    root = Path(settings.MEDIA_ROOT).resolve()
    found = (root / path).resolve()
    if not path or not found.is_relative_to(root):
        raise FileNotFoundError(path)
    scanning.release(path)
    return found.open("rb")


def discard(path: str) -> None:
    """Remove a stored file whose row was not written or is gone."""
    (Path(settings.MEDIA_ROOT) / path).unlink(missing_ok=True)
    (Path(settings.MEDIA_ROOT) / SMALL / path).unlink(missing_ok=True)
    scanning.forget(path)


def small(path: str) -> IO[bytes]:
    """Open the small picture of a stored picture; it is made when first asked for.

    Raises FileNotFoundError, also for what is no picture any more.
    """
    root = Path(settings.MEDIA_ROOT)
    if not path:
        raise FileNotFoundError(path)
    target = root / SMALL / path
    if not target.exists():
        with opened(path):  # refuses a path that leads elsewhere
            pass
        try:
            images.thumbnail(root / path, target)
        except (images.BadImage, OSError) as error:
            raise FileNotFoundError(path) from error
    return opened(f"{SMALL}/{path}")


def clean_name(name: str) -> str:
    """Return a file name without folders, controls or turned writing, of at most 150 characters."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in plain if unicodedata.category(c)[0] != "C").strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        return plain[:150] or "file"
    return f"{_UNSAFE.sub('_', stem)[:140]}.{ending[:9]}"


def scan_waiting(*, at: datetime) -> int:
    """Look at files that were taken in while the scanner was away; return how many are left."""
    waiting = scanning.waiting() if scanning.is_on() else []
    for number, path in enumerate(waiting):
        try:
            found = scanning.look(path)
        except scanning.ScannerAway:
            return len(waiting) - number
        if found:
            logger.error("a stored file is infected", extra={"path": path, "found": found})
            audit.record("infected_file_found", path, by=None, at=at, found=found)
    return 0


# --- files that belong to nothing ----------------------------------------------------------------------

Known = Callable[[Sequence[str]], set[str]]
PATIENCE = timedelta(days=1)  # a file may be older than its row by a request, and no longer
LOST, LOST_DAYS = "lost", timedelta(days=30)
_keepers: dict[str, Known] = {}


def keeper(folder: str, known: Known) -> None:
    """Say for a folder who knows which of some paths below it belong to a row."""
    _keepers[folder] = known


def clear_orphans(*, at: datetime, portion: int = 500) -> int:
    """Lay aside files that belong to no row; return how many.

    A process that dies between storing a file and writing its row leaves one. They lie in a folder
    of their own for a month: after going back to an older database they are looked for there.
    """
    root, gone = Path(settings.MEDIA_ROOT), 0
    for folder, known in _keepers.items():
        old = _older(root / folder, at - PATIENCE)
        while paths := list(islice(old, portion)):
            names = [path.relative_to(root).as_posix() for path in paths]
            for name in sorted(set(names) - known(names)):
                _lay_aside(root, name, at)
                gone += 1
    for path in _older(root / LOST, at - LOST_DAYS):
        path.unlink(missing_ok=True)
    return gone


def _older(folder: Path, than: datetime) -> Iterator[Path]:
    until = than.timestamp()
    return (path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime < until)


def _lay_aside(root: Path, name: str, at: datetime) -> None:
    target = root / LOST / name.replace("/", "-")
    target.parent.mkdir(exist_ok=True)
    (root / name).replace(target)
    os.utime(target, (at.timestamp(), at.timestamp()))
    discard(name)  # its small picture
    logger.warning("a file belongs to no row", extra={"path": name})
