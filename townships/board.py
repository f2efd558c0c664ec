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
    """The people of the unit, the audit trail and the console, as far as the post may open them."""
    found = []
    if member.may(Permission.AUDIT_VIEW):
        url = reverse("townships:audit-list")
        found.append(
            Entry(NavItem(_("Audit trail"), url, "history", on_phone=True), 890, "console")
        )
        url = reverse("townships:audit-evidence")
        found.append(
            Entry(NavItem(_("Evidence of records"), url, "check", on_phone=True), 892, "console")
        )
    if member.may(Permission.CONSOLE_ENTER):
        item = NavItem(_("Console"), reverse("admin:index"), "settings", on_phone=True)
        found.append(Entry(item, 900, "console"))
    return Offer(entries=found)
