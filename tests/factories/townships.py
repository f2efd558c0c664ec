"""Units, people and posts for tests."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

import factory
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, set_token_value

from common import tenancy
from townships.http import Member
from townships.models import (
    City,
    County,
    Department,
    DepartmentKind,
    Division,
    Level,
    Platform,
    Post,
    PostGrant,
    SystemAccount,
    Township,
    User,
)
from townships.roles import GUARDED, UNIT_OF, Role

BEGIN = date(2020, 1, 1)


class CityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = City

    level = Level.CITY
    kind = "地级市"
    code = factory.Sequence(lambda n: f"{900000 + n * 100}")
    name = factory.Sequence(lambda n: f"试验市{n}")
    valid_from = BEGIN


class CountyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = County

    level = Level.COUNTY
    kind = "县"
    code = factory.Sequence(lambda n: f"{910000 + n}")
    name = factory.Sequence(lambda n: f"试验县{n}")
    short_name = factory.Sequence(lambda n: f"试{n % 100}")
    valid_from = BEGIN


class TownshipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Township

    level = Level.TOWNSHIP
    kind = "镇"
    code = factory.Sequence(lambda n: f"{920000100 + n}")
    name = factory.Sequence(lambda n: f"试验镇{n}")
    county = factory.SubFactory(CountyFactory)
    valid_from = BEGIN


class VillageFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Division

    level = Level.VILLAGE
    kind = "村委会"
    code = factory.Sequence(lambda n: f"{930000100200 + n}")
    name = factory.Sequence(lambda n: f"试验村{n}")
    valid_from = BEGIN


class DepartmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Department

    county = factory.SubFactory(CountyFactory)
    code = factory.Sequence(lambda n: f"unit_{n}")
    name = factory.Sequence(lambda n: f"试验局{n}")
    short_name = factory.LazyAttribute(lambda made: made.name[:20])
    kind = DepartmentKind.DEPARTMENT
    valid_from = None

    @factory.lazy_attribute
    def platform(self) -> Platform:
        return Platform.objects.get(code="governance")


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    name = factory.Sequence(lambda n: f"王{n}")
    password = factory.django.Password("correct horse battery")


class PostFactory(factory.django.DjangoModelFactory):
    """A post of any role; its unit is made unless given."""

    class Meta:
        model = Post

    user = factory.SubFactory(UserFactory)
    role = Role.TOWNSHIP_CLERK
    valid_from = BEGIN

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        makers = {
            "township": TownshipFactory,
            "department": DepartmentFactory,
            "county": CountyFactory,
            "city": CityFactory,
        }
        units = {unit: kwargs.get(unit) for unit in makers}
        if not any(units.values()):
            unit = UNIT_OF[Role(kwargs["role"])]
            kwargs[unit] = makers[unit]()
        if kwargs["role"] in NEEDS_TWO and "grant" not in kwargs:
            kwargs["grant"] = founding(Post(**kwargs))
        return super()._create(model_class, *args, **kwargs)


NEEDS_TWO = frozenset({*GUARDED, "county_desk", "county_leader", "establishment_officer"})


def founding(post: Post) -> PostGrant:
    """Make the grant without which PostgreSQL takes no post of a role that matters."""
    with tenancy.dispatching(reason="a test founds a post"):
        grant = PostGrant.of(
            post, valid_from=post.valid_from, valid_to=post.valid_to,
            kind="founding", reason="a test", proposed_at=timezone.now(),
        )  # fmt: skip
        grant.save()
    return grant


def member(role: Role | str = Role.TOWNSHIP_CLERK, **fields: Any) -> Member:
    """Make a person in a post, and return them as rules see them."""
    post = PostFactory(role=role, **fields)
    return Member.holding(Post.objects.with_units().select_related("user").get(pk=post.pk))


def system_token(
    post: Post,
    *,
    scopes: str = "calls.read calls.write reference.read",
    allowed: str = "calls.read calls.write reference.read",
    lives: timedelta = timedelta(hours=1),
    source_system: str = "",
) -> str:
    """Bind another system to a post and return a bearer token it was given."""
    user = post.user
    application = Application.objects.create(
        name=f"system of {user.username}",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    SystemAccount.objects.create(
        application=application,
        user=user,
        post=post,
        source_system=source_system or f"system {application.pk}",
        allowed_scopes=allowed,
    )
    token = hashlib.sha256(f"token of {application.pk}".encode()).hexdigest()
    issued = AccessToken(application=application, expires=timezone.now() + lives, scope=scopes)
    set_token_value(issued, token)
    issued.save()
    return token
