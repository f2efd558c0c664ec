"""What the console only shows: calls with their history, the calendar, the audit trail."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from common import tenancy
from common.models import AuditEntry, CalendarDay, CalendarYear
from mandates.models import Call
from mandates.permissions import Permission
from tests.factories.calendar import with_calendar
from tests.factories.calls import make_world
from tests.factories.townships import PostFactory
from townships.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def signed_in(role: Role, **fields: Any) -> Client:
    client = Client()
    client.force_login(PostFactory(role=role, **fields).user)
    return client


def page(model: str, what: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model}_{what}", args=args)


def test_calls_are_shown_with_their_history(world):
    call = world.handling()
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=world.county)

    listed = client.get(page("mandates_call"))
    text = client.get(page("mandates_call", "change", call.pk)).content.decode()

    assert [row.pk for row in listed.context["cl"].result_list] == [call.pk]
    for shown in ("河道夜间采砂", "水利局", "公安局", "签收", call.number, call.last_hash):
        assert shown in text
    assert 'name="_save"' not in text


@pytest.mark.parametrize("what", ["change", "delete"])
def test_calls_are_never_changed_here(world, what):
    call = world.routed()
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=world.county)

    answer = client.post(page("mandates_call", what, call.pk), {"title": "x", "post": "yes"})

    assert answer.status_code == 403
    assert client.get(page("mandates_call", "add")).status_code == 403
    assert world.fresh(call).title == call.title


def test_drafts_of_calls_stay_with_their_township(world):
    draft = world.draft().call
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=world.county)

    listed = client.get(page("mandates_call"))

    assert list(listed.context["cl"].result_list) == []
    assert client.get(page("mandates_call", "change", draft.pk)).status_code == 404


@pytest.mark.assurance("T12")
def test_calls_of_another_county_are_not_there(world):
    call, other = world.routed(), make_world()
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=other.county)

    for what in ("change", "history"):
        answer = client.get(page("mandates_call", what, call.pk))
        missing = client.get(page("mandates_call", what, 10**9))
        assert (answer.status_code, missing.status_code) == (404, 404)


def test_the_list_of_calls_needs_the_same_queries_for_any_number(
    world, django_assert_max_num_queries
):
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=world.county)
    world.routed()
    client.get(page("mandates_call"))

    with django_assert_max_num_queries(12) as one:
        client.get(page("mandates_call"))
    for _ in range(2):
        world.routed()
    with django_assert_max_num_queries(12) as three:
        client.get(page("mandates_call"))

    assert len(one) == len(three)


@pytest.mark.assurance("A7")
def test_no_record_of_work_can_be_edited_whatever_the_role(world):
    """However roles change: these records have no editing permission at all."""
    page_of_calls = admin.site._registry[Call]

    assert page_of_calls.view_permission == Permission.CALL_READ
    assert (page_of_calls.edit_permission, page_of_calls.delete_permission) == ("", "")
    for inline in page_of_calls.inlines:
        assert (inline.edit_permission, inline.delete_permission) == ("", "")


# --- The calendar --------------------------------------------------------------------------------


def days(year: CalendarYear, **changes: Any) -> dict[str, Any]:
    rows = list(year.days.order_by("date"))
    form: dict[str, Any] = {"document": year.document, "reason": "试验"}
    for number, row in enumerate(rows):
        for name in ("id", "date", "kind", "name"):
            form[f"days-{number}-{name}"] = getattr(row, name)
    form |= {"days-TOTAL_FORMS": len(rows), "days-INITIAL_FORMS": len(rows)}
    return {**form, **changes}


def test_everybody_in_the_console_reads_the_calendar_and_one_edits_it():
    with_calendar()
    year = CalendarYear.objects.get(year=2026)
    change = page("common_calendaryear", "change", year.pk)
    officer, keeper = signed_in(Role.ESTABLISHMENT_OFFICER), signed_in(Role.SYSTEM_ADMINISTRATOR)

    assert officer.get(change).status_code == 200
    assert officer.get(page("common_calendarday")).status_code == 200
    assert officer.post(change, days(year)).status_code == 403
    answer = keeper.post(change, days(year, **{"days-0-name": "元旦假期"}))

    assert answer.status_code == 302
    assert year.days.order_by("date").first().name == "元旦假期"
    with tenancy.everywhere(reason="the test looks at the trail"):
        assert AuditEntry.objects.filter(action="console_changed").exists()


@pytest.mark.parametrize(
    ("day", "kind"),
    [("2027-03-01", "off"), ("2026-03-02", "worked"), ("2026-01-01", "off")],
)
def test_a_day_that_fits_no_calendar_is_refused(day, kind):
    with_calendar()
    year = CalendarYear.objects.get(year=2026)
    keeper = signed_in(Role.SYSTEM_ADMINISTRATOR)
    count = CalendarDay.objects.count()
    form = days(year)
    last = form["days-TOTAL_FORMS"]
    form |= {
        "days-TOTAL_FORMS": last + 1,
        f"days-{last}-date": day,
        f"days-{last}-kind": kind,
        f"days-{last}-name": "试验",
    }

    answer = keeper.post(page("common_calendaryear", "change", year.pk), form)

    assert answer.status_code == 200
    assert CalendarDay.objects.count() == count


def test_years_are_neither_added_nor_deleted_here():
    with_calendar()
    year = CalendarYear.objects.get(year=2026)
    keeper = signed_in(Role.SYSTEM_ADMINISTRATOR)

    assert keeper.get(page("common_calendaryear", "add")).status_code == 403
    deleted = keeper.post(page("common_calendaryear", "delete", year.pk), {"post": "yes"})
    assert deleted.status_code == 403
    assert CalendarYear.objects.filter(pk=year.pk).exists()


# --- The audit trail -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_the_audit_trail_is_read_by_its_administrator_alone(role):
    answer = signed_in(role).get(page("common_auditentry"), follow=True)

    assert answer.status_code == (200 if role == Role.AUDIT_ADMINISTRATOR else 403)
