"""The console: reference data for officers, by the project's own permissions, each change recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, BaseModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import audit
from common.masking import masked
from common.models import AuditEntry, CalendarDay, CalendarYear
from common.personal import Kind
from common.sealed import UNREADABLE, SealedField
from common.sent import typed_in
from common.site import ENTER, may

VIEW_AUDIT = "common.view_audit"
EDIT_CALENDAR = "common.edit_calendar"
COUNTED = 10_000
REASON = "reason"


def reason_field() -> forms.CharField:
    """Return the field that every change of the console asks for."""
    return forms.CharField(
        label=gettext_lazy("Reason of this change"),
        min_length=2,
        max_length=300,
        help_text=gettext_lazy(
            "Document number, request, correction …: it stands in the audit trail."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


def reason_of(request: HttpRequest) -> str:
    """Return why a change is made, as it was written."""
    return typed_in(request.POST, REASON).strip()[:300]


class LookupSelect(AutocompleteSelect):
    """A field that is chosen by typing; shown again after a refusal, it asks only for keys."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        keys = [one for one in value if re.fullmatch(r"[0-9]{1,18}", str(one))]
        return super().optgroups(name, keys, attr)


class ByPermission:
    """Django's checks, answered by the project's permissions. Nothing is deleted by default."""

    answers_to_posts = True
    view_permission: str = ""
    edit_permission: str = ""
    delete_permission: str = ""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.view_permission) or may(request, self.edit_permission)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.edit_permission)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.edit_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.delete_permission)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer rows of the officer's own county."""
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            site = self.admin_site  # type: ignore[attr-defined]
            kwargs.setdefault("widget", LookupSelect(db_field, site, using=kwargs.get("using")))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        county = _county_of(request)
        if field is not None and field.queryset is not None and county:
            target = field.queryset.model
            if target._meta.label == "townships.County":
                field.queryset = field.queryset.filter(pk=county)
            elif any(one.name == "county" for one in target._meta.concrete_fields):
                field.queryset = field.queryset.filter(county=county)
        return field


class CappedPaginator(Paginator):
    """Counts to ten thousand and no further; who looks for more narrows the list."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found: int = rows.order_by()[:COUNTED].count()
        return found


class OfficerInline(ByPermission, admin.TabularInline):
    """Rows of a record, on its page."""

    extra = 0


class OfficerAdmin(ByPermission, admin.ModelAdmin):
    """Reference data, narrowed to the officer's county, every change in the audit trail.

    ``county_path`` is the lookup from a row to its county ("county", "pk" …); without one the
    rows belong to no county. Officers without a county, those of the city, see all.
    """

    county_path = ""
    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50
    delete_confirmation_template = "admin/reasoned_delete.html"
    actions: Any = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        if not self.has_view_permission(request):
            # Some of Django's pages look for the record before they ask whether it may be seen,
            # and outside its scope a table is not to be asked at all.
            raise PermissionDenied
        rows = super().get_queryset(request)
        county = _county_of(request)
        return rows.filter(**{self.county_path: county}) if county and self.county_path else rows

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        # Django checks what stands in fields, not what stands in filters.
        if any("\0" in value for values in request.GET.lists() for value in values[1]):
            raise BadRequest("NUL in a filter")
        return super().changelist_view(request, extra_context)

    def _get_obj_does_not_exist_redirect(self, *args: Any) -> Any:
        # Django would lead back to the index: a record out of reach is 404 here as everywhere.
        raise Http404

    # --- Why --------------------------------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Ask for a reason where something can be changed."""
        if not self._writes(request, obj):
            return super().get_form(request, obj, change=change, **kwargs)
        fields = flatten_fieldsets(self.get_fieldsets(request, obj))
        kwargs["fields"] = [name for name in fields if name != REASON]
        made = super().get_form(request, obj, change=change, **kwargs)
        return type(made.__name__, (made,), {REASON: reason_field()})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = list(super().get_fieldsets(request, obj))
        if self._writes(request, obj):
            sets.append((None, {"fields": (REASON,)}))
        return sets

    def _writes(self, request: HttpRequest, obj: Any) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Nothing is deleted without a reason either."""
        if request.method == "POST" and len(reason_of(request)) < 2:
            self.message_user(request, _("Not deleted: say why."), messages.ERROR)
            request.method = "GET"
        context = {"reason": reason_field().widget.render(REASON, "", {"id": "id_reason"})}
        return super().delete_view(request, object_id, {**context, **(extra_context or {})})

    # --- What was changed -------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = _values(type(obj).objects.filter(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)
        self.note(request, "changed" if change else "added", obj, before, form)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for made in formset.new_objects:
            self.note(request, "added", made)
        before = {form.instance.pk: form.initial for form in formset.initial_forms}
        for changed, fields in formset.changed_objects:
            changes = {
                name: [
                    told(type(changed), name, before[changed.pk].get(name)),
                    told(type(changed), name, getattr(changed, name)),
                ]
                for name in fields
            }
            self.record(request, "changed", changed, changes=changes)
        for gone in formset.deleted_objects:
            self.record(request, "deleted", gone)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, "deleted", obj)
        super().delete_model(request, obj)

    def note(
        self,
        request: HttpRequest,
        action: str,
        obj: Any,
        before: dict[str, Any] | None = None,
        form: BaseModelForm | None = None,
    ) -> None:
        """Record an addition or a change with the old and the new value of each field."""
        before = before or {}
        after = _values(type(obj).objects.filter(pk=obj.pk))
        # Compared as they are and written down masked: a changed number is a change all the same.
        changes = {
            name: [told(type(obj), name, before.get(name)), told(type(obj), name, value)]
            for name, value in after.items()
            if before.get(name) != value
        }
        self.record(request, action, obj, changes=changes)

    def record(self, request: HttpRequest, action: str, obj: Any, **detail: Any) -> None:
        """Add a row to the audit trail."""
        member = request.member  # type: ignore[attr-defined]
        detail["reason"] = reason_of(request)
        audit.record(f"console_{action}", obj, by=member, at=timezone.now(), **detail)

    # The audit trail is the one history: Django's own would be a second, editable one.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any: ...


class ReadOnlyAdmin(OfficerAdmin):
    """Records that nobody changes here: work, history, the audit trail itself."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def own_pages(page: admin.ModelAdmin[Any], **views: Callable[..., Any]) -> list[URLPattern]:
    """Return the addresses of a model's own pages of one row: …/7/open-draft/ for ``open_draft``."""
    kind = f"{page.opts.app_label}_{page.opts.model_name}"
    return [
        path(
            f"<int:pk>/{name.replace('_', '-')}/",
            page.admin_site.admin_view(view),
            name=f"{kind}_{name}",
        )
        for name, view in views.items()
    ]


