"""Text messages over a gateway, digests and quiet hours, and what was laid aside."""

from __future__ import annotations

import json
import threading
import time as clock
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, transaction
from django.utils import translation

from common import deliveries, mails, sms, tenancy
from common.models import AuditEntry, MobileNumber, Notice, NoticeHabit, NoticeMail, Outbox
from mandates import notices
from mandates.operations import digest, sweep, telling
from mandates.operations.telling import Group, Habit, Wish
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import member as member_of
from tests.mandates.pages import Browser, url
from tests.speech import foreign, said_on, written
from townships.http import Member
from townships.models import User
from townships.roles import Role

pytestmark = pytest.mark.django_db

NUMBER = "13800138000"
NOON = at(3, 4, 12)
FORM = {"quiet_from": "22:00", "quiet_to": "07:00", "in_app": ["work"], "by_sms": ["deadline"]}


@dataclass
class Gateway:
    """A gateway of our own: what it was asked, and what it answers next."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    status: int = 200
    answer: str = '{"code": 0}'
    sleeps: float = 0.0
    effects: dict[str, str] = field(default_factory=dict)  # by id, as a gateway that knows ids


@pytest.fixture
def gateway(settings: Any) -> Iterator[Gateway]:
    made = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.asked.append(body)
            made.tokens.append(self.headers["Authorization"])
            if made.status == 200:
                made.effects.setdefault(body["id"], body["content"])
            clock.sleep(made.sleeps)
            self.send_response(made.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            try:
                self.wfile.write(made.answer.encode())
            except OSError:
                return  # whoever asked has gone

        def log_message(self, *_args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/send?v=1"
    settings.SMS_URL, settings.SMS_TOKEN = made.url, "s3cret"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def world() -> World:
    made = make_world()
    assert all((made.clerk, made.head, made.officer(), made.desk))
    return made


def with_number(who: Member, number: str = NUMBER) -> None:
    with tenancy.scope(who.scope):
        telling.keep_mobile(number, by=who, at=MONDAY)


def urged(world: World) -> Any:
    """A call whose department is urged at the due instant of accepting, and told of it."""
    call = world.routed()
    sweep.sweep(at=NOON)
    world.drain(when=NOON)
    return call


def send(when: Any) -> int:
    return deliveries.send_waiting(sms.CARRIER, at=when, write=notices.short)


def owed(channel: str = "sms") -> list[NoticeMail]:
    with tenancy.everywhere(reason="a test looks"):
        return list(NoticeMail.objects.filter(channel=channel).order_by("id"))


LATER = NOON + timedelta(minutes=3)


# --- the gateway ---------------------------------------------------------------------------------


def test_what_presses_goes_by_text_message_once_and_short(world: World, gateway: Gateway) -> None:
    with_number(world.officer())
    call = urged(world)
    assert {row.notice_id for row in owed()}
    assert send(NOON) == 0  # what follows soon goes with it
    assert (send(LATER), send(LATER)) == (1, 0)
    (asked,) = gateway.asked
    assert asked["mobile"] == NUMBER
    assert call.number in asked["content"]
    assert call.title not in asked["content"]
    assert len(asked["content"]) <= 70
    assert gateway.tokens == ["Bearer s3cret"]
    assert all(row.sent_at == LATER for row in owed())


def test_only_what_presses_unless_somebody_asks_for_more(world: World, gateway: Gateway) -> None:
    with_number(world.officer())
    world.routed()  # something to do, and no text message
    assert owed() == []
    telling.keep_wishes(world.officer().user, {Group.WORK: Wish(by_sms=True)})
    world.routed()
    assert len(owed()) == 1


def test_who_has_given_no_number_is_owed_none(world: World, gateway: Gateway) -> None:
    urged(world)
    assert owed() == []


def test_without_a_gateway_none_is_owed(world: World, settings: Any) -> None:
    settings.SMS_URL = ""
    with_number(world.officer())
    urged(world)
    assert owed() == []
    settings.SMS_URL = "ftp://gateway"
    assert not sms.is_configured()
    assert sms.faults() == ["SMS_URL is no http or https address"]


def test_a_gateway_that_hangs_gets_the_same_message_with_the_same_id(
    world: World, gateway: Gateway, settings: Any
) -> None:
    settings.SMS_TIMEOUT, gateway.sleeps = 0.1, 0.4
    with_number(world.officer())
    urged(world)
    began = clock.monotonic()
    assert send(LATER) == 0
    assert clock.monotonic() - began < 2
    tried = owed()
    assert {row.attempts for row in tried} == {1}
    assert NUMBER not in "".join(row.error for row in tried)
    # Something new joins the queue meanwhile: it goes by itself, with an id of its own.
    gateway.sleeps = 0.0
    other = world.routed()
    with tenancy.dispatching(reason="a test prepares"):
        first = tried[0]
        fresh = Notice.objects.create(
            **other.tenant, user_id=first.user_id, kind="urge", about=other.uid, step_id=-1,
            at=NOON, facts={},
        )  # fmt: skip
        NoticeMail.objects.create(
            **other.tenant, channel="sms", notice_id=fresh.pk, user_id=first.user_id,
            available_at=LATER,
        )  # fmt: skip
    again = LATER + timedelta(minutes=5)
    assert send(again) == 2
    ids = [one["id"] for one in gateway.asked]
    assert len(ids) == 3
    assert ids[0] == ids[1] != ids[2]
    assert len(gateway.effects) == 2


@pytest.mark.assurance("F15")
@pytest.mark.parametrize(
    ("status", "answer", "success", "dies_at"),
    [
        (500, "busy", "", deliveries.ATTEMPTS),
        (302, "", "", deliveries.ATTEMPTS),  # followed nowhere
        (200, '{"code": 7}', "code=0", deliveries.ATTEMPTS),
        (200, "no json", "code=0", deliveries.ATTEMPTS),
        (400, f"bad number {NUMBER}", "", 1),  # it will never be taken
    ],
)
def test_what_is_not_taken_is_tried_and_laid_aside(
    world: World, gateway: Gateway, settings: Any, status: int, answer: str, success: str,
    dies_at: int,
) -> None:  # fmt: skip
    settings.SMS_SUCCESS, gateway.status, gateway.answer = success, status, answer
    with_number(world.officer())
    urged(world)
    when = LATER
    for attempt in range(1, dies_at + 1):
        assert send(when) == 0
        row = owed()[0]
        assert (row.attempts, row.dead_at is not None) == (attempt, attempt == dies_at)
        when = row.available_at
    assert send(when + timedelta(days=1)) == 0
    assert len(gateway.asked) == dies_at
    assert NUMBER not in owed()[0].error


def test_nobody_gets_more_a_day_than_is_set(world: World, gateway: Gateway, settings: Any) -> None:
    settings.SMS_PER_DAY = 1
    with_number(world.officer())
    urged(world)
    assert send(LATER) == 1
    evening = at(3, 4, 18)
    world.make("urge", urged(world), by=world.head, when=evening)
    world.drain(when=evening)
    assert send(evening + timedelta(minutes=3)) == 0
    waiting = [row for row in owed() if row.sent_at is None]
    assert {row.available_at for row in waiting} == {at(3, 5, 8)}
    assert {row.attempts for row in waiting} == {0}
    assert send(at(3, 5, 8)) == 1


def test_values_stay_inside_the_strings_of_the_body(settings: Any) -> None:
    template = {"to": ["{mobile}"], "text": "【呼应】{text}", "n": 1, "x": "{other}"}
    values = {"mobile": NUMBER, "text": '"}{id}{mobile}', "id": "7"}
    assert sms._filled(template, values) == {
        "to": [NUMBER],
        "text": '【呼应】"}{id}{mobile}',
        "n": 1,
        "x": "{other}",
    }
    settings.SMS_URL, settings.SMS_BODY = "https://x", "{"
    assert sms.faults() == ["SMS_BODY is no JSON"]
    settings.SMS_BODY, settings.SMS_SUCCESS = '{"a": "{mobile}"}', "code"
    assert sms.faults() == ["SMS_BODY lacks {text}", "SMS_SUCCESS is written field=value"]


# --- numbers and hours ---------------------------------------------------------------------------


@pytest.mark.assurance("E8")
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("138 0013-8000", NUMBER),
        ("+86 13800138000", NUMBER),
        ("１３８００１３８０００", NUMBER),
        ("12800138000", ""),
        ("1380013800", ""),
        ("138001380001", ""),
        ("+1 202 555 0100", ""),
        ("打我电话", ""),
    ],
)
def test_a_number_of_the_mainland_is_kept_and_shown_masked(
    world: World, gateway: Gateway, typed: str, kept: str
) -> None:
    browser = Browser(world.officer(), at=NOON)
    answer = browser.post(url("notice-settings"), {**FORM, "mobile": typed})
    assert answer.status_code == (302 if kept else 422)
    with tenancy.dispatching(reason="a test looks"):
        found = [(row.clear(), row.user_id) for row in MobileNumber.objects.all()]
    assert found == ([(kept, world.officer().user_id)] if kept else [])
    page = browser.get(url("notice-settings")).content.decode()
    assert NUMBER not in page
    assert ("138****8000" in page) == bool(kept)
    if kept:
        with tenancy.everywhere(reason="a test looks"):
            trail = AuditEntry.objects.get(action="mobile_number_kept")
        assert NUMBER not in json.dumps(trail.detail)
        browser.post(url("notice-settings"), {**FORM, "no_mobile": "on"})
        with tenancy.dispatching(reason="a test looks"):
            assert not MobileNumber.objects.exists()


@pytest.mark.assurance("E8")
@pytest.mark.parametrize("column", ["number", "number_index"])
def test_no_page_can_read_a_number_whoever_asks(world: World, column: str) -> None:
    with_number(world.officer())
    for who in (world.officer(), world.desk, world.clerk, member_of("city_overseer")):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            tenancy.scope(who.scope),
        ):
            list(MobileNumber.objects.values_list(column))


def test_quiet_hours_are_each_persons_own(world: World, gateway: Gateway) -> None:
    with_number(world.officer())
    telling.keep_habit(
        world.officer().user, Habit(at(1, 1, 11).time(), at(1, 1, 14).time()), at=NOON
    )
    urged(world)
    assert {row.available_at for row in owed()} == {at(3, 4, 14)}


def test_an_emergency_rings_at_night(world: World, gateway: Gateway) -> None:
    with_number(world.officer())
    world.routed(urgency="emergency")
    night = at(3, 4, 23)
    sweep.sweep(at=night)
    world.drain(when=night)
    assert owed()
    assert {row.available_at for row in owed()} == {night}


@pytest.mark.parametrize(
    ("begins", "ends", "wanted", "leaves"),
    [
        (22, 7, at(3, 3, 23), at(3, 4, 7)),
        (22, 7, at(3, 4, 3), at(3, 4, 7)),
        (22, 7, at(3, 4, 7), at(3, 4, 7)),
        (12, 14, at(3, 4, 13), at(3, 4, 14)),
        (12, 14, at(3, 4, 14), at(3, 4, 14)),
        (8, 8, at(3, 4, 8), at(3, 4, 8)),
    ],
)
def test_quiet_hours_end(begins: int, ends: int, wanted: Any, leaves: Any) -> None:
    quiet = (at(1, 1, begins).time(), at(1, 1, ends).time())
    assert deliveries.after_quiet(wanted, quiet) == leaves


# --- the digest ----------------------------------------------------------------------------------


def test_one_digest_a_day_of_what_is_open_due_and_new(world: World, settings: Any) -> None:
    settings.EMAIL_CONFIGURED = True
    officer = world.officer()
    User.objects.filter(pk=officer.user_id).update(email="water@example.org")
    for _n in range(2):
        world.routed(when=at(3, 3, 15))
    telling.keep_habit(officer.user, Habit(digest_at=at(1, 1, 8).time()), at=at(3, 3, 12))
    assert digest.send_due(at=at(3, 3, 20)) == 0  # its time was over that day already
    assert digest.send_due(at=at(3, 4, 7, 59)) == 0
    assert (digest.send_due(at=at(3, 4, 8)), digest.send_due(at=at(3, 4, 9))) == (1, 0)
    with tenancy.everywhere(reason="a test looks"):
        (told,) = Notice.objects.filter(kind="digest")
    assert told.facts == {"posts": [{"unit": "水利局", "open": 2, "soon": 2, "new": 2}]}
    assert told.user_id == officer.user_id
    with translation.override("en"):
        said = notices.text(told, at=NOON)
    assert said == "Your day: 水利局: 2 open, 2 due by tomorrow, 2 new"
    page = Browser(officer, at=NOON).get("/notices/").content.decode()
    assert "今天" in page
    answer = Browser(officer, at=NOON).get(f"/notices/{told.uid}/")
    assert answer["Location"] == "/"
    assert deliveries.send_waiting(mails.CARRIER, at=at(3, 4, 9), write=notices.mail) == 1
    assert "2" in mail.outbox[0].body
    assert digest.send_due(at=at(3, 5, 8)) == 1


def test_a_day_without_anything_sends_nothing(world: World) -> None:
    telling.keep_habit(world.officer().user, Habit(digest_at=at(1, 1, 8).time()), at=at(3, 3, 7))
    assert digest.send_due(at=at(3, 4, 8)) == 0
    assert NoticeHabit.objects.get().digested_on == at(3, 4).date()
    with tenancy.everywhere(reason="a test looks"):
        assert not Notice.objects.exists()


# --- what was laid aside -------------------------------------------------------------------------


@pytest.fixture
def laid_aside(world: World) -> list[NoticeMail]:
    call = world.routed()
    with tenancy.dispatching(reason="a test prepares"):
        told = Notice.objects.filter(about=call.uid).first()
        assert told is not None
        for n in range(2):
            NoticeMail.objects.create(
                **told.tenant, channel=("email", "sms")[n], notice_id=told.pk,
                user_id=told.user_id, available_at=MONDAY, attempts=8, dead_at=MONDAY,
                error="OSError: mailbox unavailable",
            )  # fmt: skip
    return [*owed("email"), *owed("sms")]


def test_what_was_laid_aside_is_tried_again_or_discarded_with_a_reason(
    world: World, laid_aside: list[NoticeMail]
) -> None:
    admin = member_of(Role.SYSTEM_ADMINISTRATOR)
    browser = Browser(admin, at=NOON)
    here = url("dead-letter-list")
    page = browser.get(here).content.decode()
    assert page.count("data-row") == 2
    assert "mailbox unavailable" in page
    email, text = laid_aside
    assert (
        browser.post(here, {"do": "again", "message": [str(email.pk), "x", "9" * 30]}).status_code
        == 302
    )
    again = owed("email")[0]
    assert (again.dead_at, again.attempts, again.available_at) == (None, 0, NOON)
    short = browser.post(here, {"do": "discard", "message": str(text.pk), "reason": " "})
    assert short.status_code == 422
    assert owed("sms")[0].discarded_at is None
    sent = {"do": "discard", "message": str(text.pk), "reason": "人员已调离"}
    assert browser.post(here, sent).status_code == 302
    assert owed("sms")[0].discarded_at == NOON
    assert browser.get(here).content.decode().count("data-row") == 0
    # What is done is done: sent once more, nothing happens.
    browser.post(here, {"do": "again", "message": str(text.pk)})
    assert owed("sms")[0].dead_at == MONDAY
    with tenancy.everywhere(reason="a test looks"):
        trail = AuditEntry.objects.filter(action__startswith="messages_").order_by("pk")
        assert [(one.action, one.actor_id) for one in trail] == [
            ("messages_retried", admin.user_id),
            ("messages_discarded", admin.user_id),
        ]
        assert trail[1].detail["reason"] == "人员已调离"
    for other in (world.desk, world.officer(), world.member(Role.ESTABLISHMENT_OFFICER)):
        assert Browser(other, at=NOON).get(here).status_code == 403


@pytest.mark.assurance("F15")
def test_accepted_work_that_failed_is_counted_on_every_page_and_tried_again(world: World) -> None:
    """Counted on the administrator's first page and beside it; tried again, by name; never given up."""
    call = world.draft(then="raise").call
    with tenancy.dispatching(reason="a test prepares"):
        row = Outbox.objects.get(kind="route", subject_id=call.pk)
        Outbox.objects.filter(pk=row.pk).update(dead_at=MONDAY, attempts=8, error="KeyError: '甲'")
    admin = member_of(Role.SYSTEM_ADMINISTRATOR)
    browser, here = Browser(admin, at=NOON), url("dead-letter-list")
    first = browser.get("/", follow=True)
    lines = [line for panel in first.context["panels"] for line in panel.lines]
    assert [(line.label, line.note, line.url, line.is_pressing) for line in lines] == [
        ("已受理的工作", "1", here, True)
    ]
    shown = browser.get(url("start")).context["navigation"]()
    (entry,) = [item for group in shown for item in group.items if item.url == here]
    assert (entry.count, entry.is_over) == (1, True)
    page = browser.get(here).content.decode()
    assert page.count("data-work") == 1
    assert "KeyError: &#x27;甲&#x27;" in page
    assert world.township.name in page
    assert call.title not in page
    for wrong in ("", "x", "9" * 18):
        assert browser.post(here, {"do": "work", "work": wrong}).status_code == 302
    assert world.fresh(call).state == "raised"
    assert browser.post(here, {"do": "work", "work": str(row.pk)}).status_code == 302
    assert "data-work" not in browser.get(here).content.decode()
    world.drain(when=NOON)
    assert world.fresh(call).state == "routed"
    # Done work is not done again by an old page.
    browser.post(here, {"do": "work", "work": str(row.pk)})
    with tenancy.everywhere(reason="a test looks"):
        (entry,) = AuditEntry.objects.filter(action="works_retried")
        assert (entry.actor_id, Outbox.objects.get(pk=row.pk).attempts) == (admin.user_id, 0)
    for other in (world.desk, world.member(Role.ESTABLISHMENT_OFFICER)):
        assert Browser(other, at=NOON).post(here, {"do": "work", "work": "1"}).status_code == 403


def test_pages_of_notices_speak_both_languages(
    world: World, laid_aside: list[NoticeMail], gateway: Gateway
) -> None:
    admin = member_of(Role.SYSTEM_ADMINISTRATOR)
    with_number(world.officer())
    data = written() + "OSError: mailbox unavailable"
    for language, short in (("zh-hans", "zh"), ("en", "en")):
        User.objects.filter(pk__in=[admin.user_id, world.officer().user_id]).update(
            language=language
        )
        for who, where in ((admin, "dead-letter-list"), (world.officer(), "notice-settings")):
            browser = Browser(who, at=NOON)
            bad = {"do": "discard", "message": str(laid_aside[0].pk), "mobile": "1"}
            for answer in (browser.get(url(where)), browser.post(url(where), bad)):
                said = said_on(answer.content.decode(), short)
                assert foreign(said, short, data) == []


# --- who stands in -------------------------------------------------------------------------------


def test_a_deputy_is_told_for_whom(world: World) -> None:
    notice = Notice(kind="route", facts={"instead_of": "王科长"})
    with translation.override("en"):
        assert "(you stand in for 王科长)" in notices.text(notice, at=NOON)
