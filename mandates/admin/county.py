"""Rows of the officer's own county: nobody chooses one, nobody sees another."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.admin import OfficerAdmin, OfficerInline
from mandates.forms.console import CountyForm, CountyFormSet
from townships.http import Member


class Plain:
    """Fields as a form needs them: short texts short, and choices without side doors."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        if field is not None and isinstance(db_field, models.TextField):
            field.widget.attrs["rows"] = 4
        return field


class CountyAdmin(Plain, OfficerAdmin):
    """Reference data of a county. Only officers of the city are told whose a row is."""

    county_path = "county"
    form = CountyForm

    @admin.display(description=_("county"), ordering="county")
    def county_name(self, obj: Any) -> str:
        return str(obj.county)

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        return columns if member_of(request).county_id else (*columns, "county_name")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        made: Any = super().get_form(request, obj, change=change, **kwargs)
        made.county_id = member_of(request).county_id
        made.day = timezone.localdate()
        return made


class CountyInline(Plain, OfficerInline):
    form = CountyForm
    formset = CountyFormSet


def member_of(request: HttpRequest) -> Member:
    """Return who is asking; the site lets in nobody without a post."""
    member: Member = request.member  # type: ignore[attr-defined]
    return member
