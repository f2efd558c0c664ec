"""Files people hand in, made up: pictures as cameras and phones write them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

HERE = "Exif-GPS-31.05N-118.31E"


def png(shade: int = 0, *, size: tuple[int, int] = (8, 8)) -> bytes:
    """Return a small picture, drawn as we draw it anew: kept, it has the same bytes."""
    return _saved(Image.new("RGB", size, (shade, 90, 90)), "PNG")


def photograph(*, size: tuple[int, int] = (60, 40), turned: int = 1, kind: str = "JPEG") -> bytes:
    """Return what a phone writes: left half red, right half blue, place and device with it."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = turned
    exif[0x010F] = HERE  # the device
    exif[0x8825] = {1: "N", 2: (31.0, 3.0, 0.0), 3: "E", 4: (118.0, 18.0, 0.0)}
    more: dict[str, Any] = {"exif": exif}
    if kind == "JPEG":
        more |= {"comment": HERE, "quality": 95}
    if kind == "WEBP":
        more |= {"xmp": HERE.encode(), "lossless": True}
    return _saved(image, kind, **more)


def moving(kind: str = "PNG") -> bytes:
    frames = [Image.new("RGB", (8, 8), shade) for shade in ("red", "blue")]
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:])


def bomb(*, width: int, height: int) -> bytes:
    """Return a small file of a huge picture: one colour, hardly a byte for a thousand pixels."""
    return _saved(Image.new("1", (width, height)), "PNG")


def _saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()
