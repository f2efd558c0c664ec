"""职责准入 in the console: its limits, and which departments review."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from mandates.admin.county import member_of
from mandates.admin.limits import RuleAdmin
from mandates.models import AdmissionBody, AdmissionLimit
from mandates.permissions import Permission


@admin.register(AdmissionLimit)
class AdmissionLimitAdmin(RuleAdmin):
    """Without a row the usual limit holds; deleting one goes back to that."""

    delete_permission = Permission.LIMIT_EDIT
    list_display = ("kind", "amount", "unit", "source")
    list_filter = ("kind",)
    fields = ("kind", "amount", "unit", "source")
    ordering = ("county", "id")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind",) if obj else ()


@admin.register(AdmissionBody)
class AdmissionBodyAdmin(RuleAdmin):
    delete_permission = Permission.LIMIT_EDIT
    list_display = ("task", "department")
    list_filter = ("task",)
    list_select_related = ("county", "department")
    fields = ("task", "department")
    autocomplete_fields = ("department",)
    ordering = ("county", "task", "id")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "department" and field is not None:
            county = member_of(request).county_id
            rows = field.queryset.filter(county=county).as_of(timezone.localdate())
            field.queryset = rows.order_by("code")
        return field
