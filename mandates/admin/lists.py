"""Lists: drafts are edited and checked here, and published; what was published is only read."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.admin import ReadOnlyAdmin, own_pages
from common.errors import Invalid, Problem
from common.sent import typed_in
from common.site import may
from mandates.admin.county import CountyAdmin, CountyInline, member_of
from mandates.admin.several import ChangeSeveral
from mandates.forms.console import (
    DayForm,
    EntryForm,
    EntryLimitForm,
    PublishForm,
    ReasonForm,
    standing_departments,
)
from mandates.models import (
    DutyList,
    Entry,
    EntryAssist,
    EntryLimit,
    EntryStep,
    ListVersion,
    Matter,
    VersionState,
)
from mandates.operations import lists, publications
from mandates.permissions import Permission
from mandates.queries.directories import Coverage, coverage, directory_for
from mandates.queries.draft_lines import draft_of
from mandates.queries.findings import quality_of
from mandates.queries.gaps import Finding, gaps
from mandates.queries.publications import history_of, waiting_of
from mandates.rules.citations import in_lines
from townships.models import Township


def is_draft(obj: Any) -> bool:
    """Say whether a version, or an entry's version, may still be edited; True for a new record."""
    version = getattr(obj, "version", obj)
    return obj is None or version.state == VersionState.DRAFT


def is_open(obj: Any) -> bool:
    """Say whether a draft, or an entry's draft, may be edited now: not while a second person is awaited."""
    if obj is None:
        return True
    version: Any = getattr(obj, "version", obj)
    if not is_draft(version):
        return False
    if not hasattr(version, "waits_now"):  # asked a dozen times a page
        version.waits_now = waiting_of(version) is not None
    return not version.waits_now


