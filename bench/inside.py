"""python -m bench.inside lay|sweep|nothing|memory …: work in a process of the product itself.

Prints one line of JSON at its end.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application  # noqa: E402

from bench import chaining, counting, filling, longlists, longwork, replaying  # noqa: E402
from bench.processes import pss_of  # noqa: E402
from common import outbox, tenancy  # noqa: E402
from common.models import Outbox  # noqa: E402
from common.worktime import SHANGHAI  # noqa: E402
from config.demo import ground, people  # noqa: E402
from mandates.models import Call, CallState, Clock, ClockAction, Rating, Step, Urgency  # noqa: E402
from mandates.operations import calls, drafts, sweep  # noqa: E402
from mandates.operations.making import Given  # noqa: E402
from mandates.operations.writing import Draft  # noqa: E402
from mandates.queries import sql  # noqa: E402
from mandates.queries.rulebook import EntryFacts, rulebook  # noqa: E402
from townships.http import Member  # noqa: E402
from townships.models import Post, SystemAccount, Township, User  # noqa: E402
from townships.roles import Role  # noqa: E402

SCOPES = "calls.read calls.write reference.read"
ENTRIES = 6  # matters a county whose calls are copied
BODY = "大桥下游约二百米处有挖掘机夜间取砂，已劝离两次，人走又来，已拍照。" * 4
KINDS = ("routed", "handling", "closed", "withdrawn", "late")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- laying the ground ---------------------------------------------------------------------------


def lay() -> dict[str, Any]:
    """Load divisions, lists and people, live through some calls, and let everybody in."""
    now = timezone.now()
    begin = now.astimezone(SHANGHAI).date().replace(month=1, day=1)
    begin = begin.replace(year=begin.year - 1)
    counties = ground.lay(begin=begin, tell=lambda text: say(f"    {text}"))
    people.settle(counties, begin=begin, at=now, seed=1)
    staff = people.Staff([county.pk for county in counties])
    made: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for county in counties:
        for kind, keys in _live(county.pk, staff, now).items():
            made[kind] += keys
        say(f"    {county}: calls lived through")
    # Last, so that nothing routes them: they wait to be copied.
    made["raised"] = [key for county in counties for key in _raised(county.pk, staff, now)]
    home = people.account_of(Role.COUNTY_DESK).unit
    first = next(county for county in counties if county.code == home)
    return {"patterns": made, **_let_in(first.pk, staff)}


def _live(county_id: int, staff: people.Staff, now: datetime) -> dict[str, list[int]]:
    """Live through a call of each kind under some matters of a county; return their keys."""
    head = _head(county_id, staff)
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for entry in _entries(county_id):
        for kind in KINDS:
            begun = now - timedelta(days=40 if kind in ("closed", "withdrawn", "late") else 0)
            call = _raise(entry, head, begun)
            found[kind].append(call.pk)
            if kind == "withdrawn":
                _make("withdraw", call, head, begun + timedelta(minutes=5), note="已自行解决")
                continue
            outbox.drain(at=begun + timedelta(minutes=1), limit=1000)
            if kind in ("handling", "closed"):
                with tenancy.everywhere(reason="who leads"):
                    lead = Call.objects.values_list("lead", flat=True).get(pk=call.pk)
                officer = staff.find(Role.DEPARTMENT_OFFICER, lead)
                _make("accept", call, officer, begun + timedelta(minutes=2))
                if kind == "closed":
                    later = begun + timedelta(hours=2)
                    _make(
                        "answer",
                        call,
                        officer,
                        later,
                        note="现场已处理，设备已撤离。",
                        override="不需",
                    )
                    later += timedelta(hours=1)
                    _make("rate", call, head, later, rating=Rating.SATISFIED)
            outbox.drain(at=begun + timedelta(hours=4), limit=1000)
    return found


def _raised(county_id: int, staff: people.Staff, now: datetime) -> list[int]:
    head = _head(county_id, staff)
    return [_raise(entry, head, now).pk for entry in _entries(county_id)]


def _head(county_id: int, staff: people.Staff) -> Member:
    township = Township.objects.filter(county=county_id, valid_to=None).order_by("code").first()
    assert township is not None
    return staff.find(Role.TOWNSHIP_HEAD, township.pk)


def _raise(entry: EntryFacts, head: Member, at: datetime) -> Call:
    written = Draft(title=entry.name[:60], body=BODY, entry=entry.uid, place="大桥下游")
    with tenancy.scope(_scope(head)):
        return drafts.draft(written, by=head, at=at, then="raise").call


def _entries(county_id: int) -> list[EntryFacts]:
    with tenancy.dispatching(reason="the list of a county"):
        entries = rulebook(county_id).entries.values()
        fit = [e for e in entries if e.lead_id and not e.evidence_files and not e.assists]
        return [e for e in fit if e.urgency == Urgency.GENERAL][:ENTRIES]


def _scope(member: Member) -> tenancy.Scope:
    assert member.scope is not None
    return member.scope


def _make(name: str, call: Call, member: Member, at: datetime, **given: Any) -> None:
    with tenancy.scope(_scope(member)):
        calls.make(name, call.uid, by=member, at=at, given=Given(**given))


def _let_in(county_id: int, staff: people.Staff) -> dict[str, Any]:
    """Give a token or a session to each of those who will ask."""
    townships = Township.objects.filter(county=county_id, valid_to=None).order_by("code")
    first, second = townships[0], townships[1]
    entries = _entries(county_id)
    inbox, pool = entries[0].lead_id, entries[-1].lead_id
    assert inbox is not None
    assert pool is not None
    assert inbox != pool
    people_of = {
        "clerk": staff.find(Role.TOWNSHIP_CLERK, first.pk),
        "officer": staff.find(Role.DEPARTMENT_OFFICER, inbox),
        "leader": staff.find(Role.COUNTY_LEADER, county_id),
    }
    return {
        "home": county_id,
        "township": first.pk,
        "pool_township": second.pk,
        "pool_department": pool,
        "matter": entries[0].code,
        "tokens": {
            "caller": _token(Post(role=Role.TOWNSHIP_HEAD, township=second), "caller"),
            "handler": _token(Post(role=Role.DEPARTMENT_OFFICER, department_id=pool), "handler"),
            "reader": _token(Post(role=Role.TOWNSHIP_CLERK, township=first), "reader"),
        },
        "sessions": {name: _session(member.user) for name, member in people_of.items()},
    }


def _token(post: Post, name: str) -> str:
    user = User.objects.create_user(f"bench-{name}", name=f"系统{name}", is_machine=True)
    post.user, post.valid_from = user, timezone.localdate() - timedelta(days=300)
    post.save()
    application = Application.objects.create(
        name=name,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    SystemAccount.objects.create(
        application=application,
        user=user,
        post=post,
        source_system=f"bench {name}",
        allowed_scopes=SCOPES,
    )
    token = hashlib.sha256(f"token of {name}".encode()).hexdigest()
    # As the server itself keeps it: by its hash.
    issued = AccessToken(
        application=application,
        token="",
        token_checksum=hashlib.sha256(token.encode()).hexdigest(),
        expires=timezone.now() + timedelta(days=2),
        scope=SCOPES,
    )
    AccessToken.objects.bulk_create([issued])
    return token


def _session(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(48 * 3600)
    session.save()
    key: str = session.session_key
    return key


# --- clocks ----------------------------------------------------------------------------------------


def sweeping() -> dict[str, Any]:
    """Do what is due in batches; return how long each held its locks, and how much was written."""
    at = sql.database_time()
    sweep.settle_provisional(at=at)
    batches: list[float] = []
    done = 0
    began = time.perf_counter()
    while True:
        start = time.perf_counter()
        found = sweep.sweep(at=at)
        batches.append(time.perf_counter() - start)
        done += found
        if found < sweep.BATCH:
            break
    took = time.perf_counter() - began
    with tenancy.everywhere(reason="counting what the sweep has done"):
        urged = ClockAction.objects.filter(done_at__isnull=False, level="urge").count()
        waiting = ClockAction.objects.filter(at__lte=at, done_at=None, passed_at=None).count()
    batches.sort()
    return {
        "took": took,
        "done": done,
        "urged": urged,
        "left": waiting,
        "batches": len(batches),
        "longest": batches[-1],
        "p95": batches[int(len(batches) * 0.95)],
    }


RAW = """
with due as materialized (
    select a.id as action_id, a.clock_id, c.call_id
      from mandates_clockaction a join mandates_clock c on c.id = a.clock_id
     where a.at <= now() and a.done_at is null and a.passed_at is null
), acted as (
    update mandates_clockaction a set done_at = at from due where a.id = due.action_id returning a.id
), clocked as (
    update mandates_clock c set breached_at = c.due_at from due where c.id = due.clock_id
    returning c.id
), called as (
    update mandates_call c set level = 'urge', urged_count = urged_count + 1,
           version = version + 1, step_count = step_count + 1, last_hash = repeat('0', 64)
      from due where c.id = due.call_id
    returning c.id, c.county_id, c.township_id, c.step_count, c.state, c.version
)
insert into mandates_step (county_id, township_id, call_id, seq, move, from_state, to_state, role,
                           unit, actor, at, recorded_at, note, data, algorithm, previous_hash, hash)
