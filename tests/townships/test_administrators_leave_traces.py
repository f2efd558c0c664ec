"""Whatever one of the three administrators can do is done here once, and leaves its row (E5).

What they can do is not listed but found: the console's models with the rights each has, its own pages
and actions, the kinds of long work and of files each may ask for, and every permission of each. What
this file does not know how to do fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone

from common import grants, jobs, tenancy
from common.errors import NotAllowed, Problem
from common.models import AuditEntry, CalendarYear, Job, Notice, NoticeMail, Outbox
from mandates.permissions import Permission as OfMandates
from mandates.views.uploads import KINDS
from tests.factories.calls import World, make_world
from tests.factories.systems import System
from tests.factories.townships import PostFactory, UserFactory, member
from tests.test_repository import ROOT
from townships.forms.receivers import ACTS as OF_RECEIVERS
from townships.http import Member
from townships.models import (
    Authenticator,
    DeadLetter,
    DevelopedTown,
    Invitation,
    Platform,
    Post,
    PostGrant,
    Receiver,
    SystemAccount,
)
from townships.operations import granting, invitations, receivers, secrets
from townships.operations import jobs as asking
from townships.permissions import Permission
from townships.roles import DUTY_CLASS, Role

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("E5")]

WHY = "试验一次"
INSIDE = "http://10.20.3.4/hook"
STANDARD = ("changelist", "add", "history", "delete", "change")
Answer = Any
How = Callable[["Stage", Client], Answer]


@dataclass
class Stage:
    """One county, what waits in it for each of the three, and who they are."""

    world: World
    who: dict[str, Member]
    other: Member  # a second security administrator
    job: Job  # of the audit administrator
    machine: Post
    account: SystemAccount
    receiver: Receiver
    letter: DeadLetter
    message: NoticeMail
    work: Outbox
    grants: dict[str, PostGrant]
    held: Invitation
    opened: Invitation


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    with (
        django_db_blocker.unblock(), override_settings(WEBHOOK_INSIDE=["10.20.0.0/16"]),
        transaction.atomic(),
    ):  # fmt: skip
        yield built()
        transaction.set_rollback(True)


def built() -> Stage:
    world, now = make_world(), timezone.now()
    who = {role: member(role) for role in DUTY_CLASS}
    security, system = who[Role.SECURITY_ADMINISTRATOR], who[Role.SYSTEM_ADMINISTRATOR]
    other = member(Role.SECURITY_ADMINISTRATOR)
    given = {
        name: granting.propose(
            Post(user=UserFactory(), role=Role.COUNTY_DESK, county=world.county),
            valid_from=now.date(), valid_to=None, reason=WHY, by=by, at=now,
        )
        for name, by in (("own", security), ("theirs", other))
    }  # fmt: skip
    account = SystemAccount.objects.get(post=System.beside(world.officer()).post_held)
    receiver = receivers.register(account, url=INSIDE, by=security, at=now).receiver
    letter = DeadLetter.objects.create(
        receiver=receiver, event=uuid4(), kind="call.raise", county=world.county, position=1,
        dead_at=now, attempts=8, error="refused 500",
    )  # fmt: skip
    Authenticator.objects.create(user=world.clerk.user, type="webauthn", data={"name": "x"})
    for held in (world.clerk.user, UserFactory()):
        invitations.issue(held, reason=WHY, by=system, at=now)
    work, message = laid_aside(world, now)
    audit = who[Role.AUDIT_ADMINISTRATOR]
    with tenancy.scope(audit.scope):
        job = asking.request("verify_evidence", {}, by=audit, at=now)
    return Stage(
        world, who, other, job, PostFactory(township=world.township, user=UserFactory(is_machine=True)),
        account, receiver, letter, message, work, given,
        Invitation.objects.get(needs_release=True), Invitation.objects.get(needs_release=False),
    )  # fmt: skip


def laid_aside(world: World, now: Any) -> tuple[Outbox, NoticeMail]:
    call = world.routed()
    raised = world.draft(then="raise").call
    with tenancy.dispatching(reason="a test prepares"):
        work = Outbox.objects.get(kind="route", subject_id=raised.pk)
        Outbox.objects.filter(pk=work.pk).update(dead_at=now, attempts=8, error="KeyError")
        told = Notice.objects.filter(about=call.uid)[0]
        message = NoticeMail.objects.create(
            **told.tenant, channel="email", notice_id=told.pk, user_id=told.user_id,
            available_at=now, attempts=8, dead_at=now, error="OSError",
        )  # fmt: skip
    return work, message


# --- what each can do ---------------------------------------------------------------------------------


def rights(page: Any, request: Any) -> list[str]:
    asked = ("add", "change", "delete")
    return [one for one in asked if getattr(page, f"has_{one}_permission")(request)]


def acts(who: Member) -> Iterator[str]:
    """Find what somebody can do in the console, name by name: add, change, delete, actions, pages."""
    request: Any = RequestFactory().get("/")
    request.member, request.user = who, who.user
    for model, page in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        yield from (f"{name}_{right}" for right in rights(page, request))
        if page.has_change_permission(request):
            for inline in (one(model, admin.site) for one in page.inlines):
                row = inline.model._meta.model_name
                yield from (f"{name}_change:{row}_{right}" for right in rights(inline, request))
        yield from (f"{name}:{action}" for action in page.get_actions(request))
        own = [str(one.name) for one in page.get_urls() if one.name]
        yield from (one for one in own if one.removeprefix(f"{name}_") not in STANDARD)


def files_for(who: Member) -> set[str]:
    return {name for name, kind in KINDS.items() if who.may(kind.permission)}


def works_for(who: Member) -> set[str]:
    """Return the kinds of long work somebody may ask for, whatever else they would have to say."""
    jobs.kind_of("")
    found = set()
    for name, kind in jobs._kinds.items():
        try:
            kind.check(who, {})
        except (NotAllowed, LookupError):
            continue
        except Problem as problem:
            if problem.status in (403, 404):
                continue
        found.add(name)
    return found


# --- how it is done -------------------------------------------------------------------------------------


def shown(form: Any) -> dict[str, Any]:
    """Return what a browser would send of a form that nobody has touched."""
    sent = {}
    for field in form:
        value = field.value()
        if value is not None and value is not False and value != "":
            sent[field.html_name] = "on" if value is True else value
    return sent


def change(stage: Stage, client: Client, name: str, key: Any, /, **new: Any) -> Answer:
    """Send the page of a record, or of a new one, with some of its fields changed."""
    where = reverse(f"admin:{name}", args=[key] if key else [])
    page = client.get(where)
    assert page.status_code == 200, where
    sent = shown(page.context["adminform"].form)
    for formset in page.context["inline_admin_formsets"]:
        sent |= shown(formset.formset.management_form)
        for form in formset.formset.initial_forms:
            sent |= shown(form)
    return client.post(where, {**sent, "reason": WHY, **new})


def send(client: Client, name: str, key: Any, /, **sent: Any) -> Answer:
    return client.post(reverse(f"admin:{name}", args=[key]), {"reason": WHY, **sent})


def shut(name: str) -> How:
    """Try what this file does not know to do: it must be out of reach."""

    def tried(stage: Stage, client: Client) -> Answer:
        answer = client.post(
            reverse(f"admin:{name}", args=[stage.world.version.pk]), {"reason": WHY}
        )
        assert answer.status_code in (403, 404), f"nobody has said how to try {name}"
        return answer

    return tried


def asked_for(work: str, who: Member) -> How:
    def how(_stage: Stage, _client: Client) -> Answer:
        with tenancy.scope(who.scope):
            asking.request(work, {}, by=who, at=timezone.now())
        return HttpResponse()

    return how


def calendar(client: Client) -> Answer:
    """Hand in a year without its last line, and confirm what is shown."""
    last = max((ROOT / "common/data/calendar").glob("2*.csv"))
    lines = last.read_bytes().rstrip().splitlines()
    where = reverse("mandates:upload", args=["calendar"])
    page = client.post(where, {"file": SimpleUploadedFile("年.csv", b"\n".join(lines[:-1]))})
    assert page.status_code == 200, page.content.decode()
    return client.post(where, {**page.context["confirm"].initial, "reason": WHY})


def unit(stage: Stage) -> dict[str, Any]:
    return {
        "county": stage.world.county.pk, "code": "xinju", "name": "新局", "short_name": "新局",
        "platform": stage.world.housing.platform_id, "kind": "department",
    }  # fmt: skip


def end_previous(stage: Stage, client: Client) -> Answer:
    why: Any = {"by": stage.other, "at": timezone.now(), "reason": WHY}
    secrets.rotate(stage.account, keep_for=timedelta(days=1), **why)
    return send(client, "townships_systemaccount_end_previous", stage.account.pk)


def of_receiver(act: str) -> How:
    def how(stage: Stage, client: Client) -> Answer:
        why: Any = {"by": stage.other, "at": timezone.now(), "reason": WHY}
        if act == "end_secret":
            receivers.change_secret(stage.receiver, **why)
        sent = {"act": act, "since": "2026-03-02"}
        return send(client, "townships_receiver_act", stage.receiver.pk, **sent)

    return how


ROWS = ("add", "change", "delete")


def in_rows(prefix: str, right: str, number: int, new: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent of the rows below a record: one more, the first changed, or gone."""
    if right == "add":
        row = {f"{prefix}-{number}-{name}": value for name, value in new.items()}
        return {f"{prefix}-TOTAL_FORMS": number + 1, **row}
    return (
        {f"{prefix}-0-DELETE": "on"} if right == "delete" else {f"{prefix}-0-{OTHER[prefix]}": WHY}
    )


