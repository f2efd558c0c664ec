"""赋权与委托 on pages and by the API: every step as a form, refusals with what was written, answers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from common import tenancy
from mandates.models import PowerBatch, PowerEvaluation, PowerGrant, PowerSwap
from tests.factories import powers
from tests.factories.calls import World, at, make_world
from tests.factories.powers import officer, second
from tests.factories.systems import System
from tests.mandates.pages import Browser, url
from townships.roles import Role

pytestmark = pytest.mark.django_db
NOW = at(3, 3)


@pytest.fixture
def world() -> World:
    return make_world()


def step(world: World, by: Any, batch: Any, name: str, **sent: Any) -> Any:
    return Browser(by, at=NOW).post(url(f"powerbatch-{name}", batch.uid), sent)


def test_a_batch_is_brought_into_force_on_its_page(world: World) -> None:
    item, by, other = powers.item(world, "SL-01"), officer(world), second(world)
    answer = Browser(by, at=NOW).post(
        url("powerbatch-new"),
        {"title": "首批委托", "mode": "entrustment", "giver": str(world.water.uid),
         "powers": "简易程序案件", "valid_from": "2026-03-03", "valid_to": "2028-03-03"},
    )  # fmt: skip
    with tenancy.scope(by.scope):
        batch = PowerBatch.objects.get()
    assert answer["Location"] == batch.get_absolute_url()
    place = world.township
    steps: list[tuple[Any, str, dict[str, Any]]] = [
        (by, "choose", {"items": [str(item.uid)], "townships": [str(place.uid)]}),
        (by, "check", {"townships": [str(place.uid)], "officers": 2, "cases": 30,
                       "equipment": "执法记录仪", "training": "四十学时", "passed": "1"}),
        (by, "agree", {"giver_on": "2026-03-01", "all_on": "2026-03-02"}),
        (other, "approve", {"document_no": "试政〔2026〕8号"}),
        (other, "publish", {"giver_on": "2026-03-02", "giver_in": "县政府网站",
                            "all_on": "2026-03-02", "all_in": "公示栏"}),
        (world.head, "confirm", {"note": "边界已明"}),
    ]  # fmt: skip
    for who, name, sent in steps:
        page = Browser(who, at=NOW).get(batch.get_absolute_url())
        assert name in page.context["forms"], name
        assert step(world, who, batch, name, **sent).status_code == 302, name
    asked = Browser(world.clerk, at=NOW).get(
        url("power-ask"), data={"item": "SL-01", "on": "2026-03-03"}
    )
    assert "可以，以水利局的名义" in asked.content.decode()
    with tenancy.scope(by.scope):
        grant = PowerGrant.objects.get()
    assert step(
        world, by, batch, "evaluate", grants=[str(grant.uid)], outcome="keep", cases=3, finding="好"
    ).status_code == 302  # fmt: skip
    assert step(
        world, other, batch, "take-back", grants=[str(grant.uid)], on="2026-03-10",
        notified_on="2026-03-03", document_no="试政〔2026〕9号", reason="上级收回",
    ).status_code == 302  # fmt: skip
    text = Browser(world.desk, at=NOW).get(batch.get_absolute_url()).content.decode()
    assert "上级收回" in text
    with tenancy.scope(by.scope):
        assert PowerEvaluation.objects.get().outcome == "keep"


def test_a_refusal_keeps_what_was_written_and_names_the_article(world: World) -> None:
    by, item = officer(world), powers.item(world, "X-01", kind="measure")
    batch = powers.drafted(world, [])
    answer = step(
        world, by, batch, "choose", items=[str(item.uid)], townships=[str(world.township.uid)]
    )
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "第十七条第一款" in text
    assert f'value="{item.uid}"' in text
    answer = Browser(by, at=NOW).post(
        url("powerbatch-new"),
        {"title": "再委托", "mode": "entrustment", "giver": str(world.township.uid),
         "powers": "全部", "valid_from": "2026-03-03", "valid_to": "2028-03-03"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert "不得再委托" in answer.content.decode()
    assert step(world, by, batch, "agree", giver_on="gestern").status_code == 422


def test_who_may_not_is_refused_and_a_draft_is_not_shown_to_townships(world: World) -> None:
    batch = powers.drafted(world, [powers.item(world, "SL-01")])
    for who in (world.head, world.officer(), world.desk):
        assert step(world, who, batch, "approve", document_no="试1号").status_code in (403, 404)
    assert Browser(world.head, at=NOW).get(batch.get_absolute_url()).status_code == 404
    assert Browser(world.desk, at=NOW).get(url("power-townships")).status_code == 200
    assert Browser(world.head, at=NOW).get(url("power-townships")).status_code == 403


def test_a_swap_is_asked_for_and_decided_on_the_page(world: World) -> None:
    one, two = powers.item(world, "SL-01"), powers.item(world, "SL-02")
    batch = powers.in_force(world, [one], mode="empowerment", ends=None)
    with tenancy.scope(world.head.scope):
        held = batch.grants.get().uid
    sent = {"outs": [str(held)], "ins": ["SL-02"], "reason": "辖区无此类对象"}
    assert step(world, world.head, batch, "swap", **sent).status_code == 302
    with tenancy.scope(world.desk.scope):
        swap = PowerSwap.objects.get()
    browser, decide = Browser(second(world), at=NOW), url("powerswap-decide", swap.uid)
    refused = browser.post(decide, {"approved": "1", "on": "2026-03-05", "document_no": "试3号"})
    assert refused.status_code == 409
    assert "能够有效承接" in refused.content.decode()
    assert browser.post(decide, {"approved": "0", "decision": ""}).status_code == 400
    assert browser.post(decide, {"approved": "0", "decision": "先培训"}).status_code == 302
    assert two.code in Browser(world.head, at=NOW).get(batch.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "role", [Role.ESTABLISHMENT_OFFICER, Role.TOWNSHIP_HEAD, Role.COUNTY_LEADER]
)
def test_every_page_opens_with_and_without_anything(world: World, role: str) -> None:
    who = world.member(role)
    pages = ["power-list", "power-ask", "power-today", "powerbatch-list"]
    for name in pages:
        assert Browser(who, at=NOW).get(url(name)).status_code == 200, name
    item = powers.item(world, "SL-01")
    powers.in_force(world, [item])
    for name in pages:
        assert Browser(who, at=NOW).get(url(name)).status_code == 200, name
    shown = Browser(who, at=NOW).get(url("power-detail", item.uid)).content.decode()
    assert "首批" in shown or "第一批" in shown
    listed = Browser(who, at=NOW).get(
        url("power-list"), data={"q": "水法", "mode": "entrustment", "township": world.township.uid}
    )
    assert [row["one"].code for row in listed.context["rows"]] == ["SL-01"]
    assert Browser(who, at=NOW).get(url("power-list"), data={"department": "x"}).status_code == 422
    assert (
        Browser(who, at=NOW).get(url("power-ask"), data={"item": "没有", "on": "x"}).status_code
        == 422
    )


def test_scores_are_kept_with_their_reasons(world: World) -> None:
    item, by = powers.item(world, "SL-01", scored=False), officer(world)
    sent = {f"{name}_{what}": value for name in ("many", "direct", "urgent", "bearable")
            for what, value in (("score", 4), ("reason", "走访所见"))}  # fmt: skip
    browser = Browser(by, at=NOW)
    assert browser.post(url("power-score", item.uid), {**sent, "many_score": 6}).status_code == 422
    assert browser.post(url("power-score", item.uid), sent).status_code == 302
    assert "16 / 20" in browser.get(url("power-detail", item.uid)).content.decode()
    assert Browser(world.head, at=NOW).post(url("power-score", item.uid), sent).status_code == 403


def test_systems_read_the_catalogue_batches_grants_and_ask(world: World) -> None:
    item = powers.item(world, "SL-01")
    batch = powers.in_force(world, [item])
    system = System.beside(world.desk)
    assert [row["code"] for row in system.get("powers/").json()["results"]] == ["SL-01", "SL-C1"]
    (listed,) = system.get("powers/batches/").json()["results"]
    assert (listed["mode"], listed["state"]) == ("entrustment", "published")
    whole = system.get(f"powers/batches/{batch.uid}/").json()
    assert whole["items"] == ["SL-01"]
    assert whole["agreements"][0]["confirmed_at"]
    (held,) = system.get("powers/grants/", on="2026-03-03").json()["results"]
    assert (held["item"], held["name_of"]) == ("SL-01", "水利局")
    assert system.get("powers/grants/", on="2026-03-01").json()["results"] == []

    def may(**asked: Any) -> Any:
        return system.get("powers/may/", **{"township": str(world.township.uid), **asked})

    (answer,) = may(item="SL-01", on="2026-03-03").json()["answers"]
    assert (answer["may"], answer["mode"], answer["name_of"]) == (True, "entrustment", "水利局")
    assert [limit["place"] for limit in answer["limits"]] == [
        "《中华人民共和国行政强制法》第十七条第一款", "《中华人民共和国行政处罚法》第二十条第四款",
    ]  # fmt: skip
    (answer,) = may(item="SL-01", on="2026-03-01").json()["answers"]
    assert (answer["may"], answer["why"], answer["name_of"]) == (False, "not_yet", "")
    assert may(item="没有这样的事").json()["answers"] == []
    assert may(item="SL-01", on="gestern").status_code == 400
    elsewhere = make_world()
    wrong = may(item="SL-01", township=str(elsewhere.township.uid))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")


def test_powers_in_order_of_their_codes_have_more_pages_than_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page token holds a code, which is a text: also one that reads like an instant."""
    codes = ["2026-03-02", "AA-01", "AA-02"]
    for code in codes:
        powers.item(world, code)
    monkeypatch.setattr("mandates.views.powers.SIZE", 1)
    shown: list[str] = []
    address = url("power-list")
    for _n in codes:
        answer = Browser(world.desk, at=NOW).get(address)
        shown += [row["one"].code for row in answer.context["rows"]]
        address = answer.context["pager"].next_url
    assert shown == codes
    back = answer.context["pager"].previous_url
    answer = Browser(world.desk, at=NOW).get(back)
    assert [row["one"].code for row in answer.context["rows"]] == ["AA-01"]

    machine = System.beside(world.desk)
    first = machine.get("powers/", size=2).json()
    rest = machine.client.get(first["next"]).json()
    assert [row["code"] for row in first["results"] + rest["results"]][:3] == codes


@pytest.mark.parametrize("place", [[["a", "b"], 1], [[1], 1], [["\0"], 1], ["SL-01", 1], [[], 1]])
def test_a_tampered_place_in_the_powers_is_told(world: World, place: list[Any]) -> None:
    powers.item(world, "SL-01")
    text = base64.urlsafe_b64encode(json.dumps([0, *place]).encode()).decode().rstrip("=")
    assert (
        Browser(world.desk, at=NOW).get(url("power-list"), data={"cursor": text}).status_code == 400
    )
    answer = System.beside(world.desk).get("powers/", cursor=text)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
