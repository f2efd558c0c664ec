"""Rows of the officer's own county: nobody chooses one, nobody sees another."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from common.admin import OfficerAdmin, OfficerInline
from mandates.forms.console import CountyForm, CountyFormSet
from townships.http import Member

COUNTED = 10_000


class CountyAdmin(OfficerAdmin):
    """Reference data of a county."""

    county_path = "county"
    form = CountyForm

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        made: Any = super().get_form(request, obj, change=change, **kwargs)
        made.county_id = member_of(request).county_id
        made.day = timezone.localdate()
        return made


class CountyInline(OfficerInline):
    form = CountyForm
    formset = CountyFormSet


class CappedPaginator(Paginator):
    """Counts to ten thousand and no further; who looks for more narrows the list."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found: int = rows.order_by()[:COUNTED].count()
        return found


def member_of(request: HttpRequest) -> Member:
    """Return who is asking; the site lets in nobody without a post."""
    member: Member = request.member  # type: ignore[attr-defined]
    return member
