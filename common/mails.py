"""E-mail as a carrier of messages (`common.deliveries`)."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage

from common.deliveries import Carrier, Message
from common.models import Channel, NoticeMail


def is_configured() -> bool:
    """Say whether this installation has a mail server."""
    return bool(settings.EMAIL_CONFIGURED)


def address_of(rows: Sequence[NoticeMail]) -> str:
    return str(rows[0].user.email)


def send(message: Message) -> None:
    """Hand one message to Django's mail backend."""
    EmailMessage(
        message.subject, message.text, to=[message.to], headers={"Message-ID": message.id}
    ).send()


CARRIER = Carrier(Channel.EMAIL, is_configured, address_of, send)
