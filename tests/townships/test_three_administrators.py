"""三员分立: who of the three may open what, and that nobody is two of them or enlarges themselves."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from tests.factories.console import signed_in
from tests.factories.townships import (
    NEEDS_TWO,
    CityFactory,
    CountyFactory,
    PostFactory,
    TownshipFactory,
    UserFactory,
    founding,
    member,
)
from townships.models import Post, User
from townships.roles import Role

pytestmark = pytest.mark.django_db

SYSTEM, SECURITY, AUDIT = (
    Role.SYSTEM_ADMINISTRATOR,
    Role.SECURITY_ADMINISTRATOR,
    Role.AUDIT_ADMINISTRATOR,
)
# What each may do with each kind of record: "" nothing, "v" view, "c" change, "a" add.
MATRIX: dict[str, tuple[str, str, str]] = {
    "townships.Division": ("v", "v", "v"),
    "townships.County": ("vc", "v", "v"),
    "townships.Township": ("vc", "v", "v"),
    "townships.DivisionLoad": ("v", "v", "v"),
    "townships.Department": ("vca", "v", "v"),
    "townships.Platform": ("vc", "v", "v"),
    "townships.User": ("vca", "v", "v"),
    "townships.Invitation": ("v", "v", "v"),
    "townships.Post": ("v", "vca", "v"),
    "townships.PostGrant": ("v", "v", "v"),
    "townships.GuardedRole": ("v", "va", "v"),
    "townships.SystemAccount": ("v", "vca", "v"),
    "common.AuditEntry": ("", "", "v"),
    "common.CalendarYear": ("vc", "v", "v"),
    "common.CalendarDay": ("v", "v", "v"),
    "mandates.DutyList": ("", "", ""),
    "mandates.ListVersion": ("", "", ""),
    "mandates.Entry": ("", "", ""),
    "mandates.Matter": ("", "", ""),
    "mandates.Limit": ("", "", ""),
    "mandates.LadderLevel": ("", "", ""),
    "mandates.OfficeHours": ("", "", ""),
    "mandates.CountyRules": ("", "", ""),
    "mandates.Call": ("", "", ""),
    "mandates.Scheme": ("", "", ""),
    "mandates.AdmissionLimit": ("", "", ""),
    "mandates.AdmissionBody": ("", "", ""),
    "mandates.PowerItem": ("", "", ""),
    "townships.Receiver": ("v", "vca", "v"),
    "townships.Delivery": ("v", "v", "v"),
    "townships.DeadLetter": ("v", "v", "v"),
}


def test_the_matrix_names_every_page_of_the_console() -> None:
    assert {model._meta.label for model in admin.site._registry} == set(MATRIX)


@pytest.mark.assurance("E5")
@pytest.mark.parametrize("place", range(3), ids=["system", "security", "audit"])
@pytest.mark.parametrize("label", MATRIX)
def test_what_each_of_the_three_may_do(label: str, place: int, rf: Any) -> None:
    model = next(one for one in admin.site._registry if one._meta.label == label)
    request = rf.get("/")
    request.member = member((SYSTEM, SECURITY, AUDIT)[place])
    page = admin.site._registry[model]

    may = {
        "v": page.has_view_permission(request),
        "c": page.has_change_permission(request),
        "a": page.has_add_permission(request),
        "d": page.has_delete_permission(request),
    }

    assert "".join(letter for letter in "vcad" if may[letter]) == MATRIX[label][place]


@pytest.mark.assurance("E5")
@pytest.mark.parametrize("place", range(3), ids=["system", "security", "audit"])
@pytest.mark.parametrize("label", MATRIX)
def test_pages_answer_as_the_matrix_says(label: str, place: int) -> None:
    app, model = label.lower().split(".")
    client = signed_in((SYSTEM, SECURITY, AUDIT)[place])
    rights = MATRIX[label][place]

    listed = client.get(reverse(f"admin:{app}_{model}_changelist"))
    added = client.get(reverse(f"admin:{app}_{model}_add"))

    assert listed.status_code == (200 if "v" in rights else 403)
    assert added.status_code == (200 if "a" in rights else 403)


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("townships:audit-list", (403, 403, 200)),
        ("mandates:call-list", (403, 403, 403)),
    ],
)
def test_other_pages_of_the_three(name: str, answers: tuple[int, int, int]) -> None:
    for role, wanted in zip((SYSTEM, SECURITY, AUDIT), answers, strict=True):
        assert signed_in(role).get(reverse(name)).status_code == wanted


# --- Nobody is two of them -----------------------------------------------------------------------

PAIRS = [
    (SYSTEM, SECURITY),
    (SYSTEM, AUDIT),
    (SECURITY, AUDIT),
    (SYSTEM, Role.TOWNSHIP_CLERK),
    (SECURITY, Role.COUNTY_DESK),
    (AUDIT, Role.ESTABLISHMENT_OFFICER),
]
FIRST = (date(2026, 1, 1), date(2026, 7, 1))
# Periods of the second post against the first one's, end excluded.
APART = [(date(2025, 1, 1), date(2026, 1, 1)), (date(2026, 7, 1), None)]
OVERLAPPING = [
    (date(2025, 1, 1), date(2026, 1, 2)),
    (date(2026, 6, 30), None),
    (date(2026, 3, 1), date(2026, 4, 1)),
    (date(2025, 1, 1), None),
]
INSERT = """
insert into townships_post (uid, user_id, role, township_id, county_id, city_id, title,
                            valid_from, valid_to, grant_id)
