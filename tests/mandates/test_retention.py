"""E7: every kind has its least period, the night finds, two dispose, the record survives the data."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from common import tenancy
from common.errors import Invalid
from common.ledger import Check
from common.models import AuditEntry, Notice
from mandates.models import Call, CallFile, Disposal, RetentionKind, RetentionRule
from mandates.operations import disposals, files
from mandates.queries import ledger
from mandates.queries.retention import KINDS
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.townships import DepartmentFactory, PostFactory
from tests.factories.townships import member as member_of
from tests.mandates.pages import Browser, url
from tests.mandates.test_ratings import SAID
from townships.http import Member
from townships.models import DepartmentKind, Post, SignIn
from townships.operations import sessions
from townships.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("E7")]

DOCUMENT = "试档〔2026〕1号"


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def leader(world: World) -> Member:
    return world.member(Role.COUNTY_LEADER, world.county)


def rule(world: World, kind: str, months: int) -> None:
    office = world.member(Role.ESTABLISHMENT_OFFICER, world.county)
    with tenancy.scope(office.scope):
        disposals.set_rule(kind, months, DOCUMENT, by=office, at=MONDAY)


def signed_in(who: Member | Post, when: datetime) -> SignIn:
    made: SignIn = SignIn.objects.create(
        user=who.user, session_key="x", began_at=when, seen_at=when, address="10.0.0.1"
    )
    return made


def found_by_night(when: datetime) -> list[Disposal]:
    disposals.find_due(at=when)
    with tenancy.everywhere(reason="a test looks"):
        return list(Disposal.objects.filter(state="found").order_by("kind"))


def two_dispose(kind: str, world: World, leader: Member, when: datetime) -> Disposal:
    with tenancy.scope(world.desk.scope):
        row = disposals.propose(kind, by=world.desk, at=when)
    with tenancy.scope(leader.scope):
        return disposals.decide(row.uid, agrees=True, by=leader, at=when)


def faults(when: datetime) -> list[str]:
    check = Check(at=when, tell=lambda _done: None)
    return [
        str(one) for find in (ledger.disposals_stand, ledger.files_stand, ledger.steps_form_chains)
        for one in find(check)
    ]  # fmt: skip


@pytest.mark.parametrize("kind", RetentionKind.values)
def test_less_than_the_law_wants_is_refused_with_the_reason(world: World, kind: str) -> None:
    least = KINDS[RetentionKind(kind)].least
    with pytest.raises(Invalid) as told:
        rule(world, kind, least - 1)
    assert str(KINDS[RetentionKind(kind)].why) in str(told.value.fields["months"])
    rule(world, kind, least)
    with (
        tenancy.scope(world.desk.scope), pytest.raises(IntegrityError), transaction.atomic(),
    ):  # fmt: skip
        RetentionRule.objects.filter(kind=kind).update(months=least - 1)  # nor around the operation
    with pytest.raises(Invalid):
        rule(world, "audit", 600)  # kept for good


def test_sign_ins_go_by_the_period_of_their_county_and_nobody_elses(
    world: World, leader: Member
) -> None:
    other = make_world()
    old = signed_in(world.clerk, at(1, 5))
    signed_in(world.head, at(3, 10))
    signed_in(other.clerk, at(1, 5))
    above = signed_in(member_of("city_overseer"), at(1, 5))
    # A post of the county before does not make it the county's: they went to an office of the city.
    office = DepartmentFactory(county=None, kind=DepartmentKind.CITY)
    moved = PostFactory(township=world.township)
    PostFactory(user=moved.user, role=Role.DEPARTMENT_OFFICER, department=office)
    risen = signed_in(moved, at(1, 5))
    assert sessions.clear(before=at(2, 1)) == 2  # of nobody's county: by the system's own period
    assert not SignIn.objects.filter(pk__in=[above.pk, risen.pk]).exists()
    rule(world, "sign_in", 6)
    assert found_by_night(at(7, 5)) == []  # six months to the minute
    later = at(7, 6)
    [row] = found_by_night(later)
    assert ([one["uid"] for one in row.items], row.proposed_by_id) == ([str(old.uid)], None)
    assert [one.pk for one in found_by_night(later + timedelta(days=1))] == [row.pk]
    assert SignIn.objects.filter(pk=old.pk).exists()  # the night disposes of nothing
    with tenancy.scope(leader.scope), pytest.raises(disposals.Decided):
        disposals.decide(row.uid, agrees=True, by=leader, at=later)

    done = two_dispose("sign_in", world, leader, later)
    assert (done.pk, done.number, done.is_signed) == (row.pk, 1, True)
    assert SignIn.objects.count() == 2
    assert not SignIn.objects.filter(pk=old.pk).exists()
    assert faults(later) == []
    old.save(force_insert=True)  # as from a backup
    assert faults(later) == [
        f"disposal 1 of county {world.county.pk}: names 1, of which 1 are not gone by it"
    ]


def ended_with_file(world: World) -> tuple[Call, CallFile]:
    call = world.routed()
    world.make("accept", call, by=world.officer(), when=at(3, 3))
    with tenancy.scope(world.officer().scope):
        [kept] = files.attach(
            call.uid, [SimpleUploadedFile("现场.pdf", b"%PDF-1.4 x")], by=world.officer(),
            at=at(3, 3),
        ).files  # fmt: skip
    world.make("answer", call, by=world.officer(), when=at(3, 4), note="已查处", override="口头")
    world.make("rate", call, by=world.clerk, when=at(3, 5), rating="satisfied", **SAID)
    return world.fresh(call), kept


@pytest.mark.django_db(transaction=True)
def test_files_and_notices_go_and_every_chain_stands(
    world: World, leader: Member, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.pdf.render", lambda html: html.encode())
    call, kept = ended_with_file(world)
    place = Path(settings.MEDIA_ROOT) / kept.path
    rule(world, "notice", 6)
    rule(world, "file", 120)
    soon, late = at(12, 1), at(3, 6).replace(year=2036)
    with tenancy.everywhere(reason="a test looks"):
        notices = Notice.objects.count()
    assert notices
    assert [row.kind for row in found_by_night(soon)] == ["notice"]
    first = two_dispose("notice", world, leader, soon)
    assert len(first.items) == notices
    with tenancy.everywhere(reason="a test looks"):
        assert not Notice.objects.exists()
    second = two_dispose("file", world, leader, late)
    assert (second.number, second.previous_hash) == (2, first.hash)
    assert place.exists()  # should this be undone, nothing is lost; nobody gets it any more
    officer = Browser(world.officer(), at=late)
    assert officer.get(url("call-file", call.uid, kept.uid)).status_code == 404
    world.drain(when=late)
    assert not place.exists()
    with tenancy.everywhere(reason="a test looks"):
        row = CallFile.objects.get()
        assert AuditEntry.objects.filter(action="disposal_done").count() == 2
    assert (row.path, row.disposal_uid, row.name) == ("", second.uid, "现场.pdf")
    assert faults(late) == []

    page = officer.get(call.get_absolute_url()).content.decode()
    assert "现场.pdf" in page
    for address in (
        url("call-file", call.uid, row.uid), url("call-file-small", call.uid, row.uid),
        f"/api/v1/calls/{call.uid}/files/{row.uid}/",
    ):  # fmt: skip
        assert officer.get(address).status_code == 404
    desk = Browser(world.desk, at=late)
    told = desk.get(url("person-record-csv", second.uid)).content.decode("utf-8-sig")
    for word in (second.hash, second.signature, first.hash, str(row.uid), call.number, DOCUMENT):
        assert word in told
    paper = desk.get(url("person-record-pdf", second.uid)).content.decode()
    assert second.signature in paper
    assert str(row.uid) in paper
    assert second.hash in desk.get(url("person-disposal", second.uid)).content.decode()
    assert "〔2026〕" in desk.get(url("person-list")).content.decode()
    clerk = Browser(world.clerk, at=late)
    assert clerk.get(url("person-record-csv", second.uid)).status_code == 403
