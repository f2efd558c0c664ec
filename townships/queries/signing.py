"""登录会话 by county: whose records of signing in a county keeps, and disposes of."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, TruncDate

from common.worktime import SHANGHAI
from townships.models import Post, SignIn, User

COUNTY = Coalesce("township__county_id", "department__county_id", "county_id")


def _of_one_county() -> QuerySet[Any]:
    """Return the users whose posts, past ones too, are all in one county, with it as ``of``.

    A post without a county is above: of the city itself, or in one of its offices.
    """
    return (
        Post.objects.order_by()
        .annotate(home=COUNTY)
        .values("user")
        .annotate(
            many=Count("home", distinct=True),
            above=Count("pk", filter=Q(home=None) | Q(city__isnull=False)),
            of=Min("home"),
        )
        .filter(many=1, above=0)
    )


def officials_of(county_id: int) -> QuerySet[User]:
    """Return the people who hold, or have held, a post in a county."""
    posts = Post.objects.annotate(of=COUNTY).filter(of=county_id).values("user")
    return User.objects.filter(pk__in=posts, is_machine=False)


def sign_ins_within(county_id: int, user: User) -> QuerySet[SignIn]:
    """Return the sign-ins of somebody that began on a day of a post of theirs in this county."""
    posts = Post.objects.annotate(home=COUNTY).filter(
        Q(valid_to=None) | Q(valid_to__gt=OuterRef("day")),
        user=user,
        home=county_id,
        valid_from__lte=OuterRef("day"),
    )
    days = TruncDate("began_at", tzinfo=SHANGHAI)
    return SignIn.objects.filter(user=user).annotate(day=days).filter(Exists(posts))


def sign_ins_of(county_id: int) -> QuerySet[SignIn]:
    """Return the sign-ins of those who have worked in this county alone."""
    users = _of_one_county().filter(of=county_id).values("user")
    return SignIn.objects.filter(user__in=users)


def sign_ins_of_nobody() -> QuerySet[SignIn]:
    """Return the sign-ins of all others: no single county disposes of them."""
    return SignIn.objects.exclude(user__in=_of_one_county().values("user"))
