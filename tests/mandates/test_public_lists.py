"""Lists shown to everybody: only where the county says so, only what is published, no one's number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import ProgrammingError, transaction
from django.test import Client

from common import tenancy
from mandates.models import Call, DutyList, EntryStep, ListVersion, Matter
from mandates.operations import lists
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.mandates import let_hold


@pytest.fixture
def world(db: None) -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


@pytest.fixture
def public(world: World) -> str:
    """Show the list to the public, with a draft beside it; return its address."""
    with tenancy.dispatching(reason="a test prepares"):
        draft = lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)
        entry = draft.entries.get(matter=world.sand.matter_id)
        entry.contact, entry.village_duty = "水政科 0563-1234567", "日常巡查"
        entry.save()
        EntryStep.objects.create(
            **entry.tenant, entry=entry, position=1, who="乡镇", what="拨打13800001111上报"
        )
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=date(2026, 1, 1))
        let_hold(draft, valid_from=date(2026, 1, 1), document_no="试办〔2026〕1号", at=MONDAY)
        later = lists.open_draft(world.version.duty_list, reason="再修订", by=None, at=MONDAY)
        later.entries.update(name="草稿里的名称")
        DutyList.objects.filter(pk=world.version.duty_list_id).update(is_public=True)
        return f"/public/lists/{world.version.duty_list.uid}"


def get(path: str, **query: Any) -> Any:
    return Client().get(path, query)


def test_everybody_reads_the_version_in_force_and_any_other(world: World, public: str) -> None:
    page = get(f"{public}/")
    told = page.content.decode()

    assert page.status_code == 200
    assert "河道采砂、侵占河道" in told
    assert "试办〔2026〕1号" in told
    assert "草稿里的名称" not in told
    assert "max-age=300" in page["Cache-Control"]
    assert "试政办〔2020〕1号" in get(f"{public}/1/").content.decode()
    assert "试政办〔2020〕1号" in get(f"{public}/", day="2021-05-01").content.decode()
    assert get(f"{public}/", day="2001-05-01").context["shown"].version is None
    assert get(f"{public}/", day="x").status_code == 200


@pytest.mark.assurance("T2")
@pytest.mark.parametrize("rest", ["/3/", "/3.json", "/9/", "/0/", f"/2/{UUID(int=1)}.svg"])
def test_drafts_and_what_is_not_there_are_404(public: str, rest: str) -> None:
    assert get(f"{public}{rest}").status_code == 404


def test_no_number_reaches_a_person(world: World, public: str) -> None:
    said = get(f"{public}.json").json()
    row = said["matters"][0]

    assert (said["version"]["number"], said["versions"]) == (2, [2, 1])
    assert (row["code"], row["contact"]) == ("SL-01", "水政科 ***")
    assert [one["side"] for one in row["duties"]] == ["department", "township", "village"]
    assert row["flow"] == [{"who": "乡镇", "what": "拨打***上报", "limit": ""}]
    flow = get(f"{public}/2/{_uid(world)}.svg")
    assert flow["Content-Type"] == "image/svg+xml"
    texts = [flow, get(f"{public}/"), get(f"{public}/2.json")]
    assert not [
        one for one in texts if "1234567" in (text := one.content.decode()) or "1380" in text
    ]
    assert get(f"{public}/1.json").json()["version"]["document_no"] == "试政办〔2020〕1号"


def _uid(world: World) -> Any:
    with tenancy.everywhere(reason="a test looks"):
        version = ListVersion.objects.get(county=world.county, number=2)
        return version.entries.get(matter=world.sand.matter_id).uid


@pytest.mark.parametrize("rest", ["/", ".json", "/1/", "/1.json"])
def test_what_the_county_has_not_shown_is_as_if_it_were_not_there(world: World, rest: str) -> None:
    hidden = get(f"/public/lists/{world.version.duty_list.uid}{rest}")
    nothing = get(f"/public/lists/{uuid4()}{rest}")

    assert (hidden.status_code, nothing.status_code) == (404, 404)
    assert "县乡责任清单" not in hidden.content.decode()


@pytest.mark.assurance("T7")
def test_the_scope_of_the_public_reads_nothing_of_townships_and_writes_nothing(
    world: World,
) -> None:
    world.routed()
    other = make_world()
    with tenancy.publicly(world.county.pk, reason="a test looks"):
        assert set(DutyList.objects.all()) == {world.version.duty_list}
        assert not DutyList.objects.filter(county=other.county).exists()
        assert not Call.objects.exists()
        with pytest.raises(ProgrammingError), transaction.atomic():
            Matter.objects.update(taken_back_by="x")


def test_who_is_signed_in_elsewhere_reads_it_too(world: World, public: str) -> None:
    client = Client()
    client.force_login(make_world().clerk.user)

    assert client.get(f"{public}/").status_code == 200
