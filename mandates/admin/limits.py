"""Limits, levels, hours and rules of a county."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common import display
from mandates.admin.county import CountyAdmin, member_of
from mandates.forms.console import LevelForm
from mandates.models import (
    Audience,
    CountyRules,
    LadderAction,
    LadderLevel,
    Limit,
    Matter,
    OfficeHours,
)
from mandates.permissions import Permission


class RuleAdmin(CountyAdmin):
    view_permission = Permission.LIST_READ
    edit_permission = Permission.LIMIT_EDIT
    list_select_related: ClassVar[tuple[str, ...]] = ("county",)


@admin.register(Limit)
class LimitAdmin(RuleAdmin):
    """Changed, never deleted: a clock without a limit stops all calls of its kind."""

    list_display = ("urgency", "kind", "amount", "unit", "roll", "source")
    list_display_links = ("urgency", "kind")
    list_filter = ("urgency", "kind", "unit")
    fields = ("urgency", "kind", "amount", "unit", "roll", "source")
    ordering = ("county", "urgency", "id")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("urgency", "kind") if obj else ()


@admin.register(LadderLevel)
class LadderLevelAdmin(RuleAdmin):
    delete_permission = Permission.LIMIT_EDIT
    form = LevelForm
    list_display = (
        *("urgency", "level", "share", "after", "what_happens", "who_is_told"),
        *("matter", "source"),
    )
    list_display_links = ("urgency", "level")
    list_filter = ("urgency", "level", "does")
    list_select_related = ("county", "matter")
    fields = ("urgency", "level", "matter", "share", "after", "does", "told", "source")
    autocomplete_fields = ("matter",)
    ordering = ("county", "urgency", "matter", "id")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "matter":
            kwargs["queryset"] = Matter.objects.routing()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("urgency", "level", "matter") if obj else ()

    @admin.display(description=_("what happens"))
    def what_happens(self, obj: LadderLevel) -> str:
        """What the level does, as the ladder says or as is usual."""
        return str(LadderAction(obj.action).label)

    @admin.display(description=_("who is told"))
    def who_is_told(self, obj: LadderLevel) -> str:
        """Whom it tells, likewise."""
        return display.list_text(str(Audience(one).label) for one in obj.audiences)


@admin.register(OfficeHours)
class OfficeHoursAdmin(RuleAdmin):
    delete_permission = Permission.LIMIT_EDIT
    list_display = (
        "__str__",
        "morning_from",
        "morning_to",
        "afternoon_from",
        "afternoon_to",
        "source",
    )
    fields = (
        ("from_month", "from_day"),
        ("to_month", "to_day"),
        ("morning_from", "morning_to"),
        ("afternoon_from", "afternoon_to"),
        "source",
    )
    ordering = ("county", "from_month", "from_day")


@admin.register(CountyRules)
class CountyRulesAdmin(RuleAdmin):
    list_display = (
        "emergency_skips_head",
        "appeal_days",
        "appeal_ruling_days",
        "repeat_days",
        "resume_after",
        "amend_after_disputes",
        "amend_after_unlisted",
        "amend_days",
        "evaluate_days",
        "expire_days",
        "source",
    )
    fields = list_display
    ordering = ("county",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A county has one row."""
        if not super().has_add_permission(request, obj):
            return False
        return not CountyRules.objects.filter(county=member_of(request).county_id).exists()
