"""A county some days later: calls in every state, with everything that people write on the way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from common import tenancy
from common.models import Notice
from mandates.models import Assignment, AssignmentState, Call, CallFile, CallNote
from mandates.operations import sweep
from tests.factories.calls import MONDAY, World, at
from townships.http import Member

NEXT = MONDAY + timedelta(hours=1)
LATER = MONDAY + timedelta(hours=2)
WEDNESDAY = at(3, 4, 10)


def lived_in(world: World) -> dict[str, Call]:
    """Make a call in each state and situation; return them by its name. It is Wednesday then."""
    found = {
        "draft": world.draft().call,
        "sent_back": _sent_back(world),
        "submitted": world.draft(then="submit", title="桥头弃土").call,
        "unlisted": world.draft(then="raise", title="路灯不亮", unlisted_reason="清单里没有").call,
        "emergency": world.routed(title="堤坝渗水", urgency="emergency"),
        "on_site": _with(
            world,
            world.routed(urgency="emergency"),
            [
                ("call_on_site", _head, {"place": "大桥下", "note": "带测距仪"}),
                ("report_on_site", _officer, {"people": "王队长等3人"}),
            ],
        ),
        "routed": world.routed(),
        "objected": _with(world, world.routed(), [("object", _officer, _cited(world))]),
        "rejected": _with(
            world,
            world.routed(),
            [
                ("object", _officer, _cited(world)),
                ("reject", _desk, {"note": "按清单由你局牵头", "assignment": None}),
            ],
        ),
        "handling": world.handling(),
        "asked": _with(
            world, world.handling(), [("ask_information", _officer, {"note": "请补位置"})]
        ),
        "extension": _with(
            world,
            world.handling(),
            [("ask_extension", _officer, {"note": "需要检测", "amount": 3})],
        ),
        "replied": _with(world, world.handling(), [("reply", _officer, {"note": "已到现场"})]),
        "answered": _with(world, world.handling(), [_answer()]),
        "rework": _with(
            world, world.handling(), [_answer(), ("send_back", _clerk, {"note": "还在采"})]
        ),
        "closed": _with(
            world, world.handling(), [_answer(), ("rate", _clerk, {"rating": "satisfied"})]
        ),
        "withdrawn": _with(world, world.routed(), [("withdraw", _head, {"note": "已自行解决"})]),
    }
    same = {"original": str(found["replied"].uid), "note": "同一处采砂"}
    found["duplicate"] = _with(world, world.routed(), [("link", _clerk, same)])
    apart = {"title": "河滩搭棚", "note": "采砂者搭棚住人", "entry": world.building.uid}
    found["split"] = _with(world, world.handling(), [("split", _clerk, apart)])
    world.drain(when=LATER)
    _sweep(LATER, WEDNESDAY)
    world.drain(when=WEDNESDAY)
    with tenancy.dispatching(reason="a test prepares"):
        _papers(world, found["handling"])
    return {name: world.fresh(call) for name, call in found.items()}


def _officer(world: World) -> Member:
    return world.officer()


def _clerk(world: World) -> Member:
    return world.clerk


def _head(world: World) -> Member:
    return world.head


def _desk(world: World) -> Member:
    return world.desk


def _answer() -> tuple[str, Any, dict[str, Any]]:
    return "answer", _officer, {"note": "已查处，采坑回填。", "override": "协办已电话答复"}


def _cited(world: World) -> dict[str, Any]:
    return {"note": "不属于我局职责", "entry": world.building.uid, "proposed": world.housing.uid}


def _with(world: World, call: Call, moves: list[tuple[str, Any, dict[str, Any]]]) -> Call:
    for n, (name, who, given) in enumerate(moves):
        if "assignment" in given:
            given = {**given, "assignment": _objected(call)}
        world.make(name, call, by=who(world), when=NEXT + timedelta(minutes=n), **given)
    return call


def _objected(call: Call) -> Any:
    with tenancy.everywhere(reason="a test looks"):
        return Assignment.objects.get(call=call, state=AssignmentState.OBJECTED).uid


def _sent_back(world: World) -> Call:
    call = world.draft(then="submit").call
    world.make("send_back_draft", call, by=world.head, when=NEXT, note="请写清位置")
    return call


def _sweep(*instants: datetime) -> None:
    for instant in instants:
        sweep.sweep(at=instant)


def _papers(world: World, call: Call) -> None:
    officer = world.officer()
    CallFile.objects.create(
        **call.tenant, call=call, name="现场.jpg", content_type="image/jpeg", size=1_500_000,
        sha256="0" * 64, path="calls/x", by=world.clerk.user, post=world.clerk.post, unit="试验镇",
        at=LATER, is_evidence=True,
    )  # fmt: skip
    CallNote.objects.create(
        **call.tenant, call=call, by=officer.user, post=officer.post, text="周五再去一次", at=LATER,
        department=world.water,
    )  # fmt: skip
    Notice.objects.filter(about=call.uid).update(read_at=LATER)
