"""Drafts, gaps and publication of responsibility lists."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from common import tenancy
from common.errors import Invalid
from common.models import AuditEntry
from common.worktime import SHANGHAI
from mandates.models import DutyList, Entry, EntryAssist, EntryLimit, Limit, ListVersion
from mandates.operations import lists, publications
from mandates.queries.gaps import gaps
from mandates.queries.rulebook import rulebook
from tests.factories.calendar import with_calendar
from tests.factories.mandates import Ground, assist_keys, county_with_list, publish
from tests.factories.townships import member
from townships.roles import Role

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
TODAY = NOW.date()
NEXT_YEAR = date(2027, 1, 1)


@pytest.fixture
def ground():
    ground = county_with_list()
    with tenancy.dispatching(reason="tests edit lists"):
        yield ground


def drafted(ground: Ground) -> ListVersion:
    return lists.open_draft(ground.version.duty_list, reason="修订", by=None, at=NOW)


def entry_of(version: ListVersion, code: str) -> Entry:
    return version.entries.get(matter__code=code)


def test_open_draft_copies_the_last_version(ground):
    draft = drafted(ground)

    assert (draft.number, draft.state, draft.valid_from) == (2, "draft", None)
    copied = entry_of(draft, "ZR-01")
    old = ground.entries["ZR-01"]
    assert copied.matter_id == old.matter_id
    assert copied.uid != old.uid
    assert copied.lead_id == old.lead_id
    assert assist_keys(copied) == assist_keys(old) == [ground.units["agriculture"].pk]
    assert draft.entries.count() == 4


def test_open_draft_copies_limits_of_entries(ground):
    draft = drafted(ground)
    EntryLimit.objects.create(
        **draft.tenant,
        entry=entry_of(draft, "NY-01"),
        urgency="general",
        kind="close",
        amount=7,
        unit="working_day",
        source="试验",
    )
    publish(draft, valid_from=TODAY, document_no="试〔2026〕1号", at=NOW)

    again = drafted(ground)

    limit = entry_of(again, "NY-01").limits.get()
    assert (limit.urgency, limit.kind, limit.amount, limit.unit) == (
        "general",
        "close",
        7,
        "working_day",
    )


def test_open_draft_refuses_a_second_draft(ground):
    drafted(ground)

    with pytest.raises(lists.DraftExists):
        drafted(ground)

    assert ground.version.duty_list.versions.count() == 2


def test_publish_ends_the_version_before_on_the_same_day(ground):
    officer = member(Role.ESTABLISHMENT_OFFICER, county=ground.county)
    draft = drafted(ground)

    publish(draft, valid_from=NEXT_YEAR, document_no=" 试〔2026〕9号 ", by=officer, at=NOW)

    old, new = ListVersion.objects.filter(duty_list=draft.duty_list).order_by("number")
    assert (old.valid_to, new.valid_from, new.valid_to) == (NEXT_YEAR, NEXT_YEAR, None)
    assert (new.state, new.document_no, new.published_at) == ("published", "试〔2026〕9号", NOW)
    assert new.published_by_id not in (None, officer.user_id)
    last_day = NEXT_YEAR - timedelta(days=1)
    assert ListVersion.objects.filter(county=ground.county).in_force_on(last_day).get() == old
    assert ListVersion.objects.filter(county=ground.county).in_force_on(NEXT_YEAR).get() == new


def test_publish_writes_one_audit_row(ground):
    officer = member(Role.ESTABLISHMENT_OFFICER, county=ground.county)
    draft = drafted(ground)
    publish(draft, valid_from=TODAY, document_no="试〔2026〕9号", by=officer, at=NOW)

    with tenancy.everywhere(reason="only the auditor reads the trail"):
        row = AuditEntry.objects.get(action="list_published", target_id=str(draft.pk))

    assert (row.role, row.county_id) == ("county_leader", ground.county.pk)
    assert row.detail == {
        "valid_from": "2026-03-02",
        "document_no": "试〔2026〕9号",
        "reason": "试〔2026〕9号",
        "entries": 4,
        "ended": 1,
        "proposed_by": officer.label,
    }


def test_publish_is_seen_by_the_rulebook_at_once(ground):
    with_calendar()
    draft = drafted(ground)
    Entry.objects.filter(pk=entry_of(draft, "NY-01").pk).update(name="动物疫病的防控")
    assert {entry.name for entry in rulebook(ground.county.pk).in_force(TODAY)} >= {"动物疫病防控"}

    publish(draft, valid_from=TODAY, document_no="试〔2026〕9号", at=NOW)

    names = {entry.name for entry in rulebook(ground.county.pk).in_force(TODAY)}
    assert "动物疫病的防控" in names
    assert "动物疫病防控" not in names


def assert_still_draft(draft: ListVersion, ground: Ground) -> None:
    """Nothing was written: the draft is one, and the version in force has no end."""
    draft.refresh_from_db()
    ground.version.refresh_from_db()
    assert draft.state == "draft"
    assert ground.version.valid_to is None


def test_publish_refuses_a_version_without_document_number(ground):
    draft = drafted(ground)

    with pytest.raises(Invalid) as refused:
        publish(draft, valid_from=TODAY, document_no="  ", at=NOW)

    assert list(refused.value.fields) == ["document_no"]
    assert_still_draft(draft, ground)


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2020, 1, 1), "bad_valid_from"),  # the day on which the version before began
        (date(2019, 12, 31), "bad_valid_from"),
        (date(2026, 3, 1), "valid_from_past"),  # yesterday's calls went by the version before
    ],
)
def test_publish_refuses_a_day_that_is_taken(ground, day, code):
    draft = drafted(ground)

    with pytest.raises(publications.BadDate) as refused:
        publish(draft, valid_from=day, document_no="试〔2026〕9号", at=NOW)

    assert refused.value.code == code
    assert_still_draft(draft, ground)


def test_publish_refuses_a_day_before_the_end_of_the_version_before(ground):
    ListVersion.objects.filter(pk=ground.version.pk).update(valid_to=NEXT_YEAR)
    draft = drafted(ground)

    with pytest.raises(publications.BadDate, match="2027"):
        publish(draft, valid_from=TODAY, document_no="试〔2026〕9号", at=NOW)

    draft.refresh_from_db()
    assert draft.state == "draft"


def test_publish_twice_is_refused(ground):
    draft = drafted(ground)
    publish(draft, valid_from=TODAY, document_no="试〔2026〕9号", at=NOW)

    with pytest.raises(lists.NotADraft):
        publish(draft, valid_from=NEXT_YEAR, document_no="试〔2026〕9号", at=NOW)

    draft.refresh_from_db()
    assert draft.valid_from == TODAY


def test_publish_refuses_blocking_gaps_and_names_them(ground):
    draft = drafted(ground)
    Entry.objects.filter(pk=entry_of(draft, "NY-01").pk).update(lead=None, legal_basis=" ")

    with pytest.raises(publications.HasGaps) as refused:
        publish(draft, valid_from=TODAY, document_no="试〔2026〕9号", at=NOW)

    assert [one.code for one in refused.value.findings] == ["no_lead", "no_basis"]
    assert "NY-01" in str(refused.value)
    assert_still_draft(draft, ground)


def test_discard_draft_leaves_the_published_version(ground):
    draft = drafted(ground)

    lists.discard_draft(draft, reason="修订", by=None, at=NOW)

    assert ListVersion.objects.filter(county=ground.county).get() == ground.version
    with pytest.raises(lists.NotADraft):
        lists.discard_draft(ground.version, reason="修订", by=None, at=NOW)


# --- gaps --------------------------------------------------------------------------------------


def found(version: ListVersion, code: str, on: date = TODAY) -> list[tuple[str, bool]]:
    key = entry_of(version, code).pk
    return [(one.code, one.is_blocking) for one in gaps(version, on=on) if one.entry_id == key]


def test_gaps_of_a_good_list_are_its_samples_alone(ground):
    assert [(one.code, one.is_blocking) for one in gaps(ground.version, on=TODAY)] == [
        ("sample", False)
    ]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"lead": None}, ("no_lead", True)),
        ({"platform": None}, ("no_platform", True)),
        ({"legal_basis": ""}, ("no_basis", True)),
        ({"township_duty": " "}, ("no_township_duty", False)),
        ({"department_duty": ""}, ("no_department_duty", False)),
        ({"evidence": ""}, ("no_evidence", False)),
    ],
)
def test_gaps_find_an_empty_field(ground, change, finding):
    draft = drafted(ground)
    Entry.objects.filter(pk=entry_of(draft, "NY-01").pk).update(**change)

    assert found(draft, "NY-01") == [finding]


def test_gaps_find_a_lead_that_also_assists(ground):
    draft = drafted(ground)
    entry = entry_of(draft, "NY-01")
    EntryAssist.objects.create(**entry.tenant, entry=entry, department=entry.lead, duty="协助")

    assert found(draft, "NY-01") == [("lead_assists", True)]


def test_gaps_find_a_lead_that_has_ended_without_successor(ground):
    unit = ground.units["housing"]
    unit.valid_from, unit.valid_to = date(2019, 1, 1), date(2026, 3, 2)
    unit.save()

    assert found(ground.version, "ZJ-01", on=date(2026, 3, 1)) == []
    assert found(ground.version, "ZJ-01", on=date(2026, 3, 2)) == [("lead_ended", True)]


def test_gaps_only_mention_a_lead_whose_successor_takes_over(ground):
    unit = ground.units["housing"]
    unit.valid_from, unit.valid_to = date(2019, 1, 1), date(2026, 3, 2)
    unit.successor = ground.units["urban_management"]
    unit.save()

    assert found(ground.version, "ZJ-01") == [("lead_ended", False)]


def test_gaps_find_a_clock_without_limit(ground):
    Limit.objects.filter(county=ground.county, urgency="complex", kind="close").delete()
    draft = drafted(ground)

    assert found(draft, "ZJ-01") == [("no_limit", True)]
    assert found(draft, "NY-01") == []

    entry = entry_of(draft, "ZJ-01")
    EntryLimit.objects.create(
        **entry.tenant,
        entry=entry,
        urgency="complex",
        kind="close",
        amount=7,
        unit="working_day",
        source="试验",
    )
    assert found(draft, "ZJ-01") == []


def test_gaps_need_the_same_queries_for_any_number_of_entries(
    ground, django_assert_max_num_queries
):
    with django_assert_max_num_queries(7):
        gaps(ground.version, on=TODAY)


# --- what the database itself refuses ----------------------------------------------------------


def test_database_refuses_two_versions_on_one_day(ground):
    with pytest.raises(DatabaseError, match="list_version_one_a_day"), transaction.atomic():
        ListVersion.objects.create(
            county=ground.county,
            duty_list=ground.version.duty_list,
            number=9,
            state="published",
            document_no="试〔2026〕9号",
            valid_from=TODAY,
            published_at=NOW,
        )


@pytest.mark.assurance("E2")
@pytest.mark.parametrize(
    "statement",
    [
        "update mandates_entry set name = 'x' where id = {entry}",
        "delete from mandates_entryassist where entry_id = {entry}",
        "delete from mandates_entry where id = {entry}",
        "insert into mandates_entryassist (county_id, entry_id, department_id, duty)"
        " values ({county}, {entry}, {unit}, '')",
        "insert into mandates_entrylimit"
        " (county_id, entry_id, urgency, kind, amount, unit, source)"
        " values ({county}, {entry}, 'general', 'close', 1, 'minute', 'x')",
        "update mandates_listversion set document_no = 'x' where id = {version}",
        "update mandates_listversion set state = 'draft' where id = {version}",
        "delete from mandates_listversion where id = {version}",
    ],
)
def test_database_refuses_to_change_what_was_published(ground, statement):
    keys = {
        "entry": ground.entries["ZR-01"].pk,
        "county": ground.county.pk,
        "unit": ground.units["water"].pk,
        "version": ground.version.pk,
    }

    with (
        pytest.raises(DatabaseError, match="a published list version stands"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(**keys))

    assert assist_keys(ground.entries["ZR-01"]) == [ground.units["agriculture"].pk]


def test_database_lets_the_end_be_set_once(ground):
    rows = ListVersion.objects.filter(pk=ground.version.pk)
    rows.update(valid_to=NEXT_YEAR)

    refused = pytest.raises(DatabaseError, match="a published list version stands")
    with refused, transaction.atomic():
        rows.update(valid_to=TODAY)


def test_database_refuses_a_department_of_another_county(ground):
    other = county_with_list()
    draft = drafted(ground)
    entry = entry_of(draft, "NY-01")

    refused = pytest.raises(DatabaseError, match="tenant")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        Entry.objects.filter(pk=entry.pk).update(lead=other.units["water"])
        cursor.execute("set constraints all immediate")


@pytest.mark.assurance("T2")
def test_lists_of_another_county_are_not_there(ground):
    other = county_with_list()
    scope = tenancy.Scope("county", counties=(ground.county.pk,))

    with tenancy.scope(scope):
        assert DutyList.objects.get() == ground.version.duty_list
        assert not ListVersion.objects.filter(pk=other.version.pk).exists()
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from mandates_entry where county_id = %s", [other.county.pk]
            )
            assert cursor.fetchone() == (0,)
