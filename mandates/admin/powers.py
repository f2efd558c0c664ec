"""赋权事项目录 in the console: items are added and put right here; scored and handed over on pages."""

from __future__ import annotations

from django.contrib import admin

from mandates.admin.county import CountyAdmin
from mandates.forms.empowerment import PowerItemForm
from mandates.models import PowerItem
from mandates.permissions import Permission


@admin.register(PowerItem)
class PowerItemAdmin(CountyAdmin):
    view_permission = Permission.LIST_READ
    edit_permission = Permission.POWER_EDIT
    list_display = (
        "code",
        "name",
        "kind",
        "field",
        "department",
        "matter",
        "law",
        "article",
        "is_sample",
    )
    list_filter = ("kind", "field", "is_sample")
    list_select_related = ("county", "department", "matter")
    search_fields = ("code", "name", "law", "article")
    fields = (
        "code", "kind", "field", "name", "department", "matter", "law", "article", "sanction",
        "is_sample", "source_note",
    )  # fmt: skip
    ordering = ("county", "code")
    form = PowerItemForm
    autocomplete_fields = ("department",)
