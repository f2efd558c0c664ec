"""Files people hand in: checked by content, kept under names of our own, served only on request."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import uuid4

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.display import list_text
from common.errors import Invalid, outage

HEAD = 4096
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OFFICE = "application/vnd.openxmlformats-officedocument"

# Extension: what its first bytes are, and the type it is served as.
KNOWN: dict[str, tuple[tuple[bytes, ...], str]] = {
    "jpg": ((b"\xff\xd8\xff",), "image/jpeg"),
    "jpeg": ((b"\xff\xd8\xff",), "image/jpeg"),
    "png": ((b"\x89PNG\r\n\x1a\n",), "image/png"),
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


class Upload(Protocol):
    """What a request hands in."""

    name: str | None
    size: int | None

    def chunks(self) -> Any: ...

    def read(self, size: int = -1) -> bytes: ...

    def seek(self, offset: int) -> Any: ...


@dataclass(frozen=True)
class Kept:
    """A file in private storage; ``path`` is below MEDIA_ROOT."""

    name: str
    content_type: str
    size: int
    sha256: str
    path: str


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
    """Check an upload and store it under a generated name. Raises BadFile, StorageFull.

    The file is written before the row that names it: a crash leaves a file too many, never a row
    without its file.
    """
    content_type = check(upload)
    path = f"{folder}/{uuid4().hex}"
    target = Path(settings.MEDIA_ROOT) / path
    digest, size = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            for chunk in upload.chunks():
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
    except OSError as error:
        target.unlink(missing_ok=True)  # half a file helps nobody
        if full := outage(error):
            raise full from error
        raise
    return Kept(clean_name(upload.name or ""), content_type, size, digest.hexdigest(), path)


@contextmanager
def keep_all(uploads: Iterable[Upload], *, folder: str) -> Iterator[list[Kept]]:
    """Store uploads and hand them to the block: all are kept, or none if anything fails in it.

    Raises BadFile, StorageFull.
    """
    kept: list[Kept] = []
    try:
        kept += (keep(one, folder=folder) for one in uploads)
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


def opened(path: str) -> IO[bytes]:
    """Open a stored file. Raises FileNotFoundError, also for a path that leads elsewhere."""
    root = Path(settings.MEDIA_ROOT).resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise FileNotFoundError(path)
    return found.open("rb")


def discard(path: str) -> None:
    """Remove a stored file whose row was not written or is gone."""
    (Path(settings.MEDIA_ROOT) / path).unlink(missing_ok=True)


def clean_name(name: str) -> str:
    """Return a file name without folders, controls or turned writing, of at most 150 characters."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in plain if unicodedata.category(c)[0] != "C").strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        return plain[:150] or "file"
    return f"{_UNSAFE.sub('_', stem)[:140]}.{ending[:9]}"
