"""Files people hand in: checked by content, kept under names of our own, served only on request."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
BEING_WRITTEN = timedelta(hours=1)  # for so long a mark may be older than its whole file
RUN = 60.0  # seconds after which the rest waits for the next run: below CELERY_TASK_TIME_LIMIT
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

    def __init__(self, name: str, found: str) -> None:
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


def look_at(
    uploads: Iterable[Upload], *, by: audit.Actor | None = None, at: datetime
) -> frozenset[str]:
    """Check uploads and have the scanner look at them; return the SHA-256 of those it has passed.

    It may take seconds for each: this stands before any lock is taken, and `keep_all` is told. An
    infected file leaves a row in the trail, though whatever else the request has written is undone.

    Raises BadFile, Infected; ScannerAway unless files are to be taken in while it is away: then
    they wait, marked, and are not handed out before. LargerThanScanned: that one would wait for ever.
    """
    files = list(uploads)
    for one in files:
        check(one)
    if not scanning.is_on():
        return frozenset()
    looked: set[str] = set()
    until = time.monotonic() + settings.CLAMD_TIMEOUT  # for those it has nothing to say of
    for one in files:
        name, received = fingerprint(one)
        try:
            found = scanning.scan(one.chunks())
        except scanning.ScannerAway as problem:
            if settings.CLAMD_WHEN_AWAY != "later" or isinstance(
                problem, scanning.LargerThanScanned
            ):
                raise
            if isinstance(problem, scanning.NotLooked) and time.monotonic() < until:
                continue
            break  # the others would only wait for it too; all wait, marked
        finally:
            one.seek(0)
        if found:
            audit.record_anyhow("infected_file_refused", name, by=by, at=at,
                                found=found, sha256=received)  # fmt: skip
            raise Infected(name, found)
        looked.add(received)
    return frozenset(looked)


def keep(upload: Upload, *, folder: str, looked: Collection[str] = ()) -> Kept:
    """Check an upload and store it under a generated name. Raises BadFile, BadImage, StorageFull.

    Where a scanner is named, one that is not among ``looked`` (as `look_at` returns them) is marked.
    The file is written before the row that names it: a crash leaves a file too many, never a row
    without its file.
    """
    content_type = check(upload)
    path = f"{folder}/{uuid4().hex}"
    target = Path(settings.MEDIA_ROOT) / path
    try:
        name, received = fingerprint(upload)
        if scanning.is_on() and received not in looked:
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
    uploads: Iterable[Upload],
    *,
    folder: str,
    by: audit.Actor | None = None,
    at: datetime,
    looked: Collection[str] | None = None,
) -> Iterator[list[Kept]]:
    """Store uploads and hand them to the block: all are kept, or none if anything fails in it.

    Whoever holds a lock hands in what `look_at` has returned before; else it is asked here.
    Raises BadFile, StorageFull, and what `look_at` raises.
    """
    files = list(uploads)
    passed = look_at(files, by=by, at=at) if looked is None else looked
    kept: list[Kept] = []
    try:
        kept += (keep(one, folder=folder, looked=passed) for one in files)
        yield kept
    except BaseException:
        for one in kept:
            discard(one.path)
        raise


def fingerprint(upload: Upload) -> tuple[str, str]:
    """Return the name an upload would be kept under, and its SHA-256."""
    digest = hashlib.sha256()
    upload.seek(0)
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return clean_name(upload.name or ""), digest.hexdigest()


def stored(path: str) -> Path:
    """Return where a stored file lies. Raises FileNotFoundError for a path that leads elsewhere.

    For whoever compares what is kept: what is handed out goes through `opened`.
    """
    root = Path(settings.MEDIA_ROOT).resolve()
    found = (root / path).resolve()
    if not path or not found.is_relative_to(root):
        raise FileNotFoundError(path)
    return found


def opened(path: str) -> IO[bytes]:
    """Open a stored file to hand it out. Raises FileNotFoundError, as `stored` does.

    One that nobody has looked at yet is looked at now. Raises Quarantined, NeverLooked, ScannerAway.
    """
    found = stored(path)
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
    """Look at files that were taken in while the scanner was away; return how many are left.

    One that is not looked at goes behind the others, so that none of them waits for it for ever.
    """
    waiting = scanning.waiting(before=at - BEING_WRITTEN) if scanning.is_on() else []
    left, until = 0, time.monotonic() + RUN
    for number, path in enumerate(waiting):
        if time.monotonic() > until:
            return left + len(waiting) - number
        try:
            found = scanning.look(path)
        except (scanning.NotLooked, OSError):
            logger.exception("a stored file was not looked at", extra={"path": path})
            with suppress(OSError):
                scanning.mark(path)
            left += 1
            continue
        except scanning.ScannerAway:
            return left + len(waiting) - number
        if found:
            logger.error("a stored file is infected", extra={"path": path, "found": found})
            audit.record("infected_file_found", path, by=None, at=at, found=found)
    return left


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