select county_id, township_id, id, step_count, 'urged', state, state, 'system', '', '', now(), now(),
       '', '{"due": "2026-01-01T00:00:00+00:00", "clock": "accept", "party": "department"}',
       'sha256', repeat('0', 64), repeat('1', 64)
  from called
"""


def raw_sweep() -> dict[str, Any]:
    """Write the same rows in one statement, without looking at anything; then undo it."""
    with tenancy.dispatching(reason="the same rows as the sweep"), connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(RAW)
        rows = cursor.rowcount
        # The deferred references are checked at the end of a transaction; so they are here.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        took = time.perf_counter() - began
        tenancy.transaction.set_rollback(True)
    return {"took": took, "rows": rows}


def nothing() -> dict[str, Any]:
    """Sweep where nothing is due."""
    at = datetime(2000, 1, 1, tzinfo=SHANGHAI)
    sweep.sweep(at=at)
    sweep.settle_provisional(at=at)
    spans = []
    for _n in range(50):
        start = time.perf_counter()
        sweep.settle_provisional(at=at)
        found = sweep.sweep(at=at)
        spans.append(time.perf_counter() - start)
        assert found == 0
    return {"median": statistics.median(spans)}


# --- the worker's memory ----------------------------------------------------------------------------


def memory() -> dict[str, Any]:
    """Drain the outbox as a worker does, and watch how much memory the process has."""
    seen: list[tuple[int, float]] = []
    with tenancy.everywhere(reason="how many wait"):
        waiting = Call.objects.filter(state=CallState.RAISED).count()
    began = time.perf_counter()
    while True:
        found = outbox.drain(at=sql.database_time())
        with tenancy.everywhere(reason="how many are routed"), connection.cursor() as cursor:
            cursor.execute("select count(*) from mandates_call where state = 'raised'")
            routed = waiting - cursor.fetchone()[0]
        if not seen or routed - seen[-1][0] >= 1000 or not found:
            seen.append((routed, round(pss_of(), 1)))
            say(f"    {routed} routed, {seen[-1][1]} MB")
        if not found:
            break
    with tenancy.everywhere(reason="nothing may be left"):
        left = Call.objects.filter(state=CallState.RAISED).count()
    return {"seen": seen, "took": time.perf_counter() - began, "left": left}


def counts() -> dict[str, Any]:
    """Count what there is."""
    with tenancy.everywhere(reason="counting"):
        return {
            "calls": Call.objects.count(),
            "steps": Step.objects.count(),
            "clocks": Clock.objects.count(),
            "open_clocks": Clock.objects.filter(met_at=None, cancelled_at=None).count(),
            "actions": ClockAction.objects.count(),
        }


def fill(job: str) -> dict[str, Any]:
    """Fill the database as the job says: patterns, and the arguments of `filling.plan`."""
    told = json.loads(job)
    wanted = filling.plan(**told["plan"])
    wanted += [filling.Wanted("raised", told["raised"])] if told["raised"] else []
    patterns: dict[str, list[int]] = told["patterns"]
    days = 0
    if told["home"]:
        days = counting.SPREAD
        with tenancy.everywhere(reason="what is copied"):
            own = set(Call.objects.filter(county=told["home"]).values_list("pk", flat=True))
        patterns = {kind: [key for key in keys if key in own] for kind, keys in patterns.items()}
    return filling.fill(filling.owner_url(), patterns, wanted, days=days)


def again() -> dict[str, Any]:
    """Make what the sweep has done due once more, for another round."""
    with (
        tenancy.dispatching(reason="the same clocks are swept again"),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "update mandates_clockaction set done_at = null "
            "where done_at is not null and level = 'urge'"
        )
        return {"rows": cursor.rowcount}


def waiting(department: str) -> list[list[Any]]:
    """Return uid and version of all calls that wait to be accepted by a department."""
    with tenancy.everywhere(reason="what the client is to move"):
        rows = Call.objects.filter(lead=int(department), state=CallState.ROUTED).order_by("id")
        return [[str(uid), version] for uid, version in rows.values_list("uid", "version")]


def taken(prefix: str) -> dict[str, int]:
    """Count the calls whose numbers begin so, the numbers, and those that were dispatched."""
    with tenancy.everywhere(reason="counting what was taken in"):
        calls = Call.objects.filter(source_no__startswith=prefix)
        return {
            "calls": calls.count(),
            "numbers": calls.values("source_no").distinct().count(),
            "routed": calls.filter(routed_at__isnull=False).count(),
        }


def undone() -> int:
    """Count what still waits in the outbox."""
    with tenancy.everywhere(reason="is all work done?"):
        return Outbox.objects.filter(done_at=None).count()


WORK: dict[str, Callable[..., Any]] = {
    "lay": lay,
    "fill": fill,
    "again": again,
    "waiting": waiting,
    "taken": taken,
    "undone": undone,
    "sweep": sweeping,
    "raw_sweep": raw_sweep,
    "nothing": nothing,
    "memory": memory,
    "counts": counts,
    "export": longwork.export,
    "suggest": longwork.suggest,
    "duplicates": longwork.duplicates,
    "replay": replaying.replay,
    "chains": chaining.chains,
    "board": counting.measure,
    **longlists.WORK,
}


def main(arguments: Sequence[str]) -> None:
    name, *rest = arguments
    print(json.dumps(WORK[name](*rest)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
