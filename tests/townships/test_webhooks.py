"""Webhooks: signed, in order for each receiver, tried for days, laid aside, sent again."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.core import mail
from django.db import connections

from common import sealing, tenancy, webhooks
from common.models import AuditEntry, Event
from config.demo.testbed import Access
from mandates.operations import publishing
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System
from townships.models import DeadLetter, Delivery, Receiver, SystemAccount
from townships.operations import deliveries, receivers

OK, BROKEN = webhooks.Answer(204, 3), webhooks.Answer(500, 3, "broken", "refused")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.WEBHOOK_INSIDE = ["127.0.0.1"]
    settings.WEBHOOK_TIMEOUT_SECONDS = 1


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def register(member: Any, url: str = "http://127.0.0.1:9/hook", **more: Any) -> Receiver:
    """Register a receiver of a system in a post beside somebody's."""
    system = System.beside(member, source_system=more.pop("source_system", ""))
    account = SystemAccount.objects.select_related("user").get(post=system.post_held)
    made = receivers.register(account, url=url, by=member, at=MONDAY, **more)
    made.receiver.clear = made.secret  # type: ignore[attr-defined]
    return made.receiver


class Sink:
    """Somebody out there who counts effects by webhook-id, and answers as told."""

    def __init__(self, answer: Callable[[int], webhooks.Answer] = lambda n: OK) -> None:
        self.answer, self.seen = answer, []  # type: ignore[var-annotated]
        self.heads: list[Any] = []

    def __call__(self, url: str, body: bytes, heads: Any) -> webhooks.Answer:
        answer = self.answer(len(self.heads))
        self.heads.append((heads, body))
        if answer.is_delivered:
            self.seen.append(json.loads(body))
        return answer

    @property
    def kinds(self) -> list[str]:
        return [one["type"] for one in self.seen]


def serve(receiver: Receiver, sink: Any, at: datetime = MONDAY) -> int:
    return deliveries.serve(receiver.pk, now=lambda: at, by=sink)


# --- the message -----------------------------------------------------------------------------------


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example that the specification's own libraries are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = webhooks.signature(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_sent_is_what_the_feed_says_and_ids_stay(world: World, clock: Any) -> None:
    receiver, sink = register(world.officer(), own_only=False), Sink()
    call = world.handling()
    assert serve(receiver, sink) == 3
    feed = System.beside(world.officer()).get("events/").json()["events"]
    assert sink.seen == feed
    assert sink.kinds == ["call.raise", "call.route", "call.accept"]
    heads, body = sink.heads[0]
    assert heads["webhook-id"] == feed[0]["id"]
    timestamp = int(heads["webhook-timestamp"])
    assert timestamp == int(MONDAY.timestamp())
    wanted = webhooks.signature(receiver.clear, heads["webhook-id"], timestamp, body)  # type: ignore[attr-defined]
    assert heads["webhook-signature"] == wanted
    assert call.title not in body.decode()
    assert serve(receiver, sink) == 0
    with tenancy.everywhere(reason="a test looks"):
        assert Event.objects.count() == 4, "the draft is the township's own"
    stored = Receiver.objects.get(pk=receiver.pk)
    assert receiver.clear not in stored.secret  # type: ignore[attr-defined]
    assert sealing.unseal(stored.secret) == receiver.clear  # type: ignore[attr-defined]


def test_kinds_and_own_calls_narrow_what_is_told(world: World) -> None:
    receiver = register(world.head, kinds=["call.route"], own_only=True)
    world.routed()
    system_post = SystemAccount.objects.get(pk=receiver.account_id).post
    assert system_post.role == "township_head"
    with tenancy.dispatching(reason="a test prepares"):
        before = Event.objects.count()
    sink = Sink()
    serve(receiver, sink)
    assert (sink.seen, before) == ([], 3)


@pytest.mark.assurance("R8")
def test_while_a_secret_is_changed_both_sign(world: World, clock: Any) -> None:
    receiver, sink = register(world.officer()), Sink()
    new = receivers.change_secret(receiver, by=world.desk, at=MONDAY, reason="轮换")
    with pytest.raises(receivers.SecretOpen):
        receivers.change_secret(receiver, by=world.desk, at=MONDAY, reason="再换")
    world.routed()
    serve(receiver, sink)
    heads, body = sink.heads[0]
    stamp = int(heads["webhook-timestamp"])
    signed = [
        webhooks.signature(secret, heads["webhook-id"], stamp, body)
        for secret in (new, receiver.clear)  # type: ignore[attr-defined]
    ]
    assert heads["webhook-signature"].split(" ") == signed
    receivers.end_previous_secret(receiver, by=world.desk, at=MONDAY, reason="已切换")
    world.routed()
    serve(receiver, sink)
    assert len(sink.heads[-1][0]["webhook-signature"].split(" ")) == 1


