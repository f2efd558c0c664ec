"""Opinions on a draft: units are asked, agree or object; what is objected to is answered first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import ProgrammingError, transaction
from django.test import Client

from common import tenancy
from common.models import Notice
from mandates.models import ListReview, ListVersion, ReviewComment, ReviewOpinion, Stance
from mandates.operations import lists, publications
from tests.factories.calls import MONDAY, World, make_world
from tests.factories.mandates import publish as by_two
from tests.factories.systems import System
from townships.http import Member
from townships.models import Platform
from townships.roles import Role

FROM = date(2026, 6, 1)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    made = make_world()
    with time_machine.travel(MONDAY, tick=False):
        yield made


@pytest.fixture
def draft(world: World) -> ListVersion:
    with tenancy.dispatching(reason="a test prepares"):
        return lists.open_draft(world.version.duty_list, reason="修订", by=None, at=MONDAY)


def url(draft: ListVersion, *rest: Any) -> str:
    return f"/drafts/{draft.uid}/review/" + "".join(f"{one}/" for one in rest)


def send(one: Member, path: str, **data: Any) -> Any:
    client = Client()
    client.force_login(one.user)
    return client.post(path, data, follow=True)


def get(one: Member, path: str) -> Any:
    client = Client()
    client.force_login(one.user)
    return client.get(path)


def officer(world: World) -> Member:
    return world.member(Role.ESTABLISHMENT_OFFICER)


def chief(world: World) -> Member:
    return world.member(Role.DEPARTMENT_HEAD)


def asked(world: World, draft: ListVersion) -> dict[str, Any]:
    answer = send(
        officer(world), url(draft, "invite"), until="2026-03-20",
        departments=[str(world.water.uid)], townships=[str(world.township.uid)],
    )  # fmt: skip
    assert answer.status_code == 200
    return {"department": opinion(world.water), "township": opinion(world.township)}


def opinion(unit: Any) -> ReviewOpinion:
    with tenancy.everywhere(reason="a test looks"):
        rows = ReviewOpinion.objects.select_related("review")
        name = "department" if type(unit).__name__ == "Department" else "of_township"
        return rows.get(**{name: unit})


def publish(world: World, draft: ListVersion) -> ListVersion:
    with tenancy.dispatching(reason="a test publishes"):
        draft.entries.update(platform=None)
        return by_two(draft, valid_from=FROM, document_no="试办〔2026〕1号", at=MONDAY)


def test_units_agree_and_object_each_for_itself(world: World, draft: ListVersion) -> None:
    known = asked(world, draft)
    page = get(world.head, url(draft))

    assert [one.unit for _round, shown in page.context["rounds"] for one, _said in shown] == [
        str(world.township)
    ]
    send(world.head, url(draft, known["township"].uid, "say"), stance="agree")
    send(chief(world), url(draft, known["department"].uid, "say"), stance="object", text="")
    assert opinion(world.water).stance == Stance.WAITING
    send(chief(world), url(draft, known["department"].uid, "say"), stance="object", text="人手不足")
    assert opinion(world.township).stance == Stance.AGREE
    assert (opinion(world.water).stance, opinion(world.water).text) == (Stance.OBJECT, "人手不足")
    foreign = send(world.head, url(draft, known["department"].uid, "say"), stance="agree")
    assert foreign.status_code == 404
    clerk = send(world.clerk, url(draft, known["township"].uid, "say"), stance="object", text="不")
    assert clerk.status_code == 403


def test_lines_are_commented(world: World, draft: ListVersion) -> None:
    known = asked(world, draft)
    send(world.head, url(draft, known["township"].uid, "say"), matter="SL-01", text="应由县里巡查")
    send(world.head, url(draft, known["township"].uid, "say"), matter="XX-01", text="没有")

    with tenancy.everywhere(reason="a test looks"):
        made = ReviewComment.objects.select_related("matter").get()
    assert (made.matter.code, made.text) == ("SL-01", "应由县里巡查")
    assert "应由县里巡查" in get(officer(world), url(draft)).content.decode()


def test_a_comment_is_reworded_and_withdrawn_and_what_was_said_stays(
    world: World, draft: ListVersion
) -> None:
    known = asked(world, draft)
    path = url(draft, known["township"].uid, "say")
    send(world.head, path, matter="SL-01", text="应由县里巡查")
    send(world.head, path, comment=str(comments()[0].uid), text="应由县水利局巡查")
    send(world.head, path, comment=str(comments()[0].uid), text="旧页面上写的")
    page = get(officer(world), url(draft)).content.decode()
    assert page.index("应由县水利局巡查") < page.index("应由县里巡查")
    send(world.head, path, comment=str(comments()[1].uid), withdraw="1")
    send(world.head, path, comment=str(comments()[2].uid), text="已撤回的")
    own = System.beside(officer(world)).get(f"versions/{draft.uid}/review/").json()["results"][1]

    assert [one.text for one in comments()] == ["应由县里巡查", "应由县水利局巡查", ""]
    assert [(one["withdrawn"], len(one["earlier"])) for one in own["comments"]] == [(True, 2)]
    assert "已撤回" in get(world.head, url(draft)).content.decode()
    stranger = url(draft, known["department"].uid, "say")
    assert (
        send(chief(world), stranger, comment=str(comments()[0].uid), text="别的单位").status_code
        == 404
    )
    with tenancy.scope(world.head.scope), pytest.raises(ProgrammingError), transaction.atomic():
        ReviewComment.objects.update(text="改了历史")
    send(officer(world), url(draft, known["township"].review.uid, "close"))
    send(world.head, path, comment=str(comments()[1].uid), text="结束以后")
    assert len(comments()) == 3


def comments() -> list[ReviewComment]:
    with tenancy.everywhere(reason="a test looks"):
        return list(ReviewComment.objects.order_by("id"))


def test_units_and_office_are_told_and_led_to_where_it_stands(
    world: World, draft: ListVersion
) -> None:
    everybody = chief(world), world.head, world.clerk, officer(world)
    known = asked(world, draft)
    path = url(draft, known["department"].uid, "say")
    send(everybody[0], path, matter="SL-01", text="人手不足")
    send(chief(world), path, stance="object", text="人手不足")
    send(officer(world), url(draft, known["department"].uid, "answer"), answer="已调整")
    send(world.head, url(draft, known["township"].uid, "say"), stance="agree")

    assert told(chief(world)) == ["review_asked", "review_answered"]
    assert told(world.head) == told(world.clerk) == ["review_asked"]
    assert told(officer(world)) == ["review_commented", "review_objected", "review_said"]
    assert told(world.member(Role.TOWNSHIP_HEAD, world.sibling)) == []
    page = get(world.head, "/notices/").content.decode()
    assert "3月20日" in page
    with tenancy.everywhere(reason="a test looks"):
        notice = Notice.objects.get(user=world.head.user)
    assert get(world.head, f"/notices/{notice.uid}/")["Location"] == url(draft)
    with tenancy.dispatching(reason="a test prepares"):
        lists.discard_draft(draft, reason="重来", by=None, at=MONDAY)
    assert get(world.head, url(draft))["Location"] == "/matters/"


def told(one: Member) -> list[str]:
    with tenancy.everywhere(reason="a test looks"):
        rows = Notice.objects.filter(user=one.user).order_by("id")
        return list(rows.values_list("kind", flat=True))


def test_what_was_said_of_a_version_is_read_after_its_publication(
    world: World, draft: ListVersion
) -> None:
    known = asked(world, draft)
    send(world.head, url(draft, known["township"].uid, "say"), matter="SL-01", text="应由县里巡查")
    send(officer(world), url(draft, known["township"].review.uid, "close"))
    with tenancy.dispatching(reason="a test publishes"):
        draft.entries.update(platform=Platform.objects.first())
        by_two(draft, valid_from=FROM, document_no="试办〔2026〕1号", at=MONDAY)
    page = get(world.head, url(draft))

    assert "应由县里巡查" in page.content.decode()
    assert f'action="{url(draft)}' not in get(officer(world), url(draft)).content.decode()
    assert send(officer(world), url(draft, "invite"), until="2026-07-20").status_code == 404


def test_an_unanswered_objection_stands_in_the_way(world: World, draft: ListVersion) -> None:
    known = asked(world, draft)
    key = known["department"].uid
    with pytest.raises(publications.ReviewPending) as running:
        publish(world, draft)
    assert running.value.code == "review_pending"
    send(chief(world), url(draft, key, "say"), stance="object", text="人手不足")
    send(officer(world), url(draft, known["department"].review.uid, "close"))
    assert opinion(world.township).stance == Stance.SILENT
    with pytest.raises(publications.ReviewPending):
        publish(world, draft)
    assert send(world.head, url(draft, key, "answer"), answer="x").status_code == 403
    send(officer(world), url(draft, key, "answer"), answer="已调整为配合")
    assert opinion(world.water).answer == "已调整为配合"
    with pytest.raises(publications.HasGaps):  # nothing of the review stands in the way any more
        publish(world, draft)
    late = send(chief(world), url(draft, key, "say"), stance="agree")
    assert opinion(world.water).stance == Stance.OBJECT
    assert "征求意见已结束" in late.content.decode()


def test_a_draft_is_hidden_from_those_who_were_not_asked(world: World, draft: ListVersion) -> None:
    asked(world, draft)
    stranger = make_world()

    for one in (world.member(Role.TOWNSHIP_HEAD, world.sibling), stranger.head, world.desk):
        assert get(one, url(draft)).status_code == 404
    assert get(officer(stranger), url(draft)).status_code == 404
    assert send(world.head, url(draft, "invite"), until="2026-03-20").status_code == 403


@pytest.mark.assurance("T7")
def test_the_database_shows_a_unit_its_own_opinion_alone(world: World, draft: ListVersion) -> None:
    asked(world, draft)
    with tenancy.scope(world.head.scope):
        assert [one.of_township_id for one in ReviewOpinion.objects.all()] == [world.township.pk]
        with pytest.raises(ProgrammingError), transaction.atomic():
            ListReview.objects.update(closed_at=MONDAY)


def test_the_database_lets_a_unit_comment_under_its_own_opinion_alone(
    world: World, draft: ListVersion
) -> None:
    known = asked(world, draft)

    def comment(under: str, replaces: ReviewComment | None = None) -> ReviewComment:
        made: ReviewComment = ReviewComment.objects.create(
            county=world.county, opinion=known[under], matter=world.sand.matter, text="意见",
            at=MONDAY, by="某人", replaces=replaces,
        )  # fmt: skip
        return made

    with tenancy.scope(chief(world).scope):
        theirs = comment("department")
    with tenancy.scope(world.head.scope):
        mine = comment("township")
        for words in ({"under": "department"}, {"under": "township", "replaces": theirs}):
            with pytest.raises(ProgrammingError), transaction.atomic():
                comment(**words)
        comment("township", mine)
    assert len(comments()) == 3


def test_nobody_is_asked_twice_and_somebody_must_be(world: World, draft: ListVersion) -> None:
    assert send(officer(world), url(draft, "invite"), until="x").status_code == 422
    nobody = send(officer(world), url(draft, "invite"), until="2026-03-20").content.decode()
    assert "至少选择一个单位" in nobody
    asked(world, draft)
    again = send(
        officer(world), url(draft, "invite"), until="2026-03-20",
        townships=[str(world.township.uid)],
    ).content.decode()  # fmt: skip
    assert "正在征求意见" in again


def test_a_discarded_draft_takes_its_review_with_it(world: World, draft: ListVersion) -> None:
    known = asked(world, draft)
    send(world.head, url(draft, known["township"].uid, "say"), matter="SL-01", text="应由县里巡查")
    with tenancy.scope(officer(world).scope):
        lists.discard_draft(draft, reason="重来", by=officer(world), at=MONDAY)
        assert not ListReview.objects.exists()


def test_the_unit_is_told_on_the_page_of_the_list(world: World, draft: ListVersion) -> None:
    assert not get(world.head, "/matters/").context["asked_for"]
    known = asked(world, draft)
    assert get(world.head, "/matters/").context["asked_for"] == [known["township"]]
    assert get(world.clerk, "/matters/").status_code == 200


def test_systems_of_the_office_read_the_review(world: World, draft: ListVersion) -> None:
    asked(world, draft)
    told = System.beside(officer(world)).get(f"versions/{draft.uid}/review/").json()["results"]

    assert [(one["unit"], one["stance"]) for one in told] == [
        (str(world.water), "waiting"),
        (str(world.township), "waiting"),
    ]
    refused = System.beside(world.desk).get(f"versions/{draft.uid}/review/")
    assert refused.status_code == 403
