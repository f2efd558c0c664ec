"""The console's pages for units, people and posts."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from common.admin import OfficerAdmin, OfficerInline, ReadOnlyAdmin
from townships.forms.people import SystemForm, UserForm
from townships.models import (
    County,
    Department,
    Division,
    DivisionCode,
    DivisionLoad,
    DivisionName,
    DivisionParent,
    Platform,
    Post,
    SystemAccount,
    Township,
    User,
)
from townships.operations import people
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
    inlines = (Codes, Names, Parents)
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


# --- People, posts, systems ----------------------------------------------------------------------


@admin.register(User)
class UserAdmin(OfficerAdmin):
    view_permission = Permission.USER_VIEW
    edit_permission = Permission.USER_EDIT
    form = UserForm
    list_display = ("username", "name", "is_active", "is_machine", "must_change_password")
    list_filter = ("is_active", "is_machine", "must_change_password")
    search_fields = ("username", "name")
    readonly_fields = ("last_login", "password_changed_at", "must_change_password", "created_at")
    fields = (
        "username",
        "name",
        "email",
        "language",
        "is_active",
        "is_machine",
        "first_password",
        "must_change_password",
        "password_changed_at",
        "last_login",
        "created_at",
    )
    ordering = ("username",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        if self.has_change_permission(request, obj):
            return fields
        return [name for name in fields if name != "first_password"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if password := form.cleaned_data.get("first_password"):
            member = request.member  # type: ignore[attr-defined]
            people.give_first_password(obj, password, by=member, at=timezone.now())


@admin.register(Post)
class PostAdmin(OfficerAdmin):
    """Given and ended, never rewritten: everything done in a post keeps speaking of it."""

    view_permission = Permission.POST_VIEW
    edit_permission = Permission.POST_EDIT
    list_display = ("user", "role", "unit", "title", "valid_from", "valid_to")
    list_filter = ("role",)
    search_fields = ("user__username", "user__name", "township__name", "department__name")
    autocomplete_fields = ("user", "township", "department")
    fields = (
        "user",
        "role",
        "township",
        "department",
        "county",
        "city",
        "title",
        "valid_from",
        "valid_to",
    )
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("user", "township", "department", "county", "city")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("user", "role", "township", "department", "county", "city")


@admin.register(SystemAccount)
class SystemAccountAdmin(OfficerAdmin):
    view_permission = Permission.SYSTEM_VIEW
    edit_permission = Permission.SYSTEM_EDIT
    form = SystemForm
    list_display = ("source_system", "user", "post", "allowed_scopes", "is_active")
    fields = ("source_system", "post", "scopes", "is_active")
    search_fields = ("source_system",)
    ordering = ("source_system",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        units = [f"post__{unit}" for unit in ("township", "department", "county", "city")]
        return super().get_queryset(request).select_related("user", "post", *units)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        if self.has_change_permission(request, obj):
            return fields
        return [name if name != "scopes" else "allowed_scopes" for name in fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("source_system",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        account, credentials = people.register_system(
            source_system=obj.source_system,
            post=form.cleaned_data["post"],
            scopes=form.cleaned_data["scopes"],
            by=request.member,  # type: ignore[attr-defined]
            at=timezone.now(),
        )
        obj.pk = account.pk
        obj.refresh_from_db()
        text = _("Client id %(client_id)s, secret %(client_secret)s: the secret is shown only now.")
        messages.warning(request, text % vars(credentials))
