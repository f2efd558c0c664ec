"""How the API describes what calls take: parameters, headers and examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from common.workflow import Move
from mandates.models import CallState, Origin, Urgency
from mandates.models.moves import CALL
from mandates.queries.call_filters import LARGEST, LONGEST_WORDS, ORDERS, SIZE, WAITING
from mandates.queries.statistics.definitions import COUNTS

IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": '^(W/)?"[0-9]{1,9}"$'},
    OpenApiParameter.HEADER,
    description='the version that was read, like "7"; needed from systems',
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="the version at hand: 304 without a body while the call stands at it",
)
ONCE = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[\\x20-\\x7e]{1,200}$"},
    OpenApiParameter.HEADER,
    description="needed from systems; the same key and body give the first answer again",
)


# --- the list ----------------------------------------------------------------------------------


def _words(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def _some_of(values: Iterable[Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": _one_of(values)}


def _one_of(values: Iterable[Any]) -> dict[str, Any]:
    return {"type": "string", "enum": [str(value) for value in values]}


UNIT: dict[str, Any] = {"type": "string", "format": "uuid"}
DAY: dict[str, Any] = {"type": "string", "format": "date"}
PERIOD: dict[str, Any] = {
    "type": "string",
    "pattern": "^(20|21)[0-9]{2}(-(0[1-9]|1[0-2])|-Q[1-4])?$",
    "example": "2026-03",
}
SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "q": (_words(LONGEST_WORDS), "words of title, number, place or what happened"),
    "state": (_some_of(CallState.values), "one or more, repeated or divided by commas"),
    "urgency": (_some_of(Urgency.values), "one or more, repeated or divided by commas"),
    "matter": (_words(20), "a code of the list"),
    "category": (_words(40), "a category of the list"),
    "township": (UNIT, "uid of the calling township"),
    "department": (UNIT, "uid of the lead department"),
    "late": ({"type": "boolean"}, "true: only what is overdue"),
    "waiting": (_one_of(WAITING), "mine, or a party: whose turn it is"),
    "raised_from": (DAY, "a date from 2000 to 2199, included"),
    "raised_to": (DAY, "a date from 2000 to 2199, included"),
    "figure": (
        _one_of(COUNTS),
        "only the calls behind a count of /statistics/; most need `during` with it",
    ),
    "during": (PERIOD, "the period of the figure"),
    "county": (UNIT, "uid of a county"),
    "unlisted": ({"type": "boolean"}, "true: only what is on no list"),
    "following": ({"type": "boolean"}, "true: only what the reader follows"),
    "repeat": ({"type": "boolean"}, "true: only what was called about before"),
    "origin": (_some_of(Origin.values), "where the call came from; one or more"),
    "order": (
        _one_of(ORDERS),
        "due: what is running, the nearest date first; -raised: all, the newest first",
    ),
    "cursor": (_words(300), "from `next` or `previous` of an answer"),
    "size": ({"type": "integer", "minimum": 1, "maximum": LARGEST, "default": SIZE}, "rows"),
}


def filter_parameters() -> list[OpenApiParameter]:
    return [
        OpenApiParameter(name, shape, description=text) for name, (shape, text) in SHAPES.items()
    ]


# --- bodies --------------------------------------------------------------------------------------

NOTE = "2026-03-02 21:40 巡查时发现，已拍照固定证据。"
DRAFT: dict[str, Any] = {
    "title": "河道夜间采砂",
    "body": "大桥下游有挖掘机取砂。",
    "matter": "SL-01",
    "place": "大桥下游三百米",
    "done_so_far": "已到场劝阻，对方拒不停工。",
}
NEW_CALL: dict[str, Any] = {**DRAFT, "then": "raise", "source_no": "12345-20260302-001"}
UID = "5c3a1f0e-8d3b-4c58-9a55-0f6f2a1f7f10"
EXAMPLES: dict[str, Any] = {
    "note": NOTE,
    "rating": "satisfied",
    "speed": "satisfied",
    "evidence": "到场照片与签字单",
    "lead": UID,
    "assists": [UID],
    "assignment": UID,
    "entry": UID,
    "law": "《中华人民共和国水法》",
    "article": "第三十九条",
    "proposed": UID,
    "amount": 3,
    "original": UID,
    "title": "采砂损毁护岸",
    "unlisted_reason": "清单中没有护岸修复",
    "wrong": False,
    "duty": "到场测量并固定证据",
    "place": "大桥下游三百米",
    "departments": [UID],
    "people": "王某、李某",
    "arrived_at": "2026-03-02T21:40:00+08:00",
    "override": "协办单位逾期未反馈，主办单位已核实。",
}


# What a guard asks for beside what the table says must come.
ALSO = {"object": ("law", "article"), "split": ("unlisted_reason",), "uphold": ("lead",)}


def example_of(move: Move) -> dict[str, Any]:
    """Return a body of a move: what must come with it, else the note that may."""
    names = (*(move.needs or move.takes[:1]), *ALSO.get(move.name, ()))
    return {name: EXAMPLES[name] for name in names}


def described(move: Move) -> str:
    """Say in one sentence whence a move leads whither, and who makes it."""
    whence = ", ".join(f"`{state}`" for state in sorted(move.sources))
    whither = f"to `{move.to}`" if move.to else "and stays there"
    what = "call" if move.record == CALL else "own assignment"
    return f"Takes a {what} from {whence} {whither}. Made by: {move.relation.replace('_', ' ')}."
