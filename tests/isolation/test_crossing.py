"""Ways across that are no address: ids in what is sent, sums, files, keys, what changes meanwhile."""

from __future__ import annotations

import json
import shutil
from datetime import date
from itertools import combinations
from typing import Any
from uuid import uuid4
from zlib import crc32

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from common import tenancy
from common.models import IdempotencyKey
from mandates.models import Call
from tests.isolation import canaries
from tests.isolation.policy import ROUTES
from tests.isolation.proper import description
from tests.isolation.stage import (
    CALLS,
    FAR,
    FARTHER,
    SIBLING,
    TOWNSHIP,
    WIDE,
    Said,
    Stage,
    ask,
    told,
    writes,
)
from townships.models import Post, User

pytestmark = pytest.mark.django_db

V1 = "/api/v1/"
BY_NAME = {route.name: route for route in ROUTES}


# --- references in what is sent --------------------------------------------------------------------


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return path, method and body of every operation that takes a reference, by its name."""
    schema = description()
    shapes = schema["components"]["schemas"]
    found = {}
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {}).get("application/json")
            if content and (fields := references(content["schema"], shapes)):
                found[f"{method} {path}"] = (path, method, fields)
    return found


def references(shape: dict[str, Any], shapes: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return, by name, the fields of a body that name something by its uid; True for a list."""
    for part in (shape, *shape.get("allOf", ()), *shape.get("oneOf", ())):
        if "$ref" in part:
            return references(shapes[part["$ref"].rpartition("/")[2]], shapes, depth)
    found: dict[str, Any] = {}
    for name, field in shape.get("properties", {}).items():
        inner = field.get("items", field)
        if field.get("readOnly"):
            continue
        if inner.get("format") == "uuid":
            found[name] = "items" in field
        elif depth < 2 and (below := references(inner, shapes, depth + 1)):
            found[name] = (below, "items" in field)
    return found


def body(fields: dict[str, Any], uid: Any) -> dict[str, Any]:
    """Put an id into every reference of a body, at whatever depth."""
    sent: dict[str, Any] = {
        "note": "试一试",
        "title": "河道夜间采砂",
        "body": "大桥下游",
        "amount": 1,
    }
    for name, shape in fields.items():
        is_list = shape[1] if isinstance(shape, tuple) else shape
        value = body(shape[0], uid) if isinstance(shape, tuple) else str(uid)
        sent[name] = [value] if is_list else value
    return sent


@pytest.mark.assurance("T3")
def test_a_foreign_id_in_a_body_is_as_if_it_did_not_exist(stage: Stage) -> None:
    """Every reference of every operation, with the id of something of the next county.

    Departments and divisions are in a directory that everybody reads: that they belong elsewhere may
    be said. Nothing is written with them all the same.
    """
    foreign, wrong, asked = things_of_the_next_county(stage), [], 0
    for name, (path, method, fields) in sorted(operations().items()):
        url = path.replace("{uid}", str(stage.call.uid)).replace("{code}", "SL-01")
        kinds = sorted(foreign)
        turn = crc32(name.encode()) % len(kinds)
        for kind in kinds if WIDE else [kinds[turn], kinds[turn - 3]]:
            answers = []
            for uid in (foreign[kind], uuid4()):
                with writes() as written, transaction.atomic():
                    answer = stage.clients["token"].generic(
                        method.upper(), url, json.dumps(body(fields, uid)), "application/json",
                        headers={"if-match": stage.call.etag, "idempotency-key": uuid4().hex},
                    )  # fmt: skip
                    transaction.set_rollback(True)
                answers.append(answer)
                asked += 1
                written -= {"common_idempotencykey"}
                if uid is foreign[kind] and written and answer.status_code < 300:
                    wrong.append(f"{name} {kind}: {answer.status_code}, wrote {sorted(written)}")
            theirs, nothing = (Said.by(one) for one in answers)
            if theirs != nothing and kind not in ("department", "township"):
                wrong.append(f"{name} {kind}: {theirs.status}/{nothing.status}")
    assert wrong == [], told(wrong)
    assert asked > 50


