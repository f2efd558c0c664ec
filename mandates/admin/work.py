"""Calls and their history, to read alone: work is done on the pages, never here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.admin import OfficerInline, ReadOnlyAdmin
from mandates.admin.county import member_of
from mandates.models import Assignment, AssignmentState, Call, CallState, Clock, Objection, Step
from mandates.models.moves import MOVES
from mandates.permissions import Permission

STATES = {state.value: state.label for kind in (AssignmentState, CallState) for state in kind}
LABELS: dict[str, Any] = {
    "accepted_at": _("accepted at"),
    "actor": _("who"),
    "answer": _("answer"),
    "answered_at": _("answered at"),
    "article": _("article"),
    "assignment": _("assignment"),
    "at": _("took effect at"),
    "basis": _("source"),
    "breached_at": _("overdue since"),
    "closed_at": _("closed at"),
    "decision": _("decision"),
    "department": _("department"),
    "due_at": _("due"),
    "duty": _("duty"),
    "entry": _("list entry"),
    "from_state": _("from state"),
    "kind": _("clock"),
    "last_hash": _("last hash"),
    "law": _("law"),
    "met_at": _("met at"),
    "move": _("move"),
    "note": _("note"),
    "outcome": _("outcome"),
    "part": _("part"),
    "party": _("responsible"),
    "raised_at": _("raised at"),
    "reason": _("reason"),
    "routed_at": _("dispatched at"),
    "sent_at": _("sent at"),
    "seq": _("number"),
    "started_at": _("started at"),
    "state": _("state"),
    "step_count": _("number of steps"),
    "to_state": _("to state"),
    "township": _("township"),
    "unit": _("unit"),
}


def shown(*names: str) -> tuple[Any, ...]:
    """Return columns by name, each with its label in the reader's language."""
    return tuple(_column(name) if name in LABELS else name for name in names)


def _spoken(obj: Any, name: str) -> Any:
    value = getattr(obj, name)
    if name == "move":
        return MOVES[value].label if value in MOVES else value
    if name in ("from_state", "to_state"):
        return STATES.get(value, value)
    spoken = getattr(obj, f"get_{name}_display", None)
    return spoken() if spoken else value


def _column(name: str) -> Callable[[Any], Any]:
    @admin.display(description=LABELS[name], ordering=name, empty_value="—")
    def column(obj: Any) -> Any:
        found = _spoken(obj, name)
        return "—" if found is None else found  # on a record's page Django would write "None"

    column.__name__ = name
    return column


class OfCall(OfficerInline):
    """Rows of a call; nobody adds, changes or deletes them."""

    view_permission = Permission.CALL_READ
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Assignments(OfCall):
    model = Assignment
    verbose_name = _("assignment")
    verbose_name_plural = _("assignments")
    fields = shown("department", "part", "state", "duty", "sent_at", "accepted_at", "answered_at")
    readonly_fields = fields
    ordering = ("id",)


class Clocks(OfCall):
    model = Clock
    verbose_name = _("clock")
    verbose_name_plural = _("clocks")
    fields = shown(
        "kind", "party", "department", "started_at", "due_at", "met_at", "breached_at", "basis"
    )
    readonly_fields = fields
    ordering = ("id",)


class Objections(OfCall):
    model = Objection
    verbose_name = _("objection")
    verbose_name_plural = _("objections")
    fields = shown("assignment", "reason", "entry", "law", "article", "outcome", "decision")
    readonly_fields = fields
    ordering = ("id",)


class Steps(OfCall):
    model = Step
    verbose_name = _("step")
    verbose_name_plural = _("steps")
    fields = shown("seq", "at", "move", "from_state", "to_state", "actor", "unit", "note")
    readonly_fields = fields
    ordering = ("seq",)


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """Calls of the officer's county with all that belongs to them. Drafts are their township's."""

    view_permission = Permission.CALL_READ
    county_path = "county"
    inlines = (Assignments, Clocks, Objections, Steps)
    list_display = shown(
        "number", "title", "township", "lead", "state", "urgency", "raised_at", "due_at"
    )
    list_display_links = ("number", "title")
    list_filter = ("state", "urgency", "rating")
    list_select_related = ("township", "lead")
    search_fields = ("number", "title")
    ordering = ("-id",)
    fields = shown(
        "number",
        "title",
        "township",
        "body",
        "done_so_far",
        "place",
        "origin",
        "urgency",
        "entry",
        "unlisted_reason",
        "state",
        "lead",
        "raised_at",
        "routed_at",
        "due_at",
        "answered_at",
        "answer",
        "rating",
        "closed_at",
        "step_count",
        "last_hash",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        found: QuerySet[Any] = rows.visible_to(member_of(request))
        return found
