"""L.create, L.list and L.move: bare views, the ORM, and what the work itself asks for."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.limit.models import Assignment, Call, Rule, Step


class CallIn(serializers.Serializer[Any]):
    tenant = serializers.IntegerField()
    rule = serializers.CharField(max_length=20)
    title = serializers.CharField(max_length=80)
    body = serializers.CharField(max_length=5000)
    place = serializers.CharField(max_length=200, required=False, default="")


class CallOut(serializers.ModelSerializer[Call]):
    class Meta:
        model = Call
        fields = [
            "id", "uid", "tenant", "rule", "title", "body", "place", "state", "version",
            "created_at", "due_at",
        ]  # fmt: skip


class Create(APIView):
    """One select and four inserts in one transaction."""

    def post(self, request: Request) -> Response:
        sent = CallIn(data=request.data)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        now = timezone.now()
        due = now + timedelta(days=3)
        with transaction.atomic():
            rule = Rule.objects.get(code=given.pop("rule"))
            call = Call.objects.create(
                **given, rule=rule, state="routed", created_at=now, due_at=due
            )
            Step.objects.create(call=call, move="raise", state="raised", at=now)
            Step.objects.create(call=call, move="route", state="routed", at=now)
            Assignment.objects.create(call=call, department=rule.lead, state="sent", due_at=due)
        return Response(CallOut(call).data, status=201)


class List(APIView):
    """The first 50 of a tenant, by date."""

    def get(self, request: Request) -> Response:
        rows = Call.objects.filter(tenant=int(request.query_params["tenant"]), state="open")
        return Response({"results": CallOut(rows.order_by("due_at", "id")[:50], many=True).data})


class Move(APIView):
    """A locked row changed, and one line of history."""

    def post(self, request: Request, key: int) -> Response:
        now = timezone.now()
        with transaction.atomic():
            call = Call.objects.select_for_update().get(pk=key)
            call.state = "handling" if call.state == "routed" else "routed"
            call.version += 1
            call.save(update_fields=["state", "version"])
            Step.objects.create(call=call, move="accept", state=call.state, at=now)
        return Response(CallOut(call).data)


urlpatterns = [
    path("create/", Create.as_view()),
    path("list/", List.as_view()),
    path("move/<int:key>/", Move.as_view()),
]
