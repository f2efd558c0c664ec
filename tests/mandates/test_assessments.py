"""双考核: points out of counts, each its own, appeals by call, published for ever, found again."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from common import tenancy
from common.errors import NotAllowed, Problem
from common.models import AuditEntry, Notice
from mandates.models import (
    Assessment,
    AssessmentRank,
    AssessmentScore,
    Call,
    Scheme,
    SchemeItem,
    SchemeMember,
)
from mandates.operations import assessing
from mandates.queries.assessing import assessable, points, score
from mandates.queries.statistics.definitions import FIGURES
from mandates.queries.statistics.of_signs import SIGNS
from tests.factories import figures
from tests.factories.calls import World, at, make_world
from tests.factories.figures import scatter
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from townships.roles import Role

pytestmark = pytest.mark.django_db
OPENED, LATER = at(4, 20), at(4, 28)  # five working days, and then some


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = make_world()
    monkeypatch.setattr(figures, "FATES", ("closed",))
    scatter(made, count=120, seed=5)
    return made


def scheme(world: World, *, figure: str = "satisfaction_wide") -> Scheme:
    with tenancy.scope(world.desk.scope):
        made: Scheme = Scheme.objects.create(
            county=world.county, name="部门季度考核", subject="department"
        )
        for n, (code, weight, floor, target) in enumerate(
            [(figure, 60, "0.2", "0.9"), ("rework_rate", 40, "0.9", "0.1")]
        ):
            SchemeItem.objects.create(
                county=world.county, scheme=made, position=n, figure=code, weight=weight,
                floor=floor, target=target,
            )  # fmt: skip
        for unit in (world.water, world.housing, world.police):
            SchemeMember.objects.create(
                county=world.county, scheme=made, department=unit, group="执法部门"
            )
    return made


def opened(world: World) -> Assessment:
    made = scheme(world)
    with tenancy.scope(world.desk.scope):
        return assessing.preview(made.uid, "2026-Q1", by=world.desk, at=OPENED)


def told(world: World) -> list[tuple[str, int]]:
    """Return kinds of notices and how many people were told."""
    with tenancy.everywhere(reason="a test looks"):
        kinds = Notice.objects.filter(kind__startswith="assessment_").values_list("kind", "user")
        return sorted((kind, user) for kind, user in kinds)


def test_units_are_told_of_what_is_theirs_and_the_desk_of_what_it_decides(world: World) -> None:
    officer, chief = world.officer(), world.member(Role.DEPARTMENT_HEAD)
    made = opened(world)
    asked = appealed(world, made, chief)
    with tenancy.scope(world.desk.scope):
        assessing.decide(asked.uid, upheld=(), reason="情况属实但不影响", by=world.desk, at=LATER)
        assessing.publish(made.uid, by=world.desk, at=LATER)

    found = told(world)
    for kind, who in (
        ("assessment_opened", officer),
        ("assessment_decided", chief),
        ("assessment_published", officer),
    ):
        assert (kind, who.user_id) in found
    # Whoever acts is not told of it: the desk appealed to is the one that opened it here.
    assert ("assessment_opened", world.desk.user_id) not in found
    assert ("assessment_appealed", world.desk.user_id) in found
    page = Browser(officer, at=LATER).get(url("notice-list")).content.decode()
    assert "可查看本单位得分" in page


def appealed(world: World, made: Assessment, by: Any) -> Any:
    """Appeal, naming one call of the unit."""
    with tenancy.scope(by.scope):
        number = Call.objects.filter(lead=world.water).exclude(number="")[0].number
        return assessing.appeal(
            made.uid, reason="该件不属实", numbers=[number], by=by, at=at(4, 21)
        )


def code_of(call: Any, by: Any) -> str:
    with pytest.raises(Problem) as caught, tenancy.scope(by.scope):
        call()
    return caught.value.code


def test_points_lie_between_two_ends_and_few_cases_earn_none() -> None:
    line = {"hits": 8, "cases": 10, "weight": 60, "floor": "0.6", "target": "1"}
    assert points(line, 10) == Decimal("30.00")
    assert points({**line, "hits": 6}, 10) == 0
    assert points({**line, "hits": 10}, 10) == 60
    assert points({**line, "cases": 9}, 10) is None
    less = {"hits": 1, "cases": 10, "weight": 40, "floor": "0.2", "target": "0"}
    assert points(less, 10) == 20
    assert score([line, less], 10) == (Decimal("50.00"), True)
    assert score([line, {**less, "cases": 3}], 10) == (Decimal("50.00"), False)
    assert score([{**line, "cases": 3}], 10) == (None, False)


def test_no_item_is_of_fines_or_a_sign_or_unknown(world: World) -> None:
    for subject in ("department", "township"):
        allowed = assessable(subject)
        assert allowed
        assert not set(allowed) & set(SIGNS)
        assert all(FIGURES[code].denominator for code in allowed)
    assert "dispatch_accuracy" not in assessable("department")
    made = scheme(world)
    for wrong in ("fines_collected", "penalty_income", "罚没收入"):
        with (
            pytest.raises(IntegrityError, match="scheme_item_no_fines"),
            transaction.atomic(),
            tenancy.scope(world.desk.scope),
        ):
            SchemeItem.objects.create(
                county=world.county, scheme=made, figure=wrong, weight=1, floor="0", target="1"
            )


def test_each_unit_sees_its_own_in_full_and_of_others_nothing_before_publication(
    world: World,
) -> None:
    made = opened(world)
    with tenancy.everywhere(reason="a test looks"):
        kept = AssessmentScore.objects.get(assessment=made, department=world.water)
        plain = Call.objects.filter(
            lead=world.water, closed_at__gte=at(1, 1, 0), closed_at__lt=at(4, 1, 0)
        )
        rated = [c for c in plain if c.rating != "unrated" and c.rating_appeal != "upheld"]
        good = sum(1 for c in rated if c.rating != "unsatisfied")
    line = kept.items[0]
    assert (line["hits"], line["cases"]) == (good, len(rated))
    with tenancy.scope(world.officer().scope):
        assert [row.department_id for row in AssessmentScore.objects.all()] == [world.water.pk]
    own = System.beside(world.officer()).get(f"assessments/{made.uid}/").json()
    assert [(one["name"], one["score"]) for one in own["scores"]] == [
        (world.water.name, str(kept.score))
    ]
    assert own["ranks"] == []
    desk = System.beside(world.desk).get(f"assessments/{made.uid}/").json()
    assert len(desk["scores"]) == 3
    stranger = System.beside(world.clerk)
    assert stranger.get(f"assessments/{made.uid}/").status_code == 404
    page = Browser(world.officer(), at=OPENED).get(url("assessment-detail", made.uid))
    (shown,) = [line for line in page.context["own"]["lines"] if line["figure"] == line_code(kept)]
    query = dict(parse_qsl(urlsplit(shown["cases_url"]).query))
    with time_machine.travel(OPENED, tick=False):
        behind = System.beside(world.officer()).get("calls/", **query, size=100).json()
    assert len(behind["results"]) == line["cases"]
    assert world.housing.name not in page.content.decode()


def line_code(row: AssessmentScore) -> str:
    code: str = row.items[0]["figure"]
    return code


def test_an_appeal_takes_named_calls_out_and_nothing_else(world: World) -> None:
    made = opened(world)
    head = world.member(Role.DEPARTMENT_HEAD)
    with tenancy.everywhere(reason="a test looks"):
        before = AssessmentScore.objects.get(assessment=made, department=world.water)
        bad = Call.objects.filter(
            lead=world.water, rating="unsatisfied", closed_at__gte=at(1, 1, 0),
            closed_at__lt=at(4, 1, 0),
        ).exclude(rating_appeal="upheld").first()  # fmt: skip
        foreign = Call.objects.filter(lead=world.housing).exclude(
            departments__contains=[world.water.pk]
        )
        assert bad is not None
        assert not foreign  # every call here concerns all three

    def ask(*numbers: str, when: Any = OPENED, reason: str = "汛期不可抗力") -> Any:
        return assessing.appeal(made.uid, reason=reason, numbers=numbers, by=head, at=when)

    assert code_of(lambda: ask("没有这个号"), head) == "invalid"
    assert code_of(lambda: ask(), head) == "invalid"
    assert code_of(lambda: ask(bad.number, when=LATER), head) == "appeal_window_closed"
    with pytest.raises(NotAllowed), tenancy.scope(world.officer().scope):
        assessing.appeal(made.uid, reason="不符", numbers=["1"], by=world.officer(), at=OPENED)
    with tenancy.scope(head.scope):
        appeal = ask(bad.number)
    with tenancy.everywhere(reason="a test looks"):
        (entry,) = AuditEntry.objects.filter(action="assessment_appealed")
        assert (entry.detail["numbers"], entry.actor_id) == ([bad.number], head.user_id)
    assert code_of(lambda: ask(bad.number), head) == "already_asked"
    with tenancy.scope(world.desk.scope):
        early = lambda: assessing.publish(made.uid, by=world.desk, at=OPENED)  # noqa: E731
        assert code_of(early, world.desk) == "appeals_open"
        assessing.decide(appeal.uid, upheld=[bad.number], reason="属实", by=world.desk, at=OPENED)
        after = AssessmentScore.objects.get(assessment=made, department=world.water)
    old, new = before.items[0], after.items[0]
    assert (new["hits"], new["cases"], new["excluded"]) == (old["hits"], old["cases"] - 1, 1)
    assert after.score != before.score


def test_published_it_stands_for_ever_and_is_found_again(world: World) -> None:
    made = opened(world)
    with tenancy.scope(world.desk.scope):
        done = assessing.publish(made.uid, by=world.desk, at=LATER)
        assert done.state == "published"
        rows = list(AssessmentScore.objects.filter(assessment=made).order_by("-score"))
        placed = dict(AssessmentRank.objects.values_list("name", "rank"))
        compared = [row for row in rows if row.is_compared]
        assert len(compared) >= 2
        assert placed[str(compared[0].unit)] == 1
    for change in (
        lambda: AssessmentScore.objects.filter(assessment=made).update(score=100),
        lambda: Assessment.objects.filter(pk=made.pk).update(as_of=LATER),
        lambda: SchemeItem.objects.filter(scheme=made.scheme).update(weight=1),
        lambda: Scheme.objects.filter(pk=made.scheme_id).update(fewest=20),
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), tenancy.scope(world.desk.scope):
            change()
    out = io.StringIO()
    call_command("recompute_assessment", str(made.uid), stdout=out)
    assert "as published" in out.getvalue()
    league = System.beside(world.officer()).get(f"assessments/{made.uid}/").json()
    assert len(league["scores"]) == 1
    assert {one["name"]: one["rank"] for one in league["ranks"]} == placed
    with tenancy.dispatching(reason="a test falsifies"):
        call = Call.objects.filter(
            lead=world.water, rating="satisfied", closed_at__gte=at(1, 1, 0),
            closed_at__lt=at(4, 1, 0),
        ).first()  # fmt: skip
        assert call is not None
        Call.objects.filter(pk=call.pk).update(rating="unsatisfied")
    with pytest.raises(CommandError, match="1 of 1"):
        call_command("recompute_assessment", str(made.uid), stdout=out)
    assert "satisfaction_wide" in out.getvalue()


def test_pages_from_the_scheme_to_the_bulletin(world: World) -> None:
    desk = world.desk
    assert Browser(desk, at=OPENED).get(url("assessment-list")).status_code == 200
    made = scheme(world)
    early = Browser(desk, at=OPENED).post(
        url("assessment-list"), {"scheme": str(made.uid), "during": "2026-Q2"}
    )
    assert (early.status_code, list(early.context["form"].errors)) == (422, ["during"])
    sent = Browser(desk, at=OPENED).post(
        url("assessment-list"), {"scheme": str(made.uid), "during": "2026-Q1"}
    )
    assert sent.status_code == 302
    with tenancy.everywhere(reason="a test looks"):
        one = Assessment.objects.get(scheme=made)
    assert Browser(desk, at=LATER).post(url("assessment-publish", one.uid)).status_code == 422
    files = url("assessment-xlsx", one.uid)
    assert Browser(desk, at=LATER).get(files).status_code == 404
    answer = Browser(desk, at=LATER).post(url("assessment-publish", one.uid), {"confirmed": "1"})
    assert answer.status_code == 302
    book = Browser(desk, at=LATER).get(files)
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if "worksheets/" in name]
        words = parts.read("xl/sharedStrings.xml").decode()
    assert world.water.name in words
    assert not any(b"<f>" in sheet for sheet in sheets)
    assert Browser(world.officer(), at=LATER).get(files).status_code == 404
    drawn = Browser(desk, at=LATER).get(url("assessment-pdf", one.uid))
    assert drawn.content[:5] == b"%PDF-" or drawn.status_code == 406


def test_a_used_scheme_goes_on_as_a_new_version(world: World) -> None:
    made = opened(world).scheme
    officer = world.member(Role.ESTABLISHMENT_OFFICER)
    with tenancy.scope(officer.scope), time_machine.travel(LATER):
        new = assessing.renew(made.uid, by=officer, at=LATER)
        assert (new.number, new.items.count(), new.members.count()) == (2, 2, 3)
        SchemeItem.objects.filter(scheme=new).update(weight=50)
    with tenancy.everywhere(reason="a test looks"):
        assert sorted(made.items.values_list("weight", flat=True)) == [40, 60]
    console = Browser(officer, at=LATER)
    assert console.get(f"/console/mandates/scheme/{new.pk}/change/").status_code == 200
    assert console.get(f"/console/mandates/scheme/{made.pk}/change/").status_code == 200