def _county_of(request: HttpRequest) -> int | None:
    county: int | None = getattr(request, "member").county_id  # noqa: B009
    return county


SECRET_FIELDS = {"password", "client_secret", "secret", "previous_secret"}


def _values(rows: QuerySet[Any]) -> dict[str, Any]:
    """Return a row's plain columns, fit for JSON, without secrets; telephones are in clear."""
    found = rows.values().first() or {}
    return {name: plain(value) for name, value in found.items() if name not in SECRET_FIELDS}


def told(model: type[models.Model], column: str, value: Any) -> Any:
    """Return the value of a column as the audit trail keeps it: what is encrypted at rest, masked."""
    field = next((one for one in model._meta.concrete_fields if one.attname == column), None)
    if isinstance(field, SealedField) and value is not None:
        return value if value == UNREADABLE else masked(Kind.PHONE, str(value))
    return plain(value)


def plain(value: Any) -> Any:
    """Return a value as the audit trail keeps it."""
    if isinstance(value, models.Model):
        value = value.pk
    return value if isinstance(value, bool | int | str | None) else str(value)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    view_permission = VIEW_AUDIT
    list_display = ("at", "actor", "action", "target", "role")
    # No filter by action: Django would read the whole trail for its choices.
    search_fields = ("actor", "target", "action")
    date_hierarchy = None
    ordering = ("-id",)
    exclude = ("detail",)
    readonly_fields = ("facts",)

    @admin.display(description=gettext_lazy("detail"))
    def facts(self, entry: AuditEntry) -> str:
        """Show what was kept as it is kept: its names are those of the data, in no language."""
        return format_html("<code>{}</code>", json.dumps(entry.detail, ensure_ascii=False))


class DaysOfYear(BaseInlineFormSet):
    """Days that belong to the year they stand under."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            day = form.cleaned_data.get("date") if form.is_valid() else None
            if day is not None and day.year != self.instance.year:
                raise ValidationError(
                    _("%(day)s is not in %(year)d.") % {"day": day, "year": self.instance.year}
                )


class Days(OfficerInline):
    view_permission = ENTER
    edit_permission = EDIT_CALENDAR
    delete_permission = EDIT_CALENDAR
    model = CalendarDay
    formset = DaysOfYear
    ordering = ("date",)


@admin.register(CalendarYear)
class CalendarYearAdmin(OfficerAdmin):
    """Years come from files, whole (`load_calendar`); here a day that was wrong is put right."""

    view_permission = ENTER
    edit_permission = EDIT_CALENDAR
    list_display = ("year", "published", "document", "loaded_at")
    fields = ("year", "published", "document", "loaded_at")
    readonly_fields = ("year", "published", "loaded_at")
    inlines = (Days,)
    ordering = ("-year",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CalendarDay)
class CalendarDayAdmin(ReadOnlyAdmin):
    view_permission = ENTER
    list_display = ("date", "kind", "name", "year")
    list_filter = ("kind", "year")
    list_select_related = ("year",)
    search_fields = ("name",)
    ordering = ("-date",)