def things_of_the_next_county(stage: Stage) -> dict[str, Any]:
    with tenancy.dispatching(reason="a test looks"):
        call = Call.objects.filter(county=stage.other.county).earliest("pk")
        part = call.assignments.first()
    other = stage.other
    return {
        "call": call.uid, "assignment": part.uid, "entry": other.sand.uid,
        "version": other.version.uid, "department": other.water.uid, "township": other.township.uid,
        "user": other.clerk.user.uid,
    }  # fmt: skip


# --- sums ------------------------------------------------------------------------------------------------


def sums(letters: str) -> set[int]:
    return {sum(CALLS[one] for one in chosen)
            for size in range(1, len(letters) + 1) for chosen in combinations(letters, size)}  # fmt: skip


COUNTED = {
    "clerk": TOWNSHIP, "sibling": SIBLING, "lead": TOWNSHIP, "other-department": SIBLING,
    "desk": TOWNSHIP + SIBLING, "leader": TOWNSHIP + SIBLING, "next-clerk": FAR,
    "next-desk": FAR + FARTHER, "city": TOWNSHIP + SIBLING + FAR + FARTHER,
    "token": TOWNSHIP, "token:next": FAR,
}  # fmt: skip


@pytest.mark.assurance("T5")
@pytest.mark.parametrize("who", COUNTED)
def test_a_figure_is_the_sum_of_visible_calls(stage: Stage, who: str) -> None:
    """Townships have numbers of calls whose sums tell whose were counted."""
    every = sums(TOWNSHIP + SIBLING + FAR + FARTHER)
    assert len(every) == 2 ** len(CALLS) - 1, "sums must tell townships apart"
    expected = sum(CALLS[letter] for letter in COUNTED[who])
    answer = stage.clients[who].get(f"{V1}statistics/", {"during": "2026"})
    assert answer.status_code == 200, answer.content[:300]
    raised = next(one for one in answer.json()["figures"] if one["code"] == "raised")
    assert raised["numerator"] == expected
    others = every - sums(COUNTED[who])
    told_ = {one["numerator"] for one in answer.json()["figures"]}
    groups = {
        figure["numerator"] for group in answer.json()["groups"] for figure in group["figures"]
    }
    assert not (told_ | groups) & {number for number in others if number > 9}
    listed = stage.clients[who].get(f"{V1}calls/", {"size": 100})
    assert len(listed.json()["results"]) == expected


# --- files ------------------------------------------------------------------------------------------------


@pytest.mark.assurance("T13")
def test_a_paper_is_for_those_who_may_see_its_record_and_holds_nothing_else(stage: Stage) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is missing; `make test` installs it as root")
    route = BY_NAME["api:call-sheet"]
    answer = ask(stage.clients["token"], "get", route, stage.values(route))
    assert answer["Content-Type"] == "application/pdf"
    found = canaries.heard(answer.content)
    assert found
    assert stage.clients["token"].foreign(found) == []
    assert ask(stage.clients["token:next"], "get", route, stage.values(route)).status_code == 404


@pytest.mark.assurance("T13")
@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/x", "x", "%00"]
)
def test_a_file_is_asked_for_by_its_id_and_nothing_else(stage: Stage, path: str) -> None:
    call = stage.call.uid
    for url in (f"/calls/{call}/files/{path}/", f"{V1}calls/{call}/files/{path}/",
                f"/jobs/{path}/file/", f"{V1}jobs/{path}/file/", f"/media/{path}"):  # fmt: skip
        for who in ("clerk", "next-clerk", "nobody"):
            assert stage.clients[who].get(url).status_code in (302, 401, 404), url


# --- keys -------------------------------------------------------------------------------------------------


