"""The console's pages for other systems: their scopes, addresses and secrets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from common.admin import OfficerAdmin, own_pages, reason_of
from common.errors import Problem
from common.site import may
from townships.forms.people import ReasonForm, SecretForm, SystemForm
from townships.http import fresh_factor
from townships.models import SystemAccount
from townships.operations import people, secrets
from townships.permissions import Permission


@admin.register(SystemAccount)
class SystemAccountAdmin(OfficerAdmin):
    view_permission = Permission.SYSTEM_VIEW
    edit_permission = Permission.SYSTEM_EDIT
    form = SystemForm
    list_display = ("source_system", "user", "post", "allowed_scopes", "is_active")
    fields = ("source_system", "post", "scopes", "allowed_addresses", "is_active")
    search_fields = ("source_system",)
    ordering = ("source_system",)
    change_form_template = "admin/townships/systemaccount/change_form.html"

    @fresh_factor
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return super().add_view(request, form_url, extra_context)

    @fresh_factor
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().change_view(request, object_id, form_url, extra_context)

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

    def get_urls(self) -> list[Any]:
        own = own_pages(self, secret=self.change_secret, end_previous=self.end_previous)
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        account = context.get("original")
        if account is not None:
            context["may_change_secret"] = may(request, self.edit_permission)
            context["is_changing"] = secrets.is_changing(account, at=timezone.now())
        return super().render_change_form(request, context, *args, **kwargs)

    @fresh_factor
    def change_secret(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask why and how long the old secret is to hold, and show the new one once."""
        account = self._account(request, pk)
        now = timezone.now()
        form = SecretForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change the secret of %(system)s") % {"system": account},
            "opts": self.opts,
            "account": account,
            "is_changing": secrets.is_changing(account, at=now),
            "form": form,
        }
        if request.method == "POST" and form.is_valid():
            try:
                context["change"] = secrets.rotate(
                    account, keep_for=timedelta(days=form.cleaned_data["keep_days"]),
                    by=request.member, at=now,  # type: ignore[attr-defined]
                    reason=form.cleaned_data["reason"],
                )  # fmt: skip
            except Problem as problem:
                form.add_error(None, str(problem))
        return TemplateResponse(request, "admin/townships/systemaccount/secret.html", context)

    @fresh_factor
    def end_previous(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End the secret from before the last change at once."""
        account = self._account(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = ReasonForm(request.POST)
        if not form.is_valid():
            self.message_user(request, _("Not ended: say why."), messages.ERROR)
        elif not secrets.is_changing(account, at=timezone.now()):
            self.message_user(request, _("The previous secret has ended already."), messages.INFO)
        else:
            secrets.end_previous(
                account, by=request.member, at=timezone.now(),  # type: ignore[attr-defined]
                reason=form.cleaned_data["reason"],
            )  # fmt: skip
            self.message_user(
                request, _("The previous secret and all tokens have ended."), messages.SUCCESS
            )
        return HttpResponseRedirect(reverse("admin:townships_systemaccount_change", args=[pk]))

    def _account(self, request: HttpRequest, pk: int) -> SystemAccount:
        if not may(request, self.edit_permission):
            raise PermissionDenied
        account: SystemAccount = get_object_or_404(self.get_queryset(request), pk=pk)
        return account

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        account, credentials = people.register_system(
            source_system=obj.source_system,
            post=form.cleaned_data["post"],
            scopes=form.cleaned_data["scopes"],
            allowed_addresses=form.cleaned_data["allowed_addresses"],
            by=request.member,  # type: ignore[attr-defined]
            at=timezone.now(),
            reason=reason_of(request),
        )
        obj.pk = account.pk
        obj.refresh_from_db()
        obj.credentials = credentials

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Show the secret in this answer and nowhere else: a message waits in a cookie or a session."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(system)s is registered") % {"system": obj},
            "opts": self.opts,
            "account": obj,
            "change": secrets.Change(obj.credentials, None),
            "is_new": True,
        }
        return TemplateResponse(request, "admin/townships/systemaccount/secret.html", context)
