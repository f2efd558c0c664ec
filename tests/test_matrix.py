"""Who reaches what: every route, for every kind of stranger, against an object that is not theirs.

The routes are walked, not listed: a route that POLICY does not name fails the build. What is out of
reach must answer exactly as what does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from common import tenancy
from common.models import Job, Notice
from mandates.models import (
    Admission,
    Assessment,
    Burden,
    Call,
    CallFile,
    Letter,
    ListImport,
    PowerItem,
    PowerSwap,
    Precedent,
    Scheme,
    Step,
    UnlistedTask,
)
from mandates.models.moves import MOVES
from mandates.operations import (
    accountability,
    amending,
    answers,
    empowering,
    filters,
    overlaps,
    scenarios,
)
from mandates.operations.amending import Written
from mandates.queries.accountability import Asked
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.powers import published
from tests.factories.townships import UserFactory
from townships.models import Post, User
from townships.roles import Role

pytestmark = pytest.mark.django_db

# Whose the object behind a route is. "call": of a township and the departments concerned.
# "county": everybody's of the county. "person": of the signed-in person. "public": of everybody
# signed in. "open": needs no signing in.
CALL, COUNTY, PERSON, PUBLIC, OPEN = "call", "county", "person", "public", "open"

POLICY: dict[str, str] = {
    "livez": OPEN,
    "readyz": OPEN,
    "api-schema": OPEN,
    "api-docs": OPEN,
    "api-token": OPEN,
    "api:nothing": OPEN,
    "townships:language": OPEN,
    # A person with an invitation has no password yet.
    "townships:join": OPEN,
    "townships:type-size": OPEN,
    # Whoever holds a report on paper may ask whether it is genuine.
    "mandates:accountability-verify": OPEN,
}


@dataclass(frozen=True)
class Route:
    """One pattern of the URL conf, with the names of what it takes."""

    name: str
    takes: tuple[str, ...]


def routes() -> list[Route]:
    return sorted(_walk(get_resolver().url_patterns), key=lambda route: route.name)


def _walk(
    patterns: list[URLPattern | URLResolver],
    spaces: tuple[str, ...] = (),
    above: tuple[str, ...] = (),
) -> Iterator[Route]:
    for pattern in patterns:
        takes = (*above, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            if pattern.app_name == "admin":
                continue  # the console is walked by its registry
            inner = (*spaces, pattern.namespace) if pattern.namespace else spaces
            yield from _walk(pattern.url_patterns, inner, takes)
        elif pattern.name:
            yield Route(":".join((*spaces, pattern.name)), takes)


ROUTES = routes()


def kind_of(route: Route) -> str | None:
    """Say whose the object behind a route is; None where nobody has said so."""
    if route.name in POLICY:
        return POLICY[route.name]
    if route.name.startswith("account_"):
        return OPEN
    for prefix, kind in PREFIXES:
        if route.name.startswith(prefix):
            return kind
    return None


PREFIXES = (
    ("system-state", PUBLIC),
    # Of the county, or of the unit that issued it: tests/mandates/test_accountability.py.
    ("mandates:accountability-", CALL),
    ("api:accountability-", CALL),
    # What is to be drawn stands in the body: tests/mandates/test_accountability.py.
    ("mandates:paper-", PUBLIC),
    ("api:paper-", PUBLIC),
    ("mandates:call-", CALL),
    ("mandates:caller-", CALL),
    # Of the desk, the office and the leader: tests/mandates/test_personal_data.py.
    ("mandates:person-", COUNTY),
    # Of the applicant, those it concerns and those who review it.
    ("mandates:burden-", COUNTY),
    ("api:burden-", COUNTY),
    ("mandates:unlisted-", CALL),
    ("api:unlisted-", CALL),
    ("mandates:admission-", CALL),
    ("api:admission-", CALL),
    ("mandates:letter", CALL),
    ("mandates:board", COUNTY),
    ("mandates:appeal-", COUNTY),
    # Whose unit is assessed: tests/mandates/test_assessments.py.
    ("mandates:assessment-", COUNTY),
    ("api:assessment-", COUNTY),
    ("api:appeal-", COUNTY),
    ("mandates:entry-", COUNTY),
    ("mandates:precedent-", COUNTY),
    # Of posts of the county: tests/mandates/test_amendments.py.
    ("mandates:proposal-", COUNTY),
    ("mandates:overlap-", COUNTY),
    ("mandates:import-", COUNTY),
    # What a township holds is its own and the county's: tests/mandates/test_empowerment.py.
    ("mandates:power", COUNTY),
    ("api:power", COUNTY),
    ("mandates:notice-", PERSON),
    # Of the system administrator alone: tests/mandates/test_deliveries.py.
    ("mandates:dead-letter-", PUBLIC),
    ("mandates:filter-", PERSON),
    # Of one's own unit: tests/mandates/test_answers.py.
    ("mandates:answer-", PERSON),
    ("mandates:search", PERSON),
    ("mandates:my-work", PERSON),
    ("mandates:deadline", PUBLIC),
    ("mandates:work-calendar", PUBLIC),
    ("mandates:calendar", PUBLIC),
    ("townships:post-", PERSON),
    ("townships:profile", PERSON),
    ("townships:session-", PERSON),
    ("townships:job-", PERSON),
    ("townships:export-", PUBLIC),
    # Of the audit administrator alone: tests/townships/test_audit_pages.py.
    ("townships:audit-", PUBLIC),
    # Of officers and administrators: tests/mandates/test_uploads_pages.py and test_start_page.py.
    ("mandates:upload", PUBLIC),
    ("mandates:start", PUBLIC),
    ("mandates:replay-", COUNTY),
    ("mandates:scenario-", COUNTY),
    ("mandates:staff-", PERSON),
    ("mandates:duty-", PUBLIC),
    ("api:call-", CALL),
    ("api:job-", PERSON),
    ("api:export-", PUBLIC),
    ("api:letter-", CALL),
    ("api:matter-", COUNTY),
    ("api:version-", COUNTY),
    ("api:list-", COUNTY),
    ("mandates:directory", COUNTY),
    ("api:directory-", COUNTY),
    # Of those who edit a county's lists: tests/mandates/test_imports_api.py.
    ("api:import-", COUNTY),
    # Of the office and of units that are asked: tests/mandates/test_reviews.py.
    ("mandates:draft-", COUNTY),
    # What a county shows to everybody: tests/mandates/test_public_lists.py.
    ("mandates:public-", OPEN),
    ("api:precedent-", COUNTY),
    ("api:proposal-", COUNTY),
    ("api:overlap-", COUNTY),
    ("api:statistics", COUNTY),
    # What stands in it follows from the post: tests/mandates/test_events_api.py.
    ("api:georeport-one", CALL),
    ("api:georeport-list", PERSON),
    ("api:event-", PERSON),
    # Nothing is behind them but what is sent: tests/mandates/test_intake.py.
    ("api:intake-", PERSON),
    ("api:division-", PUBLIC),
    # The directory of units: everybody must see who is responsible.
    ("api:department-", PUBLIC),
    ("api:deadline", PUBLIC),
    # Of the system that asks, and of no other.
    ("api:system-secret", PUBLIC),
)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def routed(world: World) -> Call:
    return world.routed()


def objects(world: World, call: Call) -> dict[str, dict[str, Any]]:
    """Return, for each kind of thing a route may name, one that belongs to this world."""
    with tenancy.dispatching(reason="a test prepares"):
        attached = CallFile.objects.create(
            **call.tenant, call=call, name="现场.jpg", content_type="image/jpeg", size=1,
            sha256="0" * 64, path="calls/x", by=world.clerk.user, post=world.clerk.post, unit="x",
            at=MONDAY,
        )  # fmt: skip
        step = Step.objects.filter(call=call).order_by("seq")[0]
        letter = Letter.objects.create(
            **call.tenant, call=call, step=step, kind="urging", year=2026, sequence=999,
            number="试催办〔2026〕999号", party="department", department=world.water,
            addressee="水利局", issued_at=MONDAY, facts={}, algorithm="sha256", digest="0" * 64,
        )  # fmt: skip
        notice = Notice.objects.create(
            **call.tenant, user=world.clerk.user, kind="route", about=call.uid, step_id=1, at=MONDAY
        )
        precedent = Precedent.objects.create(
            county=world.county, call_uid=call.uid, assignment_uid=call.uid, part="lead",
            department=world.water, reason="不归我局", cites="《水法》", outcome="rejected",
            decision="按清单牵头", raised_at=MONDAY, decided_at=MONDAY,
        )  # fmt: skip
    with tenancy.scope(world.clerk.scope):
        job = Job.objects.create(
            unit_kind="township", unit_id=world.township.pk, user=world.clerk.user,
            post=world.clerk.post, kind="x", language="zh-hans", requested_at=MONDAY,
        )  # fmt: skip
        answer = answers.save_answer(
            None, name="到场", move="urge", matter="", text="请尽快到场。", by=world.head, at=MONDAY
        )
    with tenancy.scope(world.clerk.scope):
        kept = filters.keep("超期的", {"late": "true"}, shared=True, by=world.clerk, at=MONDAY)
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    about = Asked(world.sand.matter.code, MONDAY.date(), MONDAY.date())
    with tenancy.scope(world.clerk.scope):
        report = accountability.issue(about, by=world.clerk, at=MONDAY)
    with tenancy.scope(officer.scope):
        proposal = amending.enter(Written("other", "试一试", "把话说清楚"), by=officer, at=MONDAY)
        overlap = overlaps.enter(
            overlaps.Written(
                "河道边界", "界线不清", "以堤脚为界", "县政府", MONDAY.date(),
                [world.water.uid, world.housing.uid],
            ),
            by=officer, at=MONDAY,
        )  # fmt: skip
        scenario = scenarios.keep("按现行清单", {}, world.version.uid, by=officer, at=MONDAY)
        day = MONDAY.date()
        replay = scenarios.ask(scenario.uid, day, day, by=officer, at=MONDAY)
        imported = ListImport.objects.create(
            county=world.county, duty_list=world.version.duty_list, file_name="x.xlsx", path="x",
            size=1, sha256="0" * 64, layout={"sheets": []}, at=MONDAY,
        )  # fmt: skip
    with tenancy.scope(world.desk.scope):
        made = Scheme.objects.get(county=world.county)
        assessed = Assessment.objects.create(
            county=world.county, scheme=made, first=MONDAY.date(), after=date(2026, 6, 1),
            as_of=MONDAY, definitions="x", appeal_until=MONDAY, opened_at=MONDAY,
            opened_by=world.desk.user,
        )  # fmt: skip
        burden = Burden.objects.create(
            county=world.county, state="found", kind="pledge", title="安全生产责任状", level="county",
            cycle="year", is_found=True, since=MONDAY.date(), department=world.water,
            entered_by=world.desk.user, entered_at=MONDAY,
        )  # fmt: skip
        admitted = Admission.objects.create(
            county=world.county, area=world.township, lead=world.water, number="试准入〔2026〕1号",
            state="formal", targets=[world.township.pk], townships=[world.township.pk],
            departments=[world.water.pk], name="小型水库日常巡查", category="水利",
            created_by=world.clerk.user, created_at=MONDAY,
        )  # fmt: skip
        task = UnlistedTask.objects.create(
            county=world.county, township=world.township, department=world.water, title="上报数据",
            what="每日上报", way="phone", received_on=MONDAY.date(), recorded_by=world.clerk.user,
            recorded_at=MONDAY,
        )  # fmt: skip
    with tenancy.scope(officer.scope):
        power = PowerItem.objects.get(county=world.county)
    batch = published(world, [power])
    with tenancy.scope(world.head.scope):
        part = empowering.confirm(batch.agreements.get().uid, by=world.head, at=MONDAY)
        swap = PowerSwap.objects.create(
            **part.tenant, agreement=part, reason="无此类案件", asked_by=world.head.user,
            asked_at=MONDAY,
        )  # fmt: skip
    return {
        "accountability": {"uid": report.uid},
        "burden": {"uid": burden.uid},
        "admission": {"uid": admitted.uid},
        "unlisted": {"uid": task.uid},
        "assessment": {"uid": assessed.uid, "appeal": uuid4()},
        "filter": {"uid": kept.uid},
        "job": {"uid": job.uid},
        "scenario": {"uid": scenario.uid},
        "import": {"uid": imported.uid},
        "replay": {"uid": replay.uid},
        "precedent": {"uid": precedent.uid},
        "proposal": {"uid": proposal.uid},
        "overlap": {"uid": overlap.uid},
        "power": {"uid": power.uid},
        "powerbatch": {"uid": batch.uid},
        "powerswap": {"uid": swap.uid},
        "export": {"table": "calls"},
        "call": {"uid": call.uid, "file": attached.uid, "file_uid": attached.uid},
        "letter": {"uid": call.uid, "letter": letter.uid},
        "file": {"uid": attached.uid},
        "georeport": {"uid": call.uid},
        "entry": {"uid": world.sand.uid},
        "answer": {"uid": answer.uid},
        "version": {"uid": world.version.uid},
        "draft": {"uid": uuid4(), "opinion": uuid4(), "review": uuid4(), "entry": uuid4()},
        "matter": {"code": world.sand.matter.code, "uid": world.sand.uid},
        "notice": {"uid": notice.uid},
        "staff": {"uid": world.clerk.user.uid},
        "post": {"uid": world.clerk.post.uid},
        "division": {"uid": world.township.uid},
        "department": {"uid": world.water.uid},
        "upload": {"kind": "list"},
        "paper": {"kind": "call_sheet_pdf"},
        "caller": {"uid": call.uid},
        "person": {"uid": uuid4()},
    }


def thing(route: Route) -> str:
    return route.name.rpartition(":")[2].split("-")[0]


def with_objects(kind: str) -> list[Route]:
    return [route for route in ROUTES if route.takes and kind_of(route) == kind]


def strangers(world: World) -> dict[str, User]:
    other = make_world()
    return {
        "sibling township": world.member(Role.TOWNSHIP_HEAD, world.sibling).user,
        "other department": world.officer(world.housing).user,
        "other county's township": other.head.user,
        "other county's desk": other.desk.user,
    }


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def plain(body: bytes) -> str:
    """Take out of an answer what differs from request to request by its nature."""
    text = body.decode("utf-8", "replace")
    text = re.sub(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", "UID", text)
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "TOKEN", text)


def ask(client: Client, method: str, route: Route, values: dict[str, Any]) -> Any:
    url = reverse(route.name, kwargs={name: values[name] for name in route.takes})
    if route.name.startswith("api:"):
        body = {"note": "试一试"}
        headers = {"if-match": '"1"'}
        send = client.get if method == "get" else client.post
        data: Any = {} if method == "get" else body
        kind = {} if method == "get" else {"content_type": "application/json"}
        return send(url, data, headers=headers, **kind)
    # A page of a move leads to the call's page, and that is where it ends.
    return client.get(url, follow=True) if method == "get" else client.post(url, {"note": "试一试"})


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_says_whose_it_is(route: Route) -> None:
    assert kind_of(route) is not None, f"{route.name} is not in the policy"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", with_objects(CALL), ids=lambda route: route.name)
def test_a_call_of_others_is_as_if_it_were_not_there(
    world: World, routed: Call, route: Route, method: str
) -> None:
    there = objects(world, routed)[thing(route)]
    nowhere = {name: uuid4() if isinstance(value, UUID) else value for name, value in there.items()}
    for who, user in strangers(world).items():
        client = signed_in(user)
        theirs = ask(client, method, route, there)
        nothing = ask(client, method, route, nowhere)
        assert theirs.status_code in (403, 404, 405), f"{who}: {theirs.status_code}"
        assert theirs.status_code == nothing.status_code, who
        assert plain(theirs.content) == plain(nothing.content), who
    assert world.fresh(routed).version == routed.version


@pytest.mark.parametrize("route", with_objects(CALL), ids=lambda route: route.name)
def test_reading_a_call_of_others_is_404(world: World, routed: Call, route: Route) -> None:
    there = objects(world, routed)[thing(route)]
    for who, user in strangers(world).items():
        answer = ask(signed_in(user), "get", route, there)
        # Who may not write a call at all is told so before anything is looked for.
        closed = 403 if route.name == "mandates:call-edit" and "township" not in who else 404
        assert answer.status_code in (closed, 405), f"{who}: {answer.status_code}"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "route", with_objects(COUNTY) + with_objects(PERSON), ids=lambda route: route.name
)
def test_what_is_another_countys_is_as_if_it_were_not_there(
    world: World, routed: Call, route: Route, method: str
) -> None:
    there = objects(world, routed)[thing(route)]
    other = make_world()
    nowhere = {
        name: uuid4() if isinstance(value, UUID) else "XX-99" for name, value in there.items()
    }
    for user in (other.clerk.user, other.desk.user):
        client = signed_in(user)
        theirs = ask(client, method, route, there)
        nothing = ask(client, method, route, nowhere)
        if thing(route) == "matter" and theirs.status_code == 200:
            continue  # codes are the same in all counties: the answer is the own county's
        assert theirs.status_code in (403, 404, 405)
        assert (theirs.status_code, plain(theirs.content)) == (
            nothing.status_code,
            plain(nothing.content),
        )


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "route", [r for r in ROUTES if kind_of(r) not in (OPEN, None)], ids=lambda route: route.name
)
def test_nobody_gets_in_without_signing_in(
    world: World, routed: Call, route: Route, method: str
) -> None:
    values = objects(world, routed).get(thing(route), {})
    answer = ask(Client(raise_request_exception=False), method, route, values)
    if route.name.startswith("api:"):
        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"
        return
    sent_to = answer.redirect_chain[0][0] if method == "get" else answer["Location"]
    assert sent_to.startswith("/accounts/login/")


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if kind_of(r) not in (OPEN, None)], ids=lambda route: route.name
)
def test_without_a_post_there_is_nothing_to_see(world: World, routed: Call, route: Route) -> None:
    client = signed_in(UserFactory())
    answer = ask(client, "get", route, objects(world, routed).get(thing(route), {}))
    assert answer.status_code == 403


@pytest.mark.parametrize("route", with_objects(CALL), ids=lambda route: route.name)
def test_after_the_post_has_ended_nothing_is_reached(
    world: World, routed: Call, route: Route
) -> None:
    clerk = world.clerk
    Post.objects.filter(pk=clerk.post_id).update(valid_to=date(2021, 1, 1))
    answer = ask(signed_in(clerk.user), "get", route, objects(world, routed)[thing(route)])
    assert answer.status_code == 403


def test_the_matrix_is_not_empty() -> None:
    names = {route.name for route in with_objects(CALL)}
    moves = {f"mandates:call-{name.replace('_', '-')}" for name in MOVES if MOVES[name].by_people}
    assert moves <= names


# --- the console ---------------------------------------------------------------------------------


def console_urls(model: Any, key: Any) -> list[str]:
    meta = model._meta
    base = f"admin:{meta.app_label}_{meta.model_name}"
    return [
        reverse(f"{base}_change", args=[key]),
        reverse(f"{base}_history", args=[key]),
        reverse(f"{base}_delete", args=[key]),
    ]


REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_the_console_is_closed_to_those_without_a_post_in_it(world: World, model: Any) -> None:
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for user in (world.clerk.user, world.officer().user):
        assert signed_in(user).get(listed).status_code in (302, 403, 404)
    assert Client().get(listed).status_code == 302


@pytest.mark.parametrize(
    "model",
    [m for m in REGISTERED if issubclass(m, tenancy.Owned)],
    ids=lambda model: model._meta.label,
)
def test_the_console_shows_nothing_of_another_county(
    world: World, routed: Call, model: Any
) -> None:
    with tenancy.everywhere(reason="a test looks"):
        key = model.objects.filter(county=world.county).values_list("pk", flat=True).first()
    if key is None:
        pytest.fail(f"the world holds no {model._meta.label}: add one")
    officer = signed_in(make_world().member(Role.ESTABLISHMENT_OFFICER).user)
    for url in console_urls(model, key):
        there, nothing = officer.get(url), officer.get(url.replace(f"/{key}/", "/987654321/"))
        assert there.status_code == nothing.status_code
        assert there.status_code in (302, 403, 404)
