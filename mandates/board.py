"""What the frame of pages shows for calls and lists."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from common import board, prepared
from common.board import Entry, Offer
from common.display import NavItem
from common.models import Notice
from mandates.operations.answers import may_write
from mandates.permissions import Permission
from mandates.queries import publications
from mandates.queries.admissions import waiting_count as admissions_waiting
from mandates.queries.amending import open_count
from mandates.queries.inbox import COUNTED, WATCHERS, late_count, waiting_count
from mandates.queries.laid_aside import MOST, counted
from townships.http import Member
from townships.permissions import Permission as UnitPermission
from townships.roles import Role

UNREAD = 100


@board.register
def offer(member: Member, at: datetime) -> Offer:
    """My work, calls, the list and the calculator, as far as the post may open them."""
    if member.scope is None or not member.may(Permission.CALL_READ):
        return Offer(entries=[*_account(member), *_start(member), *_steps(member)])
    narrow = not member.scope.is_wide
    return Offer(
        entries=[
            *_calls(member, at),
            *_basis(member, at),
            *_account(member),
            *_persons(member),
            *_answers(member),
            *_staff(member),
            *_start(member),
        ],
        raise_url=_raise_url(member),
        search_url=reverse("mandates:search"),
        notices_url=reverse("mandates:notice-list") if narrow else "",
        unread_count=_unread(member) if narrow else None,
    )


def _steps(member: Member) -> list[Entry]:
    """The steps of all calls, for who audits."""
    if not member.may(UnitPermission.AUDIT_VIEW):
        return []
    url = reverse("mandates:audit-steps")
    return [Entry(NavItem(_("Steps of calls"), url, "history", on_phone=True), 891, "console")]


def _calls(member: Member, now: datetime) -> list[Entry]:
    calls = reverse("mandates:call-list")
    found = []
    watches = member.role in WATCHERS
    if member.may(Permission.STATISTICS_READ):
        # Who leads begins with the board; everybody else with what is to be done.
        board_item = _item(_("Board"), reverse("mandates:board"), "chart-bar", phone=watches)
        found.append(Entry(board_item, 5 if watches else 50))
        assessed = _item(_("Assessments"), reverse("mandates:assessment-list"), "checklist")
        found.append(Entry(assessed, 55))
    if member.role != Role.ESTABLISHMENT_OFFICER:
        waiting = waiting_count(member, at=now)
        mine = reverse("mandates:my-work") + ("?show=work" if watches else "")
        item = _item(_("My work"), mine, "inbox", key="work", phone=True,
                     count=_counted(waiting) if waiting else None, short=_("My work"))  # fmt: skip
        found.append(Entry(item, 10))
    label = _("All calls")
    if member.township_id is not None:
        label = _("Calls of our township")
    elif member.department_id is not None:
        label = _("Calls of our unit")
    item = _item(label, calls, "speakerphone", key="calls", phone=True, short=_("Calls"))
    found.append(Entry(item, 20))
    if member.role == Role.COUNTY_DESK or member.role in WATCHERS:
        late = late_count(member, at=now)
        found.append(
            Entry(
                _item(_("Overdue"), f"{calls}?late=true", "alert-triangle", phone=True,
                      count=_counted(late) if late else None, is_over=True),
                30,
            )
        )  # fmt: skip
    found.append(Entry(_item(_("Letters"), reverse("mandates:letter-list"), "send"), 60))
    if member.role == Role.COUNTY_DESK:
        ruling = _item(_("Objections"), f"{calls}?state=objected", "scale", phone=False)
        found.append(Entry(ruling, 40))
    if member.role == Role.COUNTY_DESK or member.department_id is not None:
        appeals = _item(_("Rating appeals"), reverse("mandates:appeal-list"), "star", phone=False)
        found.append(Entry(appeals, 45))
    return found


def _basis(member: Member, at: datetime) -> list[Entry]:
    entries = _item(
        # A phone has room for five: who leads has the board there instead.
        _("Responsibility list"), reverse("mandates:entry-list"), "books",
        key="matters", phone=member.role not in WATCHERS, short=_("List"),
    )  # fmt: skip
    calendar = _item(_("Working calendar"), reverse("mandates:work-calendar"), "calendar")
    calculator = _item(_("Deadline calculator"), reverse("mandates:deadline"), "calculator")
    found = [
        Entry(entries, 110, "lists"),
        *_proposals(member),
        *_publications(member),
        Entry(
            _item(_("Precedents"), reverse("mandates:precedent-list"), "bookmark"), 116, "registers"
        ),
        Entry(
            _item(_("Overlap register"), reverse("mandates:overlap-list"), "arrows-exchange"),
            115,
            "registers",
        ),
        Entry(_admissions(member, at), 111, "powers"),
        *_unlisted(member),
        Entry(_item(_("Powers of townships"), _powers_url(member), "gavel"), 112, "powers"),
        Entry(calendar, 115, "basis"),
        Entry(calculator, 120, "basis"),
    ]
    if member.may(Permission.CLOCK_RECALCULATE):
        address = reverse("mandates:deadline-recalculate")
        found.append(Entry(_item(_("Recalculate dates"), address, "refresh"), 121, "basis"))
    return found


def _proposals(member: Member) -> list[Entry]:
    """Proposals to amend the list; for who decides on them with their number."""
    if not member.may(Permission.AMENDMENT_READ):
        return []
    waiting = open_count(member, most=COUNTED) if member.may(Permission.LIST_EDIT) else 0
    item = _item(
        _("Proposals to amend"), reverse("mandates:proposal-list"), "edit",
        count=_counted(waiting) if waiting else None,
    )  # fmt: skip
    return [Entry(item, 111, "lists")]


def _publications(member: Member) -> list[Entry]:
    """Versions to be published, with the number of those that wait for one's own word."""
    if not publications.may_read(member):
        return []
    waiting = publications.waiting_count(member, most=COUNTED)
    item = _item(
        _("Publication of lists"), reverse("mandates:publication-list"), "send",
        count=_counted(waiting) if waiting else None,
    )  # fmt: skip
    return [Entry(item, 112, "lists")]


