"""How people are told: groups that ring or not, and e-mails that are neither lost nor doubled."""

from __future__ import annotations

import threading
from dataclasses import replace
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.db import connection, connections

from common import deliveries, mails, tenancy
from common.deliveries import Message
from common.models import Notice, NoticeMail, NoticeWish
from mandates import notices
from mandates.operations import telling
from mandates.operations.announce import AUDIENCES, announce
from mandates.operations.telling import Group, Wish
from mandates.tasks import send_messages
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import member
from tests.mandates.pages import Browser, url
from townships.http import Member

pytestmark = pytest.mark.django_db

NOW = at(3, 3, 10)
SENT = at(3, 3, 11)
QUIET = {"quiet_from": "22:00", "quiet_to": "07:00"}


@pytest.fixture
def world(settings: Any) -> World:
    settings.EMAIL_CONFIGURED = True
    settings.SITE_URL = "https://huying.example.org"
    settings.DEFAULT_FROM_EMAIL = "呼应 <huying@example.org>"
    made = make_world()
    people = (made.clerk, made.head, made.officer(), made.desk)
    for one in people:
        one.user.email = f"{one.user.username}@example.org"
        one.user.save(update_fields=["email"])
    return made


def wish(who: Member, group: Group, *, in_app: bool = True, by_email: bool = True) -> None:
    telling.keep_wishes(who.user, {group: Wish(in_app, by_email)})


def owed() -> list[tuple[Any, ...]]:
    with tenancy.everywhere(reason="a test looks"):
        rows = NoticeMail.objects.order_by("id")
        return list(rows.values_list("user", "sent_at", "dead_at", "attempts"))


def send(*, when: Any = SENT, by: Any = mails.send) -> int:
    carrier = replace(mails.CARRIER, send=by)
    return deliveries.send_waiting(carrier, at=when, write=notices.mail)


@pytest.mark.parametrize("kind", sorted(AUDIENCES))
def test_every_kind_belongs_to_one_group(kind: str) -> None:
    assert telling.group_of(kind) in Group
    assert not telling.DEADLINES & telling.WORK


def test_settings_are_kept_and_what_presses_cannot_be_switched_off(world: World) -> None:
    browser = Browser(world.officer(), at=NOW)
    page = browser.get(url("notice-settings")).content.decode()
    assert world.officer().user.email in page
    sent = {**QUIET, "in_app": ["progress"], "by_email": ["deadline", "nonsense", "\0"]}
    assert browser.post(url("notice-settings"), sent).status_code == 302
    kept = telling.wishes([world.officer().user_id])
    assert {group: kept[(world.officer().user_id, group)] for group in Group} == {
        # Without a gateway the choice of text messages is neither offered nor taken back.
        "deadline": Wish(True, True, True),
        "work": Wish(False, False),
        "progress": Wish(True, False),
    }
    assert browser.post(url("notice-settings"), QUIET).status_code == 302
    assert NoticeWish.objects.count() == 3  # changed, not added
    assert Browser(member("city_overseer"), at=NOW).get(url("notice-settings")).status_code == 403


@pytest.mark.parametrize(("configured", "address"), [(False, "x@example.org"), (True, "")])
def test_where_there_is_no_mail_the_page_says_why(
    world: World, settings: Any, configured: bool, address: str
) -> None:
    settings.EMAIL_CONFIGURED = configured
    user = world.officer().user
    user.email = address
    user.save(update_fields=["email"])
    wish(world.officer(), Group.WORK)
    browser = Browser(world.officer(), at=NOW)
    page = browser.get(url("notice-settings")).content.decode()
    assert 'name="by_email"' not in page
    assert ("没有登记邮箱" if configured else "没有配置邮件服务器") in page
    browser.post(url("notice-settings"), {**QUIET, "in_app": ["work", "progress"]})
    assert telling.wishes([user.pk])[(user.pk, "work")].by_email  # not taken back in silence


def test_a_group_that_does_not_ring_stands_read_in_the_list(world: World) -> None:
    wish(world.officer(), Group.WORK, in_app=False, by_email=False)
    world.routed()
    with tenancy.everywhere(reason="a test looks"):
        told = Notice.objects.get(user=world.officer().user_id)
    assert (told.kind, told.read_at is not None) == ("route", True)
    page = Browser(world.officer(), at=NOW).get("/notices/")
    assert [row["notice"].pk for row in page.context["rows"]] == [told.pk]
    assert page.context["unread_count"]() == 0


