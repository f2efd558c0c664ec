"""Photographs: without their place, the right way up, never a bomb, seen small by who may see them."""

from __future__ import annotations

import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.module_loading import autodiscover_modules
from PIL import Image, ImageFile

from common import attachments, images, tenancy
from common.attachments import BadFile
from common.images import BadImage
from mandates.models import Call, CallFile, Step
from mandates.operations import files
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.files import HERE, bomb, moving, photograph, png
from tests.mandates.pages import Browser

pytestmark = pytest.mark.django_db

NAMES = {"JPEG": "现场.jpg", "PNG": "现场.png", "WEBP": "现场.webp"}


@pytest.fixture
def world(tmp_path: Path, settings: Any) -> World:
    settings.MEDIA_ROOT = str(tmp_path)
    return make_world()


def attached(world: World, call: Call, name: str, content: bytes) -> CallFile:
    clerk = world.clerk
    with tenancy.scope(clerk.scope):
        upload = SimpleUploadedFile(name, content)
        return files.attach(call.uid, [upload], by=clerk, at=MONDAY).files[0]


def kept(file: CallFile) -> bytes:
    return (Path(settings.MEDIA_ROOT) / file.path).read_bytes()


def everything() -> list[str]:
    root = Path(settings.MEDIA_ROOT)
    return sorted(str(one.relative_to(root)) for one in root.rglob("*") if one.is_file())


@pytest.mark.assurance("B9")
@pytest.mark.parametrize("kind", NAMES)
def test_a_photograph_loses_its_place_and_keeps_the_way_it_is_held(world: World, kind: str) -> None:
    call = world.draft().call
    sent = photograph(turned=6, kind=kind)
    assert HERE.encode() in sent
    file = attached(world, call, NAMES[kind], sent)
    with Image.open(io.BytesIO(kept(file))) as image:
        assert image.format == kind
        assert dict(image.getexif()) == {}
        # Held upright: what was the left half (red) is the top now.
        assert image.size == (40, 60)
        top, bottom = (image.convert("RGB").getpixel((20, y)) for y in (5, 55))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[0] > 200, top[2] < 60, bottom[2] > 200, bottom[0] < 60) == (True,) * 4
    assert HERE.encode() not in kept(file)
    assert b"GPS" not in kept(file)
    assert file.received_sha256 == hashlib.sha256(sent).hexdigest()
    assert file.sha256 == hashlib.sha256(kept(file)).hexdigest() != file.received_sha256
    assert file.size == len(kept(file))


def test_the_history_has_both_checksums_and_the_same_photograph_is_kept_once(world: World) -> None:
    call, sent = world.routed(), photograph()
    first = attached(world, call, "现场.jpg", sent)
    again = attached(world, call, "现场.jpg", sent)
    assert again.pk == first.pk
    with tenancy.everywhere(reason="a test looks"):
        (step,) = Step.objects.filter(call=call, move="attach")
    assert step.data["files"] == [
        {"name": "现场.jpg", "sha256": first.sha256, "received": first.received_sha256}
    ]
    paper = attached(world, call, "说明.pdf", b"%PDF-1.4 x")
    assert paper.sha256 == paper.received_sha256
    assert len(everything()) == 2