# --- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.assurance("F20")
def test_500_for_days_is_tried_by_the_schedule_then_laid_aside_and_stopped(
    world: World, settings: Any, mailoutbox: Any
) -> None:
    settings.EMAIL_CONFIGURED = True
    receiver, sink = register(world.officer()), Sink(lambda n: BROKEN)
    owner = receiver.owner
    owner.email = "owner@example.org"
    owner.save()
    world.routed()
    at, waits = MONDAY, []
    for _turn in range(40):
        serve(receiver, sink, at)
        receiver.refresh_from_db()
        if not receiver.is_active or receiver.next_attempt_at is None:
            break
        assert serve(receiver, sink, receiver.next_attempt_at - timedelta(seconds=1)) == 0
        waits.append((receiver.next_attempt_at - at).total_seconds())
        at = receiver.next_attempt_at
    # The first event was tried 12 times over more than three days; then the next one's turn came.
    schedule = settings.WEBHOOK_SCHEDULE
    assert all(s <= w <= s * 1.25 + 1 for s, w in zip(schedule, waits, strict=False))
    letter = DeadLetter.objects.get(position__gt=0, error="refused 500", kind="call.raise")
    assert letter.attempts == len(schedule) + 1
    assert letter.dead_at - MONDAY > timedelta(days=3)
    assert (receiver.is_active, receiver.stopped_because) == (False, "failing")
    assert at - MONDAY >= timedelta(days=settings.WEBHOOK_DISABLE_DAYS)
    with tenancy.everywhere(reason="a test looks"):
        assert AuditEntry.objects.filter(action="receiver_stopped").count() == 1
    assert [message.to for message in mailoutbox] == [["owner@example.org"]]
    log = Delivery.objects.filter(receiver=receiver).order_by("id")
    assert log[0].status == 500
    assert log[0].excerpt == "broken"
    assert serve(receiver, sink, at + timedelta(days=9)) == 0
    # Started again it goes on where it stopped, and the letter is sent again: nothing is lost.
    receivers.start(receiver, by=world.desk, at=at, reason="已修复")
    good = Sink()
    assert serve(receiver, good, at + timedelta(days=9)) == 1
    assert good.kinds == ["call.route"]
    assert receivers.replay([letter], by=world.desk, at=at) == 1
    assert serve(receiver, good, at + timedelta(days=9)) == 1
    assert good.seen[-1]["id"] == str(letter.event)
    letter.refresh_from_db()
    assert letter.delivered_at is not None
    assert receivers.replay([letter], by=world.desk, at=at) == 0
    assert {one["id"] for one in good.seen} == {
        e["id"] for e in System.beside(world.officer()).get("events/").json()["events"]
    }
    assert mail.outbox == mailoutbox


@pytest.mark.assurance("F20")
def test_order_is_kept_while_the_first_one_fails(world: World) -> None:
    receiver, sink = register(world.officer()), Sink(lambda n: BROKEN if n < 2 else OK)
    world.handling()
    assert serve(receiver, sink) == 1
    receiver.refresh_from_db()
    assert serve(receiver, sink, receiver.next_attempt_at) == 1
    receiver.refresh_from_db()
    assert serve(receiver, sink, receiver.next_attempt_at) == 3
    assert sink.kinds == ["call.raise", "call.route", "call.accept"]
    ids = [heads["webhook-id"] for heads, _body in sink.heads]
    assert len(set(ids[:3])) == 1
    receiver.refresh_from_db()
    assert (receiver.failing_since, receiver.attempts) == (None, 0)


def test_410_stops_at_once(world: World) -> None:
    receiver, sink = (
        register(world.officer()),
        Sink(lambda n: webhooks.Answer(410, 1, "", "refused")),
    )
    world.routed()
    assert serve(receiver, sink) == 1
    receiver.refresh_from_db()
    assert (receiver.is_active, receiver.stopped_because) == (False, "gone")


@pytest.mark.assurance("R4")
def test_from_a_time_on_everything_is_told_again_under_the_same_ids(world: World) -> None:
    receiver, sink = register(world.officer()), Sink()
    world.routed()
    later = MONDAY + timedelta(hours=1)
    world.routed(when=later)
    serve(receiver, sink, later)
    first = list(sink.seen)
    receivers.replay_from(receiver, later, by=world.desk, at=later, reason="对方丢失数据")
    assert serve(receiver, sink, later) == 2
    assert sink.seen[4:] == first[2:]
    receivers.replay_from(
        receiver, MONDAY - timedelta(days=900), by=world.desk, at=later, reason="全部重来"
    )
    assert serve(receiver, sink, later) == 4


