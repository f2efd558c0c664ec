"""多行同改: the same is said in many lines of drafts at once; looked at first, then written whole.

Every function works inside the scope the caller has opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Invalid, NotAllowed, Stale
from mandates.models import Entry, ListVersion, Urgency, VersionState
from mandates.operations import draft_lines, lists
from mandates.operations.draft_lines import Cells
from mandates.permissions import Permission
from mandates.queries.draft_lines import cells, mark
from mandates.queries.publications import waiting_of
from townships.models import Department, Platform

if TYPE_CHECKING:
    from townships.http import Member

MOST: Final = 500  # lines at once
CHANGED, SAME = "changed", "same"


@dataclass(frozen=True)
class Wanted:
    """What all lines are to say; what is None stays as each line has it."""

    lead: UUID | None = None
    category: str | None = None
    platform: str | None = None  # its code
    urgency: str | None = None

    @property
    def said(self) -> dict[str, UUID | str]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Planned:
    """One line: what it will say otherwise, as (cell, old, new) in words, or why it is refused.

    ``code`` is "changed", "same" or that of the refusal; ``seen`` names what the line says now.
    """

    entry: Entry
    code: str
    seen: str
    changes: tuple[tuple[str, str, str], ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """What would become of the lines chosen; ``mark`` names exactly that.

    ``missing`` counts those chosen that are not there: taken out meanwhile, or not of the county.
    """

    lines: tuple[Planned, ...]
    missing: int
    mark: str

    @property
    def changed(self) -> list[Planned]:
        return [one for one in self.lines if one.code == CHANGED]

    @property
    def same(self) -> list[Planned]:
        return [one for one in self.lines if one.code == SAME]

    @property
    def refused(self) -> list[Planned]:
        return [one for one in self.lines if one.code not in (CHANGED, SAME)]


class Overtaken(Stale):
    """What was looked at is not what would be done any more. ``plan`` says what would be now."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        text = _("Nothing was changed: somebody acted on these lines meanwhile. Look again.")
        super().__init__(text)


def plan(keys: Sequence[int], wanted: Wanted, *, by: Member, at: datetime) -> Plan:
    """Say of each line what it would become. Writes nothing.

    Raises NotAllowed, Invalid (no line or more than MOST, nothing to set, no such value).
    """
    if by.county_id is None or not by.may(Permission.LIST_EDIT):
        raise NotAllowed
    keys = sorted(set(keys))
    if not keys:
        raise Invalid(fields={"lines": [_("Choose at least one line.")]})
    if len(keys) > MOST:
        raise Invalid(fields={"lines": [_("At most %(n)d lines at once.") % {"n": MOST}]})
    names = _names(wanted, by.county_id)
    rows = (
        Entry.objects.filter(county=by.county_id, pk__in=keys)
        .select_related("matter", "lead", "platform", "version__duty_list")
        .prefetch_related("limits")
        .order_by("version_id", "position", "id")
    )
    found = list(rows)
    refusals = _refusals({one.version_id: one.version for one in found}.values())
    lines = tuple(_planned(one, wanted, names, refusals, at) for one in found)
    facts = (keys, wanted, [(one.entry.pk, one.code, one.seen) for one in lines])
    mark_of_all = hashlib.sha256(repr(facts).encode()).hexdigest()
    return Plan(lines, missing=len(keys) - len(lines), mark=mark_of_all)


def apply(
    keys: Sequence[int], wanted: Wanted, *, reason: str, seen: str, by: Member, at: datetime
) -> Plan:
    """Do what was planned: all lines that are to change, or none; each has its row in the trail.

    ``seen`` is the mark of the plan that was looked at. Raises Overtaken where it is another by
    now, and what `plan` and `draft_lines.change` raise.
    """
    reason = lists.reason_of(reason)
    with transaction.atomic():
        _hold(keys, by)
        now = plan(keys, wanted, by=by, at=at)
        if now.mark != seen:
            raise Overtaken(now)
        for one in now.changed:
            draft_lines.change(
                one.entry.version,
                one.entry.uid,
                _cells(one.entry, wanted),
                seen=one.seen,
                by=by,
                at=at,
                reason=reason,
            )
    return now


