"""The console's pages for divisions, departments and platforms."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import OfficerAdmin, OfficerInline, ReadOnlyAdmin
from townships.models import (
    County,
    Department,
    DevelopedTown,
    Division,
    DivisionCode,
    DivisionLoad,
    DivisionName,
    DivisionParent,
    Platform,
    Township,
)
from townships.permissions import Permission

# --- Divisions: loaded from files; here only what no file says may be changed --------------------

LOADED = ("level", "kind", "code", "name", "statutory", "valid_from", "valid_to")


class History(OfficerInline):
    view_permission = Permission.DIVISION_VIEW
    fk_name = "division"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Codes(History):
    model = DivisionCode


class Names(History):
    model = DivisionName


class Parents(History):
    model = DivisionParent

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("parent")


class Developed(OfficerInline):
    model = DevelopedTown
    fk_name = "town"
    view_permission = Permission.DIVISION_VIEW
    edit_permission = delete_permission = Permission.DIVISION_EDIT


class LoadedAdmin(OfficerAdmin):
    view_permission = Permission.DIVISION_VIEW
    edit_permission: str = Permission.DIVISION_EDIT
    list_display: tuple[str, ...] = (
        "code",
        "name",
        "kind",
        "statutory",
        "valid_from",
        "valid_to",
    )
    search_fields = ("code", "name")
    readonly_fields: ClassVar[tuple[str, ...]] = LOADED
    fields: ClassVar[tuple[str, ...]] = (*LOADED, "note")
    inlines: ClassVar[tuple[type[OfficerInline], ...]] = (Codes, Names, Parents)
    ordering = ("code",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Division)
class DivisionAdmin(LoadedAdmin):
    """The whole tree, public knowledge; read here, changed below."""

    edit_permission = ""
    list_display = ("code", "name", "level", "kind", "statutory", "valid_from", "valid_to")
    list_filter = ("level", "kind", "statutory")


@admin.register(County)
class CountyAdmin(LoadedAdmin):
    county_path = "pk"
    list_display = ("code", "name", "short_name", "kind", "valid_from", "valid_to")
    fields = (*LOADED, "short_name", "note")


@admin.register(Township)
class TownshipAdmin(LoadedAdmin):
    county_path = "county"
    list_display = ("code", "name", "county", "kind", "statutory", "valid_from", "valid_to")
    list_filter = ("kind", "statutory")
    list_select_related = ("county",)
    readonly_fields = (*LOADED, "county")
    fields = (*LOADED, "county", "note")
    inlines = (*LoadedAdmin.inlines, Developed)


@admin.register(DivisionLoad)
class DivisionLoadAdmin(ReadOnlyAdmin):
    view_permission = Permission.DIVISION_VIEW
    list_display = ("as_of", "city", "file_name", "loaded_at")
    list_select_related = ("city",)
    ordering = ("-as_of",)


# --- Departments and platforms -------------------------------------------------------------------


@admin.register(Department)
class DepartmentAdmin(OfficerAdmin):
    view_permission = Permission.DEPARTMENT_VIEW
    edit_permission = Permission.DEPARTMENT_EDIT
    county_path = "county"
    list_display = ("name", "short_name", "county", "kind", "platform", "valid_from", "valid_to")
    list_filter = ("kind", "platform")
    list_select_related = ("county", "platform")
    search_fields = ("name", "short_name", "code")
    autocomplete_fields = ("county", "successor")
    fields = (
        "county",
        "code",
        "name",
        "short_name",
        "kind",
        "platform",
        "valid_from",
        "valid_to",
        "successor",
        "note",
    )
    ordering = ("county", "code")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Lists and files name a unit by its code, and a unit never changes its county.
        return ("county", "code") if obj else ()


@admin.register(Platform)
class PlatformAdmin(OfficerAdmin):
    view_permission = Permission.PLATFORM_VIEW
    edit_permission = Permission.PLATFORM_EDIT
    list_display = ("position", "name", "code")
    readonly_fields = ("code", "position")
    fields = ("code", "position", "name")
    ordering = ("position",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the five are fixed; their names are not
