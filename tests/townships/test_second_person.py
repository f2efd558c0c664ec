"""A post that matters is proposed by one security administrator and given by another (E6).

In the console, and in the database itself, by SQL as the application's role.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common import checks
from tests.conftest import Bench
from tests.factories.console import Officer, trail
from tests.factories.townships import (
    CityFactory,
    CountyFactory,
    DepartmentFactory,
    PostFactory,
    UserFactory,
    member,
)
from townships.models import GuardedRole, Post, PostGrant
from townships.operations import granting
from townships.roles import Role

pytestmark = pytest.mark.assurance("E6")
SECURITY = Role.SECURITY_ADMINISTRATOR
DAY = date(2026, 1, 1)


def client_of(post: Any) -> Client:
    client = Officer()
    client.force_login(post.user)
    return client


def somebody(**fields: Any) -> Any:
    return UserFactory(**fields)


def security() -> Any:
    return PostFactory(role=SECURITY, user=somebody(language="en"))


def act(client: Client, grant: PostGrant, what: str, **data: Any) -> str:
    url = reverse(f"admin:townships_postgrant_{what}", args=[grant.pk])
    return str(client.post(url, data, follow=True).content.decode())


# --- in the console ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_desk_is_given_by_two() -> None:
    one, other, person = security(), security(), somebody()
    county: Any = CountyFactory()
    form = {"user": person.pk, "role": "county_desk", "county": county.pk, "title": "",
            "valid_from": "2026-01-01"}  # fmt: skip
    proposing, deciding = client_of(one), client_of(other)

    told = proposing.post(reverse("admin:townships_post_add"), form, follow=True).content.decode()

    assert "It takes effect once a second security administrator has confirmed it" in told
    grant = PostGrant.objects.get(user=person)
    assert not Post.objects.filter(user=person).exists()
    again = proposing.post(reverse("admin:townships_post_add"), form).content.decode()
    assert "A proposal about this post waits already" in again
    # The other administrators find it on their first page; who proposed it has no button.
    assert str(person) in deciding.get(reverse("admin:index")).content.decode()
    assert "id_confirm" not in told
    assert "A second security administrator must decide this" in act(proposing, grant, "confirm")
    assert not Post.objects.filter(user=person).exists()
    assert "Confirmed: it holds now." in act(deciding, grant, "confirm", reason="")
    post = Post.objects.get(user=person)
    assert (post.role, post.county, post.grant) == ("county_desk", county, grant)
    assert "does not wait for a decision any more" in act(deciding, grant, "refuse")
    assert [one.actor_id for one in trail("post_proposed")] == [one.user_id]
    assert [one.actor_id for one in trail("post_confirmed")] == [other.user_id]


@pytest.mark.django_db
def test_it_is_ended_by_two_and_refused_for_a_reason() -> None:
    one, other = member(SECURITY), member(SECURITY)
    post: Any = PostFactory(role=Role.COUNTY_DESK)
    now, last = timezone.now(), date(2026, 2, 1)

    first = granting.propose(
        post, valid_from=post.valid_from, valid_to=last, reason="调离", by=one, at=now
    )
    with pytest.raises(Exception, match="Some of what you sent|需要修改"):
        granting.refuse(first, reason=" ", by=other, at=now)
    granting.refuse(first, reason="文件有误", by=other, at=now)
    post.refresh_from_db()
    assert post.valid_to is None
    second = granting.propose(
        post, valid_from=post.valid_from, valid_to=last, reason="调离", by=one, at=now
    )
    late = now + timedelta(days=8)
    assert second.state(at=late) == "expired"
    with pytest.raises(granting.Refused):
        granting.confirm(second, by=other, at=late)
    assert granting.confirm(second, by=other, at=now).valid_to == last
    # Who gets the post decides nothing of it, although in office.
    third = granting.propose(
        Post(user=other.user, role=SECURITY, city=member(SECURITY).post.city),
        valid_from=DAY, valid_to=None, reason="兼任", by=one, at=now,
    )  # fmt: skip
    with pytest.raises(granting.NotAllowed):
        granting.confirm(third, by=other, at=now)
    # Posts of other roles are given by one, as before.
    assert not granting.needs_second_person(Post(role=Role.TOWNSHIP_CLERK), [])


@pytest.mark.django_db
def test_who_proposed_must_still_be_in_office_and_a_title_edited_meanwhile_stays() -> None:
    one, other, third = member(SECURITY), member(SECURITY), member(SECURITY)
    post: Any = PostFactory(role=Role.COUNTY_DESK, title="甲")
    now, last = timezone.now(), date(2026, 2, 1)

    def proposed(by: Any, title: str) -> PostGrant:
        given: Any = Post.objects.get(pk=post.pk)
        given.title = title
        return granting.propose(
            given, valid_from=post.valid_from, valid_to=last, reason="调离", by=by, at=now
        )

    grant = proposed(one, "甲")
    Post.objects.filter(pk=post.pk).update(title="乙")
    assert granting.confirm(grant, by=other, at=now).title == "乙"
    both = proposed(one, "丙")  # the title is part of what is proposed
    assert granting.confirm(both, by=other, at=now).title == "丙"

    closed = proposed(third, "丙")
    type(third.user).objects.filter(pk=third.user_id).update(is_active=False)
    with pytest.raises(granting.Refused, match="no security administrator any more|不再"):
        granting.confirm(closed, by=other, at=now)
    refused("grant_still_by_security", DECIDE, "confirmed", other.user_id, closed.pk)
    granting.refuse(closed, reason="提出人已离岗", by=other, at=now)
    left = proposed(one, "丙")
    ends = granting.propose(
        one.post, valid_from=one.post.valid_from, valid_to=last, reason="调离", by=other, at=now
    )
    granting.confirm(ends, by=member(SECURITY), at=now)
    with pytest.raises(granting.Refused):
        granting.confirm(left, by=other, at=now)
    refused("grant_still_by_security", DECIDE, "confirmed", other.user_id, left.pk)


# --- in the database ------------------------------------------------------------------------------


def sql(text: str, *params: Any) -> Any:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select session_user::text")
        assert cursor.fetchone() == ("huying_app",)
        cursor.execute(text, params)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(name: str, text: str, *params: Any) -> None:
    with pytest.raises(DatabaseError) as told:
        sql(text, *params)
    diag = told.value.__cause__.diag  # type: ignore[union-attr]
    assert name in f"{diag.constraint_name} {diag.message_primary}"


PROPOSE = """
insert into townships_postgrant (uid, kind, user_id, role, county_id, title, valid_from, valid_to,
    reason, proposed_by_id, proposed_at, expires_at, decision, decided_by_id, decided_at, answer)
