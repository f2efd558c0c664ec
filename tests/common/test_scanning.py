"""Files are looked at before anybody can fetch them: a clamd of our own speaks the protocol."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import attachments, checks, scanning, tenancy
from common.ledger import Check
from common.models import AuditEntry
from common.tasks import scan_waiting
from mandates.models import Call, CallFile
from mandates.queries import ledger
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System
from tests.mandates.pages import Browser, url

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("B9")]

# Written in two pieces, so that no scanner of a desk takes this file for one.
BAD = b"%PDF-1.7 X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GOOD = b"%PDF-1.7 " + b"a" * 200_000
TOO_LARGE = b"INSTREAM size limit exceeded. ERROR\0"
LOCKED = ("mandates_call", "mandates_admission")


class Clamd(threading.Thread):
    """Hears INSTREAM as clamd does, and finds the test file of EICAR."""

    def __init__(
        self, path: Path, says: bytes | Callable[[bytes], bytes] = b"", *, pauses: float = 0
    ) -> None:
        super().__init__(daemon=True)
        self.says, self.heard, self.pauses = says, b"", pauses  # seconds before each byte it says
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
                says = self.says(self.heard) if callable(self.says) else self.says
                says = says or (found if b"EICAR-STANDARD" in self.heard else clean)
                with suppress(OSError):  # whoever asked has gone
                    for byte in says if self.pauses else [says]:
                        time.sleep(self.pauses)
                        link.sendall(byte if isinstance(byte, bytes) else bytes([byte]))

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


def aged(*but: str) -> None:
    """Let marks be of two hours ago."""
    then = time.time() - 7200
    for path in set(scanning.waiting()) - set(but):
        os.utime(Path(django_settings.MEDIA_ROOT) / scanning.WAITING / path, (then, then))


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


@pytest.mark.parametrize(
    ("says", "status", "code"),
    [
        (b"", 503, "scanner_away"),
        (b"what?\0", 503, "scanner_away"),
        (b"stream: Can't allocate memory ERROR\0", 503, "scanner_away"),
        (TOO_LARGE, 413, "file_not_scanned"),
    ],
)
def test_what_nobody_has_looked_at_is_not_taken_in(
    world: World, water: System, place: Path, settings: Any, says: bytes, status: int, code: str
) -> None:
    clamd = Clamd(place, says) if says else None
    answer = hand_in(water, world.handling(), GOOD)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.has_header("Retry-After") == (status == 503)
    assert (rows(), files(settings)) == (0, [])
    if clamd:
        clamd.stop()


def test_a_scanner_that_says_a_little_ever_and_again_has_its_time_for_the_whole_file(
    world: World, water: System, place: Path, settings: Any
) -> None:
    settings.CLAMD_TIMEOUT = 0.5
    clamd = Clamd(place, b"stream: OK\0", pauses=0.1)
    answer = hand_in(water, world.handling(), GOOD)
    assert (answer.status_code, answer.json()["code"]) == (503, "scanner_away")
    clamd.stop()


def test_nobody_waits_for_a_call_or_an_admission_while_a_file_is_looked_at(
    world: World, water: System, clamd: Clamd, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, scan = world.handling(), scanning.scan
    locks: list[int] = []

    def heard(portions: Any) -> str:
        asked = [one["sql"] for one in connection.queries if "FOR UPDATE" in one["sql"]]
        locks.append(sum(f'FROM "{table}"' in sql for sql in asked for table in LOCKED))
        return scan(portions)

    monkeypatch.setattr(scanning, "scan", heard)
    with CaptureQueriesContext(connection):
        assert hand_in(water, call, GOOD).status_code == 201
    officer = Browser(world.officer(), at=MONDAY)
    move = {"note": "已查", "override": "口头", "version": world.fresh(call).version}
    file = {"files": SimpleUploadedFile("另.pdf", GOOD)}
    with CaptureQueriesContext(connection) as asked:
        answered = officer.post(url("call-answer", call.uid), {**move, **file})
    assert answered.status_code == 302, answered.content.decode()[:2000]
    assert any("FOR UPDATE" in one["sql"] for one in asked.captured_queries)
    assert locks == [0, 0]


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
    check = Check(at=timezone.now(), tell=lambda _done: None)
    assert list(ledger.files_stand(check)) == []  # reads what is kept, and lets nothing out

    clamd = Clamd(place)
    if content == GOOD:
        assert fetch(water, path) == (200, GOOD)  # looked at when it is asked for
    else:
        aged()
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


def test_what_is_not_looked_at_keeps_nobody_else_waiting_and_what_is_being_written_stays_marked(
    place: Path, settings: Any
) -> None:
    settings.CLAMD_WHEN_AWAY = "later"
    contents = {"calls/1/a": GOOD + b"LARGE", "calls/1/b": GOOD + b"ODD", "calls/1/c": BAD,
                "calls/1/d": GOOD}  # fmt: skip
    for path, content in contents.items():
        scanning.mark(path)
        stored = Path(settings.MEDIA_ROOT) / path
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_bytes(content)
    scanning.mark("calls/1/0")  # as a request does that is about to write its file
    aged("calls/1/0")

    def says(heard: bytes) -> bytes:
        odd = b"stream: Can't allocate memory ERROR\0" if heard.endswith(b"ODD") else b""
        return TOO_LARGE if heard.endswith(b"LARGE") else odd

    clamd = Clamd(place, says)
    assert attachments.scan_waiting(at=timezone.now()) == 2
    assert trail("infected_file_found").target.endswith("calls/1/c")
    assert set(scanning.waiting()) == {"calls/1/0", "calls/1/a", "calls/1/b"}
    assert scanning.waiting()[0] == "calls/1/0"  # the two go behind
    with pytest.raises(scanning.NeverLooked):
        attachments.opened("calls/1/a")
    attachments.opened("calls/1/d").close()
    clamd.stop()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CLAMD", "http://clamd:3310", "huying.E022"),
        ("CLAMD", "tcp://:3310", "huying.E022"),
        ("CLAMD", "tcp://clamd:x", "huying.E022"),
        ("CLAMD", "unix://run/clamd", "huying.E022"),
        ("CLAMD_WHEN_AWAY", "latter", "huying.E023"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_of(
    settings: Any, name: str, value: str, said: str
) -> None:
    settings.CLAMD = "tcp://clamd:3310"
    before = {one.id for one in checks.environment()}
    assert not {"huying.E022", "huying.E023"} & before
    setattr(settings, name, value)
    assert {one.id for one in checks.environment()} - before == {said}