def _hold(keys: Sequence[int], by: Member) -> None:
    """Lock the drafts before their lines are read, in one order, so that none waits in a ring."""
    chosen = Entry.objects.filter(county=by.county_id, pk__in=keys).values("version")
    drafts = ListVersion.objects.filter(pk__in=chosen, state=VersionState.DRAFT)
    list(drafts.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _names(wanted: Wanted, county_id: int) -> dict[str, str]:
    """Return what is wanted in words. Raises Invalid for nothing, and for what is not there."""
    wrong, names = {}, {}
    if not wanted.said:
        raise Invalid(fields={"wanted": [_("Choose at least one thing to set.")]})
    if wanted.lead is not None:
        unit = Department.objects.filter(county=county_id, uid=wanted.lead).first()
        if unit is None:
            wrong["lead"] = [_("Choose a department of your county that stands.")]
        names["lead"] = str(unit)
    if wanted.platform is not None:
        platform = Platform.objects.filter(code=wanted.platform).first()
        if platform is None:
            wrong["platform"] = [_("There is no such platform.")]
        names["platform"] = str(platform)
    if wanted.urgency is not None:
        if wanted.urgency not in Urgency.values:
            raise Invalid(fields={"urgency": [_("This is needed.")]})
        names["urgency"] = str(Urgency(wanted.urgency).label)
    if wanted.category is not None:
        wrong |= draft_lines.texts_wrong({"category": wanted.category.strip()})
        names["category"] = wanted.category.strip()
    if wrong:
        raise Invalid(fields=wrong)
    return names


def _refusals(versions: Iterable[ListVersion]) -> dict[int, tuple[str, str]]:
    """Return code and words for each version in which nothing may be changed."""
    found = {}
    for version in versions:
        if version.state != VersionState.DRAFT:
            newer = ListVersion.objects.filter(
                duty_list=version.duty_list_id,
                number__gt=version.number,
                state=VersionState.PUBLISHED,
            )
            found[version.pk] = (
                ("overtaken_version", _("A later version has been published over this one."))
                if newer.exists()
                else (lists.NotADraft.code, str(lists.NotADraft.detail))
            )
        elif waiting_of(version) is not None:
            found[version.pk] = (lists.Waits.code, str(lists.Waits.detail))
    return found


def _planned(
    entry: Entry,
    wanted: Wanted,
    names: dict[str, str],
    refusals: dict[int, tuple[str, str]],
    at: datetime,
) -> Planned:
    seen = mark(entry)
    if entry.version_id in refusals:
        code, why = refusals[entry.version_id]
        return Planned(entry, code, seen, why=why)
    will = _cells(entry, wanted)
    before = _cells(entry, Wanted())
    changes = tuple(
        (name, _in_words(entry, name), names[name])
        for name in wanted.said
        if getattr(before, name) != getattr(will, name)
    )
    if not changes:
        return Planned(entry, SAME, seen)
    wrong = draft_lines.faults(entry, will, at=at)
    if wrong:
        why = " ".join(text for texts in wrong.values() for text in texts)
        return Planned(entry, "invalid", seen, changes, why)
    return Planned(entry, CHANGED, seen, changes)


def _cells(entry: Entry, wanted: Wanted) -> Cells:
    """Return what a line would say: as it stands, but for what is wanted."""
    as_it_stands = cells(entry) | {"lead": entry.lead.uid if entry.lead else None}
    said = wanted.said
    if "category" in said:
        said["category"] = str(said["category"]).strip()
    return replace(Cells(**as_it_stands), **said)  # type: ignore[arg-type]


def _in_words(entry: Entry, name: str) -> str:
    if name == "urgency":
        return str(Urgency(entry.urgency).label)
    return str(getattr(entry, name) or "")
