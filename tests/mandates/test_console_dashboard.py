"""The first page of the console: what is under way in the officer's county, and only there."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from common import reference, tenancy
from mandates.models import CountyRules, DutyList, Entry, ListVersion
from mandates.operations import lists
from mandates.queries.dashboard import dashboard
from mandates.queries.power_terms import evaluations_due, terms_ending
from tests.factories import powers
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.townships import PostFactory
from tests.mandates.pages import Browser
from townships.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def open_draft(world: World) -> ListVersion:
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    with tenancy.scope(officer.scope):
        duty_list = DutyList.objects.get(versions__entries=world.sand.pk)
        return lists.open_draft(duty_list, reason="年度修订", by=officer, at=MONDAY)


def test_a_draft_shows_what_stands_in_its_way(world: World) -> None:
    other = make_world()
    open_draft(other)
    draft = open_draft(world)
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    with tenancy.scope(officer.scope):
        Entry.objects.filter(version=draft, matter=world.sand.matter_id).update(lead=None)
        (in_work,) = dashboard(officer, at=MONDAY + timedelta(days=1)).drafts

    assert in_work.version == draft
    assert in_work.blocking > 0


def test_the_officer_reads_it_on_the_first_page_and_goes_on_from_there(world: World) -> None:
    draft = open_draft(world)
    browser = Browser(world.member(Role.ESTABLISHMENT_OFFICER), at=MONDAY + timedelta(days=1))
    page = browser.get(reverse("admin:index"))
    text = page.content.decode()

    assert [panel.title for panel in page.context["panels"]] == [
        "编制中的清单版本", "待第二人确认的版本", "各环节的准入申请", "待决定", "赋权期限与评估",
    ]  # fmt: skip
    url = reverse("admin:mandates_listversion_gaps", args=[draft.pk])
    assert f'href="{url}"' in text
    assert "暂无办理中的申请" in text
    for panel in page.context["panels"]:
        for line in panel.lines:
            assert browser.get(line.url).status_code == 200


def test_posts_without_lists_see_no_panels(client: Client) -> None:
    client.force_login(PostFactory(role=Role.AUDIT_ADMINISTRATOR).user)
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    assert [str(panel.title) for panel in page.context["panels"]] == ["须由第二人确认的岗位"]


def test_terms_that_end_soon_and_powers_nobody_has_evaluated_are_named(world: World) -> None:
    """Days are the county's own; a power is due the day after them, and no longer once evaluated."""
    from_, until = date(2026, 3, 2), date(2027, 3, 1)
    batch = powers.in_force(world, [powers.item(world, "SL-01")], begins=from_, ends=until)
    by = powers.officer(world)

    def named(day: date) -> tuple[list[date], list[int]]:
        with tenancy.scope(by.scope):
            county = by.county_id
            terms = [one.ends for one in terms_ending(county, day=day) if one.batch == batch]
            waiting = [one.powers for one in evaluations_due(county, day=day)]
        return terms, waiting

    last_unnamed = until - timedelta(days=61)
    assert named(last_unnamed) == ([], [])
    assert named(last_unnamed + timedelta(days=1)) == ([until], [])
    with tenancy.dispatching(reason="a county sets its own days"):
        CountyRules.objects.filter(county=world.county).update(evaluate_days=30, expire_days=10)
    reference.forget()
    assert named(last_unnamed + timedelta(days=1)) == ([], [1])
    assert named(from_ + timedelta(days=30)) == ([], [])
    assert named(from_ + timedelta(days=31)) == ([], [1])
    other = powers.officer(make_world())
    with tenancy.scope(other.scope):
        assert not terms_ending(other.county_id, day=until - timedelta(days=1))


def test_a_quality_page_shows_the_version_of_its_day(world: World) -> None:
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    with tenancy.scope(officer.scope):
        version = ListVersion.objects.get(entries=world.sand.pk)
    page = reverse("admin:mandates_listversion_gaps", args=[version.pk])
    browser = Browser(officer, at=MONDAY)
    shown = browser.get(page, data={"day": MONDAY.date().isoformat()}, follow=True)
    assert shown.status_code == 200
    assert str(version.pk) in shown.request["PATH_INFO"]
    for odd in ("gestern", "0000-00-00", "\0", "1800-01-01"):
        assert browser.get(page, data={"day": odd}, follow=True).status_code in (200, 302, 400, 404)
