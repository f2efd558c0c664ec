"""Lists and limits in the console: an officer edits the own county's drafts and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common import tenancy
from mandates.models import (
    DutyList,
    Entry,
    EntryLimit,
    ListPublication,
    ListVersion,
)
from tests.factories.console import (
    NOW,
    all_of,
    code_of,
    drafted,
    fields_of,
    page,
    signed_in,
    trail,
)
from tests.factories.mandates import LINES, Ground, county_with_list
from townships.models import Platform
from townships.roles import Role

pytestmark = pytest.mark.django_db
MODELS = (
    "dutylist",
    "listversion",
    "entry",
    "limit",
    "ladderlevel",
    "officehours",
    "countyrules",
)


@pytest.fixture
def ground() -> Ground:
    return county_with_list()


@pytest.fixture
def other() -> Ground:
    return county_with_list()


@pytest.fixture
def officer(ground: Ground) -> Client:
    return signed_in(Role.ESTABLISHMENT_OFFICER, county=ground.county)


@pytest.fixture
def draft(ground: Ground) -> ListVersion:
    return drafted(ground)


# --- Pages open, and show the own county alone ---------------------------------------------------


@pytest.mark.assurance("T12")
@pytest.mark.parametrize("model", MODELS)
def test_lists_show_the_own_county_alone(ground, other, officer, model):
    found = officer.get(page(model))

    assert found.status_code == 200
    text = found.content.decode()
    assert other.county.name not in text
    for unit in other.units.values():
        assert unit.name not in text
    counties = {row.county_id for row in rows_of(found)}
    assert counties == {ground.county.pk}


def rows_of(answer: Any) -> list[Any]:
    return list(answer.context["cl"].result_list)


@pytest.mark.assurance("T12")
@pytest.mark.parametrize("model", MODELS)
def test_records_of_another_county_are_not_there(ground, other, officer, model):
    kind = {one._meta.model_name: one for one in admin.site._registry}[model]
    theirs = all_of(kind, county=other.county)[0]

    for what in ("change", "history", "delete"):
        answer = officer.get(page(model, what, theirs.pk))
        missing = officer.get(page(model, what, 10**9))
        assert answer.status_code == missing.status_code
        assert answer.status_code == 404 or what == "delete"


@pytest.mark.parametrize("model", MODELS)
def test_own_records_open(ground, officer, model):
    kind = {one._meta.model_name: one for one in admin.site._registry}[model]
    mine = all_of(kind, county=ground.county)[0]

    assert officer.get(page(model, "change", mine.pk)).status_code == 200


@pytest.mark.assurance("T12")
@pytest.mark.parametrize("name", ["gaps", "publish", "discard"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_tools_do_not_reach_another_county(other, officer, name, method):
    theirs = drafted(other)

    answer = getattr(officer, method)(page("listversion", name, theirs.pk))

    assert answer.status_code == 404
    assert all_of(ListVersion, pk=theirs.pk)[0].state == "draft"


def test_a_draft_of_another_countys_list_cannot_be_opened(other, officer):
    answer = officer.post(page("dutylist", "open_draft", other.version.duty_list_id))

    assert answer.status_code == 404
    assert len(all_of(ListVersion, county=other.county)) == 1


@pytest.mark.assurance("T12")
def test_choices_show_departments_of_the_own_county_in_force(ground, other, officer, draft):
    gone = ground.units["forestry"]
    gone.valid_from = gone.valid_to = NOW.date()
    gone.save()

    text = officer.get(page("entry", "change", code_of("NY-01", draft).pk)).content.decode()

    looked = {"app_label": "mandates", "model_name": "entry", "field_name": "lead"}
    offered = officer.get(reverse("admin:autocomplete"), {**looked, "term": "water"}).json()
    assert [one["id"] for one in offered["results"]] == [str(ground.units["water"].pk)]
    none = officer.get(reverse("admin:autocomplete"), {**looked, "term": "forestry"}).json()
    assert none["results"] == []
    assert f">{gone.name}</option>" not in text
    assert other.units["water"].name not in text


def test_the_city_reads_every_county_and_changes_nothing(ground, other):
    client = signed_in(Role.CITY_OVERSEER)

    for model in MODELS:
        answer = client.get(page(model), {"all": ""})
        assert {row.county_id for row in rows_of(answer)} == {ground.county.pk, other.county.pk}
        assert client.get(page(model, "change", rows_of(answer)[0].pk)).status_code == 200
        assert client.get(page(model, "add")).status_code == 403
    assert client.get(page("listversion", "gaps", ground.version.pk)).status_code == 200
    assert client.get(page("listversion", "publish", ground.version.pk)).status_code == 403


@pytest.mark.parametrize(
    "role", [Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR]
)
@pytest.mark.parametrize("model", [*MODELS, "call"])
def test_administrators_have_no_part_in_lists_and_calls(ground, role, model):
    assert signed_in(role).get(page(model)).status_code == 403


# --- Drafts --------------------------------------------------------------------------------------


def test_a_draft_is_opened_from_its_list(ground, officer):
    answer = officer.post(page("dutylist", "open_draft", ground.version.duty_list_id))

    draft = all_of(ListVersion, county=ground.county, state="draft")[0]
    assert answer["Location"] == page("listversion", "change", draft.pk)
    assert trail("list_draft_opened")[0].county_id == ground.county.pk

    again = officer.post(page("dutylist", "open_draft", ground.version.duty_list_id))

    assert again["Location"] == page("listversion", "change", draft.pk)
    assert len(all_of(ListVersion, county=ground.county)) == 2


@pytest.mark.parametrize("reason", ["", " ", "x"])
def test_no_draft_is_opened_or_discarded_without_a_reason(ground, officer, draft, reason):
    officer.post(page("listversion", "discard", draft.pk), {"reason": reason})

    assert all_of(ListVersion, pk=draft.pk)
    assert trail("list_draft_discarded") == []

    officer.post(page("listversion", "discard", draft.pk), {"reason": "重复建立"})

    assert trail("list_draft_discarded")[0].detail["reason"] == "重复建立"

    answer = officer.post(
        page("dutylist", "open_draft", ground.version.duty_list_id), {"reason": reason}
    )

    assert answer["Location"] == page("dutylist", "change", ground.version.duty_list_id)
    assert len(all_of(ListVersion, county=ground.county)) == 1


def test_an_entry_of_a_draft_is_changed_and_recorded(ground, officer, draft):
    entry = code_of("NY-01", draft)

    answer = officer.post(
        page("entry", "change", entry.pk), fields_of(entry, name="动物疫病的防控")
    )

    assert answer.status_code == 302
    assert code_of("NY-01", draft).name == "动物疫病的防控"
    row = trail("console_changed")[-1]
    assert (row.target, row.county_id) == ("动物疫病的防控", ground.county.pk)
    assert row.detail["changes"]["name"] == ["动物疫病防控", "动物疫病的防控"]


def test_an_entry_is_added_with_a_new_matter_and_rows_below(ground, officer, draft):
    pattern = code_of("NY-01", draft)
    form = fields_of(
        pattern,
        version=draft.pk,
        code="NY-09",
        name="农机安全",
        lead=ground.units["agriculture"].pk,
    ) | {
        "assists-TOTAL_FORMS": 1,
        "assists-0-department": ground.units["emergency"].pk,
        "assists-0-duty": "指导应急处置",
        "limits-TOTAL_FORMS": 1,
        "limits-0-urgency": "general",
        "limits-0-kind": "close",
        "limits-0-amount": 7,
        "limits-0-unit": "working_day",
        "limits-0-source": "试验",
    }

    answer = officer.post(page("entry", "add"), form)

    assert answer.status_code == 302
    made = code_of("NY-09", draft)
    with tenancy.everywhere(reason="tests look at what was written"):
        assist, limit = made.assists.get(), made.limits.get()
    assert (made.county_id, assist.county_id, limit.county_id) == (ground.county.pk,) * 3
    assert (assist.department_id, limit.kind, limit.amount) == (
        ground.units["emergency"].pk,
        "close",
        7,
    )
    assert len(trail("console_added")) == 3


@pytest.mark.assurance("T3", "T12")
@pytest.mark.parametrize("field", ["lead", "assists-0-department", "version"])
def test_nothing_of_another_county_can_be_chosen(ground, other, officer, draft, field):
    theirs = drafted(other)
    entry = code_of("NY-01", draft)
    form = fields_of(entry, version=draft.pk, code="NY-09") | {
        "assists-TOTAL_FORMS": 1,
        "assists-0-department": ground.units["water"].pk,
        "assists-0-duty": "试验",
        field: theirs.pk if field == "version" else other.units["water"].pk,
    }

    answer = officer.post(page("entry", "add"), form)

    assert answer.status_code == 200
    assert not all_of(Entry, matter__code="NY-09")


def test_a_code_that_stands_in_the_draft_is_refused(officer, draft):
    entry = code_of("NY-01", draft)

    answer = officer.post(page("entry", "add"), fields_of(entry, version=draft.pk, code="NY-01"))

    assert answer.status_code == 200
    assert "code" in answer.context["adminform"].form.errors
    assert len(all_of(Entry, version=draft, matter__code="NY-01")) == 1


def test_an_assisting_department_named_twice_is_refused(ground, officer, draft):
    entry = code_of("NY-01", draft)
    unit = ground.units["water"].pk
    form = fields_of(entry) | {
        "assists-TOTAL_FORMS": 2,
        "assists-0-department": unit,
        "assists-1-department": unit,
    }

    answer = officer.post(page("entry", "change", entry.pk), form)

    assert answer.status_code == 200
    with tenancy.everywhere(reason="tests look at what was written"):
        assert not code_of("NY-01", draft).assists.exists()


def test_an_entry_of_a_draft_is_deleted_and_recorded(officer, draft):
    entry = code_of("ZR-01", draft)

    assert officer.get(page("entry", "delete", entry.pk)).status_code == 200
    answer = officer.post(page("entry", "delete", entry.pk), {"post": "yes"})

    assert answer.status_code == 302
    assert not all_of(Entry, pk=entry.pk)
    assert trail("console_deleted")[0].target == entry.name


def test_what_was_published_is_only_read(ground, officer):
    entry = ground.entries["NY-01"]

    shown = officer.get(page("entry", "change", entry.pk))
    changed = officer.post(page("entry", "change", entry.pk), fields_of(entry, name="x"))
    deleted = officer.post(page("entry", "delete", entry.pk), {"post": "yes"})
    version = officer.post(page("listversion", "change", ground.version.pk), {"note": "x"})

    assert shown.status_code == 200
    assert 'name="_save"' not in shown.content.decode()
    assert [one.status_code for one in (changed, deleted, version)] == [403, 403, 403]
    assert all_of(Entry, pk=entry.pk)[0].name == entry.name
    assert all_of(ListVersion, pk=ground.version.pk)[0].note == ""


# --- Gaps and publication ------------------------------------------------------------------------


def test_gaps_are_shown_with_links_to_their_entries(officer, draft):
    entry = code_of("NY-01", draft)
    with tenancy.dispatching(reason="tests make a gap"):
        Entry.objects.filter(pk=entry.pk).update(lead=None, township_duty="")

    answer = officer.get(page("listversion", "gaps", draft.pk))

    assert [one.code for one in answer.context["blocking"]] == ["no_lead"]
    assert [one.code for one in answer.context["advisory"]] == ["sample", "no_township_duty"]
    assert page("entry", "change", entry.pk) in answer.content.decode()


def test_a_draft_is_proposed_with_date_and_document_number(ground, officer, draft):
    today = timezone.localdate()
    form = {"valid_from": today.isoformat(), "document_no": "试〔2026〕9号", "confirmed": "on"}

    assert officer.get(page("listversion", "publish", draft.pk)).status_code == 200
    answer = officer.post(page("listversion", "publish", draft.pk), form)

    (one,) = all_of(ListPublication, version_uid=draft.uid)
    assert answer["Location"] == one.get_absolute_url()
    assert (one.valid_from, one.document_no) == (today, "试〔2026〕9号")
    assert all_of(ListVersion, pk=draft.pk)[0].state == "draft"
    assert trail("list_publication_proposed")[-1].role == "establishment_officer"
    # A second time it leads there.
    assert officer.get(page("listversion", "publish", draft.pk))["Location"] == answer["Location"]
    told = officer.post(page("listversion", "discard", draft.pk), {"reason": "重来"}, follow=True)
    assert "待第二人确认" in told.content.decode()
    assert all_of(ListVersion, pk=draft.pk)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"document_no": " "}, "document_no"),
        ({"confirmed": ""}, "confirmed"),
        ({"valid_from": "32.13.2026"}, "valid_from"),
        ({"valid_from": "2019-01-01"}, "valid_from"),
    ],
)
def test_publication_is_refused_beside_the_field(officer, draft, changes, field):
    form = {
        "valid_from": timezone.localdate().isoformat(),
        "document_no": "试〔2026〕9号",
        "confirmed": "on",
        **changes,
    }

    answer = officer.post(page("listversion", "publish", draft.pk), form)

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert all_of(ListVersion, pk=draft.pk)[0].state == "draft"


def test_publication_with_gaps_is_refused_and_shows_them(officer, draft):
    with tenancy.dispatching(reason="tests make a gap"):
        Entry.objects.filter(pk=code_of("NY-01", draft).pk).update(platform=None)
    form = {
        "valid_from": timezone.localdate().isoformat(),
        "document_no": "试〔2026〕9号",
        "confirmed": "on",
    }

    answer = officer.post(page("listversion", "publish", draft.pk), form)

    assert answer.status_code == 200
    assert [one.code for one in answer.context["blocking"]] == ["no_platform"]
    assert all_of(ListVersion, pk=draft.pk)[0].state == "draft"


def test_a_published_version_has_no_tools(ground, officer):
    for name in ("publish", "discard"):
        answer = officer.post(page("listversion", name, ground.version.pk))
        assert answer["Location"] == page("listversion", "change", ground.version.pk)
    assert all_of(ListVersion, pk=ground.version.pk)


def test_a_draft_is_discarded_after_a_question(ground, officer, draft):
    assert officer.get(page("listversion", "discard", draft.pk)).status_code == 200
    officer.post(page("listversion", "discard", draft.pk))

    assert all_of(ListVersion, county=ground.county) == [ground.version]
    assert not all_of(EntryLimit, entry__version=draft.pk)


def test_platforms_can_be_chosen(officer, draft):
    entry = code_of("NY-01", draft)
    other = Platform.objects.exclude(pk=entry.platform_id).first()
    assert other is not None

    officer.post(page("entry", "change", entry.pk), fields_of(entry, platform=other.pk))

    assert code_of("NY-01", draft).platform_id == other.pk


def test_a_county_has_one_list_of_a_kind():
    fresh = county_with_list(text=_short_list(), publish=False)
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=fresh.county)

    assert client.get(page("dutylist", "change", fresh.version.duty_list_id)).status_code == 200
    doubled = client.post(page("dutylist", "add"), {"kind": "territorial", "name": "第二份"})

    assert doubled.status_code == 200
    assert len(all_of(DutyList, county=fresh.county)) == 1


def _short_list() -> str:
    return "\n".join(LINES.splitlines()[:2]) + "\n"
