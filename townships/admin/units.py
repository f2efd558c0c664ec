"""The console's pages for units, people and posts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.admin import OfficerAdmin, OfficerInline, ReadOnlyAdmin, reason_of
from common.display import day_text
from common.errors import Problem
from common.site import may
from townships.forms.people import PostForm, ReasonForm, SecretForm, SystemForm, UserForm
from townships.models import (
    County,
    Department,
    DevelopedTown,
    Division,
    DivisionCode,
    DivisionLoad,
    DivisionName,
    DivisionParent,
    HowEnded,
    Invitation,
    Platform,
    Post,
    SystemAccount,
    Township,
    User,
)
from townships.operations import (
    factors,
    granting,
    invitations,
    people,
    posts,
    secrets,
    sessions,
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
    """Accounts. Who is let in chooses the password with an invitation; nobody else ever knows it."""

    view_permission = Permission.USER_VIEW
    edit_permission = Permission.USER_EDIT
    form = UserForm
    list_display = ("username", "name", "work_phone", "is_active", "is_machine", "has_password")
    list_filter = ("is_active", "is_machine")
    search_fields = ("username", "name")
    readonly_fields = ("last_login", "password_changed_at", "created_at")
    fields = (
        "username",
        "name",
        "email",
        "work_phone",
        "language",
        "is_active",
        "is_machine",
        "password_changed_at",
        "last_login",
        "created_at",
    )
    ordering = ("username",)
    change_form_template = "admin/townships/user/change_form.html"

    @admin.display(description=gettext_lazy("has a password"), boolean=True)
    def has_password(self, obj: User) -> bool:
        return obj.has_usable_password()

    def get_urls(self) -> list[Any]:
        own = {"invite": self.invite, "reset-factor": self.reset_factor}
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"townships_user_{name.replace('-', '_')}",
            )
            for name, view in own.items()
        ] + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        user = context.get("original")
        if user is not None:
            now = timezone.now()
            context["posts"] = user.posts.with_units().order_by("-valid_from", "-pk")
            context["invitations"] = [
                (one, STATES[one.state(at=now)]) for one in user.invitations.order_by("-pk")[:10]
            ]
            context["may_invite"] = may(request, Permission.INVITE) and not user.is_machine
            context["may_post"] = may(request, Permission.POST_EDIT)
            context["factors"] = factors.of(user)
            context["may_reset"] = context["factors"] and may(request, Permission.FACTOR_RESET)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            sessions.end_all(obj, HowEnded.CLOSED, at=timezone.now())

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Lead on to what comes next for a new account."""
        if obj.is_machine or not may(request, Permission.INVITE):
            return super().response_add(request, obj, post_url_continue)
        text = _(
            "The account stands. Invite its owner now; a post comes from the security administrator."
        )
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:townships_user_invite", args=[obj.pk]))

    def invite(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask why, issue an invitation, and show its code once, on a slip to print."""
        if not may(request, Permission.INVITE):
            raise PermissionDenied
        user = get_object_or_404(User, pk=pk)
        form = ReasonForm(request.POST or None)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "user_": user}
        if request.method == "POST" and form.is_valid():
            try:
                issued = invitations.issue(
                    user, reason=form.cleaned_data["reason"],
                    by=request.member, at=timezone.now(),  # type: ignore[attr-defined]
                )  # fmt: skip
            except Problem as problem:
                form.add_error(None, str(problem))
            else:
                slip = {
                    "issued": issued,
                    "person": user,
                    "address": request.build_absolute_uri(reverse("townships:join")),
                    "back_url": reverse("admin:townships_user_change", args=[user.pk]),
                }
                return TemplateResponse(request, "townships/invitations/slip.html", slip)
        title = _("Invite %(person)s") % {"person": user}
        return TemplateResponse(
            request, "admin/townships/user/invite.html", {**context, "title": title, "form": form}
        )

    def reset_factor(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask why, and take away the second factor of somebody who has lost it."""
        if not may(request, Permission.FACTOR_RESET):
            raise PermissionDenied
        user = get_object_or_404(User, pk=pk)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                factors.reset(
                    user, reason=form.cleaned_data["reason"],
                    by=request.member, at=timezone.now(),  # type: ignore[attr-defined]
                )  # fmt: skip
            except Problem as problem:
                form.add_error(None, str(problem))
            else:
                self.message_user(
                    request, _("Reset: %(person)s sets up a new one.") % {"person": user}
                )
                return HttpResponseRedirect(reverse("admin:townships_user_change", args=[pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Reset the second factor of %(person)s") % {"person": user},
            "opts": self.opts,
            "user_": user,
            "form": form,
        }
        return TemplateResponse(request, "admin/townships/user/reset_factor.html", context)


STATES = {
    "open": gettext_lazy("Open"),
    "held": gettext_lazy("Waits for release"),
    "used": gettext_lazy("Used"),
    "revoked": gettext_lazy("Withdrawn"),
    "expired": gettext_lazy("Expired"),
}


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations: issued from an account, released and withdrawn here. Codes are never shown."""

    view_permission = Permission.USER_VIEW
    list_display = ("user", "state", "created_by", "created_at", "expires_at", "needs_release")
    list_select_related = ("user", "created_by")
    search_fields = ("user__username", "user__name")
    fields = (
        "user",
        "state",
        "reason",
        "created_by",
        "created_at",
        "expires_at",
        "needs_release",
        "released_by",
        "released_at",
        "used_at",
        "revoked_at",
    )
    readonly_fields = fields
    ordering = ("-pk",)
    change_form_template = "admin/townships/invitation/change_form.html"

    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Invitation) -> str:
        return str(STATES[obj.state(at=timezone.now())])

    def get_urls(self) -> list[Any]:
        own = {
            "release": (self.release, Permission.INVITATION_RELEASE),
            "revoke": (self.revoke, Permission.INVITE),
        }
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"townships_invitation_{name}",
            )
            for name, (view, _permission) in own.items()
        ] + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        state = context["original"].state(at=timezone.now())
        context["may_release"] = state == "held" and may(request, Permission.INVITATION_RELEASE)
        context["may_revoke"] = state in ("open", "held", "expired") and self._may_revoke(request)
        context["reason_form"] = ReasonForm()
        return super().render_change_form(request, context, *args, **kwargs)

    def release(self, request: HttpRequest, pk: int) -> HttpResponse:
        allowed = may(request, Permission.INVITATION_RELEASE)
        done = _("Released: the code works now.")
        return self._act(request, pk, invitations.release, allowed=allowed, done=done)

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        done = _("Withdrawn: the code no longer works.")
        return self._act(
            request, pk, invitations.revoke, allowed=self._may_revoke(request), done=done
        )

    def _may_revoke(self, request: HttpRequest) -> bool:
        return may(request, Permission.INVITE) or may(request, Permission.INVITATION_RELEASE)

    def _act(
        self, request: HttpRequest, pk: int, operation: Any, *, allowed: bool, done: str
    ) -> HttpResponse:
        if not allowed:
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        invitation = get_object_or_404(Invitation, pk=pk)
        try:
            operation(
                invitation, reason=reason_of(request),
                by=request.member, at=timezone.now(),  # type: ignore[attr-defined]
            )  # fmt: skip
        except Problem as problem:
            texts = [str(text) for found in problem.fields.values() for text in found]
            self.message_user(request, " ".join(texts) or str(problem), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:townships_invitation_change", args=[pk]))


@admin.register(Post)
class PostAdmin(OfficerAdmin):
    """Given and ended, never rewritten: everything done in a post keeps speaking of it."""

    view_permission = Permission.POST_VIEW
    edit_permission = Permission.POST_EDIT
    form = PostForm
    list_display = ("user", "role", "unit_name", "title", "valid_from", "valid_to")
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

    @admin.display(description=gettext_lazy("Unit"))
    def unit_name(self, post: Post) -> str:
        return str(post.unit)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("user", "role", "township", "department", "county", "city")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        made: Any = super().get_form(request, obj, change=change, **kwargs)
        made.giver_id = request.member.user_id  # type: ignore[attr-defined]
        made.at = timezone.now()
        return made

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, or propose what needs a second person: then nothing of the post changes yet."""
        if granting.needs_second_person(obj, form.changed_data):
            obj.proposed = granting.propose(
                obj, valid_from=obj.valid_from, valid_to=obj.valid_to, reason=reason_of(request),
                by=request.member, at=timezone.now(),  # type: ignore[attr-defined]
            )  # fmt: skip
            return
        super().save_model(request, obj, form, change)
        if "valid_to" in form.changed_data and obj.valid_to:
            left = posts.told_of_open_work(obj)
            if left:
                self.message_user(request, left, messages.WARNING)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        return self._proposed(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        return self._proposed(request, obj) or super().response_change(request, obj)

    def _proposed(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        grant = getattr(obj, "proposed", None)
        if grant is None:
            return None
        text = _(
            "Proposed. It takes effect once a second security administrator has confirmed it, "
            "at the latest on %(day)s."
        )
        last = day_text(timezone.localdate(grant.expires_at), today=timezone.localdate())
        self.message_user(request, text % {"day": last}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:townships_postgrant_change", args=[grant.pk]))


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
        own = {"secret": self.change_secret, "end-previous": self.end_previous}
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"townships_systemaccount_{name.replace('-', '_')}",
            )
            for name, view in own.items()
        ] + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        account = context.get("original")
        if account is not None:
            context["may_change_secret"] = may(request, self.edit_permission)
            context["is_changing"] = secrets.is_changing(account, at=timezone.now())
        return super().render_change_form(request, context, *args, **kwargs)

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
        )
        obj.pk = account.pk
        obj.refresh_from_db()
        text = _("Client id %(client_id)s, secret %(client_secret)s: the secret is shown only now.")
        messages.warning(request, text % vars(credentials))