def test_a_test_message_goes_also_to_one_that_is_stopped(world: World) -> None:
    receiver, sink = register(world.officer()), Sink()
    receivers.stop(receiver, by=world.desk, at=MONDAY, reason="停用")
    world.routed()
    receivers.ping(receiver, by=world.desk, at=MONDAY)
    assert serve(receiver, sink) == 1
    assert sink.kinds == ["huying.ping"]
    assert serve(receiver, sink) == 0


def test_a_system_that_was_deactivated_is_told_nothing_and_loses_nothing(world: World) -> None:
    receiver, sink = register(world.officer()), Sink()
    world.routed()
    account = SystemAccount.objects.filter(pk=receiver.account_id)
    account.update(is_active=False)
    assert serve(receiver, sink) == 0
    account.update(is_active=True)
    assert serve(receiver, sink) == 2


def test_who_dies_while_sending_leaves_a_lease_that_runs_out(world: World) -> None:
    receiver = register(world.officer())
    world.routed()

    def dies(*_args: Any) -> webhooks.Answer:
        raise SystemExit

    with pytest.raises(SystemExit):
        serve(receiver, dies)
    sink = Sink()
    assert serve(receiver, sink, MONDAY + timedelta(minutes=1)) == 0
    assert serve(receiver, sink, MONDAY + timedelta(minutes=6)) == 2


# --- addresses ---------------------------------------------------------------------------------------------


@pytest.mark.assurance("A10")
@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "https://", "https://u:p@example.org/", "https://example.org/#x",
        "http://example.org/", "https://10.0.0.1/", "https://169.254.169.254/latest/",
        "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/",
        "https://[fe80::1]/", "https://0.0.0.0/", "https://例.example/", "https://exa mple.org/",
        "https://example.org:99999/", "https://224.0.0.1/", "https://" + "a" * 500,
    ],
)  # fmt: skip
def test_addresses_that_nothing_is_sent_to_are_refused(world: World, url: str) -> None:
    with pytest.raises(webhooks.BadAddress):
        register(world.officer(), url)
    assert Receiver.objects.count() == 0


@pytest.mark.assurance("A10")
def test_a_name_is_looked_up_once_and_every_address_of_it_is_judged() -> None:
    looked: list[str] = []

    def lookup(*addresses: str) -> Callable[..., Any]:
        def found(host: str, port: int, **_options: Any) -> Any:
            looked.append(host)
            return [(socket.AF_INET, 1, 6, "", (address, port)) for address in addresses]

        return found

    wanted = webhooks.target("https://example.org/hook", webhooks.Inside())
    good = webhooks.resolve(wanted, webhooks.Inside(), lookup=lookup("93.184.215.14"))
    assert (good, looked) == ("93.184.215.14", ["example.org"])
    for addresses in (["10.1.2.3"], ["93.184.215.14", "10.9.9.9"]):
        answer = webhooks.send("https://example.org/", b"{}", {}, lookup=lookup(*addresses))
        assert (answer.status, answer.error) == (None, "address_not_allowed")
    named = webhooks.Inside.of(["10.0.0.0/8"])
    assert webhooks.resolve(wanted, named, lookup=lookup("10.1.2.3")) == "10.1.2.3"


