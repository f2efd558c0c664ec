from common.models.audit import AuditEntry
from common.models.calendar import CalendarDay, CalendarYear
from common.models.events import CountyEvent, Event, EventCounter
from common.models.evidence import Anchor, Verification
from common.models.heartbeats import Heartbeat
from common.models.jobs import Job, JobState
from common.models.notices import (
    Channel,
    MobileNumber,
    Notice,
    NoticeHabit,
    NoticeMail,
    NoticeWish,
)
from common.models.outbox import IdempotencyKey, Outbox
from common.models.reference import ReferenceVersion

__all__ = [
    "Anchor",
    "AuditEntry",
    "CalendarDay",
    "CalendarYear",
    "Channel",
    "CountyEvent",
    "Event",
    "EventCounter",
    "Heartbeat",
    "IdempotencyKey",
    "Job",
    "JobState",
    "MobileNumber",
    "Notice",
    "NoticeHabit",
    "NoticeMail",
    "NoticeWish",
    "Outbox",
    "ReferenceVersion",
    "Verification",
]
