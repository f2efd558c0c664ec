"""Records that stand where something may be done with them, made by the operations that people use.

What an operation asks for follows from the tables of moves: a move that is added later finds its call by
the state it begins in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common import tenancy
from mandates.models import Admission, AdmissionBody, Burden, Call
from mandates.models.admission_moves import ADMISSION_MOVES, APPLICANT
from mandates.models.burdens import BURDEN_MOVES
from mandates.models.calls import CallState as C
from mandates.models.moves import ASSIGNMENT, MOVES
from tests.factories.admissions import Office
from tests.factories.calls import MONDAY, World
from townships.http import Member

Built = dict[str, Any]  # values by the name of a field; "uid" is the record's


def make(world: World, name: str, call: Call, by: Member, **given: Any) -> Call:
    world.make(name, call, by=by, when=MONDAY, **given)
    world.drain(when=MONDAY)
    return world.fresh(call)


def submitted(world: World) -> Call:
    return make(world, "submit", world.draft().call, world.clerk)


def raised(world: World) -> Call:
    call = world.draft(then="raise", unlisted_reason="清单没有").call
    world.drain(when=MONDAY)
    return world.fresh(call)


def objected(world: World) -> Call:
    return make(
        world, "object", world.routed(), world.officer(), note="不归我局", law="《水法》",
        article="第六十五条", proposed=world.housing.uid,
    )  # fmt: skip


def assisted(world: World) -> Call:
    return make(world, "accept", world.handling(), world.officer(world.police))


def answered(world: World) -> Call:
    call = make(world, "feed_back", assisted(world), world.officer(world.police), note="已查")
    return make(world, "answer", call, world.officer(), note="已处理")


def reworked(world: World) -> Call:
    return make(world, "rate", answered(world), world.clerk, rating="unsatisfied", note="还在采")


def closed(world: World) -> Call:
    """Rated unsatisfied for the second time: that is what a department appeals against."""
    call = make(world, "answer", reworked(world), world.officer(), note="又处理了")
    return make(world, "rate", call, world.clerk, rating="unsatisfied", note="还在采")


def appealed(world: World) -> Call:
    return make(world, "appeal_rating", closed(world), world.officer(), note="另有原因")


def duplicate(world: World) -> Call:
    first = world.routed()
    return make(
        world, "link", world.routed(), world.clerk, original=str(first.uid), note="同一件事"
    )


def asked(world: World) -> Call:
    return make(world, "ask_information", world.handling(), world.officer(), note="请补照片")


def longer(world: World) -> Call:
    return make(world, "ask_extension", world.handling(), world.officer(), note="水大", amount=3)


def urgent(world: World) -> Call:
    return world.routed(urgency="emergency")


def called(world: World) -> Call:
    return make(world, "call_on_site", urgent(world), world.clerk, place="大桥下", note="速来")


# By the state of a call; the first in which a move begins is taken.
STATES: dict[str, Callable[[World], Call]] = {
    C.ROUTED: World.routed,
    C.HANDLING: World.handling,
    C.RAISED: raised,
    C.SUBMITTED: submitted,
    C.DRAFT: lambda world: world.draft().call,
    C.OBJECTED: objected,
    C.ANSWERED: answered,
    C.REWORK: reworked,
    C.CLOSED: closed,
    C.DUPLICATE: duplicate,
}
PARTS: dict[str, Callable[[World], Call]] = {
    "sent": World.routed,
    "accepted": assisted,
    "objected": objected,
    "answered": answered,
}
# Moves that answer to something which the state does not tell.
ANSWERS: dict[str, Callable[[World], Call]] = {
    "add_assist": World.handling,
    "remove_assist": World.handling,
    "supply_information": asked,
    "grant_extension": longer,
    "refuse_extension": longer,
    "call_on_site": urgent,
    "report_on_site": called,
    "call_off": called,
    "answer": lambda world: make(
        world, "feed_back", assisted(world), world.officer(world.police), note="已查"
    ),
    "appeal_rating": closed,
    "exclude_rating": appealed,
    "keep_rating": appealed,
    "withdraw": submitted,
}


def call_for(world: World, name: str) -> Built:
    """Return a call with which a move may be made, and what may come with it."""
    move = MOVES[name]
    where = PARTS if move.record == ASSIGNMENT else STATES
    build = ANSWERS.get(name) or next(where[one] for one in where if one in move.sources)
    call = build(world)
    with tenancy.everywhere(reason="a test looks"):
        parts = {part.department_id: part.uid for part in call.assignments.all()}
    other = world.housing.uid if name in ("change_lead", "add_assist", "object", "uphold") else None
    meant = world.police.pk if name == "remove_assist" else world.water.pk
    found: Built = {
        "uid": call.uid, "etag": call.etag, "lead": other or world.water.uid,
        "assists": [other or world.police.uid], "proposed": world.housing.uid,
        "entry": world.building.uid if name == "object" else world.sand.uid,
        "assignment": parts.get(meant), "departments": [world.water.uid],
    }  # fmt: skip
    if name == "link":
        found["original"] = str(world.routed().uid)
    return found


# --- admissions ------------------------------------------------------------------------------------


def office(world: World) -> Office:
    """Let the departments on the stage review, so that somebody who asks may."""
    with tenancy.dispatching(reason="a test prepares"):
        AdmissionBody.objects.filter(county=world.county).delete()
        for task in ("legality", "resources", "meeting"):
            AdmissionBody.objects.create(county=world.county, task=task, department=world.police)
    return Office(world, world.police, world.police)


def by_clerk(room: Office) -> Admission:
    """A draft of the township itself: nobody else need be asked for an opinion."""
    world = room.world
    return room.write(by=world.clerk, lead=world.water.uid, targets=(world.township.uid,))


def admission_for(world: World, name: str) -> Built:
    """Return an admission with which a move may be made: brought there step by step."""
    room, move = office(world), ADMISSION_MOVES[name]
    if name == "assess":  # of several departments each says for itself what it finds
        with tenancy.dispatching(reason="a test prepares"):
            AdmissionBody.objects.create(
                county=world.county, task="resources", department=world.water
            )
    lawyer, head = world.officer(world.police), world.head
    steps: list[tuple[str, Member, dict[str, Any]]] = [
        ("submit", room.applicant, {}),
        ("accept", room.officer, {}),
        ("give_opinion", head, {"verdict": "agree"}),
        ("find_lawful", lawyer, {"mode": "support", "note": "有据"}),
        ("assess", lawyer, {"verdict": "adequate", "note": "可列入预算"}),
        ("hold_meeting", room.officer, {
            "held_on": MONDAY.date(), "minutes": "会议认为保障到位。", "votes": {world.police.uid: "for"},
        }),
        ("approve", room.officer, {"document_no": "试编〔2026〕5号"}),
        ("file", room.officer, {"filing_no": "市编备〔2026〕9号"}),
    ]  # fmt: skip
    lacking = ("assess", {"verdict": "lacking", "note": "没有经费"})
    ends = {
        "answer_objection": ("give_opinion", {"verdict": "object", "note": "人手不够"}),
        "send_to_meeting": lacking,
        "return_package": lacking,
    }.get(name)
    is_own = move.relation == APPLICANT and ends is None
    one = by_clerk(room) if is_own else room.write(targets=(world.township.uid,))
    for step, by, given in steps:
        if ends is None and room.fresh(one).state in move.sources:
            break
        is_last = ends is not None and step == ends[0]
        room.make(step, one, by=by, **(ends[1] if ends and is_last else given))
        if is_last:
            break
    if name == "evaluate":  # years later
        with tenancy.dispatching(reason="a test prepares"):
            Admission.objects.filter(pk=one.pk).update(state="in_force", matter=world.sand.matter)
    one = room.fresh(one)
    return {
        "uid": one.uid, "etag": f'"{one.version}"', "township": world.township.uid,
        "votes": [{"department": world.police.uid, "vote": "for"}], "code": "SL-91",
        "held_on": MONDAY.date(), "entry": world.sand.uid,
    }  # fmt: skip


# --- burdens and tasks on no list -------------------------------------------------------------------


def draft_call(world: World) -> Built:
    call = world.draft().call
    return {"uid": call.uid, "etag": call.etag}


def draft_admission(world: World) -> Built:
    one = by_clerk(office(world))
    return {"uid": one.uid, "etag": f'"{one.version}"'}


def burden_for(world: World, name: str) -> Built:
    move, day = BURDEN_MOVES[name], MONDAY.date()
    with tenancy.dispatching(reason="a test prepares"):
        first, second = (
            Burden.objects.create(
                county=world.county, state=state, kind="pledge", title="安全生产责任状",
                level="county", cycle="year", is_found=state == "found", since=day,
                department=world.water, entered_by=world.desk.user, entered_at=MONDAY,
            )
            for state in ("found" if "found" in move.sources else "proposed", "found")
        )  # fmt: skip
        Burden.objects.filter(pk=second.pk).update(state="in_force")
    return {"uid": first.uid, "etag": f'"{first.version}"', "into": second.uid, "day": day}
