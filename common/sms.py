"""Text messages over an HTTP gateway, as a carrier of messages (`common.deliveries`).

The gateway is whatever the installation has bought: one POST of JSON, whose form its settings
give. A redirection is refused, an answer that does not come is tried again with the same id.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from common.ciphers import Unreadable
from common.deliveries import Carrier, Message, Refused
from common.models import Channel, MobileNumber, NoticeMail
from common.worktime import SHANGHAI

logger = logging.getLogger(__name__)

LARGEST_ANSWER = 64 * 1024
PLACES = ("mobile", "text", "id")


class GatewayFailed(Exception):
    """The gateway did not take the message this time."""


def is_configured() -> bool:
    """Say whether this installation has a gateway that can be asked."""
    return bool(settings.SMS_URL) and not faults()


def faults() -> list[str]:
    """Say what is wrong with the settings of the gateway; nothing where there is none."""
    if not settings.SMS_URL:
        return []
    found = []
    parts = urlsplit(settings.SMS_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        found.append("SMS_URL is no http or https address")
    try:
        body = json.loads(settings.SMS_BODY)
    except ValueError:
        return [*found, "SMS_BODY is no JSON"]
    text = json.dumps(body)
    found += [
        f"SMS_BODY lacks {{{name}}}" for name in ("mobile", "text") if f"{{{name}}}" not in text
    ]
    if settings.SMS_SUCCESS and "=" not in settings.SMS_SUCCESS:
        found.append("SMS_SUCCESS is written field=value")
    return found


def address_of(rows: Sequence[NoticeMail]) -> str:
    """Return the number of a person in the county of these messages; needs the workers' role."""
    own = MobileNumber.objects.filter(county_id=rows[0].county_id, user=rows[0].user_id).first()
    try:
        return own.clear() if own else ""
    except Unreadable:
        # The message is laid aside, to be seen and tried again; the others go on.
        logger.error("a mobile number cannot be decrypted", extra={"user": rows[0].user_id})
        return ""


def rests_until(user_id: int, at: datetime) -> datetime | None:
    """Return when a person may have the next message: tomorrow, once today's number is sent."""
    local = at.astimezone(SHANGHAI)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = NoticeMail.objects.filter(
        channel=Channel.SMS, user=user_id, sent_at__gte=today, sent_at__lte=at
    )
    # All rows of one message were marked at one instant.
    if rows.values("sent_at").distinct().count() < settings.SMS_PER_DAY:
        return None
    return today + timedelta(days=1, hours=8)


def send(message: Message) -> None:
    """Hand one message to the gateway. Raises Refused for a request it will never take."""
    status, answer = _post(
        _filled(
            json.loads(settings.SMS_BODY),
            {"mobile": message.to, "text": message.text, "id": message.id.strip("<>")},
        )
    )
    if 200 <= status < 300 and _is_success(answer):
        return
    # What the gateway says may repeat the number: it stays out of what is kept.
    told = f"the gateway answered {status}: {answer[:200].replace(message.to, '…')}"
    if status in (400, 404, 405, 413, 415, 422):
        raise Refused(told)
    raise GatewayFailed(told)


def _filled(template: Any, values: dict[str, str]) -> Any:
    """Put values into a JSON document: into its strings, so that no text changes its form."""
    if isinstance(template, dict):
        return {key: _filled(one, values) for key, one in template.items()}
    if isinstance(template, list):
        return [_filled(one, values) for one in template]
    if not isinstance(template, str):
        return template
    for name in PLACES:
        if template == f"{{{name}}}":
            return values[name]
    # One pass: what a text holds is not looked at again.
    pieces = template.split("{")
    found = [pieces[0]]
    for piece in pieces[1:]:
        name, closes, rest = piece.partition("}")
        found.append(values[name] + rest if closes and name in values else "{" + piece)
    return "".join(found)


def _post(body: Any) -> tuple[int, str]:
    parts = urlsplit(settings.SMS_URL)
    timeout = settings.SMS_TIMEOUT
    connection: HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(parts.netloc, timeout=timeout, context=context)
    else:
        connection = HTTPConnection(parts.netloc, timeout=timeout)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if settings.SMS_TOKEN:
        headers["Authorization"] = f"Bearer {settings.SMS_TOKEN}"
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        connection.request("POST", path, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        raise GatewayFailed(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _is_success(answer: str) -> bool:
    """Say whether the answer has the field that the settings ask for."""
    if not settings.SMS_SUCCESS:
        return True
    name, _equals, wanted = settings.SMS_SUCCESS.partition("=")
    try:
        found = json.loads(answer)
    except ValueError:
        return False
    return isinstance(found, dict) and str(found.get(name)) == wanted


CARRIER = Carrier(Channel.SMS, is_configured, address_of, send, rests_until)
