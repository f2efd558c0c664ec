"""Files are looked at before anybody can fetch them: a clamd of our own speaks the protocol."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from common import scanning, tenancy
from common.models import AuditEntry
from common.tasks import scan_waiting
from mandates.models import Call, CallFile
from tests.factories.calls import World, make_world
from tests.factories.systems import System

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("B9")]

# Written in two pieces, so that no scanner of a desk takes this file for one.
BAD = b"%PDF-1.7 X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GOOD = b"%PDF-1.7 " + b"a" * 200_000


class Clamd(threading.Thread):
    """Hears INSTREAM as clamd does, and finds the test file of EICAR."""

    def __init__(self, path: Path, says: bytes = b"") -> None:
        super().__init__(daemon=True)
        self.says, self.heard = says, b""
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(str(path))
        self.listening.listen()
        self.start()

    def run(self) -> None:
        while True:
            try:
                link, _peer = self.listening.accept()
            except OSError:
                return
            with link, link.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                self.heard = b""
                while length := struct.unpack("!L", stream.read(4))[0]:
                    self.heard += stream.read(length)
                found = b"stream: Win.Test.EICAR_HDB-1 FOUND\0"
                clean = b"stream: OK\0"
                link.sendall(self.says or (found if b"EICAR-STANDARD" in self.heard else clean))

    def stop(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


@pytest.fixture
def place(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.CLAMD, settings.CLAMD_TIMEOUT = f"unix://{tmp_path / 'clamd'}", 5.0
    settings.CLAMD_WHEN_AWAY = "refuse"
    return tmp_path / "clamd"


@pytest.fixture
def clamd(place: Path) -> Iterator[Clamd]:
    made = Clamd(place)
    yield made
    made.stop()


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def water(world: World) -> System:
    return System.beside(world.officer())


def hand_in(system: System, call: Call, content: bytes) -> Any:
    file = SimpleUploadedFile("说明.pdf", content)
    return system.client.post(f"/api/v1/calls/{call.uid}/files/", {"files": [file]})


def fetch(system: System, path: str) -> tuple[int, bytes]:
    answer = system.get(path)
    content = b"".join(answer)
    if getattr(answer, "file_to_stream", None):
        answer.file_to_stream.close()
    return answer.status_code, content


def rows() -> int:
    with tenancy.everywhere(reason="a test looks"):
        return CallFile.objects.count()


def trail(action: str) -> AuditEntry:
    with tenancy.everywhere(reason="a test looks"):
        return AuditEntry.objects.get(action=action)


def files(settings: Any) -> list[str]:
    root = Path(settings.MEDIA_ROOT)
    return [one.relative_to(root).parts[0] for one in root.rglob("*") if one.is_file()]


def test_an_infected_file_is_refused_with_a_row_in_the_trail_and_nothing_is_kept(
    world: World, water: System, clamd: Clamd, settings: Any
) -> None:
    call = world.handling()
    answer = hand_in(water, call, BAD)
    assert (answer.status_code, answer.json()["code"]) == (400, "file_infected")
    assert "说明.pdf" in answer.json()["detail"]
    assert (rows(), files(settings)) == (0, [])
    row = trail("infected_file_refused")
    assert row.detail["found"] == "Win.Test.EICAR_HDB-1"
    assert row.role == water.post_held.role


def test_a_clean_file_is_heard_whole_and_taken_in(
    world: World, water: System, clamd: Clamd, settings: Any
) -> None:
    call = world.handling()
    answer = hand_in(water, call, GOOD)
    assert answer.status_code == 201, answer.json()
    assert clamd.heard == GOOD
    assert (rows(), files(settings)) == (1, ["calls"])


@pytest.mark.parametrize("says", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"what?\0"])
def test_what_nobody_has_looked_at_is_not_taken_in(
    world: World, water: System, place: Path, settings: Any, says: bytes
) -> None:
    clamd = Clamd(place, says) if says else None
    answer = hand_in(water, world.handling(), GOOD)
    assert (answer.status_code, answer.json()["code"]) == (503, "scanner_away")
    assert int(answer["Retry-After"]) > 0
    assert (rows(), files(settings)) == (0, [])
    if clamd:
        clamd.stop()


@pytest.mark.parametrize("content", [GOOD, BAD], ids=["clean", "infected"])
def test_taken_in_while_clamd_is_away_it_is_not_handed_out_before_it_was_looked_at(
    world: World, water: System, place: Path, settings: Any, content: bytes
) -> None:
    settings.CLAMD_WHEN_AWAY = "later"
    call = world.handling()
    [taken] = hand_in(water, call, content).json()["files"]
    path = f"calls/{call.uid}/files/{taken['uid']}/"
    assert water.get(path).json()["code"] == "scanner_away"
    scan_waiting()  # still away: it goes on waiting
    assert len(scanning.waiting()) == 1

    clamd = Clamd(place)
    if content == GOOD:
        assert fetch(water, path) == (200, GOOD)  # looked at when it is asked for
    else:
        scan_waiting()
        row = trail("infected_file_found")
        assert row.detail["found"] == "Win.Test.EICAR_HDB-1"
    assert scanning.waiting() == []
    clamd.stop()
    status, said = fetch(water, path)
    assert (status, said) == (200, GOOD) if content == GOOD else status == 403
    assert content == GOOD or b"file_infected" in said
    assert rows() == 1  # evidence stays


def test_without_an_address_nothing_is_asked(world: World, water: System, settings: Any,
                                             tmp_path: Path) -> None:  # fmt: skip
    settings.MEDIA_ROOT, settings.CLAMD = str(tmp_path), ""
    assert hand_in(water, world.handling(), BAD).status_code == 201
