"""告知: what changed at somebody's way in is told to them, at the next sign-in and by e-mail.

The row of the change is what is owed: written in the transaction of the change, sent after it. No message
holds a secret, an address or a name of the account.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from common import display, mails
from townships.models import FactorChange, User

logger = logging.getLogger(__name__)

What = FactorChange.What
# What somebody has just done before the own eyes is told by e-mail alone.
BY_MAIL_ALONE = {What.PASSWORD, What.NEW_BROWSER}
OTHERWISE = {*BY_MAIL_ALONE, What.BOUND, What.UNBOUND}  # no changes of a second factor
TRIES = 8
ROUND = 20  # messages at once: a slow mail server must not hold up what else is to be done
FIRST_PAUSE = timedelta(minutes=1)  # then twice as long each time; and for who has taken a message


def note(user: User, what: str, *, at: datetime, kind: str = "") -> None:
    """Write down a change, and that it is owed by e-mail where there is a way."""
    is_owed = mails.is_configured() and bool(user.email) and user.is_active
    FactorChange.objects.create(
        user=user, what=what, kind=kind, at=at,
        told_at=at if what in BY_MAIL_ALONE else None,
        owed_from=at if is_owed else None,
    )  # fmt: skip


def send_owed(*, at: datetime) -> int:
    """Send what is owed and due; return how many messages were handed over.

    A row is put off before it is tried, so that no transaction waits for the mail server: should the
    machine die in between, the message goes once more, with the same id.
    """
    return sum(_send(row) for row in _taken(at)) if mails.is_configured() else 0


def _taken(at: datetime) -> list[FactorChange]:
    due = FactorChange.objects.filter(owed_from__lte=at).order_by("owed_from", "pk")
    with transaction.atomic():
        rows = list(
            due.select_for_update(skip_locked=True, of=("self",)).select_related("user")[:ROUND]
        )
        for row in rows:
            row.tries += 1
            row.owed_from = at + FIRST_PAUSE * 2**row.tries
            row.save(update_fields=["tries", "owed_from"])
    return rows


def _send(row: FactorChange) -> bool:
    is_sent = False
    if row.user.email and row.user.is_active:
        try:
            written(row).send()
            is_sent = True
        except Exception:
            logger.exception(
                "a change of somebody's way in could not be told", extra={"id": row.pk}
            )
            if row.tries < TRIES:
                return False
    FactorChange.objects.filter(pk=row.pk).update(owed_from=None)
    return is_sent


def written(row: FactorChange) -> EmailMessage:
    """Write the message of a change, in the person's language."""
    with translation.override(row.user.language or settings.LANGUAGE_CODE):
        # With the whole date: nobody knows when it is read.
        when = display.moment_text(row.at, now=row.at - timedelta(days=400))
        what = row.get_what_display()
        if row.what not in OTHERWISE:
            what = _("Second factor: %(what)s") % {"what": what}
        told = {"when": when, "what": what}
        subject = _("Huying: something changed at your way in")
        text = (
            _(
                "%(what)s (%(when)s).\n\n"
                "If it was you, nothing is to be done. If it was not, tell your administrator at once, and "
                "change your password."
            )
            % told
        )
        if settings.SITE_URL:
            where = f"{settings.SITE_URL}{reverse('townships:session-list')}"
            text += "\n\n" + _("Where you are signed in: %(where)s") % {"where": where}
    name = f"<factor-change-{row.pk}@{settings.SITE_URL.partition('//')[2] or 'huying'}>"
    return EmailMessage(subject, text, to=[row.user.email], headers={"Message-ID": name})
