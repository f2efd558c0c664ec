"""Photographs people hand in: drawn anew, so that they tell nothing of place, device or author.

What is looked at first costs nothing: the head of the file says how large the picture is, and one
too large is refused before anything is decoded. A picture that moves is refused too: a photograph
is evidence, and the first of many pictures would hide the others. The way it is to be held is kept
by turning the picture itself; colours keep their profile.
"""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageFile, ImageOps

from common.errors import Invalid

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 20_000
# A photograph of more pixels than this is decoded at half its sides: enough for evidence.
ENOUGH_PIXELS = 25_000_000
THUMBNAIL = (320, 320)
QUALITY = 90
# Content type: what the library calls it. Phones write several pictures into one JPEG, which the
# library then calls "MPO" itself: the first is the photograph, the others are copies of it.
FORMATS = {"image/jpeg": ("JPEG",), "image/png": ("PNG",), "image/webp": ("WEBP",)}
# What the library raises for files that are not what they say.
FAULTS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)
MODES = {
    "JPEG": ("L", "RGB"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA"),
}


class BadImage(Invalid):
    """A picture that is not taken in; nothing of it is kept."""

    code = "bad_image"


def is_image(content_type: str) -> bool:
    """Say whether files of a type are drawn anew."""
    return content_type in FORMATS


def redraw(source: IO[bytes], target: Path, *, content_type: str, name: str) -> None:
    """Write a picture anew, without anything but its pixels and colours. Raises BadImage."""
    kind = FORMATS[content_type][0]
    with _opened(source, content_type, name) as image:
        if image.width * image.height > ENOUGH_PIXELS and kind == "JPEG":
            image.draft(None, (image.width // 2, image.height // 2))
        kept = _kept_of(image, kind)
        _decode(image, name)
        drawn: Image.Image = image
        if image.mode not in MODES[kind]:
            drawn = image.convert("RGBA" if "A" in image.getbands() and kind != "JPEG" else "RGB")
        drawn.info = {}  # some writers take over what stands there
        with target.open("xb") as out:
            drawn.save(out, kind, **kept)


def _kept_of(image: Image.Image, kind: str) -> dict[str, Any]:
    """Return what is written beside the pixels: how colours are meant, and what is seen through."""
    kept: dict[str, Any] = {} if kind == "PNG" else {"quality": QUALITY}
    if (profile := image.info.get("icc_profile")) and image.mode != "CMYK":
        kept["icc_profile"] = profile
    if kind == "PNG" and "transparency" in image.info and image.mode in MODES[kind]:
        kept["transparency"] = image.info["transparency"]
    return kept


def thumbnail(source: Path, target: Path) -> None:
    """Write a small picture of one that was drawn anew. Raises BadImage, OSError."""
    with source.open("rb") as file, _opened(file, "", source.name) as image:
        image.draft("RGB", THUMBNAIL)
        _decode(image, source.name)
        image.thumbnail(THUMBNAIL)
        small = image.convert("RGBA")
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A"))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{uuid4().hex}")
    flat.save(part, "JPEG", quality=80)
    part.replace(target)  # whoever asks meanwhile finds all of it or none


def _opened(source: IO[bytes], content_type: str, name: str) -> Image.Image:
    """Open a picture without decoding it. Raises BadImage for one that is not to be decoded."""
    source.seek(0)
    formats = FORMATS.get(content_type) or [one for known in FORMATS.values() for one in known]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(source, formats=formats)
        moves = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(name) from error
    except FAULTS as error:
        raise _broken(name) from error
    if image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST_SIDE:
        raise _too_large(name)
    if moves:
        text = _("“%(name)s” is a moving picture. Send a photograph.")
        raise _refused(text % {"name": name}, "image_moves")
    return image


def _decode(image: Image.Image, name: str) -> None:
    """Decode a picture and turn it the way it is to be held. Raises BadImage for a damaged one."""
    # What draws our PDFs lets the library of this whole process take halves for wholes.
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
    except FAULTS as error:
        raise _broken(name) from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _too_large(name: str) -> BadImage:
    text = _("“%(name)s” has more than %(n)d million pixels. Take it smaller.")
    return _refused(text % {"name": name, "n": MOST_PIXELS // 1_000_000}, "image_too_large")


def _broken(name: str) -> BadImage:
    return _refused(
        _("“%(name)s” is damaged: it cannot be shown.") % {"name": name}, "image_broken"
    )


def _refused(text: Any, code: str) -> BadImage:
    return BadImage(text, code=code, fields={"files": text})