ROWS_BELOW = {"developedtown", "calendarday"}
OTHER = {"developed": "source", "days": "name"}


def of_town(right: str) -> How:
    def how(stage: Stage, client: Client) -> Answer:
        town = stage.world.township
        new = {"source": "试〔2026〕1号", "valid_from": "2026-01-01"}
        if right != "add":
            DevelopedTown.objects.create(town=town, **new)
        sent = in_rows("developed", right, 0, {**new, "town": town.pk})
        return change(stage, client, "townships_township_change", town.pk, **sent)

    return how


def of_year(right: str) -> How:
    def how(stage: Stage, client: Client) -> Answer:
        year = CalendarYear.objects.order_by("year")[0]
        new = {"year": year.pk, "date": f"{year.year}-03-11", "kind": "off", "name": "试假"}
        sent = in_rows("days", right, year.days.count(), new)
        return change(stage, client, "common_calendaryear_change", year.pk, **sent)

    return how


def post_of(stage: Stage) -> dict[str, Any]:
    return {
        "user": UserFactory().pk, "role": "township_clerk", "valid_from": "2026-03-02",
        "township": stage.world.township.pk,
    }  # fmt: skip


IN_CONSOLE: dict[str, How] = {
    "townships_county_change": lambda s, c: change(
        s, c, "townships_county_change", s.world.county.pk
    ),
    "townships_township_change": lambda s, c: change(
        s, c, "townships_township_change", s.world.township.pk
    ),
    "townships_department_add": lambda s, c: change(
        s, c, "townships_department_add", None, **unit(s)
    ),
    "townships_department_change": lambda s, c: change(
        s, c, "townships_department_change", s.world.water.pk, short_name="水务"
    ),
    "townships_platform_change": lambda s, c: change(
        s, c, "townships_platform_change", Platform.objects.all()[0].pk
    ),
    "townships_user_add": lambda s, c: change(
        s, c, "townships_user_add", None, username="xinren", name="辛仁"
    ),
    "townships_user_change": lambda s, c: change(
        s, c, "townships_user_change", s.world.clerk.user_id, name="辛仁"
    ),
    "townships_user_invite": lambda s, c: send(c, "townships_user_invite", UserFactory().pk),
    "townships_user_reset_factor": lambda s, c: send(
        c, "townships_user_reset_factor", s.world.clerk.user_id
    ),
    "townships_invitation_release": lambda s, c: send(
        c, "townships_invitation_release", s.held.pk
    ),
    "townships_invitation_revoke": lambda s, c: send(
        c, "townships_invitation_revoke", s.opened.pk
    ),
    "townships_post_add": lambda s, c: change(s, c, "townships_post_add", None, **post_of(s)),
    "townships_post_change": lambda s, c: change(
        s, c, "townships_post_change", PostFactory().pk, valid_to="2099-01-01"
    ),
    "townships_postgrant_confirm": lambda s, c: send(
        c, "townships_postgrant_confirm", s.grants["theirs"].pk
    ),
    "townships_postgrant_refuse": lambda s, c: send(
        c, "townships_postgrant_refuse", s.grants["theirs"].pk
    ),
    "townships_postgrant_withdraw": lambda s, c: send(
        c, "townships_postgrant_withdraw", s.grants["own"].pk
    ),
    "townships_guardedrole_add": lambda s, c: change(
        s, c, "townships_guardedrole_add", None, role="department_head"
    ),
    "townships_systemaccount_add": lambda s, c: change(
        s, c, "townships_systemaccount_add", None,
        source_system="新系统", post=s.machine.pk, scopes=["calls.read"],
    ),
    "townships_systemaccount_change": lambda s, c: change(
        s, c, "townships_systemaccount_change", s.account.pk, allowed_addresses="10.0.0.0/8"
    ),
    "townships_systemaccount_secret": lambda s, c: send(
        c, "townships_systemaccount_secret", s.account.pk, keep_days=1
    ),
    "townships_systemaccount_end_previous": lambda s, c: end_previous(s, c),
    "townships_receiver_add": lambda s, c: change(
        s, c, "townships_receiver_add", None, account=s.account.pk, url=f"{INSIDE}/2"
    ),
    "townships_receiver_change": lambda s, c: change(
        s, c, "townships_receiver_change", s.receiver.pk, url=f"{INSIDE}/3"
    ),
    "townships_deadletter:send_again": lambda s, c: c.post(
        reverse("admin:townships_deadletter_changelist"),
        {"action": "send_again", "_selected_action": s.letter.pk},
    ),
    "common_calendaryear_change": lambda s, c: change(
        s, c, "common_calendaryear_change", CalendarYear.objects.all()[0].pk, document="试〔2026〕1号"
    ),
}  # fmt: skip
IN_CONSOLE |= {f"townships_township_change:developedtown_{one}": of_town(one) for one in ROWS}
IN_CONSOLE |= {f"common_calendaryear_change:calendarday_{one}": of_year(one) for one in ROWS}
IN_CONSOLE |= {f"townships_receiver_act:{act}": of_receiver(act) for act in OF_RECEIVERS}
EACH_ACT = {"townships_receiver_act": tuple(OF_RECEIVERS)}
WITH_FILES: dict[str, How] = {"calendar": lambda s, c: calendar(c)}
HERE = "mandates:dead-letter-list"
# What else a permission lets somebody do, beside the console, files and long work; "" for reading.
BESIDE: dict[str, dict[str, How]] = {
    Permission.STATE_VIEW: {
        "works again": lambda s, c: c.post(reverse(HERE), {"do": "work", "work": s.work.pk}),
        "messages again": lambda s, c: c.post(reverse(HERE), {"message": s.message.pk}),
        "messages discarded": lambda s, c: c.post(
            reverse(HERE), {"do": "discard", "message": s.message.pk, "reason": WHY}
        ),
    },
    Permission.AUDIT_VIEW: {
        "work cancelled": lambda s, c: c.post(reverse("townships:job-cancel", args=[s.job.uid])),
        "evidence verified": lambda s, c: c.post(reverse("townships:audit-verify")),
        "anchors asked for": lambda s, c: c.post(
            reverse("townships:audit-anchors"), {"after": "0"}
        ),
        "trail exported": lambda s, c: c.post(
            reverse("townships:export-new", args=["audit"]), {"format": "csv", "column": ["at"]}
        ),
    },
}
TRIED_IN_CONSOLE = {
    Permission.DIVISION_EDIT, Permission.DEPARTMENT_EDIT, Permission.PLATFORM_EDIT,
    Permission.USER_EDIT, Permission.INVITE, Permission.CALENDAR_EDIT, Permission.POST_EDIT,
    Permission.INVITATION_RELEASE, Permission.FACTOR_RESET, Permission.SYSTEM_EDIT,
    Permission.RECEIVER_EDIT,
}  # fmt: skip
READING = {
    Permission.CONSOLE_ENTER, Permission.DIVISION_VIEW, Permission.DEPARTMENT_VIEW,
    Permission.PLATFORM_VIEW, Permission.USER_VIEW, Permission.POST_VIEW, Permission.SYSTEM_VIEW,
    Permission.RECEIVER_VIEW, OfMandates.ACCOUNT_READ,
}  # fmt: skip


