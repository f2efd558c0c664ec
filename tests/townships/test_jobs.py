"""Long pieces of work: in whose name they run, what a dead worker leaves, and who gets the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from common import jobs, tenancy
from common.errors import NotAllowed, Refused
from common.models import AuditEntry, Job, JobState
from tests.factories.townships import member, system_token
from townships.http import Member
from townships.models import Post, User
from townships.operations import jobs as work
from townships.roles import Role

pytestmark = pytest.mark.django_db

SEEN: list[tuple[Any, ...]] = []


def checked(who: Member, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if who.role == Role.GRID_WORKER:
        raise NotAllowed
    return {"lines": int(parameters.get("lines", 3))}


def write(job: jobs.Work) -> jobs.Result | None:
    lines = job.parameters["lines"]
    with job.path.open("w") as out:
        for n in range(lines):
            with job.scope() as opened:
                out.write(f"{n} {opened.kind}\n")
            job.report(n + 1, lines)
            if job.parameters["lines"] == 13:
                raise ValueError("no such line")
    SEEN.append((job.member.user_id, job.member.scope))
    return jobs.Result("三行.txt", "text/plain; charset=utf-8")


@pytest.fixture(autouse=True)
def lines(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    jobs.kind_of("lines")
    monkeypatch.setitem(jobs._kinds, "lines", jobs.Kind("lines", "Lines", write, checked))
    SEEN.clear()


def ask(who: Member, **more: Any) -> Job:
    parameters = more.pop("parameters", {})
    with tenancy.scope(who.scope):
        return work.request("lines", parameters, by=who, at=timezone.now(), **more)


def run() -> bool:
    return work.run_next(clock=timezone.now)


def fresh(job: Job) -> Job:
    with tenancy.dispatching(reason="a test looks"):
        return Job.objects.get(pk=job.pk)


def client_of(who: Member) -> Client:
    client = Client()
    client.force_login(who.user)
    return client


def files() -> list[str]:
    folder = Path(settings.MEDIA_ROOT) / jobs.FOLDER
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


@pytest.mark.assurance("T11")
def test_a_job_runs_as_whoever_asked_and_its_file_is_fetched() -> None:
    clerk = member()
    job = ask(clerk)
    assert (job.state, job.parameters) == (JobState.WAITING, {"lines": 3})
    assert run() is True
    assert run() is False
    done = fresh(job)
    assert (done.state, done.done, done.total, done.attempts) == (JobState.DONE, 3, 3, 1)
    assert [(clerk.user_id, clerk.scope)] == SEEN
    body = b"0 township\n1 township\n2 township\n"
    assert (done.size, files()) == (len(body), [Path(done.path).name])
    client = client_of(clerk)
    answer = client.get(f"/jobs/{job.uid}/file/")
    assert b"".join(answer.streaming_content) == body
    assert answer["Cache-Control"] == "private, no-store"
    assert "attachment" in answer["Content-Disposition"]
    page = client.get("/jobs/").content.decode()
    assert "三行.txt" in page
    assert f"/jobs/{job.uid}/file/" in page
    acts = AuditEntry.objects.values_list("action", flat=True)
    with tenancy.everywhere(reason="a test looks"):
        assert list(acts.filter(target_id=job.pk).order_by("id")) == [
            "job_requested",
            "job_result_taken",
        ]


@pytest.mark.assurance("T13")
def test_nobody_else_sees_the_job_not_even_a_colleague_or_the_same_person_elsewhere() -> None:
    clerk = member()
    job = ask(clerk)
    run()
    colleague = member(township=clerk.post.township)
    other_county = member(Role.COUNTY_DESK)
    city = member(Role.CITY_OVERSEER)
    for who in (colleague, other_county, city):
        client = client_of(who)
        assert client.get(f"/jobs/{job.uid}/file/").status_code == 404
        assert client.post(f"/jobs/{job.uid}/cancel/").status_code == 404
        assert client.get(f"/api/v1/jobs/{job.uid}/").status_code == 404
        assert "三行" not in client.get("/jobs/").content.decode()
    other_post = member(user=clerk.user)
    with tenancy.scope(other_post.scope):
        assert list(work.own(other_post)) == []


@pytest.mark.assurance("T7")
def test_the_database_itself_shows_a_units_jobs_to_nobody_else() -> None:
    clerk, city = member(), member(Role.CITY_OVERSEER)
    ask(clerk)
    ask(city)

    def seen(who: Member) -> list[str]:
        with tenancy.scope(who.scope), connection.cursor() as cursor:
            cursor.execute("select unit_kind from common_job")
            return [kind for (kind,) in cursor.fetchall()]

    assert seen(clerk) == ["township"]
    assert seen(city) == ["city"]
    assert seen(member()) == []
    with pytest.raises(tenancy.NoScope):
        Job.objects.count()
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        connection.cursor().execute("select 1 from common_job")


@pytest.mark.assurance("T15")
def test_whoever_left_the_post_gets_nothing_and_is_told_why() -> None:
    clerk = member()
    job = ask(clerk)
    Post.objects.filter(pk=clerk.post_id).update(valid_to=date(2021, 1, 1))
    assert run() is True
    failed = fresh(job)
    assert (failed.state, failed.code, failed.path) == (JobState.FAILED, "post_ended", "")
    assert failed.words == "您已不再担任申请此任务时的岗位。"
    assert (SEEN, files()) == ([], [])


@pytest.mark.assurance("T13")
def test_a_right_that_has_gone_counts_when_it_runs_and_when_it_is_fetched() -> None:
    clerk, other = member(), member()
    early, late = ask(clerk), ask(other)
    Post.objects.filter(pk=clerk.post_id).update(role=Role.GRID_WORKER)
    run()
    run()
    assert (fresh(early).state, fresh(early).code) == (JobState.FAILED, "not_allowed")
    assert fresh(late).state == JobState.DONE
    Post.objects.filter(pk=other.post_id).update(role=Role.GRID_WORKER)
    assert client_of(other).get(f"/jobs/{late.uid}/file/").status_code == 403


@pytest.mark.assurance("F18")
def test_a_dead_workers_job_is_begun_anew_and_its_own_result_counts_no_more() -> None:
    job = ask(member())
    now = timezone.now()
    dead = jobs.claim(at=now)
    assert dead is not None
    assert jobs.claim(at=now) is None
    later = now + jobs.LEASE
    taken = jobs.claim(at=later)
    assert taken is not None
    assert (taken.pk, taken.attempts, taken.token != dead.token) == (job.pk, 2, True)
    # The first worker was only slow: nothing it says or has made is taken.
    part = Path(settings.MEDIA_ROOT) / "half"
    part.write_text("half")
    with pytest.raises(jobs.Interrupted):
        jobs.extend(dead, 1, 3, at=later)
    with pytest.raises(jobs.Interrupted):
        jobs.finish(dead, part, jobs.Result("x", "text/plain"), at=later)
    jobs.fail(dead, jobs.Broken(), at=later)
    assert (fresh(job).state, fresh(job).path) == (JobState.RUNNING, "")
    again = later
    for _n in range(jobs.ATTEMPTS - 2):
        again += jobs.LEASE
        assert jobs.claim(at=again) is not None
    assert jobs.claim(at=again + jobs.LEASE) is None
    assert (fresh(job).state, fresh(job).code) == (JobState.FAILED, "job_given_up")


def test_no_more_run_at_once_than_leave_workers_for_calls() -> None:
    first, second, third = ask(member()), ask(member()), ask(member())
    now = timezone.now()
    assert [jobs.claim(at=now), jobs.claim(at=now)] == [first, second]
    assert jobs.claim(at=now) is None
    assert fresh(third).state == JobState.WAITING


def test_a_failure_leaves_no_half_file_and_says_so_in_words() -> None:
    job = ask(member(), parameters={"lines": 13})
    run()
    failed = fresh(job)
    assert (failed.state, failed.code, files()) == (JobState.FAILED, "job_broken", [])
    assert "出错" in failed.words


def test_cancelled_means_ended_whether_it_waits_or_runs() -> None:
    clerk = member()
    waiting = ask(clerk)
    client = client_of(clerk)
    assert client.post(f"/jobs/{waiting.uid}/cancel/").status_code == 302
    assert fresh(waiting).state == JobState.CANCELLED
    assert run() is False
    running = ask(clerk)
    held = jobs.claim(at=timezone.now())
    assert held is not None
    with tenancy.scope(clerk.scope):
        work.cancel(running.uid, by=clerk, at=timezone.now())
    with pytest.raises(jobs.Interrupted):
        jobs.extend(held, 1, 3, at=timezone.now())
    answer = client.post(f"/api/v1/jobs/{running.uid}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_ended")


def test_the_same_key_asks_once_and_a_person_asks_for_five_at_most() -> None:
    clerk = member()
    first = ask(clerk, key="2026-1")
    assert ask(clerk, key="2026-1") == first
    with pytest.raises(Exception, match="Idempotency-Key"):
        ask(clerk, key="2026-1", parameters={"lines": 4})
    for _n in range(work.MOST - 1):
        ask(clerk)
    with pytest.raises(Refused) as refusal:
        ask(clerk)
    assert refusal.value.code == "too_many_jobs"


def test_results_run_out_and_jobs_are_forgotten() -> None:
    clerk = member()
    job = ask(clerk)
    run()
    at = fresh(job).expires_at
    assert jobs.clear_expired(at=at - timedelta(seconds=1)) == 0
    assert jobs.clear_expired(at=at) == 1
    assert (files(), fresh(job).path, fresh(job).state) == ([], "", JobState.DONE)
    answer = client_of(clerk).get(f"/api/v1/jobs/{job.uid}/file/")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_result")
    jobs.clear_expired(at=fresh(job).finished_at + jobs.REMEMBERED)
    with tenancy.dispatching(reason="a test looks"):
        assert Job.objects.count() == 0


def test_a_system_asks_how_far_its_job_is() -> None:
    who = member()
    User.objects.filter(pk=who.user_id).update(is_machine=True)
    token = system_token(who.post)
    headers = {"authorization": f"Bearer {token}"}
    job = ask(who)
    address = f"/api/v1/jobs/{job.uid}/"
    waiting = Client().get(address, headers=headers).json()
    assert (waiting["state"], waiting["total"], waiting["file"]) == ("waiting", None, None)
    run()
    done = Client().get(address, headers=headers).json()
    assert (done["state"], done["file"]["name"], done["file"]["size"]) == ("done", "三行.txt", 33)
    listed = Client().get("/api/v1/jobs/", headers=headers).json()
    assert [one["uid"] for one in listed["results"]] == [str(job.uid)]


def test_posts_that_have_nothing_to_do_with_records_have_no_jobs() -> None:
    client = client_of(member(Role.SYSTEM_ADMINISTRATOR))
    assert client.get("/jobs/").status_code == 403
    assert client.get("/api/v1/jobs/").status_code == 403


def test_the_page_asks_again_by_itself_only_while_something_is_to_be_waited_for() -> None:
    clerk = member()
    client = client_of(clerk)
    assert "您还没有" in client.get("/jobs/").content.decode()
    job = ask(clerk)
    page = client.get("/jobs/").content.decode()
    assert 'hx-trigger="every 3s"' in page
    assert '<noscript><meta http-equiv="refresh" content="8"></noscript>' in page
    part = client.get("/jobs/", headers={"hx-request": "true"}).content.decode()
    assert "<html" not in part
    assert f"/jobs/{job.uid}/cancel/" in part
    run()
    page = client.get("/jobs/").content.decode()
    assert "every 3s" not in page
    assert "http-equiv" not in page
