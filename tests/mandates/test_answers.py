"""Standard answers of a unit, colleagues named in notes, and calls that are followed."""

from __future__ import annotations

from typing import Any

import pytest

from common import tenancy
from common.errors import Invalid, NotAllowed
from common.models import AuditEntry, Notice
from mandates.models import Call, CallFollower, StandardAnswer
from mandates.operations import answers, files, following
from mandates.queries.answers import offered
from tests.factories.calls import World, at, make_world
from tests.factories.systems import System
from tests.factories.townships import PostFactory, UserFactory
from tests.mandates.pages import Browser, url
from townships.http import Member
from townships.roles import Role

pytestmark = pytest.mark.django_db
TUESDAY = at(3, 3, 10)


@pytest.fixture
def world() -> World:
    return make_world()


def keep(by: Member, **said: Any) -> StandardAnswer:
    given = {"name": "到场", "move": "answer", "matter": "", "text": "已到场处置。", **said}
    with tenancy.scope(by.scope):
        return answers.save_answer(None, **given, by=by, at=TUESDAY)


def texts(by: Member, call: Call, move: str = "answer") -> list[str]:
    with tenancy.scope(by.scope):
        seen = Call.objects.select_related("township", "lead", "entry").get(pk=call.pk)
        return [one.text for one in offered(by, seen, move, at=TUESDAY)]


# --- standard answers ------------------------------------------------------------------------------


def test_places_are_filled_for_the_call_and_its_matters_texts_come_first(world: World) -> None:
    call = world.handling(place="{number}")
    keep(world.officer(), name="一般", text="{unit}已处置。")
    keep(world.officer(), name="专用", matter="SL-01", text="{number}，{place}：{matter}，{lead}。")
    keep(world.officer(), name="别的", matter="JS-01", text="违建。")
    keep(world.officer(), name="别步", move="object", text="不属本单位。")

    assert texts(world.officer(), call) == [
        f"{call.number}，｛number｝：河道采砂、侵占河道，水利局。",
        "水利局已处置。",
    ]