values (gen_random_uuid(), %s, %s, 'county_desk', %s, '', '2026-01-01', null, 'x', %s,
    now() - %s * interval '1 day', now() - %s * interval '1 day' + interval '7 days', %s, %s, %s, '')
returning id
"""
DECIDE = (
    "update townships_postgrant set decision = %s, decided_by_id = %s, decided_at = now() "
    "where id = %s"
)
GIVE = """
insert into townships_post (uid, user_id, role, county_id, title, valid_from, grant_id)
values (gen_random_uuid(), %s, 'county_desk', %s, '', %s, %s)
"""


@pytest.mark.django_db
def test_the_database_gives_no_post_without_two() -> None:
    one, other = security().user, security().user
    person = somebody()
    place: Any = CountyFactory()
    elsewhere: Any = CountyFactory()
    county = place.pk

    def asked(by: Any, to: Any, days: int = 0, *end: Any) -> tuple[Any, ...]:
        return ("give", to.pk, county, by.pk, days, days, *(end or ("", None, None)))

    def proposed(*, by: Any, to: Any = person, days: int = 0) -> Any:
        return sql(PROPOSE, *asked(by, to, days))[0][0]

    refused("post_second_person", GIVE, person.pk, county, DAY, None)
    shadow = "create temporary table townships_guardedrole (role text); "
    refused("post_second_person", shadow + GIVE, person.pk, county, DAY, None)
    refused("grant_not_to_oneself", PROPOSE, *asked(one, one))
    refused("grant_by_security", PROPOSE, *asked(somebody(), person))
    whole = ("confirmed", other.pk, timezone.now())
    refused("grant_two_steps", PROPOSE, *asked(one, person, 0, *whole))
    with pytest.raises(DatabaseError, match="only a command founds"):
        sql(PROPOSE.replace("interval '7 days'", "null"), "founding", person.pk, county, None, 0, 0,
            "", None, None)  # fmt: skip

    grant = proposed(by=one)
    refused("post_second_person", GIVE, person.pk, county, DAY, grant)  # not confirmed yet
    refused("grant_four_eyes", DECIDE, "confirmed", one.pk, grant)
    refused("grant_four_eyes", DECIDE, "refused", one.pk, grant)
    refused("grant_by_security", DECIDE, "confirmed", person.pk, grant)
    refused("grant_refused_for_a_reason", DECIDE, "refused", other.pk, grant)
    refused("grant_four_eyes", DECIDE, "confirmed", other.pk, proposed(by=one, to=other))
    refused("grant_confirmed_in_time", DECIDE, "confirmed", other.pk, proposed(by=one, days=8))
    refused("grant_stays", "update townships_postgrant set user_id = %s where id = %s",
            somebody().pk, grant)  # fmt: skip
    assert sql(DECIDE, "confirmed", other.pk, grant) == 1
    refused("grant_stays", DECIDE, "withdrawn", one.pk, grant)
    refused("grants of posts stay", "delete from townships_postgrant where id = %s", grant)
    refused("post_second_person", GIVE, somebody().pk, county, DAY, grant)  # of another person
    refused("post_second_person", GIVE, person.pk, elsewhere.pk, DAY, grant)
    refused("post_second_person", GIVE, person.pk, county, date(2025, 1, 1), grant)

    assert sql(GIVE, person.pk, county, DAY, grant) == 1

    refused("post_once", GIVE, person.pk, county, DAY, grant)  # once
    for change in ("valid_to = '2026-02-01'", "valid_from = '2020-01-01'", f"user_id = {one.pk}",
                   "grant_id = null", "role = 'township_clerk', county_id = null"):  # fmt: skip
        with pytest.raises(DatabaseError):
            sql(f"update townships_post set {change} where grant_id = %s", grant)
    refused("post_second_person", "delete from townships_post where grant_id = %s", grant)
    assert Post.objects.get(user=person).valid_to is None


@pytest.mark.django_db
def test_no_role_is_taken_off_the_list_of_those_that_need_two() -> None:
    refused("permission denied", "delete from townships_guardedrole")
    refused("permission denied", "update townships_guardedrole set role = 'grid_worker'")
    officer: Any = PostFactory(role=Role.DEPARTMENT_OFFICER)

    client = client_of(security())
    client.post(reverse("admin:townships_guardedrole_add"), {"role": "department_officer"})

    assert GuardedRole.objects.filter(role="department_officer").exists()
    refused("post_second_person", "update townships_post set valid_to = '2026-02-01' where id = %s",
            officer.pk)  # fmt: skip
    with pytest.raises(DatabaseError, match="second person"), transaction.atomic():
        PostFactory(role=Role.DEPARTMENT_OFFICER, department=DepartmentFactory())


# --- by command, and around everything ----------------------------------------------------------------


@pytest.mark.django_db
def test_a_command_founds_until_two_hold_office() -> None:
    city: Any = CityFactory()

    def add(name: str, **options: Any) -> None:
        call_command("add_administrator", name, name="赵敏", role=str(SECURITY), city=city.code,
                     **options)  # fmt: skip

    add("first")
    add("second")
    with pytest.raises(CommandError, match="--emergency"):
        add("third")
    add("third", emergency="两名安全管理员均无法履职")
    assert [one.detail["reason"] for one in trail("post_founded")][2] == "两名安全管理员均无法履职"
    assert Post.objects.filter(role=SECURITY, grant__kind="founding").count() == 3


def test_a_superuser_made_around_the_constraint_is_named_and_let_in_nowhere(
    as_owner: None, bench: Bench
) -> None:
    post: Any = PostFactory(role=Role.SYSTEM_ADMINISTRATOR)
    with connection.cursor() as cursor:
        cursor.execute("alter table townships_user drop constraint user_no_superuser")
        cursor.execute("update townships_user set is_superuser = true")
    bench.log_in(bench.access.app)
    client = client_of(post)

    found = {one.id for one in checks.database(databases=["default"])}

    assert {"huying.E018", "huying.E019"} <= found
    assert client.get(reverse("admin:index")).status_code == 302
    fresh = Client()
    answer = fresh.post(
        reverse("account_login"), {"login": post.user.username, "password": "correct horse battery"}
    )
    assert answer.status_code == 200
    assert fresh.session.get("_auth_user_id") is None