@pytest.mark.assurance("T14")
def test_a_key_of_one_system_is_free_for_every_other(stage: Stage) -> None:
    """Idempotency keys carry tenant and client; nothing of a tenant lies in the shared cache."""
    sent = {"title": "河道夜间采砂", "body": "大桥下游", "matter": "SL-01", "then": "submit"}
    made = {}
    for name in ("token", "token:next", "token:calls.write"):
        answer = stage.clients[name].post(
            f"{V1}calls/", sent, content_type="application/json",
            headers={"idempotency-key": "one and the same key"},
        )  # fmt: skip
        assert answer.status_code == 201, answer.content[:300]
        made[name] = answer.json()["uid"]
    assert len(set(made.values())) == 3
    with tenancy.dispatching(reason="a test looks"):
        rows = list(IdempotencyKey.objects.filter(key="one and the same key"))
    assert {row.township_id for row in rows} == {stage.world.township.pk, stage.other.township.pk}
    with connection.cursor() as cursor:
        cursor.execute("select cache_key, value from cache")
        kept = cursor.fetchall()
    assert [key for key, value in kept if canaries.heard(f"{key} {value}")] == []
    assert cache.get("x") is None


# --- what changes meanwhile --------------------------------------------------------------------------------


@pytest.mark.assurance("T15")
def test_a_person_moved_to_another_township_sees_its_calls_at_the_next_request(
    stage: Stage,
) -> None:
    route, client = BY_NAME["mandates:call-detail"], stage.clients["clerk"]
    member = stage.members["clerk"]
    assert ask(client, "get", route, stage.values(route)).status_code == 200
    Post.objects.filter(pk=member.post_id).update(valid_to=date(2021, 1, 1))
    Post.objects.create(user=member.user, role=member.role, township=stage.world.sibling,
                        valid_from=date(2021, 1, 1))  # fmt: skip
    client.sees = "ac"
    try:
        assert ask(client, "get", route, stage.values(route)).status_code == 404
        page = client.get("/calls/?show=all")
        assert page.status_code == 200
    finally:
        leaks, client.leaks[:], client.sees = list(client.leaks), [], "ab"
    assert leaks == []


@pytest.mark.assurance("T15")
def test_whoever_is_disabled_is_nobody_at_the_next_request(stage: Stage) -> None:
    page, api = BY_NAME["mandates:call-detail"], BY_NAME["api:call-detail"]
    assert ask(stage.clients["head"], "get", page, stage.values(page)).status_code == 200
    assert ask(stage.clients["token"], "get", api, stage.values(api)).status_code == 200
    User.objects.filter(pk=stage.members["head"].user_id).update(is_active=False)
    User.objects.filter(posts__pk=stage.posts["token"]).update(is_active=False)
    answer = ask(stage.clients["head"], "get", page, stage.values(page))
    assert answer.redirect_chain[0][0].startswith("/accounts/login/")
    assert ask(stage.clients["token"], "get", api, stage.values(api)).status_code == 401


# --- words -------------------------------------------------------------------------------------------------


@pytest.mark.assurance("T16")
def test_a_number_of_another_county_is_taken_and_nobody_is_told(stage: Stage) -> None:
    """What is unique in a county is free in the next one; public numbers show nobody else's count."""
    with tenancy.dispatching(reason="a test looks"):
        taken = Call.objects.filter(county=stage.other.county).earliest("pk")
        Call.objects.filter(pk=taken.pk).update(source_system="x", source_no="12345-01")
    sent = {"title": "河道夜间采砂", "body": "大桥下游", "matter": "SL-01", "then": "submit"}
    answer = stage.clients["token"].post(
        f"{V1}calls/", {**sent, "source_no": "12345-01"}, content_type="application/json",
        headers={"idempotency-key": uuid4().hex},
    )  # fmt: skip
    assert answer.status_code == 201, answer.content[:300]
    before = stage.world.routed().number
    for _other in range(3):
        stage.other.routed()
    assert number_in(stage.world.routed().number) == number_in(before) + 1


def number_in(text: str) -> int:
    return int("".join(one for one in text if one.isdigit())[-4:])


@pytest.mark.assurance("T16")
def test_headers_of_what_is_not_there_tell_nothing(stage: Stage) -> None:
    """No ETag, count or date beside a refusal: those of another county's and of nothing are the same."""
    for name in (
        "api:call-detail",
        "api:admission-detail",
        "api:version-changes",
    ):
        route = BY_NAME[name]
        theirs = ask(stage.clients["token:next"], "get", route, stage.values(route))
        assert "ETag" not in theirs.headers
        assert "Last-Modified" not in theirs.headers
        assert theirs.status_code == 404
