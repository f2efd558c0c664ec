"""Calls under the field names of GeoReport v2."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System

ALL = "georeport/requests.json"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(at(3, 4), tick=False) as traveller:
        yield traveller


def test_a_call_is_told_by_the_names_of_the_specification(world: World) -> None:
    call = world.handling(place="大桥下游")
    world.make("withdraw", world.draft().call, by=world.clerk, when=MONDAY, note="误写")
    unlisted = world.draft(unlisted_reason="清单没有", then="raise", when=at(3, 3)).call
    world.draft()
    system = System.beside(world.head)
    later, first = system.get(ALL).json()
    assert first == {
        "service_request_id": str(call.uid),
        "status": "open",
        "status_notes": "办理中",
        "service_name": "河道采砂、侵占河道",
        "service_code": "SL-01",
        "description": "河道夜间采砂",
        "agency_responsible": "水利局",
        "service_notice": "",
        "requested_datetime": "2026-03-02T09:00:00+08:00",
        "updated_datetime": "2026-03-02T09:00:00+08:00",
        "expected_datetime": "2026-03-16T17:30:00+08:00",
        "address": "大桥下游",
        "jurisdiction_id": "",
    }
    assert (later["service_request_id"], later["service_code"]) == (str(unlisted.uid), "unlisted")
    one = system.get(f"georeport/requests/{call.uid}.json").json()
    assert one == [first]

    def ids(**asked: Any) -> list[str]:
        return [row["service_request_id"] for row in system.get(ALL, **asked).json()]

    assert ids(service_code="SL-01") == ids(service_request_id=str(call.uid)) == [str(call.uid)]
    assert ids(status="closed") == []
    assert ids(start_date="2026-03-03T00:00:00+08:00") == [str(unlisted.uid)]
    assert ids(end_date="2026-03-03T00:00:00+08:00") == [str(call.uid)]
    housing = System.beside(world.officer(world.housing))
    assert housing.get(ALL).json() == []
    assert housing.get(f"georeport/requests/{call.uid}.json").status_code == 404
    with CaptureQueriesContext(connection) as few:
        system.get(ALL)
    for _n in range(3):
        world.routed()
    with CaptureQueriesContext(connection) as many:
        assert len(system.get(ALL).json()) == 5
    assert len(few) == len(many)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "half"}, "status"),
        ({"start_date": "2026-03-02"}, "start_date"),
        ({"start_date": "2026-02-31T00:00:00Z"}, "start_date"),
        ({"start_date": "2025-01-01T00:00:00Z"}, "start_date"),
        ({"start_date": "2026-03-09T00:00:00Z"}, "start_date"),
        ({"end_date": "2026-03-02T09:00:00"}, "end_date"),
        ({"service_request_id": "1,2"}, "service_request_id"),
        ({"lat": "31.1"}, "lat"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    world: World, query: dict[str, str], field: str
) -> None:
    answer = System.beside(world.head).get(ALL, **query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
