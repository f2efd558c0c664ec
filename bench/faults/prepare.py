"""What the client calls with: twenty townships with a system each, and departments that answer.

Runs in a process of the application, on a migrated database; prints what it made as JSON.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, set_token_value

from common import sealing, tenancy, webhooks
from config.demo import ground
from mandates.models import Entry
from townships.models import County, Department, Post, Receiver, SystemAccount, Township, User
from townships.roles import Role
from townships.rules import county_of

TOWNSHIPS = 20
OFFICERS = 8
YEAR = timedelta(days=365)
SCOPES = "calls.read calls.write reference.read"


def main() -> None:
    today = timezone.localdate()
    counties = ground.lay(begin=date(today.year - 1, 1, 1), tell=lambda text: None)
    json.dump(_people(counties, today), sys.stdout)


def _people(counties: list[County], today: date) -> dict[str, Any]:
    begin = date(today.year - 1, 1, 1)
    chosen = list(
        Township.objects.filter(county__in=counties, valid_to=None)
        .select_related("county")
        .order_by("code")
    )
    chosen = random.Random(1).sample(chosen, TOWNSHIPS)
    clients = [
        {**_system(begin, role=Role.TOWNSHIP_HEAD, township=one), "township": one.pk}
        for one in chosen
    ]
    with tenancy.everywhere(reason="a fault run chooses what is called about"):
        entries = list(
            Entry.objects.filter(county=chosen[0].county, version__state="published")
            .select_related("lead", "matter")
            .order_by("position")
        )
    lead = entries[0].lead
    _receivers(clients[0]["account"])
    return {
        "clients": clients,
        "second": _system(begin, role=Role.TOWNSHIP_HEAD, township=chosen[0]),
        "matters": [entry.matter.code for entry in entries],
        "department": {
            "township": clients[0],
            "matter": entries[0].matter.code,
            "systems": [
                _system(begin, role=Role.DEPARTMENT_OFFICER, department=lead)
                for _number in range(OFFICERS)
            ],
            "people": [_person(begin, lead) for _number in range(OFFICERS)],
        },
    }


def _receivers(key: int) -> None:
    """Let one system be told at two addresses; a scenario names them, and switches them on."""
    account = SystemAccount.objects.select_related("post").get(pk=key)
    for name in ("fine", "bad"):
        Receiver.objects.create(
            account=account,
            county_id=county_of(account.post),
            owner_id=account.user_id,
            url=f"http://127.0.0.1:9/{name}",
            is_active=False,
            created_at=timezone.now(),
            secret=sealing.seal(webhooks.new_secret()),
        )


def _post(user: User, begin: date, role: str, **unit: Any) -> Post:
    return Post.objects.create(user=user, role=role, valid_from=begin, **unit)


def _system(begin: date, *, role: str, **unit: Any) -> dict[str, Any]:
    name = f"faults-{secrets.token_hex(6)}"
    user = User(username=name, name=name, is_machine=True)
    user.set_unusable_password()
    user.save()
    made = Application.objects.create(
        name=name,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    account = SystemAccount.objects.create(
        application=made,
        user=user,
        post=_post(user, begin, role, **unit),
        source_system=name,
        allowed_scopes=SCOPES,
    )
    token = secrets.token_urlsafe(32)
    issued = AccessToken(application=made, expires=timezone.now() + YEAR, scope=SCOPES)
    set_token_value(issued, token)
    issued.save()
    return {"headers": {"Authorization": f"Bearer {token}"}, "account": account.pk}


def _person(begin: date, department: Department) -> dict[str, Any]:
    """Make an officer who has signed in already."""
    name = f"faults-{secrets.token_hex(6)}"
    user = User.objects.create_user(name, None, name=name)
    _post(user, begin, Role.DEPARTMENT_OFFICER, department=department)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(int(YEAR.total_seconds()))
    session.save()
    origin = secrets.token_hex(16)
    cookies = f"{settings.SESSION_COOKIE_NAME}={session.session_key}; csrftoken={origin}"
    return {"headers": {"Cookie": cookies, "X-CSRFToken": origin}}
