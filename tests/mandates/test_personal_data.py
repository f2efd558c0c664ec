"""Personal data: encrypted, masked, seen for a reason, found, disposed of by two, keys rotated."""

from __future__ import annotations

import base64
import io
import json
import logging
import zipfile
from datetime import date, datetime
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.forms import model_to_dict, modelform_factory
from django.urls import reverse

from common import ciphers, logs, renewing, rotation, sms, tenancy
from common.errors import Invalid, NotAllowed, Refused
from common.ledger import Check
from common.masking import masked, without_persons
from common.models import AuditEntry, Job, MobileNumber, NoticeMail
from common.personal import Kind, credit_code, id_number, phone
from mandates.models import Call, Caller, CallerReveal, Disposal, LadderLevel, PersonSearch, Step
from mandates.operations import callers, disposals, persons, telling
from mandates.queries import ledger
from mandates.queries.callers import shown
from tests.factories.calls import MONDAY, World, at, make_world
from tests.factories.systems import System
from tests.factories.townships import PostFactory
from tests.factories.townships import member as member_of
from tests.mandates.pages import Browser, url
from tests.mandates.test_ratings import SAID
from townships.http import Member
from townships.models import Duty, Post, SignIn, User
from townships.operations import jobs as work
from townships.operations import staffing
from townships.roles import Role

pytestmark = pytest.mark.django_db

NAME, PHONE, CARD, HOME = "欧阳雪梅", "13987654321", "11010519491231002X", "青弋江镇大桥村12组7号"
ASKED = {"name": NAME, "phone": "139 8765 4321", "id_number": CARD.lower(), "address": HOME}
ORDER = {
    "source_no": "12345-1", "matter": "SL-01", "title": "大桥下游夜间采砂",
    "content": "有挖掘机夜间取砂。", "caller": ASKED,
}  # fmt: skip
CLEAR = (NAME, PHONE, CARD, HOME)


@pytest.fixture
def world() -> World:
    return make_world()


def taken_in(world: World, system: System | None = None, **more: Any) -> Call:
    with time_machine.travel(MONDAY, tick=False):
        answer = (system or System.beside(world.head)).post(
            "intake/hotline-orders/", {"records": [{**ORDER, **more}]}
        )
    assert answer.status_code == 200, answer.json()
    [row] = answer.json()["results"]
    assert row["outcome"] == "accepted", row
    world.drain(when=MONDAY)
    with tenancy.everywhere(reason="a test looks"):
        return Call.objects.get(uid=row["uid"])


def caller_of(call: Call) -> Caller:
    with tenancy.dispatching(reason="a test looks"):
        return Caller.objects.get(call=call)


