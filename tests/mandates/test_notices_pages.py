"""Notices: what a person was told, unread first, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from common import tenancy
from common.models import Notice
from mandates import notices
from mandates.models import Step
from mandates.operations import sweep
from mandates.operations.announce import AUDIENCES
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import member
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db

NOW = at(3, 3, 10)


@pytest.fixture
def world() -> World:
    made = make_world()
    people = (made.clerk, made.head, made.officer(), made.desk)  # posts are told, not persons
    assert people
    return made


def kinds(who: Member, query: str = "") -> list[str]:
    answer = Browser(who, at=NOW).get(f"/notices/{query}")
    assert answer.status_code == 200
    return [row["notice"].kind for row in answer.context["rows"]]


def test_a_notice_leads_to_its_call_and_is_read_then(world: World) -> None:
    call = world.routed()
    assert kinds(world.officer()) == ["route"]
    browser = Browser(world.officer(), at=NOW)
    page = browser.get("/notices/")
    assert page.context["unread_count"]() == 1
    answer = browser.get(page.context["rows"][0]["url"])
    assert answer["Location"] == url("call-detail", call.uid)
    page = browser.get("/notices/")
    assert page.context["unread_count"]() == 0
    assert kinds(world.officer(), "?show=unread") == []
    assert kinds(world.officer()) == ["route"]  # all, as nothing is unread


def test_all_are_marked_at_once(world: World) -> None:
    for _n in range(3):
        world.routed()
    browser = Browser(world.officer(), at=NOW)
    assert browser.get(url("notice-read-all")).status_code == 405
    assert browser.post(url("notice-read-all")).status_code == 302
    assert kinds(world.officer(), "?show=unread") == []
    assert len(kinds(world.officer(), "?show=all")) == 3


def test_nobody_reads_what_others_were_told(world: World) -> None:
    world.routed()
    with tenancy.everywhere(reason="a test looks"):
        notice = Notice.objects.get(user=world.officer().user_id)
    for who in (world.officer(world.police), world.desk, member("department_officer")):
        answer = Browser(who, at=NOW).get(url("notice-read", notice.uid))
        assert answer.status_code == 404
    with tenancy.everywhere(reason="a test looks"):
        assert Notice.objects.get(pk=notice.pk).read_at is None


def test_posts_that_are_told_nothing_have_no_page(db: None) -> None:
    for role in ("city_overseer", "audit_administrator", "system_administrator"):
        browser = Browser(member(role), at=NOW)
        assert browser.get("/notices/").status_code == 403
        assert browser.post(url("notice-read-all")).status_code == 403


def test_a_broken_cursor_is_told(world: World) -> None:
    assert Browser(world.clerk, at=NOW).get("/notices/?cursor=x").status_code == 400


@pytest.mark.parametrize("kind", sorted(AUDIENCES))
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_kind_has_its_sentence(kind: str, language: str) -> None:
    facts: dict[str, Any] = {"unit": "水利局", "clock": "accept", "due": NOW.isoformat()}
    with translation.override(language):
        said = notices.text(Notice(kind=kind, facts=facts, at=MONDAY), at=NOW)
        bare = notices.text(Notice(kind=kind, facts={}, at=MONDAY), at=NOW)
    assert kind not in (said, bare)
    assert "%" not in said
    assert notices.icon(Notice(kind=kind)) != "circle-dot"


def test_of_a_draft_that_waits_too_long_only_its_township_is_told(world: World) -> None:
    """The others could not open it: a draft is the township's own."""
    assert (leader := world.member(Role.COUNTY_LEADER, world.county))
    work = world.draft(when=MONDAY, then="submit")
    world.drain(when=MONDAY)
    for day in (3, 4, 6):
        sweep.sweep(at=at(3, day))
        world.drain(when=at(3, day))
    with tenancy.everywhere(reason="a test looks"):
        steps = Step.objects.filter(call=work.call).values_list("move", flat=True)
        assert {"supervised", "escalated"} <= set(steps)
        told = set(Notice.objects.filter(about=work.call.uid).values_list("user", flat=True))
    assert told == {world.head.user_id}
    assert leader.user_id not in told
