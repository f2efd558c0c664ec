"""The console: who sees what, what is recorded, and what is never shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from common.models import AuditEntry, CalendarDay
from common.site import OfficerSite
from common.tenancy import everywhere
from tests.factories.calendar import with_calendar
from tests.factories.console import signed_in
from tests.factories.townships import (
    CityFactory,
    CountyFactory,
    DepartmentFactory,
    PostFactory,
    TownshipFactory,
    UserFactory,
)
from townships.models import County, Department, Post, SystemAccount, User
from townships.roles import Role

pytestmark = pytest.mark.django_db

PASSWORD = "vermilion-staple-9"
MODELS = ["division", "county", "township", "department", "platform", "user", "post"]


def trail() -> list[dict[str, Any]]:
    with everywhere(reason="the test looks at what was written down"):
        return list(
            AuditEntry.objects.filter(action__startswith="console")
            .order_by("id")
            .values("action", "target", "actor", "detail")
        )


def page(model: str, what: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:townships_{model}_{what}", args=args)


def test_the_console_is_the_projects_own() -> None:
    assert isinstance(admin.site, OfficerSite)
    assert not [
        model._meta.label
        for model in admin.site._registry
        if model._meta.app_label in ("auth", "oauth2_provider", "account", "guardian")
    ]


@pytest.mark.assurance("E5")
@pytest.mark.parametrize("role", Role)
def test_who_may_enter(role: Role) -> None:
    enters = {
        Role.ESTABLISHMENT_OFFICER,
        Role.CITY_OVERSEER,
        Role.SYSTEM_ADMINISTRATOR,
        Role.SECURITY_ADMINISTRATOR,
        Role.AUDIT_ADMINISTRATOR,
    }

    answer = signed_in(role).get(reverse("admin:index"), follow=True)

    assert answer.status_code == (200 if role in enters else 403)


def test_nobody_is_sent_to_the_sign_in_of_the_pages(client: Client) -> None:
    answer = client.get(reverse("admin:index"), follow=True)

    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))


@pytest.mark.parametrize("model", [*MODELS, "divisionload", "systemaccount"])
def test_every_list_and_form_opens_for_those_who_may(model: str) -> None:
    PostFactory()
    TownshipFactory()
    for role in (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR):
        client = signed_in(role)
        listed = client.get(page(model))
        assert listed.status_code == 200
        rows = listed.context["cl"].queryset
        for row in rows[:1]:
            assert client.get(page(model, "change", row.pk)).status_code == 200
        added = client.get(page(model, "add")).status_code
        assert added in (200, 403)


def test_the_console_speaks_chinese() -> None:
    text = signed_in(Role.SYSTEM_ADMINISTRATOR).get(page("user")).content.decode()

    assert "搜索" in text


# --- An establishment officer, in one county ----------------------------------------------------


@pytest.mark.assurance("T12")
def test_an_officer_sees_and_edits_the_own_county_alone() -> None:
    own, other = CountyFactory(name="甲县"), CountyFactory(name="乙县")
    mine, theirs = DepartmentFactory(county=own), DepartmentFactory(county=other)
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=own)

    listed = client.get(page("department")).context["cl"].queryset

    assert list(listed) == [mine]
    unknown = client.get(page("department", "change", theirs.pk))
    missing = client.get(page("department", "change", 10**9))
    assert (unknown.status_code, missing.status_code) == (404, 404)
    assert [c.pk for c in client.get(page("county")).context["cl"].queryset] == [own.pk]


@pytest.mark.assurance("T3")
def test_an_officer_cannot_put_a_unit_into_another_county() -> None:
    own, other = CountyFactory(), CountyFactory()
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=own)
    fields = {"code": "new", "name": "新局", "short_name": "新局", "kind": "department"}

    refused = client.post(page("department", "add"), {**fields, "county": other.pk})
    made = client.post(page("department", "add"), {**fields, "county": own.pk})

    assert (refused.status_code, made.status_code) == (200, 302)
    assert Department.objects.get().county_id == own.pk


@pytest.mark.assurance("E9")
def test_a_change_is_recorded_with_both_values() -> None:
    county = CountyFactory()
    unit = DepartmentFactory(county=county, name="旧名")
    client = signed_in(Role.ESTABLISHMENT_OFFICER, county=county)

    answer = client.post(
        page("department", "change", unit.pk),
        {
            "name": "新名",
            "short_name": unit.short_name,
            "kind": unit.kind,
            "platform": unit.platform_id,
        },
    )

    assert answer.status_code == 302
    entry = trail()[-1]
    assert (entry["action"], entry["target"]) == ("console_changed", "新名")
    assert entry["detail"] == {"changes": {"name": ["旧名", "新名"]}, "reason": "试验"}


def test_nothing_is_deleted_in_the_console() -> None:
    unit = DepartmentFactory()
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)

    assert client.post(page("department", "delete", unit.pk), {"post": "yes"}).status_code == 403
    client.post(page("department"), {"action": "delete_selected", "_selected_action": unit.pk})

    assert Department.objects.filter(pk=unit.pk).exists()


def test_what_files_say_is_not_edited() -> None:
    county = CountyFactory(name="甲县")
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)

    client.post(
        page("county", "change", county.pk),
        {"name": "x", "short_name": "甲", "note": ""} | management(),
    )

    county = County.objects.get(pk=county.pk)
    assert (county.name, county.short_name) == ("甲县", "甲")


def management() -> dict[str, int]:
    return {
        f"{prefix}-{name}": 0
        for prefix in ("codes", "names", "parents")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    }


# --- Accounts -----------------------------------------------------------------------------------


def test_an_administrator_opens_an_account_and_is_led_to_its_invitation() -> None:
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)

    answer = client.post(
        page("user", "add"),
        {"username": "ｌｉｈｕａ", "name": "李华", "language": "zh-hans", "is_active": "on"},
    )

    user = User.objects.get(username="lihua")
    assert answer["Location"] == page("user", "invite", user.pk)
    assert not user.has_usable_password()


@pytest.mark.assurance("A7")
def test_no_page_and_no_record_shows_a_password_or_its_hash() -> None:
    user = UserFactory()
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)
    url = page("user", "change", user.pk)

    shown = client.get(url).content.decode()
    client.post(
        url,
        {
            "username": user.username,
            "name": "新名",
            "language": "zh-hans",
            "is_active": "on",
            "password": PASSWORD,
            "first_password": PASSWORD,
        },
    )

    user.refresh_from_db()
    assert user.name == "新名"
    assert user.check_password("correct horse battery")
    assert user.password not in shown
    for entry in trail():
        assert PASSWORD not in str(entry)
        assert "password'" not in str(entry["detail"])


@pytest.mark.parametrize("reason", ["", " ", "x", "理" * 301])
def test_a_change_without_a_fitting_reason_is_refused(reason: str) -> None:
    unit = DepartmentFactory(name="旧名")
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)
    form = {"name": "新名", "short_name": "新名", "kind": unit.kind, "platform": unit.platform_id}

    answer = client.post(page("department", "change", unit.pk), {**form, "reason": reason})

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["reason"]
    assert Department.objects.get(pk=unit.pk).name == "旧名"
    assert trail() == []


def test_nothing_is_deleted_without_a_reason() -> None:
    with_calendar()
    day = CalendarDay.objects.filter(kind="off").order_by("-date").first()
    assert day is not None
    client = signed_in(Role.SYSTEM_ADMINISTRATOR)
    year = reverse("admin:common_calendaryear_change", args=[day.year_id])
    rows = {
        "days-TOTAL_FORMS": 1,
        "days-INITIAL_FORMS": 1,
        "days-0-id": day.pk,
        "days-0-year": day.year_id,
        "days-0-date": day.date.isoformat(),
        "days-0-kind": day.kind,
        "days-0-name": "改名",
        "document": "试验",
    }

    refused = client.post(year, {**rows, "reason": ""})
    assert refused.status_code == 200
    assert CalendarDay.objects.get(pk=day.pk).name == day.name
    client.post(year, {**rows, "reason": "更正名称"})

    assert CalendarDay.objects.get(pk=day.pk).name == "改名"
    last = trail()[-1]
    assert last["detail"] == {"changes": {"name": [day.name, "改名"]}, "reason": "更正名称"}


@pytest.mark.assurance("E5")
def test_the_security_administrator_gives_posts_but_makes_no_accounts() -> None:
    user, township = UserFactory(), TownshipFactory()
    client = signed_in(Role.SECURITY_ADMINISTRATOR)

    assert client.get(page("user", "add")).status_code == 403
    answer = client.post(
        page("post", "add"),
        {
            "user": user.pk,
            "role": Role.TOWNSHIP_CLERK,
            "township": township.pk,
            "valid_from": "2026-01-01",
        },
    )

    assert answer.status_code == 302
    assert Post.objects.get(user=user).township_id == township.pk
    assert trail()[-1]["action"] == "console_added"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"role": Role.COUNTY_DESK}, "role needs exactly one unit"),
        ({"role": Role.AUDIT_ADMINISTRATOR, "city": True}, "hold no other post"),
    ],
)
def test_a_post_that_must_not_be_is_explained(fields: dict[str, Any], text: str) -> None:
    clerk = PostFactory(valid_from=date(2020, 1, 1))
    client = signed_in(Role.SECURITY_ADMINISTRATOR, user=UserFactory(language="en"))
    unit = (
        {"city": CityFactory().pk} if fields.pop("city", None) else {"township": clerk.township_id}
    )

    answer = client.post(
        page("post", "add"),
        {"user": clerk.user_id, "valid_from": "2026-01-01", **fields, **unit},
    )

    assert answer.status_code == 200
    assert text in answer.content.decode()
    assert Post.objects.filter(user=clerk.user).count() == 1


def test_a_post_is_ended_but_not_rewritten() -> None:
    post, other = PostFactory(), TownshipFactory()
    client = signed_in(Role.SECURITY_ADMINISTRATOR)

    client.post(
        page("post", "change", post.pk),
        {
            "title": "",
            "valid_from": "2020-01-01",
            "valid_to": "2026-05-01",
            "township": other.pk,
            "role": Role.TOWNSHIP_HEAD,
        },
    )

    after = Post.objects.get(pk=post.pk)
    assert after.valid_to == date(2026, 5, 1)
    assert (after.township_id, after.role) == (post.township_id, post.role)


@pytest.mark.assurance("A6")
def test_a_system_is_registered_and_its_secret_shown_once() -> None:
    post = PostFactory(user=UserFactory(is_machine=True))
    client = signed_in(Role.SECURITY_ADMINISTRATOR)

    answer = client.post(
        page("systemaccount", "add"),
        {
            "source_system": "12345 热线",
            "post": post.pk,
            "scopes": ["calls.read", "calls.write"],
            "is_active": "on",
        },
        follow=True,
    )

    account = SystemAccount.objects.get()
    assert account.allowed_scopes == "calls.read calls.write"
    assert account.application.client_id in answer.content.decode()
    assert account.application.client_id not in client.get(page("systemaccount")).content.decode()
    answer = client.post(
        page("systemaccount", "change", account.pk), {"post": post.pk, "scopes": ["calls.read"]}
    )
    account.refresh_from_db()
    assert (account.allowed_scopes, account.is_active) == ("calls.read", False)


@pytest.mark.assurance("E5")
def test_the_auditor_reads_the_trail_and_changes_nothing() -> None:
    client = signed_in(Role.AUDIT_ADMINISTRATOR)
    unit = DepartmentFactory()

    assert client.get(reverse("admin:common_auditentry_changelist")).status_code == 200
    assert client.post(page("department", "change", unit.pk), {"name": "x"}).status_code == 403
    assert (
        signed_in(Role.SYSTEM_ADMINISTRATOR)
        .get(reverse("admin:common_auditentry_changelist"))
        .status_code
        == 403
    )
