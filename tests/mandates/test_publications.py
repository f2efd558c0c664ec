"""A version is published by two persons: one proposes it, another confirms what was proposed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from common import tenancy
from common.errors import Invalid, NotAllowed, TwoPersons
from common.models import AuditEntry, Notice
from common.worktime import SHANGHAI
from mandates.models import (
    EntryStep,
    ListPublication,
    ListVersion,
    PublicationDecision,
)
from mandates.operations import lists, publications
from tests.factories.mandates import Ground, county_with_list
from tests.factories.townships import PostFactory, member
from townships.http import Member
from townships.models import Post
from townships.roles import Role

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
TODAY, DOC = NOW.date(), "试编办〔2026〕9号"


@pytest.fixture
def ground() -> Iterator[Ground]:
    ground = county_with_list()
    with tenancy.dispatching(reason="tests edit lists"):
        yield ground


@pytest.fixture
def officer(ground: Ground) -> Member:
    return member(Role.ESTABLISHMENT_OFFICER, county=ground.county)


@pytest.fixture
def leader(ground: Ground) -> Member:
    return member(Role.COUNTY_LEADER, county=ground.county)


def drafted(ground: Ground) -> ListVersion:
    draft = lists.open_draft(ground.version.duty_list, reason="修订", by=None, at=NOW)
    entry = draft.entries.get(matter__code="NY-01")
    EntryStep.objects.create(**entry.tenant, entry=entry, position=1, who="镇", what="上报")
    return draft


def proposed(draft: ListVersion, by: Member, day: date = TODAY) -> ListPublication:
    return publications.propose(
        draft, valid_from=day, document_no=DOC, note="已征求意见", by=by, at=NOW
    )


def told(kind: str) -> list[int]:
    return list(Notice.objects.filter(kind=kind).values_list("user", flat=True))


def test_one_proposes_and_another_confirms(ground: Ground, officer: Member, leader: Member) -> None:
    second = member(Role.ESTABLISHMENT_OFFICER, county=ground.county)
    one = proposed(drafted(ground), officer)

    assert ListVersion.objects.get(uid=one.version_uid).state == "draft"
    assert sorted(told("publication_waits")) == sorted([leader.user_id, second.user_id])
    with pytest.raises(TwoPersons):
        publications.confirm(one.uid, by=officer, at=NOW)
    # In another post one is still the same person.
    post = PostFactory(role=Role.COUNTY_LEADER, county=ground.county, user=officer.user)
    again = Post.objects.with_units().select_related("user").get(pk=post.pk)
    with pytest.raises(TwoPersons):
        publications.confirm(one.uid, by=Member.holding(again), at=NOW)
    desk = member(Role.COUNTY_DESK, county=ground.county)
    with pytest.raises(NotAllowed):
        publications.confirm(one.uid, by=desk, at=NOW)
    with pytest.raises(ListPublication.DoesNotExist):  # somebody of another county
        publications.confirm(one.uid, by=member(Role.COUNTY_LEADER), at=NOW)

    version = publications.confirm(one.uid, note="同意", by=leader, at=NOW)

    assert (version.state, version.document_no, version.valid_from) == ("published", DOC, TODAY)
    assert version.published_by_id == leader.user_id
    decision = PublicationDecision.objects.get(publication=one)
    assert (decision.proposed_by_id, decision.decided_by_id) == (officer.user_id, leader.user_id)
    assert told("publication_confirmed") == [officer.user_id]
    with pytest.raises(publications.Decided):
        publications.confirm(one.uid, by=second, at=NOW)
    with tenancy.everywhere(reason="only the auditor reads the trail"):
        rows = (
            AuditEntry.objects.filter(action__startswith="list_pub")
            .exclude(actor="")
            .order_by("pk")
        )
        assert [(row.action, row.actor) for row in rows] == [
            ("list_publication_proposed", officer.label),
            ("list_published", leader.label),
        ]


@pytest.mark.parametrize("how", ["refuse", "withdraw"])
def test_what_waits_stays_as_it_was_proposed_until_it_is_decided(
    ground: Ground, officer: Member, leader: Member, how: str
) -> None:
    draft = drafted(ground)
    one = proposed(draft, officer)
    entry = draft.entries.get(matter__code="NY-01")

    for act in (
        lambda: lists.hold_draft(draft),
        lambda: lists.discard_draft(draft, reason="重来", by=officer, at=NOW),
        lambda: proposed(draft, leader_who_edits(ground)),
    ):
        with pytest.raises(lists.Waits):
            act()
    for statement in (
        f"update mandates_entry set name = 'x' where id = {entry.pk}",
        f"delete from mandates_entrystep where entry_id = {entry.pk}",
        f"update mandates_listversion set note = 'x' where id = {draft.pk}",
    ):
        with (
            pytest.raises(DatabaseError, match="stays as it was proposed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    who = leader if how == "refuse" else officer
    other = officer if how == "refuse" else leader
    act: Any = getattr(publications, how)
    with pytest.raises(Invalid):
        act(one.uid, reason=" ", by=who, at=NOW)
    with pytest.raises((NotAllowed, TwoPersons)):
        act(one.uid, reason="不妥", by=other, at=NOW)
    act(one.uid, reason="缺少征求意见记录", by=who, at=NOW)

    lists.hold_draft(draft)
    again = proposed(draft, officer, TODAY + timedelta(days=1))
    publications.withdraw(again.uid, reason="删除", by=officer, at=NOW)
    lists.discard_draft(draft, reason="删除", by=officer, at=NOW)
    # What was proposed of a draft that is gone is still known.
    assert ListPublication.objects.filter(version_uid=draft.uid).count() == 2


def leader_who_edits(ground: Ground) -> Member:
    return member(Role.ESTABLISHMENT_OFFICER, county=ground.county)


def test_what_was_true_when_it_was_proposed_is_asked_again(
    ground: Ground, officer: Member, leader: Member
) -> None:
    one = proposed(drafted(ground), officer)
    unit = ground.units["agriculture"]
    unit.valid_from, unit.valid_to = date(2019, 1, 1), TODAY
    unit.save()

    with pytest.raises(publications.HasGaps):
        publications.confirm(one.uid, by=leader, at=NOW)
    with pytest.raises(publications.BadDate):  # its day is over
        publications.confirm(one.uid, by=leader, at=NOW + timedelta(days=1))
    assert not PublicationDecision.objects.exists()


def test_postgresql_holds_the_rule_itself(ground: Ground, officer: Member, leader: Member) -> None:
    draft = drafted(ground)
    rows = ListVersion.objects.filter(pk=draft.pk)
    hold: dict[str, Any] = {
        "state": "published", "valid_from": TODAY, "document_no": DOC, "published_at": NOW,
    }  # fmt: skip
    ListVersion.objects.filter(pk=ground.version.pk).update(valid_to=TODAY)

    def refused(name: str, act: Any) -> None:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            act()

    two = "published by two persons"
    refused(two, lambda: rows.update(**hold))
    refused(two, lambda: ListVersion.objects.create(
        **draft.tenant, duty_list_id=draft.duty_list_id, number=9, **hold))  # fmt: skip
    refused(two, lambda: ListPublication.objects.create(
        **draft.tenant, duty_list_id=draft.duty_list_id, version_uid=draft.uid, number=2,
        kind="setup", document_no=DOC, valid_from=TODAY, note="命令", proposed_at=NOW))  # fmt: skip
    one = proposed(draft, officer)
    refused("waits for a second person already", lambda: ListPublication.objects.create(
        **draft.tenant, duty_list_id=draft.duty_list_id, version_uid=draft.uid, number=2,
        document_no=DOC, valid_from=TODAY, proposed_by=leader.user, proposed_at=NOW))  # fmt: skip

    def decided(by: Member, as_if: Member, outcome: str = "confirmed") -> Any:
        return PublicationDecision.objects.create(
            **draft.tenant, publication=one, outcome=outcome, proposed_by=as_if.user,
            decided_by=by.user, decided_at=NOW, answer="可",
        )  # fmt: skip

    refused("publication_two_persons", lambda: decided(officer, officer))
    refused("names who proposed", lambda: decided(officer, leader))
    refused("publication_two_persons", lambda: decided(leader, officer, "withdrawn"))
    decided(leader, officer)
    refused("publication_decided_once", lambda: decided(leader, officer, "refused"))
    # Between the confirmation and the publication nobody puts other words in.
    refused("stays as it was proposed", lambda: draft.entries.update(name="别的事项"))
    refused("stays as it was proposed", lambda: draft.entries.all().delete())
    refused("stays as it was proposed", lambda: rows.update(note="别的"))
    refused(two, lambda: rows.update(**{**hold, "document_no": "别的文号"}))
    rows.update(**hold)


def test_no_request_sets_a_list_up(ground: Ground) -> None:
    fresh = county_with_list(publish=False)
    scope = tenancy.Scope("county", counties=(fresh.county.pk,))
    with tenancy.scope(scope), pytest.raises(DatabaseError, match="only a command"):
        ListPublication.objects.create(
            county=fresh.county, duty_list=fresh.version.duty_list, version_uid=fresh.version.uid,
            number=1, kind="setup", document_no=DOC, valid_from=TODAY, note="x", proposed_at=NOW,
        )  # fmt: skip


# --- pages -----------------------------------------------------------------------------------------


def client(of: Member) -> Client:
    made = Client()
    made.force_login(of.user)
    return made


def test_the_second_person_reads_and_confirms_on_pages(ground: Ground) -> None:
    officer = member(Role.ESTABLISHMENT_OFFICER, county=ground.county)
    draft = drafted(ground)
    day = date.today() + timedelta(days=1)  # noqa: DTZ011 - pages read the clock
    form = {"valid_from": day.isoformat(), "document_no": DOC, "confirmed": "on", "note": "请审"}
    answer = client(officer).post(
        reverse("admin:mandates_listversion_publish", args=[draft.pk]), form
    )
    one = ListPublication.objects.get(version_uid=draft.uid)
    assert answer["Location"] == one.get_absolute_url()
    page = client(officer).get(one.get_absolute_url())
    assert (page.context["confirm_form"], page.context["confirmers"]) == (None, [])
    assert "hy-pressing" not in client(officer).get(reverse("admin:index")).content.decode()

    leader = member(Role.COUNTY_LEADER, county=ground.county)
    second = member(Role.ESTABLISHMENT_OFFICER, county=ground.county)
    panels = client(second).get(reverse("admin:index")).context["panels"]
    line = next(
        line for panel in panels for line in panel.lines if line.url == one.get_absolute_url()
    )
    assert line.is_pressing
    grid = client(officer).get(reverse("mandates:draft-grid", args=[draft.uid])).content.decode()
    assert "<fieldset disabled" in grid
    entry = draft.entries.get(matter__code="NY-01")
    assert (
        client(officer)
        .get(reverse("admin:mandates_entry_change", args=[entry.pk]))
        .context["has_change_permission"]
        is False
    )

    browser = client(leader)
    listed = browser.get(reverse("mandates:publication-list"))
    assert [row.pk for row in listed.context["rows"]] == [one.pk]
    for url in (
        one.get_absolute_url(),
        reverse("mandates:draft-review", args=[draft.uid]),
        f"{reverse('mandates:entry-compare')}?after={draft.uid}",
    ):
        assert browser.get(url).status_code == 200
    decide = reverse("mandates:publication-decide", args=[one.uid])
    assert browser.post(decide, {"do": "refuse", "refuse-reason": ""}).status_code == 422
    assert (
        client(officer).post(decide, {"do": "confirm", "confirm-checked": "on"}).status_code == 422
    )
    answer = browser.post(decide, {"do": "confirm", "confirm-checked": "on"})
    assert answer["Location"] == one.get_absolute_url()
    version = ListVersion.objects.get(pk=draft.pk)
    assert (version.state, version.valid_from) == ("published", day)
    told_of = (
        client(officer)
        .get(reverse("admin:mandates_listversion_change", args=[draft.pk]))
        .content.decode()
    )
    assert officer.label in told_of
    assert leader.label in told_of

    told = browser.get(f"/api/v1/versions/{draft.uid}/").json()["publication"]
    assert (told["kind"], told["proposed_by"], told["confirmed_by"]) == (
        "persons", officer.label, leader.label,
    )  # fmt: skip
    first = browser.get(f"/api/v1/versions/{ground.version.uid}/").json()["publication"]
    assert (first["kind"], first["proposed_by"], first["confirmed_at"]) == ("setup", "", None)

    stranger = client(member(Role.COUNTY_LEADER))
    clerk = client(member(Role.TOWNSHIP_CLERK, township=ground.township))
    for url in (one.get_absolute_url(), decide):
        assert stranger.post(url).status_code in (404, 405)
        assert stranger.get(url).status_code in (404, 405)
    assert clerk.get(one.get_absolute_url()).status_code == 403
