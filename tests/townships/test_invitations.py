"""Invitations: nobody but its owner ever knows a password, and a code opens one account, once."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common.errors import Invalid, NotAllowed, Refused
from tests.factories.console import signed_in, trail
from tests.factories.townships import PostFactory, UserFactory, member
from townships.models import Invitation, User
from townships.operations import invitations
from townships.roles import Role

pytestmark = pytest.mark.django_db

PASSWORD = "vermilion-staple-9"
JOIN = "/join/"


@pytest.fixture
def newcomer() -> User:
    user = UserFactory(username="lihua")
    user.set_unusable_password()
    user.save()
    return user


@pytest.fixture
def system() -> Any:
    return member(Role.SYSTEM_ADMINISTRATOR)


@pytest.fixture
def security() -> Any:
    return member(Role.SECURITY_ADMINISTRATOR)


def issue(user: User, by: Any, **more: Any) -> invitations.Issued:
    return invitations.issue(user, reason="新任", by=by, at=timezone.now(), **more)


def join(code: str, first: str = PASSWORD, second: str = "") -> Any:
    return Client().post(JOIN, {"code": code, "password1": first, "password2": second or first})


@pytest.mark.assurance("A6")
def test_a_code_carries_140_bits_and_is_kept_as_a_hash_alone(newcomer, system) -> None:
    issued = issue(newcomer, system)

    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}", issued.code)
    assert len(set(invitations.ALPHABET)) == 32
    assert len(issued.invitation.code_hash) == 64
    plain = issued.code.replace("-", "")
    row = Invitation.objects.filter(pk=issued.invitation.pk).values().get()
    assert not [value for value in row.values() if plain in str(value)]
    assert plain not in str([entry.detail for entry in trail("invitation_issued")])


@pytest.mark.parametrize("write", [str, str.lower, lambda c: c.replace("-", " ")])
def test_a_newcomer_chooses_a_password_and_signs_in(newcomer, system, write) -> None:
    issued = issue(newcomer, system)

    answer = join(write(issued.code))

    assert answer["Location"] == reverse("account_login")
    newcomer.refresh_from_db()
    assert newcomer.check_password(PASSWORD)
    assert newcomer.must_change_password is False
    assert Invitation.objects.get().state(at=timezone.now()) == "used"
    assert [entry.target for entry in trail("invitation_accepted")] == [newcomer.name]


def test_a_code_works_once(newcomer, system) -> None:
    issued = issue(newcomer, system)
    join(issued.code)

    answer = join(issued.code, "another-staple-10")

    assert answer.status_code == 200
    assert "code" in answer.context["form"].errors
    newcomer.refresh_from_db()
    assert newcomer.check_password(PASSWORD)


@pytest.mark.assurance("A3")
@pytest.mark.parametrize("sent", ["", "ABCD", "x" * 81, "你好", "\0", "0" * 28])
def test_a_code_that_is_none_is_refused_in_one_way(newcomer, system, sent) -> None:
    issue(newcomer, system)

    answer = join(sent)

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["code"]
    newcomer.refresh_from_db()
    assert not newcomer.has_usable_password()


def test_a_code_expires_after_seven_days(newcomer, system) -> None:
    issued = issue(newcomer, system)

    with time_machine.travel(timezone.now() + timedelta(days=7), tick=False):
        answer = join(issued.code)

    assert "code" in answer.context["form"].errors
    newcomer.refresh_from_db()
    assert not newcomer.has_usable_password()


def test_a_second_invitation_withdraws_the_first(newcomer, system) -> None:
    first = issue(newcomer, system)
    second = issue(newcomer, system)

    assert "code" in join(first.code).context["form"].errors
    assert join(second.code).status_code == 302
    first.invitation.refresh_from_db()
    assert first.invitation.state(at=timezone.now()) == "revoked"


def test_a_withdrawn_code_opens_nothing(newcomer, system) -> None:
    issued = issue(newcomer, system)
    invitations.revoke(issued.invitation, reason="写错", by=system, at=timezone.now())

    assert "code" in join(issued.code).context["form"].errors
    with pytest.raises(Refused):
        invitations.revoke(issued.invitation, reason="再次", by=system, at=timezone.now())


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [("12345678", "", "password1"), ("lihua", "", "password1"), (PASSWORD, "other", "password2")],
)
def test_a_weak_or_mistyped_password_keeps_the_code(newcomer, system, first, second, field) -> None:
    issued = issue(newcomer, system)

    answer = join(issued.code, first, second)

    assert list(answer.context["form"].errors) == [field]
    assert Invitation.objects.get().used_at is None
    assert join(issued.code).status_code == 302


def test_a_closed_account_is_not_opened_by_a_code(newcomer, system) -> None:
    issued = issue(newcomer, system)
    User.objects.filter(pk=newcomer.pk).update(is_active=False)

    assert "code" in join(issued.code).context["form"].errors
    newcomer.refresh_from_db()
    with pytest.raises(Refused):
        issue(newcomer, system)


def test_nobody_is_invited_by_themselves_and_no_system_at_all(system) -> None:
    with pytest.raises(NotAllowed):
        issue(system.user, system)
    with pytest.raises(Refused):
        issue(UserFactory(is_machine=True), system)
    with pytest.raises(Invalid):
        invitations.issue(UserFactory(), reason=" ", by=system, at=timezone.now())
    assert not Invitation.objects.exists()


# --- Somebody who holds a post already -----------------------------------------------------------


@pytest.mark.assurance("A7", "E6")
def test_one_administrator_alone_does_not_take_over_a_person_with_a_post(system, security) -> None:
    clerk = PostFactory().user
    issued = issue(clerk, system)

    assert "code" in join(issued.code).context["form"].errors
    with pytest.raises(NotAllowed):
        invitations.release(issued.invitation, reason="自己", by=system, at=timezone.now())
    invitations.release(issued.invitation, reason="本人申请", by=security, at=timezone.now())

    assert join(issued.code).status_code == 302
    clerk.refresh_from_db()
    assert clerk.check_password(PASSWORD)


@pytest.mark.assurance("E6")
def test_the_database_itself_wants_four_eyes(system) -> None:
    issued = issue(PostFactory().user, system)
    now = timezone.now()
    rows = Invitation.objects.filter(pk=issued.invitation.pk)

    with pytest.raises(IntegrityError, match="invitation_four_eyes"), transaction.atomic():
        rows.update(released_at=now, released_by=system.user)
    with (
        pytest.raises(IntegrityError, match="invitation_released_before_use"),
        transaction.atomic(),
    ):
        rows.update(used_at=now)


@pytest.mark.assurance("A4")
def test_a_new_password_ends_the_sessions_of_the_old_one(system, security) -> None:
    clerk = PostFactory().user
    client = Client()
    client.force_login(clerk)
    issued = issue(clerk, system)
    invitations.release(issued.invitation, reason="本人申请", by=security, at=timezone.now())

    join(issued.code)

    assert client.get("/calls/").status_code == 302


@pytest.mark.assurance("A12")
@pytest.mark.django_db(transaction=True)
def test_two_at_once_use_a_code_once(committed, newcomer, system) -> None:
    issued = issue(newcomer, system)
    start, results = Barrier(2), []

    def use(password: str) -> None:
        start.wait()
        try:
            invitations.accept(issued.code, password, at=timezone.now())
            results.append(password)
        except invitations.BadCode:
            results.append("")
        finally:
            connection.close()

    threads = [Thread(target=use, args=(f"{PASSWORD}-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    won = [one for one in results if one]
    assert (len(results), len(won)) == (2, 1)
    newcomer.refresh_from_db()
    assert newcomer.check_password(won[0])


# --- Pages ---------------------------------------------------------------------------------------


def url(what: str, key: int, model: str = "invitation") -> str:
    return reverse(f"admin:townships_{model}_{what}", args=[key])


def test_the_slip_shows_the_code_once(newcomer) -> None:
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)
    assert client.get(url("invite", newcomer.pk, "user")).status_code == 200

    slip = client.post(url("invite", newcomer.pk, "user"), {"reason": "新任"})

    code = slip.context["issued"].code
    assert code in slip.content.decode()
    assert "http://testserver/join/" in slip.content.decode()
    invitation = Invitation.objects.get()
    for address in (
        url("change", newcomer.pk, "user"),
        url("change", invitation.pk),
        reverse("admin:townships_invitation_changelist"),
    ):
        shown = client.get(address)
        assert shown.status_code == 200
        assert code not in shown.content.decode()
        assert invitation.code_hash not in shown.content.decode()
    assert join(code).status_code == 302


def test_an_invitation_needs_a_reason(newcomer) -> None:
    answer = signed_in(Role.SYSTEM_ADMINISTRATOR).post(
        url("invite", newcomer.pk, "user"), {"reason": " "}
    )

    assert "reason" in answer.context["form"].errors
    assert not Invitation.objects.exists()


@pytest.mark.assurance("E6")
@pytest.mark.parametrize(
    ("role", "invite", "release", "revoke"),
    [
        (Role.SYSTEM_ADMINISTRATOR, 200, 403, 302),
        (Role.SECURITY_ADMINISTRATOR, 403, 302, 302),
        (Role.AUDIT_ADMINISTRATOR, 403, 403, 403),
        (Role.ESTABLISHMENT_OFFICER, 403, 403, 403),
    ],
)
def test_who_issues_releases_and_withdraws(system, role, invite, release, revoke) -> None:
    issued = issue(PostFactory().user, system)
    client = signed_in(role)
    key = issued.invitation.pk

    assert client.get(url("invite", issued.invitation.user_id, "user")).status_code == invite
    assert client.post(url("release", key)).status_code == release
    issued.invitation.refresh_from_db()
    assert (issued.invitation.released_at is not None) == (release == 302)
    assert client.post(url("revoke", key)).status_code == revoke
    issued.invitation.refresh_from_db()
    assert (issued.invitation.revoked_at is not None) == (revoke == 302)


def test_the_door_is_open_to_strangers_and_closed_to_those_inside(system) -> None:
    assert Client().get(JOIN).status_code == 200
    inside = Client()
    inside.force_login(PostFactory().user)
    assert inside.get(JOIN)["Location"] == "/"
