"""What runs without anybody asking for a page: tasks, commands, files, feeds, messages.

Each is found in its registry, and must stand in the policy. Whatever comes out is listened to.
"""

from __future__ import annotations

import inspect
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from common import deliveries as messages
from common import events, exports, jobs, mails, tenancy, webhooks
from common.errors import NotAllowed, Problem
from common.models import Event, Job, NoticeMail
from mandates import notices
from mandates.operations import days
from tests.isolation import canaries
from tests.isolation.policy import COMMANDS, EVENTS, JOBS, ONE, TASKS, Work
from tests.isolation.stage import FAR, HOME, TOWNSHIP, WIDE, Stage
from townships.models import SystemAccount, User
from townships.operations import deliveries, receivers
from townships.operations import jobs as work

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T1")]

OURS = ("common", "config", "townships", "mandates", "grid", "enforcement", "services")


def told(registered: set[str], declared: set[str]) -> None:
    assert sorted(registered - declared) == [], "say in policy.py whose these are"
    assert sorted(declared - registered) == [], "policy.py names what is no more"


def tasks() -> dict[str, Any]:
    autodiscover_modules("tasks")
    return {name: one for name, one in current_app.tasks.items() if not name.startswith("celery.")}


def kinds() -> dict[str, jobs.Kind]:
    jobs.kind_of("")  # they are registered by the apps' tasks
    return {name: one for name, one in jobs._kinds.items() if one.run.__module__[:5] != "tests"}


def test_every_task_command_job_and_event_says_whose_it_is() -> None:
    told(set(tasks()), set(TASKS))
    told({name for name, app in get_commands().items() if app in OURS}, set(COMMANDS))
    told(set(kinds()), set(JOBS))
    told({kind.partition(".")[0] for kind in events.all_kinds()}, set(EVENTS))
    told({exports.kind_name(name) for name in exports.all_tables()},
         {name for name in JOBS if name.startswith("export_") and name != "export_anchors"})  # fmt: skip


# --- tasks and commands ------------------------------------------------------------------------------


def crossed() -> list[str]:
    """Return the tables in which a row of one tenant holds a canary of another."""
    found = []
    with tenancy.dispatching(reason="a test looks at every row"), connection.cursor() as cursor:
        for model in apps.get_models():
            if not issubclass(model, tenancy.Owned):
                continue
            table = model._meta.db_table
            cursor.execute(
                f"select count(*) from {table} t, isolation_tenant x where t.county_id = x.county "
                f"and t::text ~ ('ZQ[' || x.others || '][0-9]{{3}}x')"
            )
            if (number := cursor.fetchone()[0]) > 0:
                found.append(f"{model._meta.label}: {number}")
    return found


