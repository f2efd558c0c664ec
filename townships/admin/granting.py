"""The console's pages for grants of posts: what waits for a second person, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.admin import OfficerAdmin, ReadOnlyAdmin, own_pages, reason_of
from common.errors import Problem
from common.site import OfficerSite, Panel, PanelLine, may
from townships.http import fresh_factor
from townships.models import GrantDecision, GuardedRole, PostGrant
from townships.operations import granting, posts
from townships.permissions import Permission

STATES = {
    "waiting": gettext_lazy("Waits for a second person"),
    "expired": gettext_lazy("Expired"),
    "founding": gettext_lazy("Given by command"),
    **{str(value): label for value, label in GrantDecision.choices},
}
TOLD = timedelta(days=14)  # for how long decisions stand on the first page
SHOWN = 10


class Stands(admin.SimpleListFilter):
    """Those that wait, or those that are over."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, STATES[name]) for name in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now, value = timezone.now(), self.value()
        open_ = Q(proposed_by__isnull=False, decision="")
        match value:
            case "waiting":
                return queryset.filter(open_, expires_at__gt=now)
            case "expired":
                return queryset.filter(open_, expires_at__lte=now)
            case "founding":
                return queryset.filter(kind="founding")
            case "confirmed" | "refused" | "withdrawn":
                return queryset.filter(decision=value)
        return queryset


@admin.register(PostGrant)
class PostGrantAdmin(ReadOnlyAdmin):
    """Proposed from a post's page; confirmed, refused or withdrawn here."""

    view_permission = Permission.POST_VIEW
    list_display = ("user", "role", "unit_name", "kind", "state", "proposed_by", "proposed_at",
                    "expires_at")  # fmt: skip
    list_select_related = ("user", "proposed_by", "township", "department", "county", "city")
    list_filter = (Stands, "role")
    search_fields = ("user__username", "user__name")
    fields = ("user", "role", "unit_name", "title", "valid_from", "valid_to", "kind", "state",
              "reason", "proposed_by", "proposed_at", "expires_at", "decided_by", "decided_at",
              "answer")  # fmt: skip
    readonly_fields = fields
    ordering = ("-pk",)
    change_form_template = "admin/townships/postgrant/change_form.html"

    @admin.display(description=gettext_lazy("Unit"))
    def unit_name(self, grant: PostGrant) -> str:
        return str(grant.unit)

    @admin.display(description=gettext_lazy("state"))
    def state(self, grant: PostGrant) -> str:
        return str(STATES[grant.state(at=timezone.now())])

    def get_urls(self) -> list[Any]:
        own = own_pages(self, confirm=self.confirm, refuse=self.refuse, withdraw=self.withdraw)
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        grant: PostGrant = context["original"]
        member = request.member  # type: ignore[attr-defined]
        waits = grant.state(at=timezone.now()) == "waiting"
        edits = may(request, Permission.POST_EDIT)
        context["waits"] = waits
        context["may_decide"] = waits and edits and granting.may_decide(grant, member.user_id)
        context["may_withdraw"] = waits and edits and member.user_id == grant.proposed_by_id
        return super().render_change_form(request, context, *args, **kwargs)

    @fresh_factor
    def confirm(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, granting.confirm, _("Confirmed: it holds now."))

    def refuse(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, granting.refuse, _("Refused: nothing has changed."))

    def withdraw(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, granting.withdraw, _("Withdrawn: nothing has changed."))

    def _act(
        self, request: HttpRequest, pk: int, operation: Callable[..., Any], done: str
    ) -> HttpResponse:
        if not may(request, Permission.POST_EDIT):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        grant = get_object_or_404(PostGrant, pk=pk)
        try:
            post = operation(
                grant, reason=reason_of(request),
                by=request.member, at=timezone.now(),  # type: ignore[attr-defined]
            )  # fmt: skip
        except Problem as problem:
            texts = [str(text) for found in problem.fields.values() for text in found]
            self.message_user(request, " ".join(texts) or str(problem), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
            if post is not None and post.valid_to and (left := posts.told_of_open_work(post)):
                self.message_user(request, left, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:townships_postgrant_change", args=[pk]))


@admin.register(GuardedRole)
class GuardedRoleAdmin(OfficerAdmin):
    """Which roles need a second person. Others are added here; none is taken off."""

    view_permission = Permission.POST_VIEW
    edit_permission = Permission.POST_EDIT
    list_display = ("role", "since")
    fields = ("role", "since")
    readonly_fields = ("since",)
    ordering = ("pk",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @fresh_factor
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return super().add_view(request, form_url, extra_context)


@OfficerSite.first_page
def panels(request: HttpRequest) -> list[Panel]:
    """Tell all three administrators which posts wait for a second person, and what was decided."""
    if not may(request, Permission.POST_VIEW):
        return []
    now = timezone.now()
    member = request.member  # type: ignore[attr-defined]
    rows = PostGrant.objects.select_related(*PostGrantAdmin.list_select_related, "decided_by")
    waiting = [
        PanelLine(
            str(one),
            _("proposed by %(person)s") % {"person": one.proposed_by},
            _page(one),
            is_pressing=may(request, Permission.POST_EDIT)
            and granting.may_decide(one, member.user_id),
        )
        for one in rows.waiting(now).order_by("pk")[:SHOWN]
    ]
    decided = [
        PanelLine(str(one), f"{one.get_decision_display()} · {one.decided_by}", _page(one))
        for one in rows.filter(decided_at__gt=now - TOLD).order_by("-decided_at")[:SHOWN]
    ]
    return [Panel(_("Posts that need a second person"), waiting + decided, _("No post waits."))]


def _page(grant: PostGrant) -> str:
    return reverse("admin:townships_postgrant_change", args=[grant.pk])
