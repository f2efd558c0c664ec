"""A system changes its own secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Strict, checked, idempotency_key
from common.errors import NotAllowed
from common.openapi import REFUSED
from townships.http import Member
from townships.operations import secrets

EXAMPLE = {"current_secret": "the one in use", "keep_days": 7}
KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[ -~]{1,200}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="new for every change; the same one again where an answer was lost",
)


class SecretChange(Strict):
    """The secret in use, and for how many days it is to hold beside the new one."""

    current_secret = serializers.CharField(max_length=200, trim_whitespace=False)
    keep_days = serializers.IntegerField(
        min_value=1, max_value=secrets.LONGEST.days, required=False, default=7
    )


class NewSecret(serializers.Serializer[Any]):
    """Shown now, and never again."""

    client_id = serializers.CharField()
    client_secret = serializers.CharField()
    previous_ends_at = serializers.DateTimeField(help_text="until then the old secret holds too")


class SystemSecret(ApiView):
    """The secret of the system that asks."""

    write_scope = "secret.change"

    @extend_schema(
        operation_id="system_secret_change",
        request=SecretChange,
        parameters=[KEY],
        responses={200: NewSecret, 409: REFUSED},
        examples=[OpenApiExample("change", EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Change the secret of the system.

        The secret in use must be sent: a token alone is not enough. It holds beside the new one for
        `keep_days`; tokens go on. The new secret is in this answer only. If the answer was lost,
        send the same again, with the same Idempotency-Key: another new secret takes the place of
        the one that never came. Once that change is made, no other is possible until the old secret
        has ended: 409 `secret_window_open`.
        """
        member: Member = request._request.member  # type: ignore[attr-defined]
        if member.system is None:
            raise NotAllowed
        key = idempotency_key(request, required=True)
        sent = checked(SecretChange, request.data)
        change = secrets.rotate_own(
            member.system,
            proof=sent["current_secret"],
            key=key,
            keep_for=timedelta(days=sent["keep_days"]),
            by=member,
            at=timezone.now(),
        )
        told = {**vars(change.credentials), "previous_ends_at": change.previous_ends_at}
        return Response(NewSecret(told).data)
