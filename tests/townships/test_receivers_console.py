"""The console's pages for webhooks: who may, what is refused, what is shown once, what is recorded."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common import tenancy, webhooks
from common.models import AuditEntry
from config.management.commands.metrics import figures
from tests.config.test_metrics import metrics_loaded, read
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.systems import System
from tests.factories.townships import member
from townships.models import DeadLetter, Delivery, Receiver, SystemAccount, User
from townships.operations import deliveries
from townships.roles import Role

pytestmark = pytest.mark.django_db
ADD = "admin:townships_receiver_add"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Any:
    settings.WEBHOOK_INSIDE = ["10.20.0.0/16"]
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def account_of(system: System) -> SystemAccount:
    return SystemAccount.objects.get(post=system.post_held)


def form(account: SystemAccount, **more: Any) -> dict[str, Any]:
    return {
        "account": account.pk,
        "url": "http://10.20.3.4/hook",
        "kinds": ["call.answer", "call.route"],
        "own_only": "on",
        "reason": "接入热线平台",
        **more,
    }


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200, answer
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    return found


def test_a_county_officer_registers_tests_stops_and_sets_back_a_receiver(world: World) -> None:
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    client, system = signed_in(officer.user), System.beside(world.officer())
    made = client.post(reverse(ADD), form(account_of(system)), follow=True)
    assert made.status_code == 200
    receiver = Receiver.objects.get()
    assert (receiver.kinds, receiver.own_only) == (["call.answer", "call.route"], True)
    assert (receiver.county_id, receiver.owner_id) == (world.county.pk, officer.user_id)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]{40,}", made.content.decode())
    assert secret is not None
    page = reverse("admin:townships_receiver_change", args=[receiver.pk])
    assert "whsec_" not in client.get(page).content.decode()

    client.post(page, form(account_of(system), url="https://example.org/", kinds=[]))
    receiver.refresh_from_db()
    assert (receiver.url, receiver.kinds) == ("https://example.org/", [])
    act = reverse("admin:townships_receiver_act", args=[receiver.pk])
    assert client.get(act).status_code == 200
    for said in (
        {"act": "ping"}, {"act": "stop"}, {"act": "start"},
        {"act": "replay_from", "since": "2026-03-01 08:00"},
    ):  # fmt: skip
        assert client.post(act, {**said, "reason": "演练"}).status_code == 302
    shown = client.post(act, {"act": "secret", "reason": "轮换"}).content.decode()
    assert re.search(r"whsec_[A-Za-z0-9+/=]{40,}", shown)
    twice = client.post(act, {"act": "secret", "reason": "轮换"})
    assert "whsec_" not in twice.content.decode()
    assert client.post(act, {"act": "end_secret", "reason": "已切换"}).status_code == 302
    for bad in ({"act": "ping"}, {"act": "fly", "reason": "试试"},
                {"act": "replay_from", "reason": "没有时间"}):  # fmt: skip
        assert client.post(act, bad).status_code == 200
    with tenancy.everywhere(reason="a test looks"):
        trail = list(AuditEntry.objects.order_by("id").values_list("action", "detail"))
    assert [action for action, _detail in trail if "receiver" in action] == [
        "receiver_registered", "receiver_tested", "receiver_stopped", "receiver_started",
        "receiver_set_back", "receiver_secret_changed", "receiver_secret_ended",
    ]  # fmt: skip
    assert all(detail.get("reason") for action, detail in trail if "receiver" in action)
    assert "whsec_" not in str(trail)
    changed = next(detail for action, detail in trail if action == "console_changed")
    assert changed["changes"]["url"] == ["http://10.20.3.4/hook", "https://example.org/"]


def test_what_does_not_fit_is_said_at_its_field(world: World) -> None:
    client = signed_in(member(Role.SECURITY_ADMINISTRATOR).user)
    account = account_of(System.beside(world.officer()))
    for url in ("http://example.org/", "https://127.0.0.1/", "https://192.168.1.1/x", "abc"):
        assert set(errors(client.post(reverse(ADD), form(account, url=url)))) == {"url"}
    kinds = errors(client.post(reverse(ADD), form(account, kinds=["call.fly"])))
    assert set(kinds) == {"kinds"}
    silent = account_of(System.beside(world.officer(), allowed="reference.read"))
    assert set(errors(client.post(reverse(ADD), form(silent)))) == {"account"}
    assert "data-secret" in client.post(reverse(ADD), form(account)).content.decode()
    again = errors(client.post(reverse(ADD), form(account)))
    assert "__all__" in again
    assert Receiver.objects.count() == 1


@pytest.mark.assurance("T12")
def test_an_officer_sees_and_chooses_only_systems_of_the_county(world: World) -> None:
    officer = signed_in(world.member(Role.ESTABLISHMENT_OFFICER).user)
    other = make_world()
    foreign = account_of(System.beside(other.officer()))
    assert set(errors(officer.post(reverse(ADD), form(foreign)))) == {"account"}
    security = signed_in(member(Role.SECURITY_ADMINISTRATOR).user)
    assert "data-secret" in security.post(reverse(ADD), form(foreign)).content.decode()
    receiver = Receiver.objects.get()
    for name, args in (("change", [receiver.pk]), ("act", [receiver.pk])):
        address = reverse(f"admin:townships_receiver_{name}", args=args)
        assert officer.get(address).status_code == 404
    reader = signed_in(member(Role.AUDIT_ADMINISTRATOR).user)
    page = reverse("admin:townships_receiver_change", args=[receiver.pk])
    assert reader.get(page).status_code == 200
    act = reverse("admin:townships_receiver_act", args=[receiver.pk])
    assert reader.post(act, {"act": "stop", "reason": "试试"}).status_code == 403
    receiver.refresh_from_db()
    assert receiver.is_active


@pytest.mark.assurance("F15")
def test_dead_letters_are_listed_counted_and_sent_again(
    world: World, settings: Any, clock: Any
) -> None:
    settings.WEBHOOK_SCHEDULE = []
    metrics_loaded()
    officer = signed_in(world.member(Role.ESTABLISHMENT_OFFICER).user)
    account = account_of(System.beside(world.officer()))
    officer.post(reverse(ADD), form(account, kinds=[], own_only=""))
    receiver = Receiver.objects.get()
    world.routed()

    def figure(name: str) -> float:
        return read(figures().decode())[f"huying_webhooks_{name}", ""]

    assert figure("behind_seconds") > 0
    broken = webhooks.Answer(500, 1, "<b>坏了", "refused")
    assert deliveries.serve(receiver.pk, now=lambda: MONDAY, by=lambda *_sent: broken) == 2
    assert (figure("dead"), figure("failing"), figure("stopped")) == (2, 1, 0)
    assert figure("behind_seconds") == 0
    listed = officer.get(reverse("admin:townships_deadletter_changelist"))
    letters = list(DeadLetter.objects.order_by("pk"))
    assert "refused 500" in listed.content.decode()
    narrowed = reverse("admin:townships_delivery_changelist") + (
        f"?receiver__id__exact={receiver.pk}"
    )
    assert officer.get(narrowed).status_code == 200
    delivery = Delivery.objects.first()
    assert delivery is not None
    shown = officer.get(reverse("admin:townships_delivery_change", args=[delivery.pk]))
    assert "&lt;b&gt;坏了" in shown.content.decode()
    chosen = {"action": "send_again", "_selected_action": [letters[0].pk]}
    reader = signed_in(member(Role.AUDIT_ADMINISTRATOR).user)
    reader.post(reverse("admin:townships_deadletter_changelist"), chosen)
    assert DeadLetter.objects.filter(replay_at__isnull=False).count() == 0
    officer.post(reverse("admin:townships_deadletter_changelist"), chosen)
    assert list(DeadLetter.objects.filter(replay_at__isnull=False)) == letters[:1]
    good = webhooks.Answer(200, 1)
    assert deliveries.serve(receiver.pk, now=lambda: MONDAY, by=lambda *_sent: good) == 1
    assert figure("dead") == 1
    assert deliveries.forget_deliveries(before=MONDAY + timedelta(days=1)) == 3
    assert DeadLetter.objects.count() == 2
