"""How records of other kinds of systems read as calls: orders of a hotline, cases of a city.

The names of the fields are our own. What the platforms of a county really send is mapped to them
where it leaves its system; nothing here guesses: a matter that nobody named stays unnamed, with
what the words suggest beside it as a hint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from common.worktime import SHANGHAI
from mandates.models import Call, Origin
from mandates.operations.callers import read as read_caller
from mandates.operations.casework import local_day
from mandates.operations.intake import Hint, Record
from mandates.operations.writing import Draft
from mandates.queries.finding import find
from mandates.queries.rulebook import rulebook

if TYPE_CHECKING:
    from townships.http import Member

HINTS = 3

# 诉求类型 of a hotline order.
ORDER_KINDS = {
    "consult": gettext_lazy("Consultation"),
    "help": gettext_lazy("Request for help"),
    "complaint": gettext_lazy("Complaint"),
    "report": gettext_lazy("Report of a wrong"),
    "suggestion": gettext_lazy("Suggestion"),
}

Said = Mapping[str, Any]


def of_call(said: Said, by: Member, at: datetime) -> Record:
    """A record that is written like a call of this house."""
    return Record(
        Draft(
            title=said["title"],
            body=said["body"],
            urgency=said["urgency"],
            unlisted_reason="" if said["matter"] else said["unlisted_reason"],
            done_so_far=said["done_so_far"],
            place=said["place"],
            origin=said["origin"],
        ),
        matter=said["matter"],
        division=said["division"],
        place=said["place"],
    )


def of_hotline_order(said: Said, by: Member, at: datetime) -> Record:
    """An order of a 12345 hotline."""
    with translation.override(settings.LANGUAGE_CODE):
        facts = [
            (_("Hotline order"), said["source_no"]),
            (_("Kind of request"), str(ORDER_KINDS.get(said["kind"], ""))),
            (_("Category of the source"), said["category"]),
            (_("Received by the hotline"), _written(said["received_at"])),
            (_("The hotline asks for an answer by"), _written(said["respond_by"])),
        ]
        record = _record(said, by, at, title=said["title"], text=said["content"], facts=facts,
                         origin=Origin.HOTLINE, done_so_far=said["done_so_far"])  # fmt: skip
    return replace(record, caller=read_caller(said.get("caller") or {}, at=at, within="caller"))


def of_city_case(said: Said, by: Member, at: datetime) -> Record:
    """A case of digital city management."""
    with translation.override(settings.LANGUAGE_CODE):
        kind = pgettext("between big and small class", " / ").join(
            one for one in (said["big_class"], said["small_class"]) if one
        )
        facts = [
            (_("City management case"), said["source_no"]),
            (_("Class"), f"{kind} {said['class_code']}".strip()),
            (_("Grid"), said["grid"]),
            (_("Reported"), _written(said["reported_at"])),
        ]
        title = said["title"] or f"{said['small_class'] or said['big_class']} {said['place']}"
        return _record(said, by, at, title=title.strip(), text=said["description"], facts=facts,
                       origin=Origin.PATROL, division=said["division"] or said["grid"])  # fmt: skip


def _record(
    said: Said,
    by: Member,
    at: datetime,
    *,
    title: str,
    text: str,
    facts: Sequence[tuple[str, str]],
    origin: str,
    division: str = "",
    done_so_far: str = "",
) -> Record:
    longest = Call._meta.get_field("title").max_length or 80
    lines = [f"{name}{pgettext('after a name', ': ')}{value}" for name, value in facts if value]
    # A title too long for ours stands in full with the text.
    whole = [title] if len(title) > longest else []
    short = f"{title[: longest - 1]}…" if whole else title
    reason = ""
    hints: tuple[Hint, ...] = ()
    if not said["matter"]:
        words = f"{title} {text} {said.get('category', '')} {said.get('small_class', '')}"
        hints = hints_for(words, by, at)
        reason = _reason(hints)
    draft = Draft(
        title=short,
        body="\n".join([*whole, text, "", *lines]),
        urgency=said["urgency"],
        unlisted_reason=reason,
        done_so_far=done_so_far,
        place=said["place"],
        origin=origin,
    )
    return Record(
        draft,
        matter=said["matter"],
        division=division or said["division"],
        place=f"{said['place']} {title}",
        hints=hints,
    )


def hints_for(words: str, by: Member, at: datetime) -> tuple[Hint, ...]:
    """Return the matters that words may mean, with how likely each is among them."""
    entries = rulebook(by.county_id or 0).to_raise(local_day(at))
    found = find(entries, words)[:HINTS] if words.strip() else []
    return tuple(Hint(one.entry.code, one.entry.name, round(one.score, 2)) for one in found)


def _reason(hints: Sequence[Hint]) -> str:
    """Say why a call is on no list: its source named no line, and nobody guesses one."""
    if not hints:
        return _("The other system named no matter of the list.")
    listed = pgettext("between names", ", ").join(
        f"{hint.code} {hint.name} ({hint.score:.2f})" for hint in hints
    )
    told = _("The other system named no matter of the list. By its words it may be: %(matters)s.")
    longest = Call._meta.get_field("unlisted_reason").max_length or 500
    return (told % {"matters": listed})[:longest]


def _written(instant: datetime | None) -> str:
    return f"{timezone.localtime(instant, SHANGHAI):%Y-%m-%d %H:%M}" if instant else ""
