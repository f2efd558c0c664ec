"""The pages of what-if replays: scenarios, results, and the calls behind their figures."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse

from common import tenancy
from common.models import AuditEntry, Job
from mandates.models import Call, ListVersion, Replay, ReplayCall, Scenario, Step
from mandates.operations import replays
from tests.factories.calls import World, make_world
from tests.factories.weeks import ENDS, lived
from tests.speech import foreign, said_on, written
from townships.models import User
from townships.operations.jobs import run_next
from townships.roles import Role

pytestmark = pytest.mark.django_db
SHORTER = {
    "name": "九日答复",
    "limits-rows": "2",
    "limits-0-urgency": "general",
    "limits-0-kind": "close",
    "limits-0-amount": "9",
    "limits-0-unit": "working_day",
    "ladder-rows": "1",
    "days-rows": "1",
}
PERIOD = {"begins": "2026-03-01", "ends": "2026-03-31"}


@pytest.fixture(scope="module")
def settled(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world()
        lived(world)
        world.member(Role.ESTABLISHMENT_OFFICER)  # kept by the world from here on
        yield world
        transaction.set_rollback(True)


@pytest.fixture
def officer(settled: World) -> Iterator[Client]:
    client = Client()
    with time_machine.travel(ENDS, tick=False):
        client.force_login(settled.member(Role.ESTABLISHMENT_OFFICER).user)
        yield client


def scenario(officer: Client, **more: str) -> Scenario:
    answer = officer.post(reverse("mandates:scenario-new"), {**SHORTER, **more})
    assert answer.status_code == 302, said_on(answer.content.decode(), "zh")
    with tenancy.everywhere(reason="a test looks"):
        found: Scenario = Scenario.objects.latest("pk")
        return found


def asked(officer: Client, one: Scenario) -> Replay:
    answer = officer.post(reverse("mandates:scenario-run", args=[one.uid]), PERIOD)
    assert answer.status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        found: Replay = Replay.objects.select_related("scenario").latest("pk")
    assert answer["Location"] == reverse("mandates:replay-detail", args=[found.uid])
    return found


def worked_out(one: Replay) -> Replay:
    """Let a worker do the job that was asked for."""
    while run_next(clock=lambda: ENDS):
        pass
    with tenancy.everywhere(reason="a test looks"):
        found: Replay = Replay.objects.get(pk=one.pk)
        return found


def evidence() -> list[Any]:
    """Everything of calls that a replay could have touched."""
    with tenancy.everywhere(reason="a test looks"):
        return [
            list(Call.objects.order_by("pk").values_list("pk", "version", "next_due_at", "level")),
            Step.objects.count(),
        ]


def test_from_scenario_to_the_calls_behind_a_figure(officer: Client, settled: World) -> None:
    before = evidence()
    one = scenario(officer)
    waiting = asked(officer, one)
    page = officer.get(reverse("mandates:replay-detail", args=[waiting.uid])).content.decode()
    assert "<progress" in page
    done = worked_out(waiting)
    assert (done.state, done.done, done.total) == ("done", 9, 9)
    assert evidence() == before

    here = reverse("mandates:replay-detail", args=[done.uid])
    page = officer.get(here).content.decode()
    assert "一般 答复：9个工作日" in page.replace(" 个", "个")
    assert 'data-total="' in page
    late = officer.get(here, {"show": "late"}).content.decode()
    with tenancy.everywhere(reason="a test looks"):
        rows = ReplayCall.objects.filter(replay=done, would_late=True)
        titles = sorted(rows.values_list("call__title", flat=True))
    assert f'data-total="{len(titles)}"' in late
    assert sorted(re.findall(r'<a class="hy-title"[^>]*>([^<]+)</a>', late)) == titles
    # A figure is as large as the list behind it.
    assert done.result["late_now"] == len(titles) == 2
    for unit, count in ((settled.water, 2), (settled.housing, 0)):
        narrowed = officer.get(here, {"show": "late", "department": str(unit.uid)})
        assert f'data-total="{count}"' in narrowed.content.decode()
    with tenancy.everywhere(reason="a test looks"):
        actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"scenario_kept", "replay_asked"} <= actions


def test_a_replay_begun_anew_doubles_nothing(officer: Client) -> None:
    one = asked(officer, scenario(officer))
    first = worked_out(one)
    with tenancy.everywhere(reason="a test looks"):
        count = ReplayCall.objects.filter(replay=one).count()
    with tenancy.dispatching(reason="a worker died before the end"):
        Replay.objects.filter(pk=one.pk).update(state="running", finished_at=None, result={})
        Job.objects.filter(uid=one.job).update(state="waiting", finished_at=None)
    again = worked_out(one)
    assert again.result == first.result
    with tenancy.everywhere(reason="a test looks"):
        assert ReplayCall.objects.filter(replay=one).count() == count > 0


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"name": " "}, "必填"),
        ({"limits-0-amount": "九"}, "整数"),
        ({"limits-0-amount": "0"}, "1"),
        ({"limits-0-unit": ""}, "请从"),
        ({"limits-0-unit": "lightyear"}, "lightyear"),
        ({"limits-0-amount": ""}, "整数"),
        ({"ladder-0-urgency": "general", "ladder-0-level": "warn", "ladder-0-share": "50",
          "ladder-0-after": "1"}, "不能"),
        ({"days-0-day": "2026-02-30", "days-0-kind": "off"}, "日期"),
        ({"days-0-day": "1999-01-01", "days-0-kind": "off"}, "日历"),
        ({"days-0-day": "2026-03-10", "days-0-kind": "worked"}, "周末"),
        ({"morning_from": "12:00", "morning_to": "08:00", "afternoon_from": "14:00",
          "afternoon_to": "17:00"}, "先后"),
        ({"version": "11111111-1111-4111-8111-111111111111"}, "选择"),
        ({"limits-0-urgency": "", "limits-0-kind": "", "limits-0-amount": "",
          "limits-0-unit": ""}, "不同"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_at_its_place(officer: Client, sent: Any, told: str) -> None:
    answer = officer.post(reverse("mandates:scenario-new"), {**SHORTER, **sent})
    assert answer.status_code in (400, 422)
    page = answer.content.decode()
    assert 'role="alert"' in page
    assert told in page.partition('id="errors"')[2].partition("</ul>")[0]
    with tenancy.everywhere(reason="a test looks"):
        assert not Scenario.objects.exists()


def test_a_period_that_cannot_be_is_refused(officer: Client) -> None:
    one = scenario(officer)
    for begins, ends in (("2026-03-31", "2026-03-01"), ("2020-01-01", "2026-01-01"), ("x", "")):
        answer = officer.post(
            reverse("mandates:scenario-run", args=[one.uid]), {"begins": begins, "ends": ends}
        )
        assert answer.status_code in (400, 422)
    with tenancy.everywhere(reason="a test looks"):
        assert not Replay.objects.exists()


def test_rows_are_kept_added_and_taken_away(officer: Client) -> None:
    one = scenario(officer)
    here = reverse("mandates:scenario-edit", args=[one.uid])
    page = officer.get(here).content.decode()
    assert 'value="9"' in page
    more = officer.post(here, {**SHORTER, "do": "more", "revision": "1"}).content.decode()
    assert 'name="limits-rows" value="5"' in more
    assert "limits-4-amount" in more
    sent = {**SHORTER, "limits-0-amount": "8", "revision": "1"}
    assert officer.post(here, sent).status_code == 302
    # Somebody else has read it before that.
    stale = officer.post(here, {**sent, "limits-0-amount": "7"})
    assert stale.status_code == 412
    with tenancy.everywhere(reason="a test looks"):
        kept = Scenario.objects.get(pk=one.pk)
    assert [row["amount"] for row in kept.changes["limits"]] == [8]
    twin = officer.post(reverse("mandates:scenario-new"), SHORTER)
    assert twin.status_code == 400
    assert officer.post(reverse("mandates:scenario-delete", args=[one.uid])).status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        assert not Scenario.objects.exists()


def test_others_have_no_part_in_it(officer: Client, settled: World) -> None:
    one = asked(officer, scenario(officer))
    places = [
        reverse("mandates:replay-list"),
        reverse("mandates:scenario-edit", args=[one.scenario.uid]),
        reverse("mandates:replay-detail", args=[one.uid]),
    ]
    for member in (settled.clerk, settled.desk, settled.officer()):
        client = Client()
        client.force_login(member.user)
        assert [client.get(place).status_code for place in places] == [403, 403, 403]
    stranger = Client()
    stranger.force_login(make_world().member(Role.ESTABLISHMENT_OFFICER).user)
    assert [stranger.get(place).status_code for place in places] == [200, 404, 404]


def test_both_languages_say_everything(officer: Client, settled: World) -> None:
    one = asked(officer, scenario(officer))
    worked_out(one)
    user = settled.member(Role.ESTABLISHMENT_OFFICER).user
    data = written()
    for language, short in (("zh-hans", "zh"), ("en", "en")):
        User.objects.filter(pk=user.pk).update(language=language)
        officer.force_login(user)
        for answer in (
            officer.get(reverse("mandates:replay-list")),
            officer.get(reverse("mandates:scenario-new")),
            officer.post(reverse("mandates:scenario-new"), {**SHORTER, "limits-0-amount": "x"}),
            officer.get(reverse("mandates:scenario-edit", args=[one.scenario.uid])),
            officer.get(reverse("mandates:scenario-delete", args=[one.scenario.uid])),
            officer.get(reverse("mandates:replay-detail", args=[one.uid])),
        ):
            said = said_on(answer.content.decode(), short)
            assert foreign(said, short, data) == []


def test_figures_and_lists_ask_the_same_number_of_queries(
    officer: Client, django_assert_max_num_queries: Any
) -> None:
    one = asked(officer, scenario(officer))
    worked_out(one)
    with django_assert_max_num_queries(20):
        officer.get(reverse("mandates:replay-detail", args=[one.uid]))


@pytest.mark.assurance("B5")
def test_the_file_has_every_figure_and_call_and_runs_nothing(
    officer: Client, settled: World, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    one = asked(officer, scenario(officer, name="=1+1"))
    early = officer.post(reverse("mandates:replay-file", args=[one.uid]))
    assert early.status_code == 302
    done = worked_out(one)  # the file asked for too early is refused or made, in its turn
    with tenancy.dispatching(reason="a title that a spreadsheet would run"):
        call = Call.objects.get(pk=ReplayCall.objects.filter(replay=done).first().call_id)
        Call.objects.filter(pk=call.pk).update(title="=cmd|' /C calc'!A0")
    assert officer.post(reverse("mandates:replay-file", args=[one.uid])).status_code == 302
    while run_next(clock=lambda: ENDS):
        pass
    with tenancy.scope(settled.member(Role.ESTABLISHMENT_OFFICER).scope):
        job = Job.objects.filter(kind="replay_file").latest("pk")
    assert job.state == "done", job.words
    with zipfile.ZipFile(tmp_path / job.path) as book:
        sheets = [n for n in book.namelist() if n.startswith("xl/worksheets/sheet")]
        text = "".join(book.read(name).decode() for name in book.namelist() if "xml" in name)
    assert len(sheets) == 5
    assert "<f>" not in text
    assert "'=1+1" in text.replace("&apos;", "'").replace("&#39;", "'")
    assert "'=cmd|" in text
    assert "水利局" in text
    answer = officer.get(reverse("townships:job-file", args=[job.uid]))
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content).startswith(b"PK")


def test_a_cancelled_or_broken_replay_says_so(officer: Client, settled: World) -> None:
    one = asked(officer, scenario(officer))
    here = reverse("mandates:replay-detail", args=[one.uid])
    assert officer.post(reverse("townships:job-cancel", args=[one.job])).status_code == 302
    page = officer.get(here).content.decode()
    assert 'role="alert"' in page
    assert "<progress" not in page
    # A draft that is gone before the worker comes.
    with tenancy.scope(settled.desk.scope):
        draft = ListVersion.objects.create(
            county=settled.county, duty_list_id=settled.version.duty_list_id, number=9
        )
    two = scenario(officer, name="按草稿", version=str(draft.uid))
    lost = asked(officer, two)
    with tenancy.scope(settled.desk.scope):
        ListVersion.objects.filter(pk=draft.pk).delete()
    done = worked_out(lost)
    assert (done.state, done.result) == ("failed", {})
    page = officer.get(reverse("mandates:replay-detail", args=[lost.uid])).content.decode()
    assert "草稿已不在" in page


def test_days_are_read_as_the_calendar_has_them() -> None:
    assert replays.bounds(date(2026, 3, 1), date(2026, 3, 31))[1].isoformat() == (
        "2026-04-01T00:00:00+08:00"
    )