values (gen_random_uuid(), %s, %s, %s, %s, %s, '', %s, %s, %s)
"""


def insert(user: User, role: Role, begin: date, end: date | None) -> None:
    """Write a post by hand, as the role of the application."""
    kind = {Role.TOWNSHIP_CLERK: 0, Role.COUNTY_DESK: 1, Role.ESTABLISHMENT_OFFICER: 1}.get(role, 2)
    units: list[int | None] = [None, None, None]
    units[kind] = (TownshipFactory, CountyFactory, CityFactory)[kind]().pk
    names = ("township_id", "county_id", "city_id")
    post = Post(
        user=user, role=role, valid_from=begin, valid_to=end, **dict(zip(names, units, strict=True))
    )
    given = founding(post).pk if role in NEEDS_TWO else None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select session_user::text")
        assert cursor.fetchone() == ("huying_app",)
        cursor.execute(INSERT, [user.pk, str(role), *units, begin, end, given])


@pytest.mark.assurance("E5")
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_overlapping_posts_of_two_classes_are_refused_by_the_database(
    one: Role, other: Role
) -> None:
    user = UserFactory()
    insert(user, one, *FIRST)

    for begin, end in OVERLAPPING:
        with pytest.raises(IntegrityError, match="post_duties_apart"):
            insert(user, other, begin, end)

    assert Post.objects.filter(user=user).count() == 1


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_one_after_the_other_is_possible(one: Role, other: Role) -> None:
    user = UserFactory()
    insert(user, one, *FIRST)

    for begin, end in APART:
        insert(user, other, begin, end)

    assert Post.objects.filter(user=user).count() == 3


@pytest.mark.assurance("E5")
def test_a_post_cannot_be_stretched_over_another_class() -> None:
    user = UserFactory()
    insert(user, SYSTEM, *FIRST)
    insert(user, AUDIT, date(2026, 7, 1), None)

    with pytest.raises(IntegrityError, match="post_duties_apart"), transaction.atomic():
        Post.objects.filter(user=user, role=SYSTEM).update(valid_to=date(2026, 7, 2))
    with pytest.raises(IntegrityError, match="post_duties_apart"), transaction.atomic():
        Post.objects.filter(user=user, role=SYSTEM).update(valid_to=None)


@pytest.mark.assurance("A7")
def test_there_is_no_superuser() -> None:
    user = UserFactory()
    with pytest.raises(IntegrityError, match="user_no_superuser"), transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_superuser=True)


# --- Nobody enlarges their own rights ------------------------------------------------------------


@pytest.mark.assurance("A7", "E6")
def test_the_security_administrator_gives_nothing_to_themselves() -> None:
    post = PostFactory(role=SECURITY, user=UserFactory(language="en"))
    client = signed_in_as(post.user)
    form = {
        "user": post.user_id,
        "role": SECURITY,
        "city": CityFactory().pk,
        "valid_from": "2026-01-01",
    }

    added = client.post(reverse("admin:townships_post_add"), form)
    changed = client.post(
        reverse("admin:townships_post_change", args=[post.pk]),
        {"title": "x", "valid_from": "2020-01-01", "valid_to": "2030-01-01"},
    )

    assert (added.status_code, changed.status_code) == (200, 200)
    assert "Nobody gives a post to themselves" in added.content.decode()
    assert Post.objects.filter(user=post.user).count() == 1
    post.refresh_from_db()
    assert (post.title, post.valid_to) == ("", None)


def signed_in_as(user: User) -> Any:
    client = signed_in(Role.SECURITY_ADMINISTRATOR)
    client.force_login(user)
    return client
