"""Limits, levels and hours in the console, and input that nobody should send."""

from __future__ import annotations

import pytest
from django.db.models import PositiveSmallIntegerField
from django.test import Client
from django.utils import timezone

from common import tenancy
from mandates.models import (
    CountyRules,
    DutyList,
    LadderLevel,
    Limit,
    ListVersion,
    Matter,
    OfficeHours,
)
from tests.factories.console import (
    all_of,
    code_of,
    drafted,
    fields_of,
    page,
    signed_in,
    trail,
)
from tests.factories.mandates import Ground, county_with_list, county_with_units
from townships.roles import Role

pytestmark = pytest.mark.django_db


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


# --- Limits, levels, hours, rules ----------------------------------------------------------------


def test_a_limit_is_changed_and_recorded_with_both_values(ground, officer):
    limit = all_of(Limit, county=ground.county, urgency="general", kind="close")[0]

    answer = officer.post(
        page("limit", "change", limit.pk),
        {"amount": 7, "unit": "working_day", "source": "试〔2026〕3号"},
    )

    assert answer.status_code == 302
    assert all_of(Limit, pk=limit.pk)[0].amount == 7
    assert trail("console_changed")[-1].detail["changes"]["amount"] == [10, 7]


def test_a_limit_is_not_deleted_nor_doubled(ground, officer):
    limit = all_of(Limit, county=ground.county)[0]
    form = {"urgency": limit.urgency, "kind": limit.kind, "amount": 1, "unit": "minute"}

    assert officer.post(page("limit", "delete", limit.pk), {"post": "yes"}).status_code == 403
    answer = officer.post(page("limit", "add"), {**form, "source": "试验"})

    assert answer.status_code == 200
    assert len(all_of(Limit, county=ground.county)) == 54


@pytest.mark.parametrize(
    ("model", "kind", "form"),
    [
        ("limit", Limit, {"amount": 0, "unit": "minute", "source": "x"}),
        ("limit", Limit, {"amount": 5, "unit": "fortnight", "source": "x"}),
        ("ladderlevel", LadderLevel, {"share": 80, "after": 1, "source": "x"}),
        ("ladderlevel", LadderLevel, {"share": "", "after": "", "source": "x"}),
        (
            "officehours",
            OfficeHours,
            {
                "from_month": 1,
                "from_day": 1,
                "to_month": 12,
                "to_day": 31,
                "morning_from": "12:00",
                "morning_to": "08:00",
                "afternoon_from": "14:30",
                "afternoon_to": "17:30",
                "source": "x",
            },
        ),
    ],
)
def test_values_the_database_refuses_are_refused_on_the_form(ground, officer, model, kind, form):
    row = all_of(kind, county=ground.county)[0]

    answer = officer.post(page(model, "change", row.pk), form)

    assert answer.status_code == 200
    assert answer.context["errors"]


def test_the_closing_without_rating_is_no_level_of_a_county(ground, officer):
    with tenancy.dispatching(reason="tests make room"):
        LadderLevel.objects.filter(county=ground.county, urgency="general").delete()

    form = {"urgency": "general", "level": "lapse", "after": 1, "source": "x"}
    answer = officer.post(page("ladderlevel", "add"), form)
    allowed = officer.post(page("ladderlevel", "add"), {**form, "level": "urge", "after": 0})

    assert (answer.status_code, allowed.status_code) == (200, 302)
    assert [row.level for row in all_of(LadderLevel, county=ground.county, urgency="general")] == [
        "urge"
    ]