# --- e-mail ----------------------------------------------------------------------------------------


@pytest.mark.assurance("E8")
def test_one_message_a_person_with_number_and_link_and_without_the_calls_words(
    world: World,
) -> None:
    wish(world.officer(), Group.WORK)
    first, second = world.routed(when=MONDAY), world.routed(when=MONDAY)
    assert send(when=MONDAY) == 0  # what follows soon goes with it
    assert (send(), send()) == (1, 0)
    (message,) = mail.outbox
    assert message.to == [world.officer().user.email]
    assert message.subject == "呼应：2条消息"
    for word in (first.number, second.number, "https://huying.example.org/notices/"):
        assert word in message.body
    assert first.title not in message.body
    assert [sent is not None for _user, sent, _dead, _n in owed()] == [True, True]


def test_a_message_is_in_the_persons_language(world: World) -> None:
    user = world.officer().user
    user.language = "en"
    user.save(update_fields=["language"])
    wish(world.officer(), Group.WORK)
    world.routed()
    send()
    assert mail.outbox[0].subject == "Huying: 1 notice"
    assert "Dispatched by the list" in mail.outbox[0].body


def test_nobody_gets_mail_who_has_not_asked_for_it(world: World) -> None:
    world.routed()
    assert owed() == []
    assert send() == 0


@pytest.mark.assurance("F12")
def test_announcing_twice_owes_one_mail(world: World) -> None:
    wish(world.officer(), Group.WORK)
    call = world.routed()
    with tenancy.everywhere(reason="a test looks"):
        steps = list(call.steps.values_list("pk", flat=True))
    announce(steps, at=NOW)
    assert len(owed()) == 1
    send()
    announce(steps, at=NOW)
    assert (send(), len(mail.outbox)) == (0, 1)


def test_a_server_that_refuses_is_asked_again_later_and_at_last_laid_aside(world: World) -> None:
    wish(world.officer(), Group.WORK)
    world.routed()

    def refuse(message: Message) -> None:
        raise SMTPRecipientsRefused({message.to: (550, b"no such user")})

    when = SENT
    for attempt in range(1, deliveries.ATTEMPTS + 1):
        assert send(when=when, by=refuse) == 0
        assert send(when=when) == 0  # not before its time
        ((_user, sent, dead, attempts),) = owed()
        assert (sent, attempts, dead is not None) == (None, attempt, attempt == deliveries.ATTEMPTS)
        with tenancy.everywhere(reason="a test looks"):
            row = NoticeMail.objects.get()
        when = row.available_at
        assert "550" in row.error
        assert world.officer().user.email not in row.error  # nor on the page of what was laid aside
    assert mail.outbox == []


def test_one_bad_address_holds_up_nobody(world: World) -> None:
    for who in (world.officer(), world.officer(world.police)):
        wish(who, Group.WORK)
    other = world.officer(world.police).user
    other.email = "other@example.org"
    other.save(update_fields=["email"])
    world.routed()
    bad = world.officer().user.email

    def pick(message: Message) -> None:
        if message.to == bad:
            raise OSError("mailbox unavailable")
        mails.send(message)

    assert send(by=pick) == 1
    assert [message.to for message in mail.outbox] == [["other@example.org"]]


def test_the_same_notices_have_the_same_message_id(world: World) -> None:
    rows = [NoticeMail(notice_id=7), NoticeMail(notice_id=8)]
    assert deliveries.message_id(rows) == deliveries.message_id(rows)
    assert deliveries.message_id(rows) != deliveries.message_id(rows[:1])
    assert deliveries.message_id(rows).endswith("@example.org>")


def test_who_has_left_gets_nothing(world: World) -> None:
    wish(world.officer(), Group.WORK)
    world.routed()
    user = world.officer().user
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert send() == 0
    ((_user, sent, dead, _attempts),) = owed()
    assert (sent, dead) == (None, SENT)


