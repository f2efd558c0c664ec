import uuid

from django.db import models

from common.tenancy import Global


class ReferenceVersion(Global):
    """One row: the version of all reference data together (see `common.reference`)."""

    GLOBAL_REASON = "read when a scope opens; says nothing about anybody"

    version = models.UUIDField(default=uuid.uuid4)
