"""Posts: one unit of the right kind, three administrators apart, and what a post reaches."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from common import grants
from common.tenancy import Scope
from tests.factories.townships import (
    CountyFactory,
    DepartmentFactory,
    PostFactory,
    TownshipFactory,
    UserFactory,
    member,
)
from townships import rules
from townships.models import DepartmentKind, Post, User
from townships.permissions import Permission
from townships.roles import UNIT_OF, Role

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 1)
ADMINISTRATORS = [
    Role.SYSTEM_ADMINISTRATOR,
    Role.SECURITY_ADMINISTRATOR,
    Role.AUDIT_ADMINISTRATOR,
]


def refused(name: str, **fields: object) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        PostFactory(**fields)


@pytest.mark.parametrize("role", Role)
def test_a_role_takes_exactly_its_own_kind_of_unit(role: Role) -> None:
    post = PostFactory(role=role)

    assert post.unit == getattr(post, UNIT_OF[role])
    other = "county" if UNIT_OF[role] == "township" else "township"
    unit = CountyFactory() if other == "county" else TownshipFactory()
    refused("unit_of_role", role=role, **{other: unit})
    refused("unit_of_role", role=role, **{other: unit, UNIT_OF[role]: post.unit})


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(IntegrityError, match="post_unit_of_role"), transaction.atomic():
        Post.objects.create(
            user=UserFactory(), role="king", township=TownshipFactory(), valid_from=DAY
        )


@pytest.mark.assurance("E5")
@pytest.mark.parametrize("role", ADMINISTRATORS)
def test_administrators_hold_no_business_post(role: Role) -> None:
    user = UserFactory()
    PostFactory(user=user, role=role)

    refused("post_duties_apart", user=user, role=Role.TOWNSHIP_CLERK)


@pytest.mark.assurance("E5")
@pytest.mark.parametrize("first", ADMINISTRATORS)
@pytest.mark.parametrize("second", ADMINISTRATORS)
def test_administrators_exclude_each_other(first: Role, second: Role) -> None:
    user = UserFactory()
    PostFactory(user=user, role=first)

    if first == second:  # in two cities
        PostFactory(user=user, role=second)
    else:
        refused("post_duties_apart", user=user, role=second)


def test_one_may_follow_the_other() -> None:
    user = UserFactory()
    PostFactory(user=user, role=Role.AUDIT_ADMINISTRATOR, valid_to=DAY)

    PostFactory(user=user, role=Role.TOWNSHIP_CLERK, valid_from=DAY)

    assert [post.role for post in Post.objects.of(user, day=DAY)] == [Role.TOWNSHIP_CLERK]


@pytest.mark.assurance("E5")
def test_a_change_of_role_is_refused_too() -> None:
    user = UserFactory()
    PostFactory(user=user, role=Role.COUNTY_DESK)
    audit = PostFactory(user=user, role=Role.CITY_OVERSEER)

    with pytest.raises(IntegrityError, match="post_duties_apart"), transaction.atomic():
        Post.objects.filter(pk=audit.pk).update(role=Role.AUDIT_ADMINISTRATOR)


def test_several_business_posts_are_held_at_once_but_none_twice() -> None:
    first = PostFactory()
    PostFactory(user=first.user)
    PostFactory(user=first.user, role=Role.TOWNSHIP_HEAD, township=first.township)

    refused("post_once", user=first.user, township=first.township)


def test_a_form_says_what_the_database_would_refuse() -> None:
    post = PostFactory(role=Role.SYSTEM_ADMINISTRATOR)
    second = Post(user=post.user, role=Role.AUDIT_ADMINISTRATOR, city=post.city, valid_from=DAY)

    with pytest.raises(Exception, match="三员|administrators"):
        second.validate_constraints()


# --- People ------------------------------------------------------------------------------------


@pytest.mark.assurance("B2")
def test_user_names_differ_in_more_than_case_and_width() -> None:
    UserFactory(username="wang")

    with pytest.raises(IntegrityError, match="user_username_any_case"), transaction.atomic():
        UserFactory(username="Wang")
    with pytest.raises(IntegrityError, match="user_username_nfkc"), transaction.atomic():
        UserFactory(username="ｗａｎｇ２")


def test_create_user_normalises_the_name() -> None:
    user = User.objects.create_user("ｗａｎｇ", "a long password 1", name="王")

    assert user.username == "wang"
    assert user.check_password("a long password 1")


@pytest.mark.assurance("A7")
def test_nobody_is_a_superuser() -> None:
    with pytest.raises(IntegrityError, match="user_no_superuser"), transaction.atomic():
        UserFactory(is_superuser=True)


# --- Reach -------------------------------------------------------------------------------------


def test_scopes_follow_the_role() -> None:
    for role in (Role.TOWNSHIP_CLERK, Role.TOWNSHIP_HEAD, Role.GRID_WORKER):
        who = member(role)
        assert who.scope == Scope(
            "township", townships=(who.township_id,), counties=(who.county_id,)
        )
    for role in (Role.DEPARTMENT_OFFICER, Role.DEPARTMENT_HEAD):
        who = member(role)
        assert who.scope == Scope(
            "department", departments=(who.department_id,), counties=(who.county_id,)
        )
    for role in (Role.COUNTY_DESK, Role.COUNTY_LEADER, Role.ESTABLISHMENT_OFFICER):
        who = member(role)
        assert who.scope == Scope("county", counties=(who.county_id,))
    for role in (Role.CITY_OVERSEER, Role.AUDIT_ADMINISTRATOR):
        assert member(role).scope == Scope("all")
    for role in (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR):
        assert member(role).scope is None


def test_a_post_in_an_office_of_the_city_reaches_nothing() -> None:
    office = DepartmentFactory(county=None, kind=DepartmentKind.CITY)

    assert member(Role.DEPARTMENT_OFFICER, department=office).scope is None


def test_permissions_follow_the_role() -> None:
    assert rules.may(member(Role.SECURITY_ADMINISTRATOR), Permission.POST_EDIT)
    assert not rules.may(member(Role.SYSTEM_ADMINISTRATOR), Permission.POST_EDIT)
    assert not rules.may(None, Permission.DIVISION_VIEW)
    assert grants.granted("king") == frozenset()


def test_a_member_is_labelled_in_the_language_of_the_office() -> None:
    township = TownshipFactory(name="蔡村镇")
    who = member(
        Role.TOWNSHIP_CLERK, township=township, user=UserFactory(name="王立"), title="干事"
    )

    assert who.label == "王立 · 蔡村镇 干事"