def test_a_text_is_of_one_unit_alone(world: World) -> None:
    call = world.handling()
    keep(world.officer())

    assert texts(world.officer(), call) == ["已到场处置。"]
    assert texts(world.officer(world.police), call) == []
    with tenancy.scope(world.desk.scope):
        assert not StandardAnswer.objects.exists()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"text": "{unknown}"}, "text"),
        ({"text": "x"}, "text"),
        ({"name": ""}, "name"),
        ({"move": "rate"}, "move"),
        ({"move": "nothing"}, "move"),
        ({"matter": "XX-9"}, "matter"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    world: World, said: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        keep(world.officer(), **said)
    assert set(refused.value.fields) == {field}


def test_a_name_is_given_once_for_a_step_and_changes_are_in_the_trail(world: World) -> None:
    one = keep(world.officer())
    with pytest.raises(Invalid):
        keep(world.officer())
    with tenancy.scope(world.officer().scope):
        answers.delete_answer(one.uid, by=world.officer(), at=TUESDAY)
    with tenancy.everywhere(reason="a test looks"):
        actions = AuditEntry.objects.filter(action__startswith="standard_answer")
        assert list(actions.order_by("id").values_list("action", flat=True)) == [
            "standard_answer_saved", "standard_answer_deleted",
        ]  # fmt: skip


def test_who_only_reads_keeps_none(world: World) -> None:
    leader = world.member(Role.COUNTY_LEADER)
    with pytest.raises(NotAllowed):
        keep(leader)
    assert Browser(leader, at=TUESDAY).get(url("answer-list")).status_code == 403


def test_a_text_is_written_on_its_page_and_chosen_in_the_form(world: World) -> None:
    officer, call = Browser(world.officer(), at=TUESDAY), world.handling()
    sent = {"name": "到场", "move": "answer", "matter": "", "text": "{number}已到场处置。"}
    assert officer.post(url("answer-new"), sent).status_code == 302
    with tenancy.scope(world.officer().scope):
        one = StandardAnswer.objects.get()
    form = officer.get(f"{url('call-detail', call.uid)}?do=answer&text={one.uid}")

    assert form.context["active"].form.initial["note"] == f"{call.number}已到场处置。"
    assert "data-insert" in form.content.decode()
    assert officer.get(url("answer-edit", one.uid)).status_code == 200
    assert officer.post(url("answer-new"), {**sent, "text": "{x}"}).status_code == 400
    assert officer.post(url("answer-delete", one.uid)).status_code == 302
    assert officer.get(url("answer-edit", one.uid)).status_code == 404


# --- colleagues named in a note ----------------------------------------------------------------------


def note(by: Member, call: Call, text: str) -> None:
    with tenancy.scope(by.scope):
        files.write_note(call.uid, text, by=by, at=TUESDAY)


def told(user_id: int, call: Call, kind: str) -> int:
    with tenancy.everywhere(reason="a test looks"):
        return Notice.objects.filter(user=user_id, about=call.uid, kind=kind).count()


def test_a_colleague_named_in_a_note_is_told_and_nobody_else(world: World) -> None:
    wang = PostFactory(
        role=Role.DEPARTMENT_OFFICER, department=world.water, user=UserFactory(name="王明")
    )
    longer = PostFactory(
        role=Role.DEPARTMENT_OFFICER, department=world.water, user=UserFactory(name="王明华")
    )
    stranger = PostFactory(
        role=Role.DEPARTMENT_OFFICER, department=world.police, user=UserFactory(name="李四")
    )
    call = world.handling()
    note(world.officer(), call, "@王明华 请看，＠李四 也看")

    assert told(longer.user_id, call, "mention") == 1
    assert told(wang.user_id, call, "mention") == 0
    assert told(stranger.user_id, call, "mention") == 0
    page = Browser(Member.holding(longer), at=TUESDAY).get(url("notice-list")).content.decode()
    assert "同事在内部备注中提到了您" in page


# --- following -----------------------------------------------------------------------------------------


def test_whoever_follows_is_told_of_every_step_but_the_own_ones(world: World) -> None:
    call = world.routed()
    with tenancy.scope(world.desk.scope):
        following.follow(call.uid, by=world.desk, at=TUESDAY)
        following.follow(call.uid, by=world.desk, at=TUESDAY)
    world.make("accept", call, by=world.officer(), when=TUESDAY)
    world.make("urge", world.fresh(call), by=world.desk, when=TUESDAY)
    world.drain(when=TUESDAY)

    assert told(world.desk.user_id, call, "accept") == 1
    assert told(world.desk.user_id, call, "urge") == 0
    with tenancy.scope(world.desk.scope):
        following.unfollow(call.uid, by=world.desk)
    world.make("reply", world.fresh(call), by=world.officer(), when=TUESDAY, note="正在查。")
    world.drain(when=TUESDAY)
    assert told(world.desk.user_id, call, "reply") == 0


def test_a_call_out_of_reach_is_not_followed(world: World) -> None:
    call = world.routed()
    stranger = world.member(Role.TOWNSHIP_CLERK, world.sibling)
    with tenancy.scope(stranger.scope), pytest.raises(Call.DoesNotExist):
        following.follow(call.uid, by=stranger, at=TUESDAY)


def test_the_button_follows_and_the_list_finds_what_is_followed(world: World) -> None:
    call, _other = world.routed(), world.routed()
    officer = Browser(world.officer(), at=TUESDAY)
    assert officer.post(url("call-follow", call.uid)).status_code == 302
    page = officer.get(url("call-detail", call.uid)).content.decode()
    listed = officer.get(f"{url('call-list')}?following=true")

    assert "取消关注" in page
    assert [row["call"].uid for row in listed.context["rows"]] == [call.uid]
    system = System.beside(world.officer(world.police))
    assert system.get("calls/", following="true").json()["results"] == []
    officer.post(url("call-follow", call.uid), {"do": "stop"})
    with tenancy.scope(world.officer().scope):
        assert not CallFollower.objects.exists()
