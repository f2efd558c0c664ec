"""What the frame of pages shows for the running of the system."""

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
    if not member.may(Permission.STATE_VIEW):
        return Offer()
    item = NavItem(_("System state"), reverse("system-state"), "adjustments", on_phone=True)
    return Offer(entries=[Entry(item, 910, "console")])
