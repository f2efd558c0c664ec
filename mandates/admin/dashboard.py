"""The first page of the console for officers: lists in work, admissions, proposals, tasks."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from common.display import day_text
from common.site import OfficerSite, Panel, PanelLine, may
from mandates.admin.county import member_of
from mandates.permissions import Permission
from mandates.queries import publications
from mandates.queries.dashboard import Dashboard, InWork, dashboard
from mandates.queries.laid_aside import counted
from townships.permissions import Permission as UnitPermission


@OfficerSite.first_page
def failed(request: HttpRequest) -> list[Panel]:
    """What failed again and again and waits; for the system administrator, before all else."""
    if not may(request, UnitPermission.STATE_VIEW):
        return []
    found, here = counted(), reverse("mandates:dead-letter-list")
    told = (
        (_("Accepted work"), found.works, here),
        (_("Messages laid aside"), found.messages, here),
        (_("Events for other systems"), found.events, reverse("admin:townships_deadletter_changelist")),
    )  # fmt: skip
    lines = [PanelLine(label, str(n), url, is_pressing=True) for label, n, url in told if n]
    return [Panel(_("Failed work"), lines, _("Nothing waits."))]


@OfficerSite.first_page
def panels(request: HttpRequest) -> list[Panel]:
    """Return what the post may look into; nothing for posts without lists."""
    if not may(request, Permission.LIST_READ):
        return []
    found = dashboard(member_of(request), at=timezone.now())
    return [
        Panel(
            _("List versions in work"),
            [_draft(one) for one in found.drafts],
            _("No draft is open. A draft is opened on the page of its list."),
        ),
        *_publications(request),
        Panel(_("Duty admissions by step"), _steps(found), _("No application is under way.")),
        Panel(_("Waiting for a decision"), _waiting(found), _("Nothing waits.")),
        Panel(
            _("Terms and evaluations of powers"),
            _powers(found, timezone.localdate()),
            _("No term ends soon, and no evaluation is due."),
        ),
    ]


def _publications(request: HttpRequest) -> list[Panel]:
    """Versions that wait for a second person; what the reader may decide presses."""
    member = member_of(request)
    if not publications.may_read(member):
        return []
    mine = {one.pk for one in publications.waiting_for(member)}
    lines = [
        PanelLine(
            str(one),
            _("from %(day)s, proposed by %(name)s")
            % {"day": day_text(one.valid_from, today=timezone.localdate()), "name": one.proposer},
            one.get_absolute_url(),
            is_pressing=one.pk in mine,
        )
        for one in publications.readable(member).waiting().order_by("id")
    ]
    return [Panel(_("Versions waiting for a second person"), lines, _("No version waits."))]


def _draft(one: InWork) -> PanelLine:
    url = reverse("admin:mandates_listversion_gaps", args=[one.version.pk])
    told = [(_("in the way"), one.blocking), (_("to look at"), one.warnings + one.clashes)]
    comma = pgettext("between names", ", ")
    note = comma.join(f"{text} {count}" for text, count in told if count) or _("nothing missing")
    return PanelLine(str(one.version), note, url, is_pressing=bool(one.blocking))


def _steps(found: Dashboard) -> list[PanelLine]:
    lines = [
        PanelLine(str(state.label), str(count), _list("admission-list", state=state))
        for state, count in found.admissions.items()
    ]
    if found.late_admissions:
        url = _list("admission-list", show="late")
        lines.append(PanelLine(_("Past their limit"), str(found.late_admissions), url, True))
    return lines


def _waiting(found: Dashboard) -> list[PanelLine]:
    told = [
        (_("Proposals to amend the list"), found.proposals, _list("proposal-list", state="open")),
        (_("Tasks on no list, not yet decided by the township"), found.undecided,
         _list("unlisted-list", state="recorded")),
        (_("Tasks on no list, refused"), found.refused, _list("unlisted-list", state="refused")),
    ]  # fmt: skip
    return [PanelLine(text, str(count), url) for text, count, url in told if count]


def _powers(found: Dashboard, today: date) -> list[PanelLine]:
    """Batches whose term ends soon, then those with powers to be evaluated again."""
    ending = [
        PanelLine(
            str(one.batch),
            ngettext("%(n)d power ends, from %(day)s", "%(n)d powers end, from %(day)s", one.powers)
            % {"n": one.powers, "day": day_text(one.ends, today=today)},
            one.batch.get_absolute_url(),
            is_pressing=True,
        )
        for one in found.terms
    ]
    due = [
        PanelLine(
            str(one.batch),
            ngettext(
                "%(n)d power to be evaluated again, held from %(day)s",
                "%(n)d powers to be evaluated again, held from %(day)s",
                one.powers,
            )
            % {"n": one.powers, "day": day_text(one.since, today=today)},
            one.batch.get_absolute_url(),
        )
        for one in found.unevaluated
    ]
    return ending + due


def _list(name: str, **query: Any) -> str:
    return f"{reverse(f'mandates:{name}')}?{urlencode(query)}"
