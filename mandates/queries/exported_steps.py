"""The steps of calls as a table, for who audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.exports import Column, Conditions
from mandates.models import Step
from mandates.queries.steps_trail import ORDER, StepFilters, kinds, steps, told_of
from mandates.queries.verbs import verbs
from townships.permissions import Permission
from townships.queries import conditions
from townships.rules import require

if TYPE_CHECKING:
    from datetime import datetime

    from townships.http import Member

WORDS: conditions.Words = {
    "person": conditions.any_word,
    "call": conditions.any_word,
    "move": lambda text: text in dict(kinds()),
}
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
    return conditions.checked(given, WORDS)


def keys(member: Member, asked: Conditions, at: datetime) -> QuerySet[Any]:
    return steps(_filters(asked, at)).order_by(*ORDER).values_list("id", flat=True)


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    found = {one.pk: one for one in Step.objects.filter(pk__in=wanted).select_related("call")}
    said = verbs()
    return [_row(found[key], said) for key in wanted if key in found]


def told(member: Member, asked: Conditions) -> list[tuple[str, str]]:
    labels = {"person": gettext("Person"), "call": gettext("Call"), "move": gettext("Step")}
    words = {**asked}
    if "move" in words:
        words["move"] = verbs().get(words["move"], words["move"])
    return conditions.told(words, labels)


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


def _filters(asked: Conditions, at: datetime) -> StepFilters:
    first, last = conditions.days(asked, at)
    return StepFilters(from_day=first, to_day=last, **{name: asked.get(name, "") for name in WORDS})
