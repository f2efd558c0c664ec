"""Raising a call in the browser: found, shown beforehand, sent once, refused in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common import reference, tenancy
from mandates.models import (
    Call,
    CallFile,
    CountyRules,
    DutyList,
    Entry,
    ListVersion,
    Matter,
    Step,
)
from mandates.queries.finding import find
from mandates.queries.rulebook import rulebook
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.files import png
from tests.factories.townships import CountyFactory
from townships.http import Member

pytestmark = pytest.mark.django_db

NEW = "/calls/new/"
PNG = png()


@pytest.fixture
def world() -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def client_of(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def written(world: World, **changes: Any) -> dict[str, Any]:
    return {
        "token": str(uuid4()),
        "matter": str(world.sand.uid),
        "title": "大桥下游夜间采砂",
        "body": "一台挖掘机在取砂。",
        "urgency": "enforcement",
        "origin": "patrol",
        "do": "draft",
        **changes,
    }


def all_calls() -> list[Call]:
    with tenancy.everywhere(reason="a test looks"):
        return list(Call.objects.order_by("id"))


def text_of(answer: Any) -> str:
    found: str = answer.content.decode()
    return found


# --- finding -------------------------------------------------------------------------------------


def test_two_characters_find_a_matter_and_say_why(world: World) -> None:
    page = client_of(world.clerk).get(f"{NEW}?find=采砂")

    assert [one["name"] for one in page.context["matters"]] == ["河道采砂、侵占河道"]
    assert "“采砂”" in page.context["matters"][0]["why"][0]


def test_a_sentence_ranks_what_shares_most_first(world: World) -> None:
    with tenancy.scope(world.clerk.scope):
        book = rulebook(world.county.pk)
        found = find(book.in_force(date(2026, 3, 2)), "有人在盖违法建设的房子，靠近河道")

    assert [one.entry.code for one in found][:1] == ["JS-01"]


@pytest.mark.parametrize("words", ["毫无关系", "!!!", "zzz", "的"])
def test_words_that_match_nothing_leave_only_the_last_line(world: World, words: str) -> None:
    page = client_of(world.clerk).get(NEW, {"find": words})

    assert page.context["matters"] == []
    assert 'value="unlisted"' in text_of(page)


def test_without_scripts_the_search_button_keeps_what_was_typed(world: World) -> None:
    page = client_of(world.clerk).post(
        NEW, written(world, do="find", find="采砂", title="写到一半")
    )

    assert page.status_code == 200
    assert "写到一半" in text_of(page)
    assert page.context["matters"][0]["name"] == "河道采砂、侵占河道"
    assert page.context["form"].errors == {}
    assert all_calls() == []


def test_suggestions_keep_the_matter_that_is_chosen(world: World) -> None:
    part = client_of(world.clerk).get(
        reverse("mandates:call-matters"), {"find": "建设", "matter": str(world.sand.uid)}
    )

    chosen = [one["uid"] for one in part.context["matters"] if one["is_chosen"]]
    assert chosen == [str(world.sand.uid)]
    assert "<html" not in text_of(part)


# --- what happens next ---------------------------------------------------------------------------


def test_the_preview_names_units_and_dates(world: World) -> None:
    part = client_of(world.clerk).get(
        reverse("mandates:call-preview"), {"matter": str(world.sand.uid)}
    )
    told = text_of(part)

    assert "水利局" in told
    assert "公安局" in told
    # Accept: one working day after Monday 2 March; answer: ten.
    assert 'datetime="2026-03-03T17:30+08:00"' in told
    assert 'datetime="2026-03-16T17:30+08:00"' in told
    assert 'id="urgencies"' in told


def test_the_preview_is_what_routing_does(world: World) -> None:
    part = client_of(world.head).get(
        reverse("mandates:call-preview"), {"matter": str(world.sand.uid)}
    )
    foretold = {row["due_at"] for row in part.context["preview"] if row["due_at"]}
    client_of(world.head).post(NEW, written(world, do="raise", urgency=""))
    world.drain(when=MONDAY)

    with tenancy.everywhere(reason="a test looks"):
        (call,) = Call.objects.all()
        lead = call.assignments.get(part="lead")
        clocks = lead.clocks.filter(kind__in=("accept", "first_reply", "close"))
        assert set(clocks.values_list("due_at", flat=True)) == foretold


def test_possible_duplicates_are_shown_before_sending(world: World) -> None:
    earlier = world.routed()
    client = client_of(world.clerk)
    part = client.get(reverse("mandates:call-preview"), {"matter": str(world.sand.uid)})
    assert earlier.number in text_of(part)

    unseen = client.post(NEW, written(world, do="submit"))
    assert unseen.status_code == 422
    assert earlier.number in text_of(unseen)
    assert len(all_calls()) == 1

    seen = client.post(NEW, written(world, do="submit", shown=str(world.sand.uid)))
    assert seen.status_code == 302
    assert len(all_calls()) == 2


# --- sending -------------------------------------------------------------------------------------


def test_a_clerk_saves_changes_and_submits(world: World) -> None:
    client = client_of(world.clerk)
    saved = client.post(NEW, written(world))
    (call,) = all_calls()
    assert saved["Location"] == reverse("mandates:call-edit", args=[call.uid])
    assert (call.state, call.township_id) == ("draft", world.township.pk)

    page = client.get(saved["Location"])
    assert "大桥下游夜间采砂" in text_of(page)
    sent = client.post(
        saved["Location"], written(world, title="改过的标题", do="submit", version=call.version)
    )
    assert sent["Location"] == call.get_absolute_url()
    (call,) = all_calls()
    assert (call.state, call.title) == ("submitted", "改过的标题")


def test_a_head_raises_at_once(world: World) -> None:
    client_of(world.head).post(NEW, written(world, do="raise"))

    (call,) = all_calls()
    assert call.state == "raised"


def test_a_clerk_raises_an_emergency_only_where_the_county_lets_him(world: World) -> None:
    client = client_of(world.clerk)
    assert client.get(NEW).context["emergency_label"]
    client.post(NEW, written(world, do="raise", urgency="emergency"))
    general = client.post(NEW, written(world, do="raise", urgency="general", shown=world.sand.uid))
    assert general.status_code == 422
    assert [call.state for call in all_calls()] == ["raised"]

    with tenancy.dispatching(reason="a test prepares"):
        CountyRules.objects.update(emergency_skips_head=False)
        reference.refresh()
    assert not client.get(NEW).context["emergency_label"]
    refused = client.post(
        NEW, written(world, do="raise", urgency="emergency", shown=world.sand.uid)
    )
    assert refused.status_code == 422
    assert len(all_calls()) == 1


@pytest.mark.assurance("F14")
def test_a_form_sent_twice_is_one_call(world: World) -> None:
    client, form = client_of(world.clerk), written(world, do="submit")
    first, second = client.post(NEW, form), client.post(NEW, form)

    (call,) = all_calls()
    assert first["Location"] == second["Location"] == call.get_absolute_url()


@pytest.mark.assurance("T16")
def test_a_token_of_somebody_else_makes_no_call_and_tells_nothing(world: World) -> None:
    theirs = world.draft().call
    other = world.member("township_clerk", world.sibling)
    answer = client_of(other).post(NEW, written(world, token=str(theirs.uid)))

    assert answer.status_code == 422
    assert str(theirs.uid) not in text_of(answer)
    assert len(all_calls()) == 1


def test_an_unlisted_call_says_why(world: World) -> None:
    client = client_of(world.clerk)
    silent = client.post(NEW, written(world, matter="unlisted"))
    assert silent.status_code == 422
    assert "unlisted_reason" in silent.context["form"].errors

    client.post(NEW, written(world, matter="unlisted", unlisted_reason="清单没有这一项"))
    (call,) = all_calls()
    assert (call.entry_id, call.unlisted_reason) == (None, "清单没有这一项")


def test_the_entrys_urgency_counts_where_none_was_chosen(world: World) -> None:
    client_of(world.clerk).post(NEW, written(world, urgency=""))

    assert all_calls()[0].urgency == world.sand.urgency


def test_raising_takes_few_round_trips(world: World) -> None:
    client = client_of(world.head)
    client.get(NEW)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.post(NEW, written(world, do="raise", shown=str(world.sand.uid)))

    assert len(all_calls()) == 1
    trips = [q["sql"] for q in asked if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(trips) <= 14, trips


# --- files ---------------------------------------------------------------------------------------


def test_files_are_kept_with_the_call(world: World) -> None:
    files = [SimpleUploadedFile("采坑.png", PNG), SimpleUploadedFile("说明.pdf", b"%PDF-1.4 x")]
    client_of(world.clerk).post(NEW, written(world, do="submit", files=files))

    (call,) = all_calls()
    assert call.state == "submitted"
    with tenancy.everywhere(reason="a test looks"):
        assert set(CallFile.objects.values_list("name", flat=True)) == {"采坑.png", "说明.pdf"}
        moves = list(Step.objects.order_by("seq").values_list("move", flat=True))
    assert moves == ["draft", "submit"]


@pytest.mark.assurance("B9")
@pytest.mark.parametrize(
    ("name", "content"),
    [("a.exe", b"MZ"), ("a.png", b"not a picture"), ("大.png", PNG + b"0" * 200), ("a", b"x")],
)
def test_a_bad_file_is_refused_and_nothing_is_kept(
    world: World, settings: Any, name: str, content: bytes
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 100
    good = SimpleUploadedFile("好.png", PNG)
    answer = client_of(world.clerk).post(
        NEW, written(world, files=[good, SimpleUploadedFile(name, content)])
    )

    assert answer.status_code == 422
    assert answer.context["form"].errors["files"]
    assert "大桥下游夜间采砂" in text_of(answer)
    assert all_calls() == []
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.*"))


def test_a_refused_form_leaves_no_file_behind(world: World, settings: Any) -> None:
    client_of(world.clerk).post(
        NEW, written(world, do="raise", files=[SimpleUploadedFile("好.png", PNG)])
    )

    assert all_calls() == []
    kept = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert kept == []


def test_too_many_files_are_refused_in_plain_words(world: World) -> None:
    files = [SimpleUploadedFile(f"{n}.png", PNG) for n in range(12)]
    answer = client_of(world.clerk).post(NEW, written(world, files=files))

    assert answer.status_code == 413
    assert "文件" in text_of(answer)
    assert all_calls() == []


# --- bad input -----------------------------------------------------------------------------------

BAD = {
    "unknown matter": {"matter": "00000000-0000-4000-8000-000000000000"},
    "no matter": {"matter": ""},
    "matter is no uid": {"matter": "' or 1=1"},
    "matter with NUL": {"matter": "a\0b"},
    "NUL": {"title": "a\0b"},
    "NUL in the body": {"body": "x\0"},
    "long title": {"title": "长" * 81},
    "long body": {"body": "长" * 5001},
    "long place": {"place": "长" * 201},
    "empty": {"title": "  ", "body": "\n"},
    "urgency": {"urgency": "tomorrow"},
    "origin": {"origin": "nowhere"},
    "token": {"token": "not a uid"},
}


@pytest.mark.assurance("B2")
@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_in_words_and_nothing_is_written(
    world: World, changes: dict[str, Any]
) -> None:
    answer = client_of(world.clerk).post(NEW, written(world, **{"place": "乌溪村", **changes}))

    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert all_calls() == []


def test_a_matter_of_another_county_is_unknown(world: World) -> None:
    with tenancy.dispatching(reason="a test prepares"):
        foreign = make_world_beside(world)
    answer = client_of(world.clerk).post(NEW, written(world, matter=str(foreign)))

    assert "matter" in answer.context["form"].errors
    assert all_calls() == []


def make_world_beside(world: World) -> UUID:
    """Give another county the same list; return the uid of its entry."""
    county = CountyFactory()
    duty_list = DutyList.objects.create(county=county, name="别县的清单")
    version = ListVersion.objects.create(county=county, duty_list=duty_list, number=1)
    matter = Matter.objects.create(county=county, duty_list=duty_list, code="X-1")
    entry = Entry.objects.create(
        county=county, version=version, matter=matter, position=1, category="水利", name="别县事项"
    )
    reference.refresh()
    found: UUID = entry.uid
    return found


def test_a_matter_no_longer_in_force_is_refused_and_named(world: World) -> None:
    call = world.draft().call
    with tenancy.dispatching(reason="a test prepares"):
        ListVersion.objects.filter(pk=world.version.pk).update(valid_to=date(2026, 3, 2))
        reference.refresh()
    client = client_of(world.clerk)

    assert client.post(NEW, written(world)).status_code == 422
    page = client.get(reverse("mandates:call-edit", args=[call.uid]))
    assert page.context["matter_gone"]
    assert page.context["no_list"]
    assert len(all_calls()) == 1


def test_what_somebody_else_changed_is_not_overwritten_unawares(world: World) -> None:
    call = world.draft().call
    url = reverse("mandates:call-edit", args=[call.uid])
    client = client_of(world.clerk)
    client.post(url, written(world, title="别人改的", version=call.version))
    late = client.post(url, written(world, title="我改的", version=call.version))

    assert late.status_code == 412
    assert "我改的" in text_of(late)
    assert world.fresh(call).title == "别人改的"
    again = client.post(
        url, written(world, title="我改的", version=late.context["form"]["version"].value())
    )
    assert again.status_code == 302
    assert world.fresh(call).title == "我改的"


def test_a_draft_that_came_back_shows_the_heads_words(world: World) -> None:
    call = world.draft().call
    world.make("submit", call, by=world.clerk, when=MONDAY)
    world.make("send_back_draft", call, by=world.head, when=MONDAY, note="请补充坐标")
    page = client_of(world.clerk).get(reverse("mandates:call-edit", args=[call.uid]))

    assert "请补充坐标" in text_of(page)


def test_what_is_sent_already_can_no_longer_be_changed(world: World) -> None:
    call = world.routed()
    client, url = client_of(world.clerk), reverse("mandates:call-edit", args=[call.uid])

    assert client.get(url)["Location"] == call.get_absolute_url()
    answer = client.post(url, written(world, title="改", version=call.version))
    assert answer.status_code == 422
    assert world.fresh(call).title == call.title


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.assurance("T2")
def test_drafts_of_others_are_not_there(world: World) -> None:
    call = world.draft().call
    url = reverse("mandates:call-edit", args=[call.uid])
    sibling = client_of(world.member("township_clerk", world.sibling))

    assert sibling.get(url).status_code == 404
    assert sibling.post(url, written(world)).status_code == 404
    assert sibling.get(reverse("mandates:call-edit", args=[uuid4()])).status_code == 404


@pytest.mark.parametrize("role", ["department_officer", "county_desk", "county_leader"])
@pytest.mark.parametrize("name", ["call-new", "call-matters", "call-preview"])
def test_only_townships_call(world: World, role: str, name: str) -> None:
    answer = client_of(world.member(role)).get(reverse(f"mandates:{name}"))

    assert answer.status_code == 403
    assert 'lang="zh-Hans"' in text_of(answer)


def test_strangers_sign_in_first(world: World) -> None:
    assert Client().get(NEW)["Location"].startswith("/accounts/login/")
