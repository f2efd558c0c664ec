"""The demonstration's data: everything is there, nothing lies ahead, and people can sign in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client
from django.utils import timezone

from common import tenancy
from common.models import Notice, Outbox
from common.worktime import SHANGHAI
from config.demo import people, texts
from mandates.models import (
    Admission,
    AdmissionStep,
    Assessment,
    AssessmentScore,
    Assignment,
    Call,
    CallState,
    Clock,
    Objection,
    Rating,
    Scheme,
    Step,
    UnlistedTask,
)
from townships.models import Post, Township, User

NOW = datetime(2026, 3, 17, 10, 20, tzinfo=SHANGHAI)


def seed(*arguments: str) -> str:
    out = StringIO()
    call_command("seed_demo", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def seeded(
    bench: Any, django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any
) -> Iterator[str]:
    """One county's small year, for all tests of this file; they only read."""
    media: Path = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.MEDIA_ROOT", str(media))
        try:
            yield seed(
                "--force", "--calls=80", "--counties=1", "--processes=1", f"--now={NOW.isoformat()}"
            )
        finally:
            bench.renew()


@pytest.fixture
def rows(seeded: str, db: None) -> Iterator[None]:
    with tenancy.everywhere(reason="a test looks"):
        yield


def test_departments_were_called_on_site_and_one_came_late(rows: None) -> None:
    came = Clock.objects.filter(kind="report", met_at__isnull=False)
    assert came.filter(met_at__lt=F("due_at")).exists()
    assert came.filter(met_at__gte=F("due_at")).exists()


def test_every_state_and_rating_is_there(rows: None) -> None:
    assert set(Call.objects.values_list("state", flat=True)) == set(CallState.values)
    assert Call.objects.filter(open_parts=1).exists()
    assert set(Call.objects.values_list("rating", flat=True)) == {"", *Rating.values}
    assert set(Objection.objects.values_list("outcome", flat=True)) == {"", "upheld", "rejected"}
    moves = set(Step.objects.values_list("move", flat=True))
    assert moves >= {"dispatch", "return_to_township", "ask_information", "ask_extension",
                     "send_back", "lapse", "urged", "supervised", "escalated"}  # fmt: skip
    assert Clock.objects.filter(paused_since__isnull=False).exists()


def test_admissions_stand_at_three_steps_and_two_tasks_are_on_no_list(rows: None) -> None:
    standing = {one.state: one for one in Admission.objects.all()}
    assert set(standing) == {"opinions", "resources", "decision"}
    assert [one.has_package for one in standing.values()].count(False) == 1
    assert all(one.due_at > NOW for one in standing.values() if one.due_at)
    assert set(UnlistedTask.objects.values_list("state", flat=True)) == {"refused", "recorded"}
    assert not AdmissionStep.objects.filter(at__gt=NOW).exists()


def test_departments_are_assessed_by_a_sample_scheme(rows: None) -> None:
    states = Assessment.objects.order_by("first").values_list("state", flat=True)
    assert list(states) == ["published", "preview"]
    assert AssessmentScore.objects.count() > 2 * 5
    assert all(scheme.is_sample for scheme in Scheme.objects.all())


def test_nothing_lies_in_the_future_and_nothing_waits(rows: None) -> None:
    assert not Step.objects.filter(recorded_at__gt=NOW).exists()
    assert not Call.objects.filter(created_at__gt=NOW).exists()
    assert not Notice.objects.filter(at__gt=NOW).exists()
    assert not Outbox.objects.filter(done_at=None).exists()
    assert Call.objects.filter(created_at__lt=NOW - timedelta(days=200)).exists()


def test_inboxes_are_worth_a_look(rows: None) -> None:
    clerk = Post.objects.get(user__username="clerk").township
    states = set(Call.objects.filter(township=clerk).values_list("state", flat=True))
    assert len(states) >= 6
    waiting = Call.objects.filter(next_due_at__isnull=False)
    assert waiting.filter(next_due_at__lt=NOW).exists()
    assert waiting.filter(next_due_at__gt=NOW, next_due_at__lt=NOW + timedelta(days=1)).exists()
    assert set(waiting.values_list("waiting_on", flat=True)) == {
        "township", "township_head", "desk", "department",
    }  # fmt: skip
    officer = Post.objects.get(user__username="agriculture").department
    assert Assignment.objects.filter(department=officer, next_due_at__isnull=False).exists()


@pytest.mark.assurance("I1", "I2", "I3", "I4", "I5", "I6")
def test_the_ledger_is_in_order(seeded: str, db: None, settings: Any) -> None:
    said = StringIO()
    call_command("verify_ledger", f"--now={NOW.isoformat()}", stdout=said, stderr=StringIO())
    assert "I3" in said.getvalue()


@pytest.mark.parametrize("account", people.accounts(), ids=lambda one: one.username)
def test_an_account_signs_in(seeded: str, db: None, client: Client, account: Any) -> None:
    user = User.objects.get(username=account.username)
    assert user.check_password(account.password)
    assert not user.must_change_password
    assert user.posts.get().role == account.role


def test_colleagues_are_everywhere_and_cannot_sign_in(seeded: str, db: None) -> None:
    staffed = Post.objects.filter(role="township_clerk").values("township")
    assert not Township.objects.filter(valid_to=None).exclude(pk__in=staffed).exists()
    known = {one.username for one in people.accounts()}
    assert not any(user.has_usable_password() for user in User.objects.exclude(username__in=known))


def test_a_second_run_changes_nothing(seeded: str, db: None) -> None:
    users = User.objects.count()
    assert "80/80" in seeded
    seed("--force")
    assert User.objects.count() == users


def test_a_system_gets_a_token(seeded: str, db: None, client: Client) -> None:
    answer = client.post(
        "/api/token/",
        {
            "grant_type": "client_credentials",
            "client_id": people.CLIENT_ID,
            "client_secret": people.CLIENT_SECRET,
        },
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["access_token"]


def test_it_refuses_to_run_where_others_work(db: None) -> None:
    with pytest.raises(CommandError):
        seed()


def test_it_refuses_a_year_that_ends_in_the_future(db: None) -> None:
    with pytest.raises(CommandError):
        seed("--force", f"--now={(timezone.now() + timedelta(days=1)).isoformat()}")


def test_the_accounts_are_printed_without_a_database() -> None:
    said = seed("--accounts")
    for one in people.accounts():
        assert one.password in said
    assert people.CLIENT_SECRET in said


def test_texts_fit_their_columns() -> None:
    titles = [sample.title for rows in texts.samples().values() for sample in rows]
    assert len(titles) == 201
    assert all(4 <= len(title) <= 60 for title in titles)
    assert set(texts.answers()) - {""} == set(texts.samples())
