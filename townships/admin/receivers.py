"""The console's pages for webhooks: receivers, what was sent to them, and what could not be sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.admin import OfficerAdmin, ReadOnlyAdmin, own_pages, plain, reason_of
from common.errors import Problem
from common.site import may
from townships.forms.receivers import ActForm, ReceiverForm
from townships.http import fresh_factor
from townships.models import DeadLetter, Delivery, Receiver
from townships.operations import receivers
from townships.permissions import Permission

STOPPED = {
    "by_hand": gettext_lazy("stopped by hand"),
    "failing": gettext_lazy("failed for days"),
    "gone": gettext_lazy("the receiver answered that it wants no more (410)"),
    "secret_unreadable": gettext_lazy("its secret cannot be read under this SECRET_KEY"),
}
CHANGEABLE = ("url", "kinds", "own_only")


@admin.register(Receiver)
class ReceiverAdmin(OfficerAdmin):
    view_permission = Permission.RECEIVER_VIEW
    edit_permission = Permission.RECEIVER_EDIT
    county_path = "county"
    form = ReceiverForm
    list_display = ("account", "url", "stands", "failing_since", "attempts", "letters")
    list_select_related = ("account", "county", "owner")
    search_fields = ("account__source_system", "url")
    ordering = ("account__source_system", "pk")
    change_form_template = "admin/townships/receiver/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        waiting = Count("dead_letters", filter=Q(dead_letters__delivered_at=None))
        return super().get_queryset(request).annotate(waiting=waiting)

    @admin.display(description=gettext_lazy("state"))
    def stands(self, receiver: Receiver) -> str:
        if not receiver.is_active:
            return str(STOPPED.get(receiver.stopped_because, receiver.stopped_because))
        return _("fails, is tried again") if receiver.failing_since else _("in use")

    @admin.display(description=gettext_lazy("dead letters"))
    def letters(self, receiver: Any) -> int:
        number: int = receiver.waiting
        return number

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("account", *CHANGEABLE)
        return ("account", *CHANGEABLE, *self._facts())

    def _facts(self) -> tuple[str, ...]:
        return (
            *("stands", "owner", "created_at", "delivered_at"),
            *("failing_since", "attempts", "next_attempt_at", "letters"),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("account", *self._facts())

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        made: Any = super().get_form(request, obj, change=change, **kwargs)
        made.county_id = request.member.county_id  # type: ignore[attr-defined]
        return made

    def get_urls(self) -> list[Any]:
        return [*own_pages(self, act=self.act), *super().get_urls()]

    @fresh_factor
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return super().add_view(request, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        receiver = context.get("original")
        if receiver is not None:
            context["may_act"] = may(request, self.edit_permission)
            context["is_changing"] = bool(receiver.previous_secret)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        made = super().save_form(request, form, change)
        made.kinds = sorted(form.cleaned_data["kinds"])
        return made

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            self._change(request, obj)
            return
        made = receivers.register(
            obj.account,
            url=obj.url,
            kinds=obj.kinds,
            own_only=obj.own_only,
            by=request.member,  # type: ignore[attr-defined]
            at=timezone.now(),
            reason=reason_of(request),
        )
        obj.pk = made.receiver.pk
        obj.refresh_from_db()
        obj.shown_once = made.secret

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Show the secret in this answer and nowhere else: a message waits in a cookie or a session."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Receiver %(receiver)s") % {"receiver": obj},
            "opts": self.opts,
            "receiver": obj,
            "secret": obj.shown_once,
            "is_new": True,
        }
        return TemplateResponse(request, "admin/townships/receiver/act.html", context)

    def _change(self, request: HttpRequest, obj: Receiver) -> None:
        """Write what the form changes and nothing else: somebody may be sending meanwhile."""
        before = Receiver.objects.values(*CHANGEABLE).get(pk=obj.pk)
        after = {name: getattr(obj, name) for name in CHANGEABLE}
        Receiver.objects.filter(pk=obj.pk).update(**after, next_attempt_at=None)
        changes = {
            name: [plain(before[name]), plain(value)]
            for name, value in after.items()
            if before[name] != value
        }
        self.record(request, "changed", obj, changes=changes)

    @fresh_factor
    def act(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what is to be done and why, do it, and show a new secret once."""
        if not may(request, self.edit_permission):
            raise PermissionDenied
        receiver = get_object_or_404(self.get_queryset(request), pk=pk)
        form = ActForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Receiver %(receiver)s") % {"receiver": receiver},
            "opts": self.opts,
            "receiver": receiver,
            "form": form,
        }
        if request.method == "POST" and form.is_valid():
            try:
                context["secret"] = self._act(request, receiver, form.cleaned_data)
            except Problem as problem:
                form.add_error(None, str(problem))
            else:
                if not context["secret"]:
                    messages.success(request, _("Done."))
                    back = reverse("admin:townships_receiver_change", args=[pk])
                    return HttpResponseRedirect(back)
        return TemplateResponse(request, "admin/townships/receiver/act.html", context)

    def _act(self, request: HttpRequest, receiver: Receiver, said: dict[str, Any]) -> str:
        now: datetime = timezone.now()
        why: Any = {"by": request.member, "at": now, "reason": said["reason"]}  # type: ignore[attr-defined]
        match said["act"]:
            case "ping":
                receivers.ping(receiver, **why)
            case "start":
                receivers.start(receiver, **why)
            case "stop":
                receivers.stop(receiver, **why)
            case "secret":
                return receivers.change_secret(receiver, **why)
            case "end_secret":
                receivers.end_previous_secret(receiver, **why)
            case "replay_from":
                receivers.replay_from(receiver, said["since"], **why)
        return ""


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What was sent lately, and what came back."""

    view_permission = Permission.RECEIVER_VIEW
    county_path = "receiver__county"
    list_display = ("at", "receiver", "kind", "attempt", "is_delivered", "status", "error",
                    "milliseconds")  # fmt: skip
    list_select_related = ("receiver__account",)
    list_filter = ("is_delivered",)
    fields = ("receiver", "event", "kind", "at", "attempt", "is_delivered", "status", "error",
              "milliseconds", "excerpt")  # fmt: skip
    ordering = ("-id",)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What was laid aside after the last attempt; chosen ones are sent again."""

    view_permission = Permission.RECEIVER_VIEW
    county_path = "receiver__county"
    list_display = ("dead_at", "receiver", "kind", "attempts", "error", "replay_at", "delivered_at")
    list_select_related = ("receiver__account",)
    list_filter = (("delivered_at", admin.EmptyFieldListFilter),)
    fields = ("receiver", "event", "kind", "dead_at", "attempts", "error", "replay_at",
              "delivered_at")  # fmt: skip
    ordering = ("-id",)
    actions = ("send_again",)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return may(request, Permission.RECEIVER_EDIT)

    @admin.action(description=gettext_lazy("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        number = receivers.replay(
            chosen, by=request.member, at=timezone.now()  # type: ignore[attr-defined]
        )  # fmt: skip
        text = ngettext(
            "%(n)d dead letter is sent again.", "%(n)d dead letters are sent again.", number
        )
        self.message_user(request, text % {"n": number}, messages.SUCCESS)
