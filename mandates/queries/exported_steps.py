"""The steps of calls as a table, for who audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.exports import Column, Conditions
from common.worktime import SHANGHAI
from mandates.models import Step
from mandates.queries.steps_trail import ORDER, StepFilters, kinds, steps, told_of
from mandates.queries.verbs import verbs
from townships.permissions import Permission
from townships.rules import require

if TYPE_CHECKING:
    from datetime import datetime

    from townships.http import Member

NAMES = ("person", "call", "move", "from_day", "to_day")
FIRST, LAST = date(2020, 1, 1), date(2200, 1, 1)
SPAN = timedelta(days=30)
LONGEST = 60
COLUMNS = (
    Column("recorded_at", _("time"), 18),
    Column("actor", _("who"), 30, _("with the post in which it was done")),
    Column("unit", _("unit"), 20),
    Column("move", _("step"), 20),
    Column("call", _("call"), 22),
    Column("seq", _("number of the step"), 10),
    Column("note", _("remark"), 40),
    Column("hash", _("hash"), 66, _("over this step and the one before"), usual=False),
)


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions in one form. Raises NotAllowed, Invalid."""
    require(member, Permission.AUDIT_VIEW)
    wrong: dict[str, Any] = {
        name[:100]: gettext("There is no such condition here.") for name in set(given) - set(NAMES)
    }
    kept = {name: _one(given[name]) for name in NAMES if name in given}
    kept = {name: text for name, text in kept.items() if text}
    for name, text in kept.items():
        if not _fits(name, text):
            wrong[name] = gettext("This cannot be read.")
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    return steps(_filters(conditions, at)).order_by(*ORDER).values_list("id", flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    found = {one.pk: one for one in Step.objects.filter(pk__in=wanted).select_related("call")}
    said = verbs()
    return [_row(found[key], said) for key in wanted if key in found]


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    labels = {
        "person": gettext("Person"), "call": gettext("Call"), "move": gettext("Step"),
        "from_day": gettext("From"), "to_day": gettext("Until"),
    }  # fmt: skip
    words = {**conditions}
    if "move" in words:
        words["move"] = verbs().get(words["move"], words["move"])
    if not ("from_day" in words or "to_day" in words):
        words["from_day"] = gettext("the last 30 days")
    return [(labels[name], str(words[name])) for name in NAMES if words.get(name)]


def _row(step: Step, said: dict[str, str]) -> dict[str, Any]:
    shown = told_of(step, said)
    return {
        "recorded_at": step.recorded_at,
        "actor": step.actor,
        "unit": step.unit,
        "move": shown["move"],
        "call": shown["call"],
        "seq": step.seq,
        "note": step.note,
        "hash": step.hash,
    }


def _filters(conditions: Conditions, at: datetime) -> StepFilters:
    days = {
        name: date.fromisoformat(conditions[name])
        for name in ("from_day", "to_day")
        if name in conditions
    }
    today = timezone.localdate(at, SHANGHAI)
    end = days.get("to_day") or max(today, days.get("from_day", today))
    words = {name: conditions.get(name, "") for name in ("person", "call", "move")}
    return StepFilters(from_day=days.get("from_day", end - SPAN), to_day=end, **words)


def _one(value: Any) -> str:
    text = value if isinstance(value, str) else next(iter(value), "") if value else ""
    return str(text).strip()


def _fits(name: str, text: str) -> bool:
    if name in ("from_day", "to_day"):
        try:
            return FIRST <= date.fromisoformat(text) <= LAST
        except ValueError:
            return False
    return len(text) <= LONGEST and "\0" not in text and (name != "move" or text in dict(kinds()))