def _admissions(member: Member, at: datetime) -> NavItem:
    count = 0
    if member.may(Permission.ADMISSION_MANAGE):  # the others have it on the page of their work
        count = admissions_waiting(member, at=at, most=COUNTED)
    return _item(_("Duty admission"), reverse("mandates:admission-list"), "file-certificate",
                 count=_counted(count) if count else None)  # fmt: skip


def _unlisted(member: Member) -> list[Entry]:
    if not member.may(Permission.STATISTICS_READ):
        return []
    tasks = _item(_("Unlisted tasks"), reverse("mandates:unlisted-list"), "list-details")
    burdens = _item(_("Burden register"), reverse("mandates:burden-list"), "briefcase")
    return [Entry(tasks, 113, "registers"), Entry(burdens, 114, "registers")]


def _account(member: Member) -> list[Entry]:
    if not member.may(Permission.ACCOUNT_READ):
        return []
    reports = reverse("mandates:accountability-list")
    return [Entry(_item(_("Accountability"), reports, "file-text"), 117, "registers")]


def _persons(member: Member) -> list[Entry]:
    works = (Permission.PERSON_SEARCH, Permission.RETENTION_EDIT, Permission.DISPOSAL_DECIDE)
    if member.county_id is None or not any(map(member.may, works)):
        return []
    item = _item(_("Personal data"), reverse("mandates:person-list"), "users")
    return [Entry(item, 122, "basis")]


def _powers_url(member: Member) -> str:
    """Lead a township to what it may do today, others to the catalogue."""
    return reverse("mandates:power-list" if member.township_id is None else "mandates:power-today")


def _answers(member: Member) -> list[Entry]:
    if not may_write(member):
        return []
    return [
        Entry(_item(_("Standard answers"), reverse("mandates:answer-list"), "edit"), 125, "basis")
    ]


def _staff(member: Member) -> list[Entry]:
    if not member.may(UnitPermission.STAFF_VIEW):
        return []
    return [
        Entry(_item(_("People"), reverse("mandates:staff-list"), "users"), 130, "basis"),
        Entry(_item(_("Duty roster"), reverse("mandates:duty-roster"), "phone"), 131, "basis"),
    ]


def _start(member: Member) -> list[Entry]:
    if not member.may(UnitPermission.CONSOLE_ENTER):
        return []
    start = _item(_("Start a county"), reverse("mandates:start"), "checklist")
    found = [Entry(start, 880, "console")]
    if member.may(Permission.LIMIT_EDIT):
        replay = _item(_("What-if replay"), reverse("mandates:replay-list"), "history")
        found.append(Entry(replay, 890, "console"))
    if member.may(UnitPermission.STATE_VIEW):
        # Work that is tried no more is the first thing an administrator has to know.
        n = counted().total
        aside = _item(
            _("Failed work"), reverse("mandates:dead-letter-list"), "mail-opened",
            count=f"{MOST}+" if n >= MOST else n or None, is_over=True, phone=True,
        )  # fmt: skip
        found.append(Entry(aside, 870 if n else 895, "console"))
    return found


def _item(
    label: str, url: str, icon: str, *, phone: bool = False, short: str = "", **more: Any
) -> NavItem:
    return NavItem(label, url, icon, on_phone=phone, short_label=short, **more)


def _counted(count: int) -> int | str:
    return f"{COUNTED - 1}+" if count >= COUNTED else count


def _raise_url(member: Member) -> str:
    if member.township_id is None or not member.may(Permission.CALL_DRAFT):
        return ""
    return reverse("mandates:call-new")


def _unread(member: Member) -> int:
    """Count unread notices, up to UNREAD, by their own index."""

    def rows(slots: SimpleNamespace) -> QuerySet[Any, Any]:
        own = Notice.objects.filter(user=slots.user, read_at=None)
        found: QuerySet[Any, Any] = own.values_list("pk")[:UNREAD]
        return found

    return len(prepared.rows("unread notices", rows, user=member.user_id))
