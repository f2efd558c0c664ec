"""考核方案 in the console: written by establishment officers, never changed once used."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import Problem
from mandates.admin.county import CountyAdmin, CountyInline, member_of
from mandates.forms.console import CountyForm
from mandates.models import Assessment, Scheme, SchemeItem, SchemeMember, Subject
from mandates.operations import assessing
from mandates.permissions import Permission
from mandates.queries.assessing import assessable
from mandates.queries.statistics.definitions import FIGURES


def is_used(obj: Any) -> bool:
    return obj is not None and Assessment.objects.filter(scheme=obj).exists()


class ItemForm(CountyForm):
    """An item is a share of the statistics that the subject of the scheme answers for."""

    figure = forms.ChoiceField(label=gettext_lazy("figure"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = dict.fromkeys(code for subject in Subject.values for code in assessable(subject))
        self.fields["figure"].choices = [(code, FIGURES[code].label) for code in known]  # type: ignore[attr-defined]

    def clean_figure(self) -> str:
        figure: str = self.cleaned_data["figure"]
        subject = self.data.get("subject") or getattr(self.instance.scheme, "subject", "")
        if subject in Subject.values and figure not in assessable(subject):
            raise forms.ValidationError(
                _("The units of this scheme do not answer for this figure.")
            )
        return figure


class MemberForm(CountyForm):
    """Exactly one unit, of the kind that the scheme assesses."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        subject = self.data.get("subject") or getattr(self.instance.scheme, "subject", "")
        wanted, other = "department", "area"
        if subject == Subject.TOWNSHIP:
            wanted, other = other, wanted
        if cleaned.get(other):
            self.add_error(other, _("This scheme assesses the other kind of unit."))
        elif not cleaned.get(wanted):
            self.add_error(wanted, _("This is needed."))
        return cleaned


class ItemInline(CountyInline):
    model = SchemeItem
    form = ItemForm
    fields = ("position", "figure", "weight", "floor", "target")
    view_permission = Permission.STATISTICS_READ
    edit_permission = delete_permission = Permission.ASSESSMENT_EDIT
    ordering = ("position", "id")


class MemberInline(CountyInline):
    model = SchemeMember
    form = MemberForm
    fields = ("group", "department", "area")
    autocomplete_fields = ("department", "area")
    view_permission = Permission.STATISTICS_READ
    edit_permission = delete_permission = Permission.ASSESSMENT_EDIT
    ordering = ("group", "id")


@admin.register(Scheme)
class SchemeAdmin(CountyAdmin):
    """Once a period has been assessed by it, a scheme is read-only; it is renewed as a new version."""

    view_permission = Permission.STATISTICS_READ
    edit_permission = Permission.ASSESSMENT_EDIT
    list_display = ("name", "number", "subject", "length", "fewest", "is_ended", "source")
    list_filter = ("subject", "is_ended")
    list_select_related = ("county",)
    fields = ("name", "number", "subject", "length", "fewest", "appeal_days", "source")
    readonly_fields = ("number",)
    ordering = ("county", "name", "-number")
    inlines = (ItemInline, MemberInline)
    change_form_template = "admin/mandates/scheme/change_form.html"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not is_used(obj)

    def get_urls(self) -> list[Any]:
        renew = path(
            "<int:pk>/renew/",
            self.admin_site.admin_view(self.renew),
            name="mandates_scheme_renew",
        )
        return [renew, *super().get_urls()]

    def renew(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin the next version with what this one has."""
        obj = self.get_object(request, str(pk))
        if obj is None or request.method != "POST":
            return HttpResponseRedirect(reverse("admin:mandates_scheme_changelist"))
        try:
            new = assessing.renew(obj.uid, by=member_of(request), at=timezone.now())
        except Problem as problem:
            messages.error(request, str(problem.detail))
            return HttpResponseRedirect(reverse("admin:mandates_scheme_change", args=[pk]))
        messages.success(request, _("A new version has been begun."))
        return HttpResponseRedirect(reverse("admin:mandates_scheme_change", args=[new.pk]))
