"""The first page of the console: what is under way in the officer's county, and only there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from common import tenancy
from mandates.models import DutyList, Entry, ListVersion
from mandates.operations import lists
from mandates.queries.dashboard import dashboard
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
        "编制中的清单版本", "各环节的准入申请", "待决定",
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
    assert page.context["panels"] == []
