from common.models.audit import AuditEntry
from common.models.calendar import CalendarDay, CalendarYear
from common.models.events import Event, EventCounter
from common.models.heartbeats import Heartbeat
from common.models.jobs import Job, JobState
from common.models.notices import Notice, NoticeMail, NoticeWish
from common.models.outbox import IdempotencyKey, Outbox
from common.models.reference import ReferenceVersion

__all__ = [
    "AuditEntry",
    "CalendarDay",
    "CalendarYear",
    "Event",
    "EventCounter",
    "Heartbeat",
    "IdempotencyKey",
    "Job",
    "JobState",
    "Notice",
    "NoticeMail",
    "NoticeWish",
    "Outbox",
    "ReferenceVersion",
]