@pytest.mark.assurance("A10")
def test_no_way_of_writing_an_address_leads_inside(settings: Any) -> None:
    """Counted at a listener inside: whatever is written, nobody connects to it."""
    settings.WEBHOOK_INSIDE = []
    with socket.create_server(("127.0.0.1", 0)) as sink:
        sink.settimeout(0.2)
        port = sink.getsockname()[1]
        hosts = [
            "127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "127.0.1",
            "localhost", "localhost.", "LOCALHOST", "0", "0.0", "[::1]", "[::]",
            "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
            "[::127.0.0.1]", "good.example@127.0.0.1", "127.0.0.1#good.example",
            "good.example\\@127.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1%00.good.example",
            "127.0.0.1%2f", "[fe80::1%25lo]", "169.254.169.254", "100.100.100.200", "10.0.0.1",
            "192.168.1.1", "172.16.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1",
        ]  # fmt: skip
        for host in hosts:
            for scheme in ("https", "http", "file", "gopher", "ftp", "HTTP", "\thttps"):
                answer = webhooks.send(f"{scheme}://{host}:{port}/x", b"{}", {})
                assert (answer.status, answer.is_delivered) == (None, False), (scheme, host)
                assert answer.error in ("address_not_allowed", "name_not_found"), (scheme, host)

        # A name that answers differently the second time: the first address is the one connected to.
        given = iter(["93.184.215.14", "127.0.0.1"])
        asked: list[str] = []
        reached: list[Any] = []

        def rebinding(host: str, port: int, **_options: Any) -> Any:
            asked.append(host)
            return [(socket.AF_INET, 1, 6, "", (next(given), port))]

        def connect(address: Any, *_rest: Any, **_options: Any) -> Any:
            reached.append(address)
            raise OSError

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(webhooks.socket, "create_connection", connect)
            webhooks.send(f"https://rebinding.example:{port}/", b"{}", {}, lookup=rebinding)
        assert (asked, reached) == (["rebinding.example"], [("93.184.215.14", port)])
        with pytest.raises(TimeoutError):
            sink.accept()


class Handler(BaseHTTPRequestHandler):
    """A receiver out there that behaves as its path says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        server.paths.append(self.path)
        if self.path == "/hang":
            server.release.wait(5)
            return
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _n in range(60):
                try:
                    self.wfile.write(b".")
                except OSError:
                    return
                time.sleep(0.1)
            return
        status = {"/moved": 302, "/broken": 500}.get(self.path, 200)
        if status == 200:
            server.effects.setdefault(self.headers["webhook-id"], []).append(json.loads(body))
        said = ("坏了\x00" + "x" * 5000).encode()
        self.send_response(status)
        self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def outside() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.effects, server.paths, server.release = {}, [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.assurance("F20")
def test_what_a_receiver_does_to_us_is_an_answer_and_bounded(outside: Any) -> None:
    address = f"http://127.0.0.1:{outside.server_port}"

    def send(path: str) -> webhooks.Answer:
        return webhooks.send(address + path, b"{}", {"webhook-id": "1"})

    good = send("/good")
    assert (good.status, good.is_delivered, good.error) == (200, True, "")
    assert (len(good.excerpt), good.excerpt[:3]) == (300, "坏了 ")
    broken, moved = send("/broken"), send("/moved")
    assert (broken.status, broken.error, broken.is_delivered) == (500, "refused", False)
    assert (moved.status, moved.error, moved.is_delivered) == (302, "redirected", False)
    assert "/elsewhere" not in outside.paths
    for path in ("/hang", "/drip"):
        began = time.monotonic()
        slow = send(path)
        assert (slow.is_delivered, slow.error) == (False, "too_slow"), path
        assert time.monotonic() - began < 3
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert webhooks.send(f"http://127.0.0.1:{port}/", b"{}", {}).error == "connection_failed"
    assert webhooks.send(address.replace("http", "https"), b"{}", {}).error == "tls_failed"


@pytest.mark.assurance("F20")
def test_a_receiver_that_hangs_holds_nobody_elses_queue(
    committed: Access, outside: Any, settings: Any
) -> None:
    world = make_world()
    settings.WEBHOOK_TIMEOUT_SECONDS = 3
    address = f"http://127.0.0.1:{outside.server_port}"
    slow = register(world.officer(), f"{address}/hang")
    quick = register(world.officer(), f"{address}/good")
    world.routed()

    def work() -> None:
        deliveries.deliver(now=lambda: MONDAY)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    began = time.monotonic()
    while len(outside.effects) < 2 and time.monotonic() - began < 2.5:
        time.sleep(0.02)
    assert len(outside.effects) == 2, "both events came to the quick one while the other hangs"
    # What happens meanwhile is told too, before the slow one has answered.
    world.routed()
    while len(outside.effects) < 4 and time.monotonic() - began < 2.9:
        time.sleep(0.02)
    assert len(outside.effects) == 4
    outside.release.set()
    worker.join(10)
    assert all(len(times) == 1 for times in outside.effects.values())
    assert all(UUID(uid) for uid in outside.effects)
    failed = Receiver.objects.get(pk=slow.pk)
    assert (failed.attempts, failed.lease) == (1, None)
    assert Receiver.objects.get(pk=quick.pk).failing_since is None


def test_every_kind_is_a_step_that_there_is() -> None:
    kinds = publishing.kinds()
    assert len(kinds) == len(set(kinds))
    assert {"call.raise", "call.route", "call.answer", "call.rate", "call.urged"} <= set(kinds)