def done(stage: Stage, role: Role) -> Iterator[tuple[str, How]]:
    """Yield all acts of one of the three. Raises KeyError for one this file does not know to do."""
    who = stage.who[role]
    for found in acts(who):
        for name in [f"{found}:{one}" for one in EACH_ACT.get(found, ())] or [found]:
            yield name, IN_CONSOLE.get(name) or shut(name)
    yield from ((name, WITH_FILES[name]) for name in files_for(who))
    yield from ((name, asked_for(name, who)) for name in works_for(who))
    for permission in grants.granted(role):
        yield from BESIDE.get(permission, {}).items()


LEAST = {
    Role.SYSTEM_ADMINISTRATOR: 20, Role.SECURITY_ADMINISTRATOR: 22, Role.AUDIT_ADMINISTRATOR: 8,
}  # fmt: skip


def rows_of(who: Member) -> list[AuditEntry]:
    with tenancy.everywhere(reason="a test counts"):
        return list(AuditEntry.objects.filter(actor_id=who.user_id).order_by("pk"))


@pytest.mark.parametrize("role", list(DUTY_CLASS))
def test_each_act_of_an_administrator_leaves_a_row_of_the_trail(stage: Stage, role: Role) -> None:
    who, client = stage.who[role], Client()
    client.force_login(who.user)
    tried, silent = 0, []
    for name, how in done(stage, role):
        before = len(rows_of(who))
        with transaction.atomic():
            answer = how(stage, client)
            new = rows_of(who)[before:]
            transaction.set_rollback(True)
        if answer.status_code in (403, 404, 405):
            assert new == [], name
            continue
        tried += 1
        below = name.partition(":")[2].partition("_")[0]  # a row of its own, beside its record's
        mine = [row for row in new if row.role == role]
        if below in ROWS_BELOW:
            mine = [row for row in mine if row.target_type.endswith(below)]
        if name in IN_CONSOLE and ":send" not in name:
            mine = [row for row in mine if row.detail.get("reason") == WHY]
        if answer.status_code >= 400 or not mine:
            silent.append((name, answer.status_code))
    assert silent == []
    assert tried >= LEAST[role]  # so that what is found does not shrink unseen


def test_every_permission_of_the_three_is_tried_or_only_reads(stage: Stage) -> None:
    for role in stage.who:
        assert grants.granted(role) <= TRIED_IN_CONSOLE | READING | set(BESIDE), role
