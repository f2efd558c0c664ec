"""Two weeks of a county, swept every hour as workers do: clocks met, missed, paused, stretched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from common import tenancy
from mandates.models import Assignment, Call
from mandates.operations import sweep
from tests.factories.calls import MONDAY, World, at

ENDS = at(3, 24, 18)


def lived(world: World) -> dict[str, Call]:
    """Live from Monday 2 March to 24 March 2026; return the calls by what happened to them."""
    water, housing = world.officer(), world.officer(world.housing)
    answer = {"note": "已查处，采坑回填。", "override": "协办已电话答复"}
    found: dict[str, Call] = {}

    def begin(name: str, **written: Any) -> Any:
        def act(when: Any) -> None:
            title = f"河道采砂第{len(found) + 1}处"
            found[name] = world.draft(when=when, then="raise", title=title, **written).call
            world.drain(when=when)

        return act

    def move(name: str, who: Any, call: str, **given: Any) -> Any:
        def act(when: Any) -> None:
            if given.get("assignment", "") is None:
                with tenancy.everywhere(reason="a test looks"):
                    part = Assignment.objects.get(call=found[call], state="objected")
                given["assignment"] = part.uid
            world.make(name, found[call], by=who, when=when, **given)
            world.drain(when=when)

        return act

    events = [
        (at(3, 2, 9), begin("prompt")),
        (at(3, 2, 9, 5), begin("slow to accept")),
        (at(3, 2, 9, 10), begin("paused")),
        (at(3, 2, 9, 15), begin("stretched")),
        (at(3, 2, 9, 20), begin("redirected")),
        (at(3, 2, 9, 25), begin("withdrawn")),
        (at(3, 2, 9, 30), begin("never touched")),
        (at(3, 2, 9, 35), begin("unlisted", unlisted_reason="清单里没有")),
        (at(3, 2, 9, 40), begin("houses", entry=world.building.uid)),
        (at(3, 2, 10), move("accept", water, "prompt")),
        (at(3, 2, 10, 1), move("accept", water, "paused")),
        (at(3, 2, 10, 2), move("accept", water, "stretched")),
        (at(3, 2, 10, 3), move("object", water, "redirected", note="不属于我局", law="水法",
                               article="1", proposed=world.housing.uid)),  # fmt: skip
        (at(3, 2, 10, 4), move("withdraw", world.head, "withdrawn", note="已自行解决")),
        (at(3, 2, 11), move("dispatch", world.desk, "unlisted", lead=world.police.uid, note="归公安办理")),
        (at(3, 2, 15), move("accept", housing, "houses")),
        (at(3, 3, 9), move("uphold", world.desk, "redirected", lead=world.housing.uid,
                           assignment=None, note="属住建职责")),  # fmt: skip
        (at(3, 3, 10), move("ask_information", water, "paused", note="请补位置")),
        (at(3, 4, 9), move("accept", water, "slow to accept")),
        (at(3, 5, 9), move("supply_information", world.clerk, "paused", note="大桥下游")),
        (at(3, 5, 10), move("answer", water, "prompt", **answer)),
        (at(3, 6, 9), move("rate", world.clerk, "prompt", rating="satisfied")),
        (at(3, 12, 9), move("ask_extension", water, "stretched", note="需要检测", amount=3)),
        (at(3, 12, 15), move("grant_extension", world.clerk, "stretched")),
        # Answered on the tenth working day: in time by a limit of ten, late by one of nine.
        (at(3, 16, 10), move("answer", water, "slow to accept", **answer)),
        (at(3, 18, 10), move("answer", water, "paused", **answer)),
        (at(3, 18, 11), move("answer", water, "stretched", **answer)),
    ]  # fmt: skip
    instant = MONDAY
    while instant <= ENDS:
        while events and events[0][0] <= instant:
            when, act = events.pop(0)
            sweep.sweep(at=when)  # no level is missed because the sweep came too late
            act(when)
        sweep.sweep(at=instant)
        instant += timedelta(hours=1)
    world.drain(when=ENDS)
    return {name: world.fresh(call) for name, call in found.items()}
