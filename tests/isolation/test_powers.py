"""Nobody enlarges what they may: every record of the console is sent back by every officer with all columns
it has, with rows of whatever refers to it, and as a list that is edited in place.

What nobody offered carries marks, and is listened for in what is written: a mark there is a column that a
program could set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse

from common import tenancy
from tests.isolation import forged
from tests.isolation.forms import Form, forms_to
from tests.isolation.policy import STILL
from tests.isolation.stage import WIDE, Asking, Stage, kept_body, told
from tests.isolation.test_console import REGISTERED, address, do, each, key_of
from townships.models import Post, PostGrant, SystemAccount, User

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("A7"), pytest.mark.assurance("A8")]
WHO = ("establishment", "system", "security", "audit")
# Of the account: what is nobody's own to say there is a power.
OWN = ("name", "email", "work_phone", "language", "type_size", "shortcuts", "last_login")


def powers(user: User) -> dict[str, Any]:
    """Return all that says what somebody may: the account, its posts, rights, groups and systems."""
    with tenancy.everywhere(reason="a test looks"):
        account = User.objects.values().get(pk=user.pk)
        return {
            "account": {name: value for name, value in account.items() if name not in OWN},
            "posts": list(Post.objects.filter(user=user).order_by("pk").values()),
            "grants": list(PostGrant.objects.filter(user=user).order_by("pk").values()),
            "rights": list(user.user_permissions.values_list("pk", flat=True)),
            "groups": list(user.groups.values_list("pk", flat=True)),
            "systems": list(SystemAccount.objects.filter(user=user).values()),
        }


def keys(stage: Stage, model: Any, who: str) -> Iterator[tuple[str, Any]]:
    """Return the rows that somebody sends back: of the county, of the next one, and their own."""
    yield "near", key_of(stage, model)
    if issubclass(model, tenancy.Owned):
        yield "far", key_of(stage, model, abroad=True)
    user = stage.members[who].user
    if model is User:
        yield "own", user.pk
    if model is Post:
        yield "own", stage.members[who].post_id


def offered(client: Asking, url: str) -> Form | None:
    """Return the form of a page, with why it is sent; None where there is none to send."""
    page = do(client, "get", url, {})
    if page.status_code != 200:
        return None
    text = kept_body(page).decode()
    found = [one for one in forms_to(text, url, url) if any(f.name == "reason" for f in one.fields)]
    return found[0] if found else None


def editable(model: Any, who: str, stage: Stage) -> bool:
    request: Any = type("R", (), {"member": stage.members[who], "user": stage.members[who].user})()
    kind: Any = admin.site._registry[model]
    return bool(kind.has_change_permission(request) or kind.has_add_permission(request))


@each(REGISTERED)
def test_no_officer_sets_what_no_form_offers(
    stage: Stage, model: Any, monkeypatch: pytest.MonkeyPatch, tried: Any
) -> None:
    monkeypatch.setattr("config.views.render", lambda *_given, status: HttpResponse(status=status))
    label, wrong, sent = model._meta.label, [], 0
    may = [who for who in WHO if editable(model, who, stage)]
    others = [who for who in WHO if who not in may]
    turn = crc32(label.encode())
    for who in WHO if WIDE else [*may, others[turn % len(others)]] if others else may:
        client, user = stage.clients[who], stage.members[who].user
        asked = [(where, address(model, "change", key)) for where, key in keys(stage, model, who)]
        asked.append(("new", address(model, "add")))
        questions = []
        for where, url in asked:
            form = offered(client, url) if who in may else None
            questions.append((where, url, form, forged.form(model, form)))
        rows = forged.in_place(model, key_of(stage, model))
        questions.append(("list", address(model, "changelist"), None, rows))
        for where, url, form, data in questions:
            before = powers(user)
            with forged.marks() as found:
                answer, after = sends(client, url, data, user)
            sent += 1
            cell = f"{who} {where} {answer.status_code}"
            if answer.status_code >= 500:
                wrong.append(cell)
            wrong += [f"{cell}: wrote {one}" for one in found.marked]
            if after != before:
                wrong.append(f"{cell}: {forged.differ(before, after)}")
            if form is None and found.tables - forged.TRACES:
                wrong.append(f"{cell}: may not, and wrote {sorted(found.tables)}")
            done = answer.status_code == 302
            if form is not None and where != "new" and done == (f"{label} {where}" in STILL):
                said = getattr(answer, "context", None) or {}
                faults = said["adminform"].form.errors.as_data() if "adminform" in said else ""
                wrong.append(f"{cell}: {'saved' if done else 'not saved'} {faults}")
    assert wrong == [], told(wrong)
    tried(sent, "forged forms")


def sends(client: Asking, url: str, data: dict[str, Any], user: User) -> tuple[Any, dict[str, Any]]:
    """Send, look at the powers of whoever has sent, and undo it."""
    with transaction.atomic():
        answer = client.post(url, data)
        after = powers(user)
        transaction.set_rollback(True)
    return answer, after
