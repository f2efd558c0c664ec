from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from common.tenancy import Global


class Heartbeat(Global):
    """When a process was last seen at work, or a check last done, and with what result."""

    GLOBAL_REASON = "a handful of rows about processes; says nothing about anybody"

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    def __str__(self) -> str:
        return self.name
