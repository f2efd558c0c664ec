"""岗位: who may give one, and what is left behind when one ends."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from townships.models import Post, User

OpenWork = Callable[[Post], int]
_counters: list[OpenWork] = []


def counts_open_work(counter: OpenWork) -> OpenWork:
    """Let a higher app say how much is still in the hands of whoever holds a post."""
    _counters.append(counter)
    return counter


def open_work(post: Post) -> int:
    """Count what somebody still has in hand in a post, in all apps."""
    return sum(counter(post) for counter in _counters)


def told_of_open_work(post: Post) -> str:
    """Say what somebody leaves behind in a post that ends; "" where it is nothing."""
    left = open_work(post)
    text = ngettext(
        "%(person)s still has %(n)d call in hand there. The head of the unit can hand it "
        "over on the page “People”.",
        "%(person)s still has %(n)d calls in hand there. The head of the unit can hand them "
        "over on the page “People”.",
        left,
    )
    return text % {"person": post.user, "n": left} if left else ""


def check_giver(user: User, *, giver_id: int | None) -> None:
    """Raise ValidationError where somebody would change their own rights."""
    if user.pk == giver_id:
        raise ValidationError(
            _("Nobody gives a post to themselves, and nobody changes or ends their own."),
            code="own_post",
        )
