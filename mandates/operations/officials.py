"""All that is kept about an official of a county, as a file: account, posts, sign-ins, what they did.

PIPL article 45, for those who work with the system as for those who call. Asked for with a reason that
is kept; made as a job, which is asked for anew whether it still may be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import xlsxwriter
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit, ciphers, jobs
from common.audit_words import action_label
from common.errors import Invalid, NotAllowed
from common.masking import masked
from common.models import AuditEntry, MobileNumber, Notice, NoticeMail
from common.personal import Kind
from common.sealed import UNREADABLE
from common.tenancy import dispatching, everywhere
from common.worktime import SHANGHAI
from mandates.models import CallerReveal, CallFile, PersonSearch, Step
from mandates.operations.callers import reason_of
from mandates.permissions import Permission
from townships.models import Absence, Duty, Post, User
from townships.operations.jobs import request
from townships.queries.signing import officials_of, sign_ins_within
from townships.rules import require

if TYPE_CHECKING:
    from common.models import Job
    from townships.http import Member

KIND = "person_file"
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
USERNAME = "username"

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # title, heads, rows


def ask(username: str, reason: str, form: str, *, by: Member, at: datetime) -> Job:
    """Have all that is kept about an official written into a file; who asked and why is kept.

    Raises NotAllowed, Invalid, Refused.
    """
    require(by, Permission.PERSON_SEARCH)
    if by.is_system or by.county_id is None:
        raise NotAllowed
    why = reason_of(reason)
    if form not in TYPES:
        raise Invalid(fields={"form": _("There is no such kind.")})
    user = officials_of(by.county_id).filter(username__iexact=username.strip()).first()
    if user is None:
        raise Invalid(fields={"username": _("Nobody of this county has this user name.")})
    with transaction.atomic():
        row = PersonSearch.objects.create(
            county_id=by.county_id, kind=USERNAME, wanted=ciphers.index(USERNAME, user.username),
            masked=masked(Kind.NAME, user.name), by_id=by.user_id, actor=by.label[:200], reason=why,
            found=1, is_export=True, at=at,
        )  # fmt: skip
        audit.record("person_exported", row, by=by, at=at, kind=USERNAME, reason=why, user=user.pk)
        return request(KIND, {"user": str(user.uid), "form": form}, by=by, at=at)


def holding(number: str, *, county_id: int) -> list[User]:
    """Find the officials of a county who have given this mobile number, under whatever key."""
    with dispatching(reason="pages may not read the index of a number"):
        rows = MobileNumber.objects.filter(
            county=county_id, number_index__in=ciphers.indexes(Kind.PHONE, number)
        )
        return list(User.objects.filter(pk__in=list(rows.values_list("user", flat=True))))


def _checked(member: Member, given: Mapping[str, Any]) -> dict[str, Any]:
    require(member, Permission.PERSON_SEARCH)
    user, form = _user(member, str(given.get("user", ""))), str(given.get("form", ""))
    if form not in TYPES:
        raise Invalid(fields={"form": _("There is no such kind.")})
    return {"user": str(user.uid), "form": form}


def _user(member: Member, uid: str) -> User:
    if member.county_id is None:
        raise NotAllowed
    try:
        return officials_of(member.county_id).get(uid=UUID(uid))
    except (ValueError, User.DoesNotExist):
        raise Invalid(fields={"user": _("Nobody of this county has this user name.")}) from None


@jobs.kind(KIND, label=gettext_lazy("All that is kept about an official"), check=_checked)
def make(work: jobs.Work) -> jobs.Result:
    """Write the file; that it was made is in the trail."""
    form, user = work.parameters["form"], _user(work.member, work.parameters["user"])
    assert work.member.county_id is not None
    with work.scope():
        county_id = work.member.county_id
        found = [*_account(user, county_id), *_did(user, county_id)]
        audit.record("person_file_made", work.job, by=work.member, at=work.clock(), user=user.pk)
    _write(work.path, form, found)
    return jobs.Result(f"{_('Personal data')}-{work.at:%Y%m%d}.{form}", TYPES[form])


def _write(path: Path, form: str, tables: Sequence[Table]) -> None:
    if form == "json":
        told = {title: [dict(zip(heads, row, strict=True)) for row in rows]
                for title, heads, rows in tables}  # fmt: skip
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        return
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        for title, heads, rows in tables:
            sheet = book.add_worksheet(title)
            sheet.set_column(0, len(heads) - 1, 24)
            for number, line in enumerate([heads, *rows]):
                for column, value in enumerate(line):
                    sheet.write_string(number, column, value)


# --- what there is -----------------------------------------------------------------------------------


def _account(user: User, county_id: int) -> list[Table]:
    facts = [
        (_("user name"), user.username), (_("name of the person"), user.name),
        (_("e-mail"), user.email), (_("work phone"), user.work_phone),
        (_("language"), user.get_language_display()), (_("may sign in"), _yes(user.is_active)),
        (_("password changed at"), _when(user.password_changed_at)),
        (_("created at"), _when(user.created_at)),
    ]  # fmt: skip
    posts = [
        [
            one.get_role_display(),
            str(one.unit),
            one.title,
            str(one.valid_from),
            str(one.valid_to or ""),
        ]
        for one in Post.objects.filter(user=user).with_units().order_by("valid_from", "pk")
    ]
    sign_ins = [
        [_when(one.began_at), _when(one.seen_at), one.address, one.browser, _when(one.ended_at),
         one.get_how_ended_display()]
        for one in sign_ins_within(county_id, user).order_by("-began_at")
    ]  # fmt: skip
    return [
        (_("Account"), [_("What"), _("Value")], [[str(name), value] for name, value in facts]),
        (_("Posts"), [_("role"), _("Unit"), _("title"), _("From"), _("Until")], posts),
        (
            _("Sign-ins"),
            [_("since"), _("last used"), _("IP address"), _("browser"), _("ended at"), _("how it ended")],
            sign_ins,
        ),
    ]  # fmt: skip


def _did(user: User, county_id: int) -> list[Table]:
    """What one county keeps of somebody: each county answers for its own."""
    own: dict[str, Any] = {"county": county_id}
    duties = [
        [str(one.day), one.get_shift_display(), one.phone]
        for one in Duty.objects.filter(**own, post__user=user).order_by("day", "pk")
    ]
    absences = [
        [str(one.from_day), str(one.to_day), one.reason]
        for one in Absence.objects.filter(**own, post__user=user).order_by("from_day", "pk")
    ]
    counts = [
        (_("Steps of calls"), Step.objects.filter(**own, by=user).count()),
        (_("Files of calls"), CallFile.objects.filter(**own, by=user).count()),
        (_("Looks at who asked"), CallerReveal.objects.filter(**own, by=user).count()),
        (_("Searches for persons"), PersonSearch.objects.filter(**own, by=user).count()),
    ]
    with dispatching(reason="notices and numbers are read by the workers alone"):
        mobile = MobileNumber.objects.filter(**own, user=user).first()
        number = _readable(mobile) if mobile else ""
        counts += [(_("Notices"), Notice.objects.filter(**own, user=user).count())]
        messages = NoticeMail.objects.filter(**own, user=user)
        counts += [(_("Messages sent"), messages.filter(sent_at__isnull=False).count())]
    with everywhere(reason="the trail of one person in one county is counted"):
        trail = (
            AuditEntry.objects.filter(actor_id=user.pk, county_id=county_id)
            .values_list("action").annotate(n=Count("pk")).order_by("action")
        )  # fmt: skip
        acts = [[action_label(action), str(n)] for action, n in trail]
    return [
        (_("Mobile"), [_("Mobile")], [[number]] if number else []),
        (_("Duties"), [_("date"), _("shift"), _("phone")], duties),
        (_("Absences"), [_("away from"), _("away until"), _("reason")], absences),
        (
            _("What was done"),
            [_("What"), _("How many")],
            [[str(what), str(n)] for what, n in counts],
        ),
        (_("In the audit trail"), [_("act"), _("How many")], acts),
    ]


def _readable(mobile: MobileNumber) -> str:
    """Return a number, or what stands for one whose key is lost: the rest is told all the same."""
    try:
        return mobile.clear()
    except ciphers.Unreadable:
        return UNREADABLE


def _yes(value: bool) -> str:
    return str(_("yes") if value else _("no"))


def _when(at: datetime | None) -> str:
    return f"{timezone.localtime(at, SHANGHAI):%Y-%m-%d %H:%M:%S}" if at else ""
