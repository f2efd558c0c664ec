"""What the API takes in: shapes alone. The moves' own follow from the table of moves."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common.api import Strict
from common.workflow import Move
from mandates.models import Call, Origin, Rating, Urgency
from mandates.operations.making import NOTE_LENGTH
from mandates.operations.on_site import TEXT_LENGTH

MOST_ASSISTS = 20


def _text(name: str, **options: Any) -> serializers.CharField:
    """Take a text as long as the column of this name of a call."""
    column: Any = Call._meta.get_field(name)
    return serializers.CharField(max_length=column.max_length, **options)


class CallWritten(Strict):
    """A call as it is written down: a line of the list, or why it is on none."""

    title = _text("title")
    body = _text("body")
    urgency = serializers.ChoiceField(
        Urgency.choices, required=False, default="", help_text="the line's own if left out"
    )
    entry = serializers.UUIDField(required=False, help_text="a line of the list")
    matter = serializers.CharField(
        required=False, max_length=20, help_text="or its code: the line in force today"
    )
    unlisted_reason = _text("unlisted_reason", required=False, allow_blank=True, default="")
    done_so_far = _text("done_so_far", required=False, allow_blank=True, default="")
    place = _text("place", required=False, allow_blank=True, default="")
    origin = serializers.ChoiceField(Origin.choices, required=False, default=Origin.PATROL)


class CallNew(CallWritten):
    """A new call."""

    then = serializers.ChoiceField(
        [("draft", "draft"), ("submit", "submit"), ("raise", "raise")],
        required=False,
        default="raise",
        help_text="how far it goes at once",
    )
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=NOTE_LENGTH
    )
    source_no = _text(
        "source_no", required=False, allow_blank=True, default="",
        help_text="number in the system that sends it; it is taken once",
    )  # fmt: skip


class NoteNew(Strict):
    text = serializers.CharField(max_length=2000)


class FilesNew(Strict):
    """Files for a call; what a department adds is evidence for its answer."""

    files = serializers.ListField(child=serializers.FileField(), max_length=10)
    is_evidence = serializers.BooleanField(required=False, allow_null=True, default=None)


def _fields(needed: bool) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """Return a field for everything that may come with a move."""
    own: dict[str, Any] = {"required": needed}
    text = {**own, "allow_blank": not needed}
    return {
        "note": serializers.CharField(max_length=NOTE_LENGTH, **text),
        "rating": serializers.ChoiceField(Rating.choices, **own),
        **{
            name: serializers.ChoiceField(Rating.choices, **text)
            for name in ("speed", "quality", "attitude")
        },
        "evidence": serializers.CharField(max_length=1000, **text),
        "lead": serializers.UUIDField(**own, help_text="a department"),
        "assists": serializers.ListField(
            child=serializers.UUIDField(), max_length=MOST_ASSISTS, **own
        ),
        "assignment": serializers.UUIDField(**own, help_text="the one that is meant"),
        "entry": serializers.UUIDField(**own, help_text="a line of the list in force"),
        "law": serializers.CharField(max_length=100, **text),
        "article": serializers.CharField(max_length=60, **text),
        "proposed": serializers.UUIDField(**own, help_text="the department it belongs to"),
        "amount": serializers.IntegerField(
            min_value=1, max_value=10_000, **own, help_text="in the unit of the clock"
        ),
        "original": serializers.CharField(
            max_length=60, **text, help_text="uid or number of the call that is followed"
        ),
        "title": serializers.CharField(max_length=80, **text),
        "unlisted_reason": serializers.CharField(
            max_length=500, **text, help_text="where no line of the list fits"
        ),
        "wrong": serializers.BooleanField(
            **own, help_text="true: it never belonged to the department that led"
        ),
        "duty": serializers.CharField(max_length=300, **text, help_text="what they are to do"),
        "override": serializers.CharField(max_length=500, **text),
        # Joint on-site dispatch.
        "place": serializers.CharField(max_length=TEXT_LENGTH, **text),
        "departments": serializers.ListField(
            child=serializers.UUIDField(),
            max_length=MOST_ASSISTS + 1,
            **own,
            help_text="of those that have a part in the call; left out: all of them",
        ),
        "people": serializers.CharField(max_length=TEXT_LENGTH, **text, help_text="who has come"),
        "arrived_at": serializers.DateTimeField(
            **own, help_text="since when they are there; the instant of the report counts"
        ),
    }


def shape_of(move: Move) -> type[Strict]:
    """Make what comes with a move out of its row of the table."""
    needed, taken = _fields(True), _fields(False)
    fields = {name: needed[name] for name in move.needs}
    fields |= {name: taken[name] for name in move.takes}
    name = "".join(part.capitalize() for part in move.name.split("_"))
    about = {"__doc__": f"What comes with {move.name}.", "__module__": __name__}
    return type(f"{name}Given", (Strict,), {**fields, **about})
