"""The first administrators of a new installation come by a command."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry
from common.tenancy import everywhere
from tests.factories.townships import CityFactory, UserFactory
from townships.models import City, Post, User
from townships.operations import people
from townships.roles import Role

pytestmark = pytest.mark.django_db


def add(username: str, city: str, *, role: str = "system_administrator") -> str:
    out = StringIO()
    call_command(
        "add_administrator", username, name="赵敏", role=role, city=city, stdout=out, verbosity=0
    )
    return out.getvalue()


@pytest.mark.parametrize(
    "role", ["system_administrator", "security_administrator", "audit_administrator"]
)
def test_administrator_signs_in_with_the_printed_password(client: Client, role: str) -> None:
    city: City = CityFactory()

    password = add("zhaomin", city.code, role=role).split()[-1]

    post = Post.objects.get(user__username="zhaomin")
    assert (post.role, post.city, post.valid_from) == (role, city, timezone.localdate())
    assert post.user.must_change_password
    answer = client.post(reverse("account_login"), {"login": "zhaomin", "password": password})
    assert answer.status_code == 302
    with everywhere(reason="the test looks at what was written down"):
        rows = AuditEntry.objects.order_by("id").values_list("action", "actor_id", "role")
        assert list(rows[:3]) == [
            ("first_password_given", None, ""),
            ("post_founded", None, ""),
            ("administrator_added", None, ""),
        ]
        assert password not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize("taken", ["zhaomin", "ZhaoMin"])
def test_user_name_that_is_taken_is_refused(taken: str) -> None:
    UserFactory(username=taken)
    city: City = CityFactory()

    with pytest.raises(CommandError):
        add("zhaomin", city.code)

    assert User.objects.count() == 1
    assert not Post.objects.exists()


def test_unknown_city_is_refused() -> None:
    with pytest.raises(CommandError, match="341800"):
        add("zhaomin", "341800")

    assert not User.objects.exists()


def test_roles_of_business_are_refused() -> None:
    with pytest.raises(CommandError):
        add("zhaomin", CityFactory().code, role="city_overseer")
    with pytest.raises(ValueError, match="no administrator"):
        people.add_administrator(
            username="zhaomin",
            name="赵敏",
            role=Role.CITY_OVERSEER,
            city=CityFactory(),
            at=timezone.now(),
        )

    assert not User.objects.exists()