def all_there_is() -> str:
    """Every row of every table of the database, as text."""
    with tenancy.dispatching(reason="a test looks"), connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relkind = 'r' and "
            "relnamespace = 'public'::regnamespace and has_table_privilege(oid, 'select')"
        )
        names = [name for (name,) in cursor.fetchall()]
        assert "mandates_caller" in names
        found = []
        for name in names:
            cursor.execute(f'select t::text from "{name}" t')
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.assurance("E8")
def test_nowhere_clear_but_where_somebody_says_why(world: World) -> None:
    """E8: the database, pages, API, files, history, audit trail and logs, scanned for the values."""
    log = StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(logs.formatter())
    logging.getLogger().addHandler(handler)
    try:
        call = taken_in(world)
        logging.getLogger("huying.test").warning("rung %s", PHONE, extra={"asked": {"of": CARD}})
        seen = [all_there_is()]
        officer = Browser(world.officer(), at=MONDAY)
        for page in (
            call.get_absolute_url(), url("call-list"), url("call-sheet", call.uid), url("notice-list"),
            url("call-caller", call.uid), f"/api/v1/calls/{call.uid}/", "/api/v1/events/",
            f"/api/v1/calls/{call.uid}/caller/",
        ):  # fmt: skip
            answer = officer.get(page)
            assert answer.status_code == 200, page
            seen.append(answer.content.decode())
        assert "欧***" in seen[5]
        assert "139****4321" in seen[5]
        assert json.loads(seen[8]) == {
            "name": "欧***", "phone": "139****4321", "id_number": "110105**********2X",
            "address": "青弋江镇大桥村***", "disposed_at": None,
        }  # fmt: skip

        short = officer.post(url("caller-reveal", call.uid), {"reason": "看"})
        assert short.status_code == 422
        assert PHONE not in short.content.decode()
        told = officer.post(url("caller-reveal", call.uid), {"reason": "电话联系当事人核实"})
        for value in CLEAR:
            assert value in told.content.decode()
        assert "no-store" in told["Cache-Control"]
        seen.append(all_there_is())
    finally:
        logging.getLogger().removeHandler(handler)
    said = log.getvalue()
    assert "rung 139****4321" in said
    for value in CLEAR:
        assert [n for n, text in enumerate([*seen, said]) if value in text] == []

    with tenancy.everywhere(reason="a test looks"):
        [look] = CallerReveal.objects.all()
    assert (look.by_id, look.reason, look.at) == (
        world.officer().user_id, "电话联系当事人核实", MONDAY,
    )  # fmt: skip
    assert look.fields == ["name", "phone", "id_number", "address"]
    with (
        tenancy.dispatching(reason="a test tries"),
        pytest.raises(DatabaseError, match="append-only|permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("delete from mandates_callerreveal")


@pytest.mark.assurance("E8")
def test_who_may_look(world: World) -> None:
    call = taken_in(world)

    def look(who: Member) -> str:
        with tenancy.scope(who.scope):
            return callers.reveal(call.uid, "核实情况需要", by=who, at=MONDAY)[Kind.PHONE]

    for who in (world.clerk, world.head, world.officer(), world.desk):
        assert look(who) == PHONE
    other = make_world()
    for who in (
        world.officer(world.housing), world.member(Role.TOWNSHIP_CLERK, world.sibling), other.desk,
    ):  # fmt: skip
        with pytest.raises(Call.DoesNotExist):
            look(who)
        if who.department_id is None:
            with tenancy.scope(who.scope):  # row security alone says the same
                assert not Caller._base_manager.exists()
    for role, unit in ((Role.COUNTY_LEADER, world.county), (Role.GRID_WORKER, world.township)):
        with pytest.raises(NotAllowed):
            look(world.member(role, unit))
    system = System.beside(world.desk)
    assert system.get(f"calls/{call.uid}/caller/").json()["phone"] == "139****4321"
    leader = Browser(world.member(Role.COUNTY_LEADER, world.county), at=MONDAY)
    assert leader.post(url("caller-reveal", call.uid), {"reason": "核实情况"}).status_code == 403


@pytest.mark.assurance("B3")
def test_what_is_sent_of_a_person_is_checked_and_makes_no_other_order(world: World) -> None:
    system = System.beside(world.head)
    call = taken_in(world, system)

    def send(number: str, **caller: str) -> dict[str, Any]:
        record = {**ORDER, "source_no": number, "caller": caller}
        with time_machine.travel(MONDAY, tick=False):
            rows = system.post("intake/hotline-orders/", {"records": [record]}).json()["results"]
        return rows[0]

    wrong = send("12345-2", id_number="110105194912310021", phone="12")
    assert {one["field"] for one in wrong["errors"]} == {"caller.id_number", "caller.phone"}
    again = send("12345-1", phone="13800000000")
    assert (again["outcome"], again["uid"]) == ("existing", str(call.uid))
    assert caller_of(call).clear()[Kind.PHONE] == PHONE
    assert send("12345-3")["outcome"] == "accepted"
    assert phone("+86 139-8765-4321") == PHONE
    assert phone("0563－3021234") == "05633021234"
    assert id_number(" 11010519491231002x ") == CARD
    assert credit_code("91110000600037341L") == "91110000600037341L"
    for read, text in ((phone, "1234567890123"), (id_number, "11010519490231002X"),
                       (credit_code, "91110000600037342L")):  # fmt: skip
        with pytest.raises(Invalid):
            read(text)
    assert masked("phone", "05633021234") == "056****1234"
    assert masked("address", "东河沿12号") == "东河***"
    assert without_persons(
        f"卡号 6222021234567890123，证 {CARD}，电话+86 {PHONE}，2026030212345678"
    ) == ("卡号 6222021234567890123，证 110105**********2X，电话139****4321，2026030212345678")
    assert without_persons("550 <li.lei+1@mail.example.org>, a@b.cn refused; root@localhost") == (
        "550 <l***@mail.example.org>, a***@b.cn refused; root@localhost"
    )


def test_a_township_writes_down_who_asked_once(world: World) -> None:
    call = world.routed()
    page = Browser(world.clerk, at=MONDAY)
    form = url("call-caller", call.uid)
    assert page.post(form, {}).status_code == 422
    assert page.post(form, {"phone": "xyz"}).status_code == 422
    assert page.post(form, {"name": NAME, "phone": PHONE}).status_code == 302
    assert "139****4321" in page.get(form).content.decode()
    with tenancy.scope(world.clerk.scope), pytest.raises(Refused):
        callers.take_down(call.uid, {"name": NAME}, by=world.clerk, at=MONDAY)
    with tenancy.scope(world.desk.scope), pytest.raises(NotAllowed):
        callers.take_down(call.uid, {"name": NAME}, by=world.desk, at=MONDAY)


def keys(*names: str) -> str:
    return ",".join(f"{name}:{base64.b64encode(name[0].encode() * 32).decode()}" for name in names)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.assurance("R8")
@pytest.mark.parametrize("cipher", [ciphers.AES, ciphers.SM])
def test_keys_are_rotated_with_both_ciphers(world: World, settings: Any, cipher: str) -> None:
    settings.PERSONAL_KEYS, settings.PERSONAL_CIPHER = keys("old"), cipher
    first, second = taken_in(world), taken_in(world, source_no="12345-2")
    was = caller_of(first)
    assert was.phone.startswith(f"{ciphers.CODES[cipher]}$old$")
    assert was.phone != caller_of(second).phone
    # What is kept holds in its own row and column alone, and unchanged.
    for token, of in ((was.phone, f"mandates.caller.phone:{second.uid}"),
                      (was.phone, was._place(Kind.NAME)),
                      (was.phone[:-6] + "AAAAA=", was._place(Kind.PHONE))):  # fmt: skip
        with pytest.raises(ciphers.Unreadable):
            ciphers.decrypt(token, of=of)

    with tenancy.scope(world.desk.scope):
        persons.search("phone", PHONE, "市民申请查询", by=world.desk, at=MONDAY)
    settings.PERSONAL_KEYS = keys("new", "old")
    with tenancy.scope(world.desk.scope):  # found under either key meanwhile
        found = persons.search("phone", PHONE, "市民申请查询", by=world.desk, at=MONDAY)
    assert len(found.callers) == 2
    assert "old  2" in said("--status")
    said()
    assert "old  0" in said("--status")
    # What was searched for is not kept: its index stays as it was, and the status says so.
    assert "old  0  数据已不再需要\n    mandates.personsearch 有 1 行一直使用此密钥" in said(
        "--status"
    )
    with tenancy.everywhere(reason="a test looks"):
        asked = PersonSearch.objects.order_by("id").values_list("wanted", flat=True)
        assert list(asked) == ciphers.indexes("phone", PHONE)[::-1]
    assert {caller_of(call).key for call in (first, second)} == {"new"}
    assert caller_of(first).phone_index.startswith("new:")
    settings.PERSONAL_KEYS = keys("new")
    assert caller_of(first).clear()[Kind.ID_NUMBER] == CARD

    settings.PERSONAL_KEYS = keys("third")
    assert set(shown(caller_of(first)).values()) == {"***"}
    with tenancy.scope(world.desk.scope), pytest.raises(callers.KeyUnknown):
        callers.reveal(first.uid, "核实情况需要", by=world.desk, at=MONDAY)
    with pytest.raises(CommandError, match="2"):
        said()
    with tenancy.everywhere(reason="a test looks"):
        assert not CallerReveal.objects.exists()


def test_a_new_key_is_printed_and_what_is_no_key_is_refused(settings: Any) -> None:
    settings.PERSONAL_KEYS = said("--new", "k2026").strip()
    assert ciphers.current().name == "k2026"
    for wrong in ("x", "k:short", f"{keys('a')},{keys('a')}", "K:" + keys("a")[2:]):
        settings.PERSONAL_KEYS = wrong
        with pytest.raises(ciphers.ImproperlyConfigured) as told:
            ciphers.keys()
        assert wrong not in str(told.value)


# --- disposal ----------------------------------------------------------------------------------------


LATER = at(9, 10)


@pytest.fixture
def leader(world: World) -> Member:
    return world.member(Role.COUNTY_LEADER, world.county)


@pytest.fixture
def ended(world: World) -> Call:
    call = taken_in(world)
    world.make("accept", call, by=world.officer(), when=at(3, 3))
    world.make(
        "answer", call, by=world.officer(), when=at(3, 4), note="已查处", override="口头已复"
    )
    world.make("rate", call, by=world.clerk, when=at(3, 5), rating="satisfied", **SAID)
    return world.fresh(call)


def rule(world: World, months: int = 6) -> None:
    office = world.member(Role.ESTABLISHMENT_OFFICER, world.county)
    with tenancy.scope(office.scope):
        disposals.set_rule("caller", months, "试档〔2026〕1号", by=office, at=MONDAY)


def propose(who: Member, when: datetime = LATER) -> Disposal:
    with tenancy.scope(who.scope):
        return disposals.propose("caller", by=who, at=when)


def decide(row: Disposal, who: Member, **more: Any) -> Disposal:
    with tenancy.scope(who.scope):
        return disposals.decide(row.uid, by=who, at=LATER, **{"agrees": True, **more})


def nightly() -> list[str]:
    check = Check(at=LATER, tell=lambda _done: None)
    return [
        str(one)
        for find in (ledger.disposals_stand, ledger.steps_form_chains)
        for one in find(check)
    ]


@pytest.mark.assurance("E6", "E7", "I10")
@pytest.mark.django_db(transaction=True)
def test_two_persons_dispose_and_every_chain_stands(
    world: World, ended: Call, leader: Member, bench: Any
) -> None:
    """E7: early disposal 0; the record says what, who and by which rule, and is signed."""
    still = taken_in(world, source_no="12345-2")  # not ended
    with pytest.raises(disposals.NotYet):
        propose(world.desk)  # no rule: nothing is ever disposed of
    rule(world)
    for early in (at(9, 4), at(9, 5)):
        with pytest.raises(disposals.NotYet):
            propose(world.desk, early)
    with pytest.raises(NotAllowed):
        propose(leader)
    row = propose(world.desk)
    assert [one["uid"] for one in row.items] == [str(caller_of(ended).uid)]
    with pytest.raises(NotAllowed):
        decide(row, world.desk)
    with (
        tenancy.dispatching(reason="a test tries"),
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        Disposal.objects.filter(pk=row.pk).update(
            state="refused", decided_at=LATER, decided_by=world.desk.user_id
        )  # the database itself wants another person
    done = decide(row, leader)
    assert (done.number, done.months, done.basis, done.is_signed) == (1, 6, "试档〔2026〕1号", True)
    gone = caller_of(ended)
    assert (gone.name, gone.phone, gone.key, gone.disposal_uid) == ("", "", "", done.uid)
    assert not caller_of(still).is_disposed
    with tenancy.scope(world.desk.scope):
        with pytest.raises(callers.NobodyNamed):
            callers.reveal(ended.uid, "核实情况需要", by=world.desk, at=LATER)
        assert not [
            one for one in persons.search(
                "phone", PHONE, "市民申请查询", by=world.desk, at=LATER
            ).callers if one.is_disposed
        ]  # fmt: skip
    with pytest.raises(disposals.Decided):
        decide(row, leader)
    assert nightly() == []
    with (
        tenancy.dispatching(reason="a test tries"),
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        Disposal.objects.filter(pk=row.pk).update(note="x")

    bench.log_in(bench.access.owner)
    try:
        with connection.cursor() as cursor:
            cursor.execute("alter table mandates_disposal disable trigger user")
            cursor.execute("alter table mandates_disposal no force row level security")
            cursor.execute("update mandates_disposal set basis = 'x'")
            cursor.execute("alter table mandates_disposal force row level security")
            cursor.execute("alter table mandates_disposal enable trigger user")
    finally:
        bench.log_in(bench.access.app)
    assert nightly() == [f"disposal 1 of county {world.county.pk}: was changed"]


@pytest.mark.assurance("E7")
def test_what_may_no_longer_go_stays(world: World, ended: Call, leader: Member) -> None:
    rule(world)
    row = propose(world.desk)
    with pytest.raises(Refused, match="."):
        propose(world.desk)
    rule(world, months=60)
    with pytest.raises(disposals.Changed):
        decide(row, leader)
    assert not caller_of(ended).is_disposed
    with pytest.raises(Invalid):
        decide(row, leader, agrees=False)
    assert decide(row, leader, agrees=False, note="规则已改").state == "refused"
    assert nightly() == []
    assert disposals.ends_before(
        type("R", (), {"months": 1})(), datetime(2026, 3, 31, 9, tzinfo=MONDAY.tzinfo)  # type: ignore[arg-type]
    ).day == 28  # fmt: skip


# --- all that is kept about a person -----------------------------------------------------------------


def test_everything_about_a_person_is_found_and_written_out(world: World, leader: Member) -> None:
    call, other = taken_in(world), make_world()
    desk = Browser(world.desk, at=MONDAY)
    page = url("person-list")
    asked = {"kind": "id_number", "value": CARD, "reason": "当事人申请查阅"}
    told = desk.post(url("person-find"), asked).content.decode()
    assert call.title in told
    assert PHONE not in told
    assert desk.post(url("person-find"), {**asked, "reason": ""}).status_code == 422
    assert desk.post(url("person-find"), {**asked, "value": "1101"}).status_code == 422
    file = desk.post(url("person-find"), {**asked, "export": "1"})
    assert file["Content-Type"].endswith("sheet")
    with zipfile.ZipFile(io.BytesIO(file.content)) as book:
        cells = book.read("xl/sharedStrings.xml").decode()
    for value in (*CLEAR, call.title, "当事人申请查阅"):
        assert f">{value}<" in cells
    with tenancy.everywhere(reason="a test looks"):
        rows = list(PersonSearch.objects.order_by("id"))
        [look] = CallerReveal.objects.all()
    assert [(one.found, one.is_export, one.masked) for one in rows] == [
        (1, False, "110105**********2X"), (1, True, "110105**********2X"),
    ]  # fmt: skip
    assert look.way == "export"
    assert CARD not in all_there_is()
    with tenancy.scope(other.desk.scope):
        found = persons.search("phone", PHONE, "市民申请查询", by=other.desk, at=MONDAY)
    assert found.callers == []
    assert Browser(world.clerk, at=MONDAY).get(page).status_code == 403
    assert Browser(leader, at=MONDAY).post(url("person-find"), asked).status_code == 403


def test_the_page_of_disposal_from_the_rule_to_the_record(
    world: World, ended: Call, leader: Member
) -> None:
    office = Browser(world.member(Role.ESTABLISHMENT_OFFICER, world.county), at=MONDAY)
    wrong = office.post(url("person-rule"), {"kind": "caller", "months": "0", "basis": ""})
    assert wrong.status_code == 422
    kept = office.post(
        url("person-rule"), {"kind": "caller", "months": "6", "basis": "试档〔2026〕1号"}
    )
    assert kept.status_code == 302
    desk = Browser(world.desk, at=LATER)
    assert desk.post(url("person-propose"), {"kind": "caller"}).status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        row = Disposal.objects.get()
    second = Browser(leader, at=LATER)
    assert ended.number in second.get(url("person-disposal", row.uid)).content.decode()
    assert desk.post(url("person-decide", row.uid), {"agrees": "yes"}).status_code == 403
    assert second.post(url("person-decide", row.uid), {"agrees": "yes"}).status_code == 302
    assert caller_of(ended).is_disposed
    assert reverse("mandates:person-disposal", args=[row.uid]) in (
        second.get(url("person-list")).content.decode()
    )


# --- telephones of officials -------------------------------------------------------------------------


def raw(table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Read columns as PostgreSQL keeps them."""
    with tenancy.dispatching(reason="a test looks"), connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(columns)} from {table} where {columns[0]} <> ''")
        return list(cursor.fetchall())


@pytest.mark.assurance("E8")
def test_telephones_of_officials_are_encrypted_and_come_under_new_keys(
    world: World, settings: Any
) -> None:
    """Also those a release before has left in clear, and back again for it."""
    settings.PERSONAL_KEYS = keys("old")
    head, officer = world.head, world.officer()
    User.objects.filter(pk=head.user_id).update(work_phone="0563-3021234")
    with tenancy.scope(head.scope):
        post = head.post
        staffing.put_on_duty(
            post.uid, day=MONDAY.date(), shift="day", phone=PHONE, by=head, at=MONDAY
        )
        telling.keep_mobile(PHONE, by=officer, at=MONDAY)
    tables = (("townships_user", "work_phone"), ("townships_duty", "phone"),
              ("common_mobilenumber", "number", "number_index"))  # fmt: skip
    assert [raw(*table)[0][0][:6] for table in tables] == ["a$old$"] * 3
    assert raw("common_mobilenumber", "number_index")[0][0].startswith("old:")
    kept = all_there_is()
    assert PHONE not in kept
    assert "3021234" not in kept

    settings.PERSONAL_KEYS = keys("new", "old")
    said()
    assert [raw(*table)[0][0][:6] for table in tables] == ["a$new$"] * 3
    assert raw("common_mobilenumber", "number_index")[0][0].startswith("new:")
    settings.PERSONAL_KEYS = keys("new")
    with tenancy.dispatching(reason="a test looks"):
        assert MobileNumber.objects.get().clear() == PHONE
        assert Duty.objects.get().phone == PHONE

    said("--to-clear")  # the release before reads these
    assert [raw(*table)[0][0] for table in tables] == ["0563-3021234", PHONE, PHONE]
    assert rotation.count_clear() == 3
    assert "—  3" in said("--status")
    assert User.objects.get(pk=head.user_id).work_phone == "0563-3021234"
    assert renewing.encrypt_clear(at=MONDAY) == 3
    assert rotation.count_clear() == 0

    settings.PERSONAL_KEYS = keys("third")  # whoever saves what he cannot read spoils nothing
    user = User.objects.get(pk=head.user_id)
    assert user.work_phone == "***"
    user.save()
    shown = model_to_dict(user)
    form = modelform_factory(User, fields=["name", "work_phone"])(
        {**shown, "name": "王五"}, instance=user
    )
    assert (
        form.fields["work_phone"].initial or shown["work_phone"] == "***"
    )  # as the console has it
    form.save()
    assert User.objects.get(pk=head.user_id).name == "王五"
    assert raw("townships_user", "work_phone")[0][0].startswith("a$new$")
    with tenancy.dispatching(reason="a test looks"):
        rows = [NoticeMail(county_id=world.county.pk, user_id=officer.user_id)]
        assert sms.address_of(rows) == ""


def written_of(world: World, form: str) -> bytes:
    desk = Browser(world.desk, at=MONDAY)
    asked = {"username": world.head.user.username, "form": form, "reason": "本人申请查阅"}
    assert desk.post(url("person-official"), asked).status_code == 302
    while work.run_next(clock=lambda: MONDAY):
        pass
    with tenancy.dispatching(reason="a test looks"):
        job = Job.objects.order_by("-id")[0]
    assert (job.state, job.words) == ("done", "")
    assert PHONE not in json.dumps(job.parameters)
    content: bytes = b"".join(desk.get(reverse("townships:job-file", args=[job.uid])))  # type: ignore[arg-type]
    return content


@pytest.mark.assurance("E8")
def test_no_telephone_of_an_official_stands_in_the_audit_trail(world: World) -> None:
    """Nor one of an area, which nothing else would know for a number of a person."""
    head = world.head
    with tenancy.scope(head.scope):
        staffing.put_on_duty(
            head.post.uid, day=MONDAY.date(), shift="day", phone="0563-3021234", by=head, at=MONDAY
        )
    User.objects.filter(pk=head.user_id).update(work_phone="0563-3021234")
    console = Browser(member_of(Role.SYSTEM_ADMINISTRATOR), at=MONDAY)
    place = reverse("admin:townships_user_change", args=[head.user_id])
    sent = {**model_to_dict(head.user, ["username", "name", "is_active"]), "language": "zh-hans",
            "work_phone": "0563-3025678", "reason": "座机更换"}  # fmt: skip
    answer = console.post(place, sent)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    with tenancy.everywhere(reason="a test looks"):
        [duty] = AuditEntry.objects.filter(action="duty_set")
        [changed] = AuditEntry.objects.filter(action="console_changed")
    assert duty.detail["phone"] == "056****1234"
    assert changed.detail["changes"]["work_phone"] == ["056****1234", "056****5678"]
    assert not any(number in all_there_is() for number in ("3021234", "3025678"))


@pytest.mark.assurance("B2")
def test_nul_beside_the_forms_is_left_out_or_refused(world: World) -> None:
    desk = Browser(world.desk, at=MONDAY)
    assert desk.post(url("person-propose"), {"kind": "caller\0x"}).status_code == 302
    made = desk.post(url("paper-make", "sheet"), {"x\0": "y\0", "call": "\0"})
    assert made.status_code in (302, 404)
    with tenancy.everywhere(reason="a test looks"):
        assert not Disposal.objects.exists()
        assert not Job.objects.exists()
        level = LadderLevel.objects.filter(county=world.county).first()
    office = Browser(world.member(Role.ESTABLISHMENT_OFFICER, world.county), at=MONDAY)
    gone = reverse("admin:mandates_ladderlevel_delete", args=[level.pk])
    assert office.post(gone, {"post": "yes", "reason": "试\0档"}).status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        assert AuditEntry.objects.get(action="console_deleted").detail["reason"] == "试档"


@pytest.mark.assurance("E8")
def test_all_that_is_kept_about_an_official_is_written_out(
    world: World, leader: Member, settings: Any
) -> None:
    settings.PERSONAL_KEYS = keys("old")
    head, other = world.head, make_world()
    world.routed()
    User.objects.filter(pk=head.user_id).update(work_phone="0563-3021234")
    SignIn.objects.create(
        user=head.user, session_key="x", began_at=MONDAY, seen_at=MONDAY, address="10.9.8.7"
    )
    with tenancy.scope(head.scope):
        staffing.put_on_duty(
            head.post.uid, day=MONDAY.date(), shift="day", phone="110", by=head, at=MONDAY
        )
    with tenancy.scope(head.scope):
        telling.keep_mobile(PHONE, by=head, at=MONDAY)
    # A post of another county, and one here that came later, with a sign-in of before it.
    PostFactory(user=head.user)
    Post.objects.filter(pk=head.post_id).update(valid_from=date(2026, 2, 1))
    SignIn.objects.create(
        user=head.user, session_key="y", began_at=at(1, 30), seen_at=at(1, 30), address="10.9.8.6"
    )
    told = json.loads(written_of(world, "json"))
    assert "10.9.8.6" not in json.dumps(told)
    text = json.dumps(told, ensure_ascii=False)
    for value in (head.user.username, "0563-3021234", "10.9.8.7", PHONE, "110"):
        assert f'"{value}"' in text
    with tenancy.everywhere(reason="a test looks"):
        steps = Step.objects.filter(by=head.user_id).count()
    assert steps
    assert {"内容": "呼叫的过程记录", "数量": str(steps)} in told["履职记录"]
    with zipfile.ZipFile(io.BytesIO(written_of(world, "xlsx"))) as book:
        assert PHONE in book.read("xl/sharedStrings.xml").decode()

    desk = Browser(world.desk, at=MONDAY)
    asked = {"kind": "phone", "value": PHONE, "reason": "本人申请查阅"}
    page = desk.post(url("person-find"), asked).content.decode()
    assert head.user.username in page
    assert PHONE not in page.replace(f'value="{PHONE}"', "")
    with tenancy.everywhere(reason="a test looks"):
        rows = list(PersonSearch.objects.order_by("id"))
        assert AuditEntry.objects.filter(action="person_file_made").count() == 2
    assert [(one.kind, one.is_export, one.found) for one in rows] == [
        ("username", True, 1), ("username", True, 1), ("phone", False, 1),
    ]  # fmt: skip
    asked = {"username": head.user.username, "form": "json", "reason": "本人申请查阅"}
    for who, given, code in (
        (world.desk, {**asked, "reason": ""}, 422), (world.desk, {**asked, "form": "exe"}, 422),
        (other.desk, asked, 422), (leader, asked, 403), (world.clerk, asked, 403),
    ):  # fmt: skip
        assert Browser(who, at=MONDAY).post(url("person-official"), given).status_code == code

    settings.PERSONAL_KEYS = keys("lost")  # what can be read is told all the same
    text = json.dumps(json.loads(written_of(world, "json")))
    assert PHONE not in text
    assert '"***"' in text
    assert "10.9.8.7" in text