def test_a_matter_gets_a_ladder_of_its_own_with_what_happens_and_whom_it_tells(ground, officer):
    matter = ground.entries["NY-01"].matter
    form = {
        "urgency": "general", "level": "urge", "after": 0, "matter": matter.pk, "does": "bulletin",
        "told": ["party", "leader"], "source": "试〔2026〕9号",
    }  # fmt: skip
    strange = county_with_units()[0]
    with tenancy.dispatching(reason="tests make a matter elsewhere"):
        there = DutyList.objects.create(county=strange, name="别县清单")
        theirs = Matter.objects.create(county=strange, duty_list=there, code="BX-01")

    assert officer.post(page("ladderlevel", "add"), form).status_code == 302
    for wrong in ({}, {"matter": theirs.pk}, {"does": "fine"}, {"told": ["press"]}):
        answer = officer.post(page("ladderlevel", "add"), {**form, **wrong})
        assert (answer.status_code, bool(answer.context["errors"])) == (200, True)

    (row,) = all_of(LadderLevel, county=ground.county, matter__isnull=False)
    assert (row.matter_id, row.action, row.audiences) == (
        matter.pk, "bulletin", ("party", "leader"),
    )  # fmt: skip
    listed = officer.get(page("ladderlevel", "changelist")).content.decode()
    assert "NY-01" in listed


def test_the_rules_of_a_county_are_one_row(ground, officer):
    assert officer.get(page("countyrules", "add")).status_code == 403

    with tenancy.dispatching(reason="tests take the row away"):
        CountyRules.objects.filter(county=ground.county).delete()

    numbers = {
        field.name: field.default
        for field in CountyRules._meta.concrete_fields
        if isinstance(field, PositiveSmallIntegerField)
    }
    form = {**numbers, "source": "试验", "resume_after": 5}
    longer = {**form, "resume_after": 61}
    assert officer.post(page("countyrules", "add"), longer).status_code == 200
    assert officer.post(page("countyrules", "add"), form).status_code == 302
    row = all_of(CountyRules, county=ground.county)[0]
    assert (row.emergency_skips_head, row.resume_after, row.source) == (False, 5, "试验")


# --- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("entry", "?q=%00"),
        ("entry", "?urgency__exact=%00"),
        ("entry", "?version__id__exact=abc"),
        ("entry", "?version__id__exact=99999999999999999999"),
        ("entry", "?lead__id__exact=%00"),
        ("entry", "?o=99&p=abc"),
        ("entry", "?lead__county__name=x"),
        ("limit", "?kind__exact=%ED%A0%80"),
        ("entry/add", "?version=abc"),
        ("entry/add", "?version=99999999999999999999"),
        ("entry/add", "?name=%00"),
        ("entry/99999999999999999999/change", ""),
        ("entry/%00/change", ""),
        ("listversion/99999999999999999999/gaps", ""),
    ],
)
def test_odd_addresses_get_an_answer(officer, draft, model, query):
    answer = officer.get(f"/console/mandates/{model}/{query}")

    assert answer.status_code in (200, 302, 400, 404)


@pytest.mark.assurance("B2")
@pytest.mark.parametrize("text", ["\x00", "a\x00b", "长" * 6000])
@pytest.mark.parametrize("field", ["name", "legal_basis", "township_duty", "position", "lead"])
def test_odd_texts_are_refused_on_the_form(officer, draft, field, text):
    entry = code_of("NY-01", draft)

    answer = officer.post(page("entry", "change", entry.pk), fields_of(entry, **{field: text}))

    assert answer.status_code in (200, 302, 400)
    assert code_of("NY-01", draft).name == entry.name


@pytest.mark.parametrize("document_no", ["\x00", "号" * 61])
def test_odd_document_numbers_publish_nothing(officer, draft, document_no):
    form = {
        "valid_from": timezone.localdate().isoformat(),
        "document_no": document_no,
        "confirmed": "on",
    }

    answer = officer.post(page("listversion", "publish", draft.pk), form)

    assert answer.status_code in (200, 400)
    assert all_of(ListVersion, pk=draft.pk)[0].state == "draft"


@pytest.mark.assurance("B2")
def test_half_characters_are_never_kept(officer, draft):
    body = f"valid_from={timezone.localdate()}&document_no=%ED%A0%80%E5%8F%B7&confirmed=on"

    answer = officer.post(
        page("listversion", "publish", draft.pk),
        body,
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code in (200, 302, 400)
    assert "\ud800" not in all_of(ListVersion, pk=draft.pk)[0].document_no
