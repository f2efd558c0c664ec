"""One thing done with many calls, told call by call."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked
from common.errors import Invalid, NotAllowed
from mandates.api.calls import reader
from mandates.api.described import UID
from mandates.api.given import MOST_ASSISTS
from mandates.models import CallState, Rating
from mandates.operations.bulk import ASSIGN, MOST, MOVES_OF_MANY, Chosen, Outcome, make_many
from mandates.operations.making import NOTE_LENGTH, Given


class ChosenCall(Strict):
    uid = serializers.UUIDField()
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="the version that was read; needed from systems"
    )


class BulkAsked(Strict):
    """One thing to be done with many calls, and what comes with it."""

    move = serializers.ChoiceField([(name, name) for name in (*MOVES_OF_MANY, ASSIGN)])
    calls = ChosenCall(many=True, min_length=1, max_length=MOST)  # type: ignore[call-arg]
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=NOTE_LENGTH
    )
    rating = serializers.ChoiceField(Rating.choices, required=False)
    lead = serializers.UUIDField(required=False, help_text="a department, for dispatch")
    assists = serializers.ListField(
        child=serializers.UUIDField(), max_length=MOST_ASSISTS, required=False
    )
    wrong = serializers.BooleanField(
        required=False, help_text="for change_lead: the dispatch before was wrong"
    )
    original = serializers.CharField(
        required=False, max_length=60, help_text="uid or number of a call, for link"
    )
    taker = serializers.UUIDField(required=False, help_text="a post of the unit, for assign")


class OutcomeShape(serializers.Serializer[Any]):
    """What came of one call."""

    uid = serializers.UUIDField()
    code = serializers.CharField(help_text="done, or the code of the refusal")
    detail = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(CallState.choices, allow_null=True)
    version = serializers.IntegerField(allow_null=True)


class BulkAnswer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = OutcomeShape(many=True)


class CallBulk(ApiView):
    """批量办理."""

    write_scope = "calls.write"

    @extend_schema(
        operation_id="call_bulk",
        request=BulkAsked,
        responses=BulkAnswer,
        examples=[
            OpenApiExample(
                "urge",
                {"move": "urge", "calls": [{"uid": UID, "version": 7}], "note": "请今日答复。"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Do one thing with many calls.

        Each call is done by itself; what is refused for one hinders no other. Sent twice, the
        second finds other versions and is refused call by call, so no key is needed.
        """
        member, now = reader(request), timezone.now()
        if member.county_id is None:
            raise NotAllowed
        sent = checked(BulkAsked, request.data)
        move, taker = sent.pop("move"), sent.pop("taker", None)
        chosen = [Chosen(one["uid"], one.get("version")) for one in sent.pop("calls")]
        if member.is_system and any(one.version is None for one in chosen):
            raise Invalid(fields={"calls": _("Send the version of each call that you have read.")})
        outcomes = make_many(move, chosen, by=member, at=now, given=Given(**sent), taker=taker)
        done = sum(one.is_done for one in outcomes)
        shown = {
            "done": done,
            "refused": len(outcomes) - done,
            "results": [_shown(one) for one in outcomes],
        }
        return Response(BulkAnswer(shown).data)


def _shown(outcome: Outcome) -> dict[str, Any]:
    call = outcome.work.call if outcome.work is not None else None
    return {
        "uid": outcome.uid,
        "code": outcome.code,
        "detail": str(outcome.text),
        "state": call.state if call else None,
        "version": call.version if call else None,
    }