@pytest.mark.assurance("B9")
@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("炸弹.png", bomb(width=9_000, height=9_000), "image_too_large"),
        ("长条.png", bomb(width=30_000, height=10), "image_too_large"),
        ("动图.png", moving("PNG"), "image_moves"),
        ("动图.webp", moving("WEBP"), "image_moves"),
        ("断的.jpg", photograph(size=(400, 400))[:900], "image_broken"),
        ("空的.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "image_broken"),
        ("假的.jpg", b"\xff\xd8\xff" + b"<svg onload=alert(1)>", "image_broken"),
        ("换名.webp", b"RIFF\x24\x00\x00\x00WAVEfmt ", "image_broken"),
        ("动图.gif", b"GIF89a", "file_kind"),
        ("矢量.svg", b"<svg/>", "file_kind"),
        ("图.jpg", png(), "file_content"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else None,
)
def test_a_bad_picture_is_refused_before_anything_is_kept(
    world: World, name: str, content: bytes, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = world.draft().call
    if code == "image_too_large":
        assert len(content) < 20_000
        monkeypatch.setattr(images, "_decode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises((BadImage, BadFile)) as refusal:
        attached(world, call, name, content)
    assert refusal.value.code == code
    assert name in str(refusal.value)
    assert everything() == []
    with tenancy.everywhere(reason="a test looks"):
        assert CallFile.objects.count() == 0


@pytest.mark.assurance("B9")
def test_what_is_two_kinds_at_once_is_neither_run_nor_shown(world: World) -> None:
    """Polyglots lose what is no picture, documents are handed out to be kept; names tell no lies."""
    call = world.draft().call
    evil = b"<?php system($_GET[0]); ?><script>alert(1)</script>"
    browser = Browser(world.clerk, at=MONDAY)
    here = f"/calls/{call.uid}/files/"
    sent = {
        "照片.php.jpg": photograph() + evil,
        "照片.png": png() + b"PK\x03\x04" + evil,
        "两面.pdf": b"%PDF-1.7\n" + evil,
        "外\r\nSet-Cookie: a=1\u202egpj.pdf": b"%PDF-1.7\n%",
        "长" * 300 + ".pdf": b"%PDF-1.7\n%%",
        "..\\..\\etc\\..\\x.pdf": b"%PDF-1.7\n%%%",
    }
    for name, content in sent.items():
        upload = SimpleUploadedFile("x", content)
        upload._name = name  # as a client that is no browser names it
        with tenancy.scope(world.clerk.scope):
            file = files.attach(call.uid, [upload], by=world.clerk, at=MONDAY).files[0]
        answer = browser.get(f"{here}{file.uid}/")
        told = answer.headers
        assert answer.status_code == 200
        assert told["Content-Disposition"].startswith("attachment;")
        assert told["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in told["Content-Security-Policy"]
        assert not re.search(r"[\r\n\u202e/\\]", file.name)
        assert len(file.name) <= 150
        body = b"".join(answer.streaming_content)
        assert (b"<?php" in body) == file.name.endswith("面.pdf"), name
        assert re.fullmatch(r"[\w/-]+/[0-9a-f]{32}", file.path)
    for name, content in {
        "矢量.svg": b"<svg onload=alert(1)>", "页.html": evil, "图.pdf": b"<html>" + evil,
        "a.jpg.php": photograph(), "表.xlsx": b"%PDF-1.7", "无": b"%PDF-1.7", ".pdf": evil,
    }.items():  # fmt: skip
        refused = browser.post(here, {"files": [SimpleUploadedFile(name, content)]})
        assert refused.status_code == 422, name
    assert len(everything()) == len(sent)


def test_one_bad_picture_among_good_files_keeps_none_of_them(world: World) -> None:
    call = world.draft().call
    sent = [
        SimpleUploadedFile("好.png", png()),
        SimpleUploadedFile("炸弹.png", bomb(width=9_000, height=9_000)),
    ]
    answer = Browser(world.clerk, at=MONDAY).post(f"/calls/{call.uid}/files/", {"files": sent})
    assert answer.status_code == 422
    assert "超过50百万像素" in answer.content.decode()
    assert everything() == []


def test_a_large_photograph_is_decoded_at_half_its_sides(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "ENOUGH_PIXELS", 10_000)
    file = attached(world, world.draft().call, "大.jpg", photograph(size=(400, 200)))
    with Image.open(io.BytesIO(kept(file))) as image:
        assert image.size == (200, 100)


@pytest.mark.assurance("T13")
def test_small_pictures_are_for_those_who_may_see_the_call(world: World) -> None:
    call = world.routed()
    file = attached(world, call, "现场.jpg", photograph(size=(1000, 500)))
    paper = attached(world, call, "说明.pdf", b"%PDF-1.4 x")
    address = f"/calls/{call.uid}/files/{file.uid}/small/"
    page = Browser(world.officer(), at=MONDAY).get(f"/calls/{call.uid}/").content.decode()
    assert f'src="{address}"' in page
    assert f"{paper.uid}/small/" not in page
    for _again in range(2):
        answer = Browser(world.officer(), at=MONDAY).get(address)
        with Image.open(io.BytesIO(b"".join(answer.streaming_content))) as image:
            assert (image.format, image.size) == ("JPEG", (320, 160))
    assert answer["Cache-Control"] == "private, no-store"
    for stranger in (world.officer(world.housing), world.member("township_head", world.sibling)):
        assert Browser(stranger, at=MONDAY).get(address).status_code == 404
    browser = Browser(world.officer(), at=MONDAY)
    assert browser.get(f"/calls/{call.uid}/files/{paper.uid}/small/").status_code == 404
    (Path(settings.MEDIA_ROOT) / "small" / file.path).unlink()
    (Path(settings.MEDIA_ROOT) / file.path).write_bytes(b"damaged")
    assert browser.get(address).status_code == 404


def test_a_file_whose_row_was_never_written_is_laid_aside_after_a_day(world: World) -> None:
    autodiscover_modules("tasks")  # as workers do: they name who knows which files
    file = attached(world, world.draft().call, "现场.png", png())
    root, now = Path(settings.MEDIA_ROOT), at(3, 5)
    left = root / f"calls/{world.county.pk}/left"
    half = root / "jobs/half"
    fresh = root / f"calls/{world.county.pk}/fresh"
    for path in (left, half, fresh):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    old, new = at(3, 3).timestamp(), at(3, 4, 10).timestamp()
    for path, when in ((left, old), (half, old), (root / file.path, old), (fresh, new)):
        os.utime(path, (when, when))
    assert attachments.clear_orphans(at=now) == 2
    lost = [f"lost/calls-{world.county.pk}-left", "lost/jobs-half"]
    assert everything() == sorted([file.path, f"calls/{world.county.pk}/fresh", *lost])
    assert attachments.clear_orphans(at=now) == 0
    attachments.clear_orphans(at=at(4, 5))
    assert everything() == sorted([file.path, f"lost/calls-{world.county.pk}-fresh"])


@pytest.mark.parametrize(
    ("kind", "name"), [("JPEG", "a.jpg"), ("PNG", "a.png"), ("WEBP", "a.webp")]
)
def test_every_kind_has_a_small_picture(kind: str, name: str, tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    drawn = io.BytesIO()
    Image.new("RGB", (640, 320), "red").save(drawn, kind)
    kept = attachments.keep(SimpleUploadedFile(name, drawn.getvalue()), folder="calls/1")

    with attachments.small(kept.path) as file, Image.open(file) as image:
        assert (image.format, image.size) == ("JPEG", (320, 160))


def test_half_a_picture_is_refused_whatever_another_library_has_set(
    tmp_path: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # WeasyPrint does so
    half = SimpleUploadedFile("断的.jpg", photograph(size=(400, 400))[:900])

    with pytest.raises(BadImage):
        attachments.keep(half, folder="calls/1")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
