from django.contrib.postgres.fields import ArrayField
from django.db import models

from common.tenancy import CountyOwned, TownshipOwned


class Event(TownshipOwned):
    """事件: that something happened to a record, as other systems may be told; never changed.

    ``position`` counts up in a county in the order in which events can be seen: it is given under
    a lock that is held to the commit, so nothing ever turns up before a place already read.
    """

    uid = models.UUIDField()
    position = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    about = models.UUIDField()
    seq = models.PositiveIntegerField()
    state = models.CharField(max_length=12)
    version = models.PositiveIntegerField()
    number = models.CharField(max_length=30, blank=True)
    source_system = models.CharField(max_length=60, blank=True)
    source_no = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()
    published_at = models.DateTimeField()
    # Whom the record concerned then. A township's drafts are its own.
    departments = ArrayField(models.BigIntegerField(), default=list)
    is_inside = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "position"], name="event_position"),
            models.UniqueConstraint(fields=["county", "uid"], name="event_once"),
        ]
        indexes = [
            models.Index(fields=["county", "township", "position"], name="event_of_township"),
            models.Index(fields=["county", "published_at"], name="event_published"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.kind}"


class CountyEvent(CountyOwned):
    """事件 of a whole county: what everybody in it may be told; in one order with those of calls.

    ``facts`` is what is told beside kind and time; the positions are those of `EventCounter`.
    """

    uid = models.UUIDField()
    position = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    about = models.UUIDField()
    facts = models.JSONField(default=dict)
    at = models.DateTimeField()
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "position"], name="county_event_position"),
            models.UniqueConstraint(fields=["county", "uid"], name="county_event_once"),
        ]
        indexes = [
            models.Index(fields=["county", "published_at"], name="county_event_published"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.kind}"


class EventCounter(CountyOwned):
    """The last position given out in a county; its row is the lock that orders events."""

    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county"], name="event_counter_once"),
        ]

    def __str__(self) -> str:
        return str(self.last)
