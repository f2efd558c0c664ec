"""Lists, limits, ladder and calendar from CSV: looked at first, then made so, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from common import calendar_years, calendars, spreadsheets
from common.display import Crumb
from common.errors import Problem
from common.reasons import period_text
from common.sent import typed_in
from mandates.forms.uploads import ConfirmForm, UploadForm
from mandates.models import (
    Entry,
    EntryAssist,
    EntryLimit,
    LadderLevel,
    Limit,
    ListVersion,
    VersionState,
)
from mandates.operations import calendar_moves, limits, list_files, lists
from mandates.operations.list_files import Fault, FileRefused
from mandates.permissions import Permission
from townships.http import Member, MemberRequest
from townships.models import County
from townships.permissions import Permission as UnitPermission
from townships.rules import require

SHOWN = 100


@dataclass(frozen=True)
class Section:
    """Some changes of one kind; ``rows`` are a name and what happens to it."""

    title: str
    rows: Sequence[tuple[str, str]]
    more: int = 0


@dataclass(frozen=True)
class Seen:
    """A file that can be made so: what it would change, and the mark of exactly that."""

    mark: str
    sections: Sequence[Section]
    same: int
    is_empty: bool
    hindrance: str = ""
    link: Crumb | None = None
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    title: Any
    text: Any
    permission: str
    columns: Sequence[str]
    look: Callable[[bytes, Member, datetime], Seen]
    make: Callable[[bytes, Member, datetime, str], tuple[str, str]]
    template: Callable[[Member], Sequence[Sequence[Any]]]


@login_required
def upload(request: MemberRequest, kind: str) -> HttpResponse:
    """Look at a file and show every change and every fault; make it so once confirmed."""
    chosen = KINDS.get(kind)
    if chosen is None:
        raise Http404
    require(request.member, chosen.permission)
    form, confirm, seen = UploadForm(), None, None
    faults: list[Fault] = []
    if request.method == "POST" and "mark" in request.POST:
        content = typed_in(request.POST, "content").encode("utf-8", "replace")
        seen, faults = _look(chosen, content, request.member)
        if seen:
            answer, problem = _confirmed(request, chosen, content, seen)
            if answer:
                return answer
            confirm = ConfirmForm(
                {**_shown(content, seen), "reason": typed_in(request.POST, "reason")}
            )
            if problem and confirm.is_valid():
                confirm.add_error(None, problem)
    elif request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            content = form.cleaned_data["file"]
            seen, faults = _look(chosen, content, request.member)
            confirm = ConfirmForm(initial=_shown(content, seen)) if seen else None
    return render(
        request,
        "mandates/uploads/form.html",
        {
            "kind": kind,
            "chosen": chosen,
            "form": form,
            "confirm": confirm,
            "seen": seen,
            "faults": faults[:SHOWN],
            "more_faults": max(0, len(faults) - SHOWN),
            "headings": [(code, spreadsheets.HEADINGS[code]) for code in chosen.columns],
            "template_url": reverse("mandates:upload-template", args=[kind]),
            "crumbs": [
                Crumb(_("Start a county"), reverse("mandates:start")),
                Crumb(str(chosen.title)),
            ],
        },
        status=200 if not faults else 422,
    )


@login_required
@require_safe
def upload_template(request: MemberRequest, kind: str) -> HttpResponse:
    """What stands now as a file to go on from; its first line names the columns."""
    chosen = KINDS.get(kind)
    if chosen is None:
        raise Http404
    require(request.member, chosen.permission)
    body = spreadsheets.plain_table(chosen.columns, chosen.template(request.member))
    answer = HttpResponse(body, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{kind}.csv"'
    return answer


def _look(kind: Kind, content: bytes, member: Member) -> tuple[Seen | None, list[Fault]]:
    try:
        return kind.look(content, member, timezone.now()), []
    except FileRefused as refusal:
        return None, refusal.faults
    except calendars.BrokenCalendar as broken:
        return None, [Fault(one.line, one.text) for one in broken.faults]
    except calendar_years.Outdated as refusal:
        return None, [Fault(0, str(refusal))]


def _shown(content: bytes, seen: Seen) -> dict[str, str]:
    return {"content": spreadsheets.text_of(content), "mark": seen.mark}


def _confirmed(
    request: MemberRequest, kind: Kind, content: bytes, seen: Seen
) -> tuple[HttpResponse | None, str]:
    """Make the file so if it is what was looked at; else return why not ("": the form says)."""
    sent = ConfirmForm(request.POST)
    if not sent.is_valid():
        return None, ""
    if sent.cleaned_data["mark"] != seen.mark:
        return None, _("Something changed since you looked. Look again, then confirm.")
    try:
        text, url = kind.make(content, request.member, timezone.now(), sent.cleaned_data["reason"])
    except Problem as problem:
        return None, str(problem)
    messages.success(request, text)
    return redirect(url), ""


def _county(member: Member) -> County:
    """Return the county whose data a file is about; city posts have none to write."""
    if member.county is None:
        raise Http404
    return member.county


def _section(title: str, rows: Sequence[tuple[str, str]]) -> list[Section]:
    return [Section(title, rows[:SHOWN], max(0, len(rows) - SHOWN))] if rows else []


# --- The list -------------------------------------------------------------------------------------


def _lines(content: bytes, member: Member, day: date) -> list[list_files.Line]:
    text = list_files.text_of(content)
    return list_files.read(text, county=_county(member), day=day)


def _look_list(content: bytes, member: Member, at: datetime) -> Seen:
    found = lists.preview(_county(member), _lines(content, member, timezone.localdate(at)))
    changed = [
        (f"{one.code} {one.name}", f"{_column_label(name)}: {before or '—'} → {after or '—'}")
        for one in found.changed
        for name, before, after in one.fields
    ]
    hindrance, link = "", None
    if found.draft is not None:
        hindrance = _("This list has a draft already. Publish or delete it first.")
        draft = reverse("admin:mandates_listversion_change", args=[found.draft.pk])
        link = Crumb(str(found.draft), draft)
    return Seen(
        mark=found.mark,
        sections=[
            *_section(_("New matters"), [(f"{o.code} {o.name}", o.category) for o in found.added]),
            *_section(_("Changed matters"), changed),
            *_section(
                _("Matters that are no longer in it"),
                [(f"{o.code} {o.name}", o.category) for o in found.removed],
            ),
        ],
        same=found.same,
        is_empty=found.is_empty,
        hindrance=hindrance,
        link=link,
        notes=[
            _(
                "It becomes a draft. Nothing is in force before you publish it; until then you can delete it."
            )
        ],
    )


def _column_label(name: str) -> Any:
    """Name a column as the pages of the console do."""
    if name == "assists":
        return EntryAssist._meta.verbose_name_plural
    if name == "limits":
        return EntryLimit._meta.verbose_name_plural
    if name == "basis":
        return _("law and article")
    return Entry._meta.get_field(name).verbose_name  # type: ignore[union-attr]


def _make_list(content: bytes, member: Member, at: datetime, reason: str) -> tuple[str, str]:
    lines = _lines(content, member, timezone.localdate(at))
    loaded = lists.load(_county(member), lines, by=member, at=at, reason=reason)
    if loaded.version is None:
        return _("The list says this already; nothing was changed."), reverse("mandates:start")
    text = ngettext(
        "The draft holds %(n)d matter. Check it for gaps, then publish it.",
        "The draft holds %(n)d matters. Check it for gaps, then publish it.",
        loaded.entries,
    )
    url = reverse("admin:mandates_listversion_change", args=[loaded.version.pk])
    return text % {"n": loaded.entries}, url


def _template_list(member: Member) -> Sequence[Sequence[Any]]:
    """The entries of the last version; for a new county none."""
    version = (
        ListVersion.objects.filter(county=_county(member), state=VersionState.PUBLISHED)
        .routing()
        .order_by("-number")
        .first()
    )
    return list(list_files.rows_of(version)) if version else []


# --- Limits and ladder ----------------------------------------------------------------------------


def _plan_shown(
    plan: limits.Plan, names: Callable[[Any], str], words: Callable[[str], str] = str
) -> Seen:
    def rows(pick: Callable[[limits.Change], bool]) -> list[tuple[str, str]]:
        return [
            (names(c.row), " → ".join(words(text) for text in (c.before, c.after) if text))
            for c in plan.changes
            if pick(c)
        ]

    return Seen(
        mark=plan.mark,
        sections=[
            *_section(_("New"), rows(lambda c: not c.before)),
            *_section(_("Changed"), rows(lambda c: bool(c.before and c.after))),
            *_section(_("Taken away"), rows(lambda c: not c.after)),
        ],
        same=plan.same,
        is_empty=not plan.changes,
        notes=[_("It holds for calls from now on; clocks that run already keep their time.")],
    )


def _limit_name(row: Any) -> str:
    one = Limit(urgency=row["urgency"], kind=row["kind"])
    return str(one)


def _limit_words(text: str) -> str:
    """Say a limit of a file in words: 3 working days, not 3 working_day."""
    length, _space, source = text.partition(" (")
    amount, unit, *roll = length.split()
    said = period_text(int(amount), unit)
    if roll:
        said += _("; a last day of rest moves on")
    return f"{said} ({source}"


def _level_name(row: Any) -> str:
    one = LadderLevel(urgency=row["urgency"], level=row["level"])
    return f"{one} {row['matter']}".strip()


def _look_limits(content: bytes, member: Member, at: datetime) -> Seen:
    rows = limits.read_limits(list_files.text_of(content))
    return _plan_shown(limits.plan_limits(_county(member), rows), _limit_name, _limit_words)


def _make_limits(content: bytes, member: Member, at: datetime, reason: str) -> tuple[str, str]:
    rows = limits.read_limits(list_files.text_of(content))
    plan = limits.replace_limits(_county(member), rows, reason=reason, by=member, at=at)
    return _changed(len(plan.changes)), reverse("admin:mandates_limit_changelist")


def _look_ladder(content: bytes, member: Member, at: datetime) -> Seen:
    rows = limits.read_ladder(list_files.text_of(content))
    return _plan_shown(limits.plan_ladder(_county(member), rows), _level_name)


def _make_ladder(content: bytes, member: Member, at: datetime, reason: str) -> tuple[str, str]:
    rows = limits.read_ladder(list_files.text_of(content))
    plan = limits.replace_ladder(_county(member), rows, reason=reason, by=member, at=at)
    return _changed(len(plan.changes)), reverse("admin:mandates_ladderlevel_changelist")


def _changed(count: int) -> str:
    text = ngettext("%(n)d line was changed.", "%(n)d lines were changed.", count)
    return text % {"n": count}


def _template_limits(member: Member) -> Sequence[Sequence[Any]]:
    rows = Limit.objects.filter(county=_county(member)).order_by("urgency", "id")
    return [(r.urgency, r.kind, r.amount, r.unit, int(r.roll), r.source) for r in rows]


def _template_ladder(member: Member) -> Sequence[Sequence[Any]]:
    rows = LadderLevel.objects.filter(county=_county(member)).select_related("matter")
    return [
        (r.urgency, r.level, "" if r.share is None else r.share, "" if r.after is None else r.after,
         r.matter.code if r.matter else "", r.does, ";".join(r.told), r.source)
        for r in rows.order_by("matter", "urgency", "id")
    ]  # fmt: skip


# --- The calendar ---------------------------------------------------------------------------------


def _look_calendar(content: bytes, member: Member, at: datetime) -> Seen:
    years = calendars.parse(content)
    found = [calendar_years.difference(year) for year in years]
    outlook = calendar_moves.outlook(years, at=at)
    sections = []
    for one in found:
        state = _("published") if one.year.published else _("not published")
        title = f"{one.year.year} {state} {one.year.document}"
        rows = [
            (str(day), " → ".join(_day_text(each) for each in (old, new)))
            for day, old, new in one.days
        ]
        sections += _section(title, rows) or ([Section(title, [])] if not one.is_empty else [])
    clocks = [
        (
            one.county,
            _("%(later)d later, %(earlier)d earlier, %(settled)d as they are and now certain, "
              "%(same)d still provisional")
            % {"later": one.later, "earlier": one.earlier, "settled": one.settled, "same": one.same},
        )
        for one in outlook.moved
    ]  # fmt: skip
    sections += _section(_("Open provisional clocks that will move"), clocks)
    notes = [] if clocks else [_("No open clock is provisional: no date will move.")]
    if outlook.more:
        notes.append(_("There are more clocks than were counted."))
    facts = repr([(o.year, o.is_new, o.facts_change, o.days) for o in found])
    return Seen(
        mark=hashlib.sha256(facts.encode()).hexdigest(),
        sections=sections,
        same=sum(1 for one in found if one.is_empty),
        is_empty=all(one.is_empty for one in found),
        notes=notes,
    )


def _day_text(day: tuple[str, str] | None) -> str:
    if day is None:
        return "—"
    kind = _("worked weekend day") if day[0] == calendars.WORKED else _("day off")
    return f"{kind} {day[1]}"


def _make_calendar(content: bytes, member: Member, at: datetime, reason: str) -> tuple[str, str]:
    changed = calendar_years.store(calendars.parse(content), by=member, at=at, reason=reason)
    text = ngettext(
        "%(n)d year was loaded. Provisional clocks are worked out anew within minutes, each with a "
        "step in its call.",
        "%(n)d years were loaded. Provisional clocks are worked out anew within minutes, each with "
        "a step in its call.",
        len(changed),
    )
    return text % {"n": len(changed)}, reverse("admin:common_calendaryear_changelist")


def _template_calendar(member: Member) -> Sequence[Sequence[Any]]:
    return []


KINDS: dict[str, Kind] = {
    "list": Kind(
        gettext_lazy("List from a file"),
        gettext_lazy("One line a matter: its department that leads, those that assist, duties, limits and legal basis. Departments and platforms are named by code or by name."),
        Permission.LIST_EDIT,
        list_files.COLUMNS,
        _look_list,
        _make_list,
        _template_list,
    ),
    "limits": Kind(
        gettext_lazy("Limits from a file"),
        gettext_lazy("One line for each kind of call and clock. What the file does not name stays as it is."),
        Permission.LIMIT_EDIT,
        limits.LIMIT_COLUMNS,
        _look_limits,
        _make_limits,
        _template_limits,
    ),
    "ladder": Kind(
        gettext_lazy("Levels of urging from a file"),
        gettext_lazy("The whole ladder: a level that the file does not name is taken away."),
        Permission.LIMIT_EDIT,
        limits.LADDER_COLUMNS,
        _look_ladder,
        _make_ladder,
        _template_ladder,
    ),
    "calendar": Kind(
        gettext_lazy("Calendar year from a file"),
        gettext_lazy("The days off and the worked weekend days of the State Council's notice, with its document number in every line. A year is replaced whole."),
        UnitPermission.CALENDAR_EDIT,
        calendars.COLUMNS,
        _look_calendar,
        _make_calendar,
        _template_calendar,
    ),
}  # fmt: skip