def test_without_a_mail_server_nothing_is_owed_or_sent(world: World, settings: Any) -> None:
    settings.EMAIL_CONFIGURED = False
    wish(world.officer(), Group.WORK)
    world.routed()
    assert (owed(), send_messages()) == ([], 0)


@pytest.mark.parametrize(
    ("wanted", "urgent", "leaves"),
    [
        (at(3, 3, 10), False, at(3, 3, 10, 2)),
        (at(3, 3, 23), False, at(3, 4, 7)),
        (at(3, 4, 3), False, at(3, 4, 7)),
        (at(3, 3, 21, 59), False, at(3, 4, 7)),  # with the two minutes it would be 22:01
        (at(3, 3, 23), True, at(3, 3, 23)),
    ],
)
def test_what_does_not_press_waits_for_the_morning(wanted: Any, urgent: bool, leaves: Any) -> None:
    assert deliveries.leaves_at(wanted, is_urgent=urgent) == leaves


@pytest.mark.assurance("F17")
@pytest.mark.usefixtures("committed")
def test_two_senders_at_once_send_each_notice_once(settings: Any) -> None:
    settings.EMAIL_CONFIGURED = True
    world = make_world()
    people = [world.officer(), world.officer(world.police)]
    for n, one in enumerate(people):
        one.user.email = f"person{n}@example.org"
        one.user.save(update_fields=["email"])
        wish(one, Group.WORK)
    for _n in range(4):
        world.routed()
    gate, told, guard = threading.Barrier(2), [], threading.Lock()

    def collect(message: Message) -> None:
        with guard:
            told.append((message.to, message.text.count("\n- ") + message.text.startswith("- ")))

    def work() -> None:
        try:
            gate.wait()
            for _round in range(3):
                send(by=collect)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _n in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    counts = {f"person{n}@example.org": 0 for n in range(2)}
    for to, n in told:
        counts[to] += n
    assert counts == {"person0@example.org": 4, "person1@example.org": 4}
    assert connection.vendor == "postgresql"


# --- reading ---------------------------------------------------------------------------------------


def test_one_or_several_are_marked_and_the_way_leads_back(world: World) -> None:
    for _n in range(4):
        world.routed()
    browser = Browser(world.officer(), at=NOW)
    rows = browser.get("/notices/?show=unread&kind=work").context["rows"]
    uids = [str(row["notice"].uid) for row in rows]
    assert len(uids) == 4

    answer = browser.post(
        url("notice-read-all"), {"only": uids[0], "show": "unread", "kind": "work"}
    )
    assert answer["Location"] == "/notices/?show=unread&kind=work"
    sent = {"do": "ticked", "notice": [uids[1], uids[2], "x", "\0"], "kind": "https://evil.example"}
    assert browser.post(url("notice-read-all"), sent)["Location"] == "/notices/"
    left = browser.get("/notices/?show=unread").context["rows"]
    assert [str(row["notice"].uid) for row in left] == [uids[3]]
    browser.post(url("notice-read-all"), {"do": "ticked"})  # nothing ticked marks nothing
    assert len(browser.get("/notices/?show=unread").context["rows"]) == 1


def test_nobody_marks_what_others_were_told(world: World) -> None:
    world.routed()
    with tenancy.everywhere(reason="a test looks"):
        notice = Notice.objects.get(user=world.officer().user_id)
    browser = Browser(world.clerk, at=NOW)
    browser.post(url("notice-read-all"), {"only": str(notice.uid)})
    browser.post(url("notice-read-all"), {"do": "ticked", "notice": [str(notice.uid)]})
    with tenancy.everywhere(reason="a test looks"):
        assert Notice.objects.get(pk=notice.pk).read_at is None


def test_kinds_narrow_the_page(world: World) -> None:
    call = world.routed()
    world.make("accept", call, by=world.officer(), when=MONDAY)
    world.drain(when=MONDAY)
    browser = Browser(world.clerk, at=NOW)
    assert [r["notice"].kind for r in browser.get("/notices/?kind=progress").context["rows"]] == [
        "accept"
    ]
    assert browser.get("/notices/?kind=deadline").context["rows"] == []
    assert "没有" in browser.get("/notices/?kind=deadline").content.decode()
    assert len(browser.get("/notices/?kind=x'--").context["rows"]) == 2