class ListPages:
    """What both pages of lists need: a record within reach, and pages of their own."""

    admin_site: Any
    opts: Any

    def found(self, request: HttpRequest, pk: int) -> Any:
        """Return a record of the officer's own county; out of reach is 404."""
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)  # type: ignore[attr-defined]

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        frame = self.admin_site.each_context(request)
        context = {**frame, "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, f"admin/mandates/{template}.html", context)


@admin.register(DutyList)
class DutyListAdmin(ListPages, CountyAdmin):
    view_permission = Permission.LIST_READ
    edit_permission = Permission.LIST_EDIT
    list_display = ("name", "kind", "of_township", "is_public", "revising")
    list_select_related = ("county", "of_township")
    fields = ("kind", "of_township", "name", "is_public")
    autocomplete_fields = ("of_township",)
    list_filter = ("kind",)
    ordering = ("county", "kind", "of_township")
    change_form_template = "admin/mandates/dutylist/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if not may(request, Permission.LIST_EDIT):  # and no scope that holds a list
            return rows
        drafts = ListVersion.objects.filter(duty_list=OuterRef("pk"), state=VersionState.DRAFT)
        return rows.annotate(
            draft_uid=Subquery(drafts.values("uid")[:1]),
            draft_number=Subquery(drafts.values("number")[:1]),
        )

    @admin.display(description=gettext_lazy("draft"))
    def revising(self, obj: DutyList) -> str:
        """Lead to the draft of a list, or to opening one; the pages ask for the right."""
        if obj.draft_uid:  # type: ignore[attr-defined]
            url = reverse("mandates:draft-grid", args=[obj.draft_uid])  # type: ignore[attr-defined]
            text = _("To the draft: version %d") % obj.draft_number  # type: ignore[attr-defined]
        else:
            url, text = f"{reverse('mandates:draft-open')}?list={obj.uid}", _("Open a draft")
        return format_html('<a href="{}">{}</a>', url, text)

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        if may(request, Permission.LIST_EDIT):
            return shown
        return [name for name in shown if name != "revising"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind", "of_township") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "of_township":
            county = member_of(request).county_id
            kwargs["queryset"] = Township.objects.filter(county=county).order_by("code")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[Any]:
        return [*own_pages(self, open_draft=self.open_draft), *super().get_urls()]

    def open_draft(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Open a draft as a copy of the last version, or go to the one there is."""
        duty_list = self.found(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may(request, Permission.LIST_EDIT):
            raise PermissionDenied
        try:
            draft = lists.open_draft(
                duty_list,
                reason=typed_in(request.POST, "reason"),
                by=member_of(request),
                at=timezone.now(),
            )
            self.message_user(request, _("The draft has been opened."), messages.SUCCESS)
        except Invalid:
            text = _("No draft was opened: say why, in a few words.")
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(
                reverse("admin:mandates_dutylist_change", args=[duty_list.pk])
            )
        except lists.DraftExists as refusal:
            self.message_user(request, str(refusal), messages.WARNING)
            draft = duty_list.versions.get(state=VersionState.DRAFT)
        return HttpResponseRedirect(reverse("admin:mandates_listversion_change", args=[draft.pk]))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        obj = context.get("original")
        if obj is not None:
            context["versions"] = versions = list(obj.versions.order_by("-number"))
            context["draft"] = next((one for one in versions if is_draft(one)), None)
            context["last"] = versions[0] if versions else None
            context["may_edit"] = may(request, Permission.LIST_EDIT)
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(ListVersion)
class ListVersionAdmin(ListPages, CountyAdmin):
    view_permission = Permission.LIST_READ
    edit_permission = Permission.LIST_EDIT
    list_display = ("duty_list", "number", "state", "document_no", "valid_from", "valid_to")
    list_filter = ("state", ("duty_list", RelatedOnlyFieldListFilter))
    list_select_related = ("duty_list", "county")
    fields = (
        "duty_list",
        "number",
        "state",
        "document_no",
        "valid_from",
        "valid_to",
        "published_at",
        "publisher",
        "note",
    )
    readonly_fields = fields[:-1]
    ordering = ("duty_list", "-number")
    change_form_template = "admin/mandates/listversion/change_form.html"
    change_list_template = "admin/mandates/listversion/change_list.html"

    @admin.display(description=gettext_lazy("published by"))
    def publisher(self, obj: ListVersion) -> str:
        return str(obj.published_by or "—")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {"may_edit": may(request, Permission.LIST_EDIT), **(extra_context or {})}
        return super().changelist_view(request, context)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a draft is opened from its list

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_open(obj) and super().has_change_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("duty_list", "published_by")

    def get_urls(self) -> list[Any]:
        own = own_pages(self, gaps=self.gaps, publish=self.publish, discard=self.discard)
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        obj = context["original"]
        context["entries"] = obj.entries.count()
        context["is_draft"] = is_draft(obj)
        context["draft"] = draft_of(obj.duty_list_id)
        context["may_edit"] = may(request, Permission.LIST_EDIT)
        context["may_publish"] = may(request, Permission.LIST_PUBLISH)
        context["publications"] = history_of(obj)
        context["waiting"] = next(
            (one for one in context["publications"] if one.state == "waiting"), None
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        lists.hold_draft(obj)
        super().save_model(request, obj, form, change)

    def gaps(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what a version lacks on a day: the draft by that day's units, else what held then."""
        version = self.found(request, pk)
        form = DayForm(request.GET if "day" in request.GET else None)
        today = timezone.localdate()
        day = (form.cleaned_data.get("day") if form.is_valid() else None) or today
        if form.is_bound and form.is_valid() and not is_draft(version):
            then = version.duty_list.versions.in_force_on(day).first()
            if then is None:
                form.add_error("day", _("No version of this list was in force on that day."))
                day = today
            elif then != version:
                url = reverse("admin:mandates_listversion_gaps", args=[then.pk])
                return HttpResponseRedirect(f"{url}?day={day.isoformat()}")
        title = _("Gaps of %s") % version
        quality = quality_of(version)
        return self.page(
            request, "listversion/gaps", title, version=version, is_draft=is_draft(version),
            quality=quality, law=quality.laws.of(typed_in(request.GET, "law")), coverage=_coverage(version, day), form=form, day=day,
            is_today=day == today, **_by_weight(gaps(version, on=day)),
        )  # fmt: skip

    def publish(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for date and document number, and put the draft before a second person."""
        version = self.found(request, pk)
        if not may(request, Permission.LIST_PUBLISH):
            raise PermissionDenied
        if not is_draft(version):
            return self._refuse(request, version, lists.NotADraft())
        if (waiting := waiting_of(version)) is not None:
            return HttpResponseRedirect(waiting.get_absolute_url())
        form = PublishForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                proposed = publications.propose(
                    version,
                    valid_from=form.cleaned_data["valid_from"],
                    document_no=form.cleaned_data["document_no"],
                    note=form.cleaned_data["note"],
                    by=member_of(request),
                    at=timezone.now(),
                )
            except publications.HasGaps:
                form.add_error(None, _("The gaps below stand in the way. Fill them first."))
            except Problem as problem:
                _complain(form, problem)
            else:
                text = _("Proposed. It is published once a second person has confirmed it.")
                self.message_user(request, text, messages.SUCCESS)
                return HttpResponseRedirect(proposed.get_absolute_url())
        chosen = form.cleaned_data.get("valid_from") if form.is_bound else None
        found = gaps(version, on=chosen or timezone.localdate())
        return self.page(
            request, "listversion/publish", _("Propose publication of %s") % version, version=version, form=form,
            media=self.media + form.media, **_by_weight(found),
        )  # fmt: skip

    def discard(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, and delete a draft with its entries."""
        version = self.found(request, pk)
        if not may(request, Permission.LIST_EDIT):
            raise PermissionDenied
        if not is_draft(version):
            return self._refuse(request, version, lists.NotADraft())
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            try:
                by = member_of(request)
                lists.discard_draft(version, reason=reason, by=by, at=timezone.now())
            except lists.Waits as refusal:
                return self._refuse(request, version, refusal)
            self.message_user(request, _("The draft has been deleted."), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:mandates_listversion_changelist"))
        title = _("Delete the draft %s?") % version
        entries = version.entries.count()
        return self.page(
            request, "listversion/discard", title, version=version, entries=entries, form=form
        )

    def _refuse(self, request: HttpRequest, version: ListVersion, problem: Problem) -> HttpResponse:
        self.message_user(request, str(problem), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:mandates_listversion_change", args=[version.pk]))


def _coverage(version: ListVersion, day: date) -> Coverage | None:
    """Hold the list that routes against the city's directory of a day; other lists stand alone."""
    directory = directory_for(version.county_id, day)
    return coverage(directory, version) if directory and version.duty_list.routes else None


def _by_weight(found: list[Finding]) -> dict[str, list[Finding]]:
    return {
        "blocking": [one for one in found if one.is_blocking],
        "advisory": [one for one in found if not one.is_blocking],
    }


def _complain(form: Form, problem: Problem) -> None:
    """Say on the form what the operation refused, beside the field it is about."""
    if isinstance(problem, Invalid):
        for name, texts in problem.fields.items():
            form.add_error(name, texts)
    else:
        form.add_error("valid_from", str(problem))


class OfDraft(CountyInline):
    """Rows under an entry: edited while its version is a draft."""

    view_permission = Permission.LIST_READ
    edit_permission = Permission.LIST_EDIT
    delete_permission = Permission.LIST_EDIT

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_open(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_open(obj) and super().has_delete_permission(request, obj)


class Assists(OfDraft):
    model = EntryAssist
    fields = ("department", "duty")
    autocomplete_fields = ("department",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "department":
            match = request.resolver_match
            kwargs["queryset"] = standing_departments(
                member_of(request).county_id,
                day=timezone.localdate(),
                entry_id=_number(match.kwargs.get("object_id") if match else None),
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class Limits(OfDraft):
    model = EntryLimit
    form = EntryLimitForm
    fields = ("urgency", "kind", "amount", "unit", "source")


class Steps(OfDraft):
    model = EntryStep
    fields = ("position", "who", "what", "limit")


@admin.register(Matter)
class MatterAdmin(ReadOnlyAdmin):
    """Matters by code and latest name: to be found where one is chosen, and never changed here."""

    view_permission = Permission.LIST_READ
    county_path = "county"
    list_display = ("code", "called", "of_list", "taken_back_from")
    list_select_related = ("duty_list",)
    search_fields = ("code", "entries__name")
    fields = ("code", "called", "of_list", "taken_back_from", "taken_back_by")
    readonly_fields = fields
    ordering = ("county", "code", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)  # and no look at entries without the right
        entries = Entry.objects.filter(county=OuterRef("county"), matter=OuterRef("pk"))
        latest = entries.order_by("-version__number").values("name")[:1]
        return rows.annotate(name_now=Subquery(latest))

    @admin.display(description=gettext_lazy("name"))
    def called(self, obj: Matter) -> str:
        return obj.name_now or "—"  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("Responsibility list"), ordering="duty_list")
    def of_list(self, obj: Matter) -> str:
        return str(obj.duty_list)

    def told_in_lookups(self, obj: Matter) -> str:
        """Return how a matter is offered: a code alone tells nobody which it is."""
        return f"{obj.code} {self.called(obj)}"


def _number(text: Any) -> int | None:
    return int(text) if str(text).isdigit() else None


@admin.register(Entry)
class EntryAdmin(ChangeSeveral, CountyAdmin):
    view_permission = Permission.LIST_READ
    edit_permission = Permission.LIST_EDIT
    delete_permission = Permission.LIST_EDIT
    form = EntryForm
    inlines = (Assists, Limits, Steps)
    autocomplete_fields = ("lead",)
    list_display = (
        "code",
        "name",
        "category",
        "lead",
        "platform",
        "urgency",
        "is_sample",
        "version",
    )
    list_filter = (
        ("version", RelatedOnlyFieldListFilter),
        "urgency",
        ("lead", RelatedOnlyFieldListFilter),
        "is_sample",
    )
    list_select_related = ("matter", "lead", "platform", "county", "version__duty_list")
    search_fields = ("name", "matter__code", "category", "legal_basis", "township_duty")
    ordering = ("-version", "position", "id")
    fields = (
        "version",
        "code",
        "position",
        "category",
        "name",
        "lead",
        "platform",
        "urgency",
        "share",
        "department_role",
        "department_duty",
        "township_role",
        "township_duty",
        "village_role",
        "village_duty",
        "legal_basis",
        "cited",
        "evidence",
        "evidence_files",
        "discretion",
        "contact",
        "is_sample",
        "source_note",
    )

    @admin.display(description=gettext_lazy("code"), ordering="matter__code")
    def code(self, obj: Entry) -> str:
        """Return the code of the matter, which does not change with its entries."""
        return str(obj.matter)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("version", "code", "cited") if obj else ("cited",)

    @admin.display(description=gettext_lazy("law and article, as read"))
    def cited(self, obj: Entry) -> str:
        """Return what the legal basis is read to cite, a law and place a line."""
        return in_lines(obj.legal_basis)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("version__duty_list", "matter", "lead", "platform")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return (*fields, "seen") if obj and self.has_change_permission(request, obj) else fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "version":
            kwargs["queryset"] = ListVersion.objects.filter(state=VersionState.DRAFT)
        elif db_field.name == "lead":
            kwargs["queryset"] = standing_departments(
                member_of(request).county_id, day=timezone.localdate()
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Put a new entry at the end of the draft it is for."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        rows = Entry.objects.filter(version=_number(initial.get("version")))
        last = rows.aggregate(last=Max("position"))["last"]
        return {"position": (last or 0) + 1, **initial}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_open(obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        lists.hold_draft(obj.version)
        if not change:
            code = form.cleaned_data["code"]
            obj.matter = lists.matter_of(obj.version.duty_list, code=code)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        lists.hold_draft(obj.version)
        super().delete_model(request, obj)
