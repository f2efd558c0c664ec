"""诉求人 of a call for other systems: masked, always; in full people alone see it, for a reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView
from common.errors import NotAllowed
from mandates.api.calls import reader
from mandates.models import Call
from mandates.queries.callers import call_of, caller_of, shown


class CallerShape(serializers.Serializer[Any]):
    """Who asked, masked."""

    name = serializers.CharField(help_text="its first letter")
    phone = serializers.CharField(help_text="three and four digits")
    id_number = serializers.CharField(help_text="the division and the last two characters")
    address = serializers.CharField(help_text="down to road, village or township")
    disposed_at = serializers.DateTimeField(
        allow_null=True, help_text="when it was disposed of; all else is empty then"
    )


class CallCaller(ApiView):
    """诉求人."""

    read_scope = "calls.read"

    @extend_schema(operation_id="call_caller", responses=CallerShape)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read who asked for a call.

        Masked: in full it is shown to people alone, for a reason that is kept. 404 where nobody is
        written down.
        """
        try:
            call = call_of(uid, member=reader(request))
        except (Call.DoesNotExist, NotAllowed):
            raise Http404 from None
        caller = caller_of(call)
        if caller is None:
            raise Http404
        values = {str(kind): value for kind, value in shown(caller).items()}
        return Response(CallerShape({**values, "disposed_at": caller.disposed_at}).data)