@pytest.fixture
def tenants(stage: Stage) -> None:
    """The counties, and the letters that no row of theirs may hold, beside the rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create temp table isolation_tenant (county bigint, others text) on commit drop"
        )
        cursor.execute("grant select on isolation_tenant to public")
        for county, others in ((stage.world.county.pk, "def"), (stage.other.county.pk, "abc")):
            cursor.execute("insert into isolation_tenant values (%s, %s)", [county, others])


def where_we_are() -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user::text, coalesce(current_setting('app.townships', true), ''), "
            "coalesce(current_setting('app.counties', true), '')"
        )
        return (tenancy.current(), *cursor.fetchone())


NOWHERE = (None, "huying_app", "", "")


@pytest.mark.assurance("T11")
def test_a_task_takes_no_order_and_leaves_no_scope_open(stage: Stage, tenants: None) -> None:
    """One after the other in one process, as a worker runs them: first looks, then forgets."""
    for name, task in sorted(tasks().items()):
        taken = inspect.signature(task.run).parameters.values()
        named = {one.name for one in taken if one.kind is not one.VAR_KEYWORD}
        assert named <= {"rung_by"}, f"{name} is told for whom to work: {named}"
        assert any(one.kind is one.VAR_KEYWORD for one in taken), f"{name} fails by unknown words"
        task.run(township=stage.other.township.pk, county_id=10**9, call=str(stage.call.uid))
        assert where_we_are() == NOWHERE, name
    assert crossed() == []


@pytest.mark.parametrize(
    "name", [name for name, one in COMMANDS.items() if one.asks is not None]
)  # fmt: skip
def test_a_command_tells_of_nobody_but_whom_it_was_asked_for(
    stage: Stage, tenants: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    command, out, err = COMMANDS[name], io.StringIO(), io.StringIO()
    if not WIDE:  # a day in forty, since it is the same for each
        waiting = days.waiting
        monkeypatch.setattr(days, "waiting", lambda **options: waiting(**options)[::40])
    assert command.asks is not None
    code = stage.world.county.code
    try:
        call_command(
            name, *(one.format(county=code) for one in command.asks), stdout=out, stderr=err
        )
    except CommandError as error:  # what it found: rows that were written past the rules
        err.write(str(error))
    said = canaries.heard(out.getvalue() + err.getvalue())
    sees = HOME + TOWNSHIP + "c" if command.reach == ONE else ""
    assert canaries.foreign(said, sees) == []
    assert (command.reach == ONE) <= bool(out.getvalue())
    assert where_we_are() == NOWHERE
    assert crossed() == []


# --- files ---------------------------------------------------------------------------------------------


def asked(stage: Stage, one: Work) -> dict[str, Any]:
    return {name: str(stage.things[thing]["uid"]) for name, thing in one.about}


def made(stage: Stage, kind: str, who: str, **parameters: Any) -> tuple[Job, bytes]:
    """Ask for a job and let a worker do it; return it with its file."""
    member = stage.members[who]
    with tenancy.scope(member.scope):
        wanted = work.request(kind, parameters, by=member, at=timezone.now())
    while work.run_next(clock=timezone.now):
        pass
    with tenancy.dispatching(reason="a test looks"):
        job: Job = Job.objects.get(pk=wanted.pk)
    file = Path(settings.MEDIA_ROOT) / job.path
    return job, file.read_bytes() if job.path else b""


EXPORTED = [name for name in JOBS if name.startswith("export_") and name != "export_anchors"]


@pytest.mark.assurance("T13")
@pytest.mark.parametrize("kind", EXPORTED)
def test_a_list_as_a_file_holds_ones_own_and_nothing_foreign(stage: Stage, kind: str) -> None:
    by, heard = JOBS[kind].by, False
    for who, kept in ((by, "csv"), ("next-desk", "xlsx"), ("sibling", "csv"), ("lead", "xlsx")):
        try:
            job, file = made(stage, kind, who, format=kept)
        except NotAllowed:
            if who == by:
                raise
            continue
        assert job.state == "done", (who, job.words)
        found = canaries.heard(file) | canaries.heard(job.file_name)
        assert stage.clients[who].foreign(found) == [], who
        heard = heard or (who == by and bool(found))
    # Nothing of one's own in it would show nothing; `hears` says where that is so, and only there.
    assert heard == JOBS[kind].hears


@pytest.mark.assurance("T13")
@pytest.mark.parametrize("kind", [name for name, one in JOBS.items() if one.about])
def test_nobody_has_a_file_made_of_what_is_another_countys(stage: Stage, kind: str) -> None:
    one = JOBS[kind]
    checked = kinds()[kind].check
    own = stage.members[one.by]
    if one.closed:
        with tenancy.scope(own.scope), pytest.raises(Problem):
            checked(own, asked(stage, one))
    else:
        with tenancy.scope(own.scope):
            assert checked(own, asked(stage, one))
    stranger = stage.members[f"next-{one.by}"]
    with tenancy.scope(stranger.scope), pytest.raises(Problem) as refused:
        checked(stranger, asked(stage, one))
    with tenancy.scope(stranger.scope), pytest.raises(Problem) as nothing:
        checked(stranger, dict.fromkeys(asked(stage, one), str(uuid4())))
    assert (refused.value.code, str(refused.value)) == (nothing.value.code, str(nothing.value))


# --- feeds, webhooks, messages -----------------------------------------------------------------------


def test_a_feed_and_a_webhook_tell_a_system_of_its_own_tenant(stage: Stage) -> None:
    for name, township in (("token", stage.world.township), ("token:next", stage.other.township)):
        client, sent = stage.clients[name], []

        def sink(url: str, body: bytes, heads: Any) -> webhooks.Answer:
            sent.append((body, heads))  # noqa: B023
            return webhooks.Answer(204, 1)

        answer = client.get("/api/v1/events/")
        assert answer.status_code == 200
        with tenancy.dispatching(reason="a test looks"):
            own = {
                str(one)
                for one in Event.objects.filter(township=township).values_list("uid", flat=True)
            }
        listed = {one["id"] for one in answer.json()["events"] if one["type"].startswith("call.")}
        assert listed == own, name

        account = SystemAccount.objects.select_related("user").get(post=stage.posts[name])
        member = stage.members["clerk" if name == "token" else "next-clerk"]
        made = receivers.register(
            account, url="https://example.org/hook", by=member, at=timezone.now()
        )
        made.receiver.places = {}
        made.receiver.save(update_fields=["places"])
        deliveries.serve(made.receiver.pk, now=timezone.now, by=sink)
        told = canaries.heard(b"".join(body for body, _heads in sent))
        assert client.foreign(told) == []
        assert {json.loads(body)["id"] for body, _heads in sent if b'"call.' in body} == own


def test_a_message_tells_a_person_of_their_own_calls(
    stage: Stage, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.EMAIL_CONFIGURED, settings.SITE_URL = True, "https://huying.example.org"
    settings.DEFAULT_FROM_EMAIL = "huying@example.org"
    whose: dict[str, str] = {}
    for name, member in stage.members.items():
        address = f"{name}@example.org"
        whose[address] = name
        User.objects.filter(pk=member.user_id).update(email=address)
    with tenancy.dispatching(reason="a test prepares"):
        NoticeMail.objects.update(available_at=timezone.now(), sent_at=None, attempts=0)
    messages.send_waiting(replace(mails.CARRIER), at=timezone.now(), write=notices.mail)
    heard = set()
    for one in mailoutbox:
        (address,) = one.to
        found = canaries.heard(f"{one.subject}\n{one.body}\n{one.extra_headers}")
        assert stage.clients[whose[address]].foreign(found) == [], address
        heard |= {letter[2] for letter in found}
    assert {TOWNSHIP, FAR} <= heard, "nobody was told anything: this shows nothing"
