"""The console's pages for people, their invitations and their posts."""

from __future__ import annotations

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
from django.utils.translation import gettext_lazy

from common.admin import OfficerAdmin, ReadOnlyAdmin, own_pages, reason_of
from common.display import day_text
from common.errors import Problem
from common.masking import masked, without_persons
from common.personal import Kind
from common.site import may
from townships.forms.people import PostForm, ReasonForm, UserForm
from townships.http import fresh_factor
from townships.models import HowEnded, Invitation, Post, User
from townships.operations import factors, granting, invitations, posts, sessions
from townships.permissions import Permission


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

    # Whoever looks after accounts sees these as they are; the other administrators, who only look, not.
    masked_fields = {"email": "masked_email", "work_phone": "masked_phone"}

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._as_seen(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._as_seen(request, self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *self.masked_fields.values())

    def _as_seen(self, request: HttpRequest, names: Any) -> tuple[str, ...]:
        if may(request, self.edit_permission):
            return tuple(names)
        return tuple(self.masked_fields.get(name, name) for name in names)

    @admin.display(description=gettext_lazy("e-mail"))
    def masked_email(self, obj: User) -> str:
        return without_persons(obj.email)

    @admin.display(description=gettext_lazy("work phone"))
    def masked_phone(self, obj: User) -> str:
        return masked(Kind.PHONE, obj.work_phone)

    @admin.display(description=gettext_lazy("has a password"), boolean=True)
    def has_password(self, obj: User) -> bool:
        return obj.has_usable_password()

    def get_urls(self) -> list[Any]:
        own = own_pages(self, invite=self.invite, reset_factor=self.reset_factor)
        return [*own, *super().get_urls()]

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
            context["may_reset"] = factors.may_be_reset(user) and may(
                request, Permission.FACTOR_RESET
            )
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

    @fresh_factor
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

    @fresh_factor
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
        own = own_pages(self, release=self.release, revoke=self.revoke)
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        state = context["original"].state(at=timezone.now())
        context["may_release"] = state == "held" and may(request, Permission.INVITATION_RELEASE)
        context["may_revoke"] = state in ("open", "held", "expired") and self._may_revoke(request)
        context["reason_form"] = ReasonForm()
        return super().render_change_form(request, context, *args, **kwargs)

    @fresh_factor
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

    @fresh_factor
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return super().add_view(request, form_url, extra_context)

    @fresh_factor
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().change_view(request, object_id, form_url, extra_context)

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
