"""What the frame of pages shows for the console."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from common import board
from common.board import Entry, Offer
from common.display import NavItem
from townships.http import Member
from townships.permissions import Permission


@board.register
def offer(member: Member, at: datetime) -> Offer:
    """The way to the console, for posts that may enter it."""
    if not member.may(Permission.CONSOLE_ENTER):
        return Offer()
    item = NavItem(_("Console"), reverse("admin:index"), "settings", on_phone=True)
    return Offer(entries=[Entry(item, 900, "console")])
