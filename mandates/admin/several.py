"""多行同改 in the console: lines are chosen, what they would become is shown, and then it is done."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import Problem
from common.sent import typed_in
from common.site import may
from mandates.admin.county import member_of
from mandates.forms.line_changes import SeveralForm
from mandates.models import Entry
from mandates.operations import line_changes
from mandates.permissions import Permission

PAGE = "admin/mandates/entry/change_several.html"


class ChangeSeveral:
    """The action of a list of entries: a form, a preview, and the change; nothing before the last.

    All three are the same address, sent again with a further ``step``.
    """

    admin_site: Any
    opts: Any
    message_user: Any
    actions: Any = ("change_several",)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's own would delete many lines without asking why."""
        found: dict[str, Any] = super().get_actions(request)  # type: ignore[misc]
        found.pop("delete_selected", None)
        return found

    def has_several_permission(self, request: HttpRequest) -> bool:
        return may(request, Permission.LIST_EDIT)

    @admin.action(description=gettext_lazy("Change several"), permissions=["several"])
    def change_several(self, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse | None:
        """Lead from the lines chosen through the preview to the change."""
        by, step = member_of(request), typed_in(request.POST, "step")
        keys = list(chosen.order_by("pk").values_list("pk", flat=True)[: line_changes.MOST + 1])
        if len(keys) > line_changes.MOST:
            text = _("At most %(n)d lines at once.") % {"n": line_changes.MOST}
            self.message_user(request, text, messages.ERROR)
            return None
        if not keys:
            text = _("None of these lines is there any more.")
            self.message_user(request, text, messages.ERROR)
            return None
        given: dict[str, Any] = {"county_id": by.county_id, "day": timezone.localdate()}
        if step not in ("preview", "confirm", "back"):
            return self._several(request, keys, SeveralForm(**given))
        form = SeveralForm(request.POST, **given)
        if step == "back" or not form.is_valid():
            return self._several(request, keys, form)
        try:
            if step == "confirm":
                return self._do(request, keys, form)
            plan = line_changes.plan(keys, form.wanted(), by=by, at=timezone.now())
        except line_changes.Overtaken as problem:
            self.message_user(request, str(problem), messages.ERROR)
            return self._several(request, keys, form, problem.plan, status=problem.status)
        except Problem as problem:
            form.blame(problem)
            return self._several(request, keys, form)
        return self._several(request, keys, form, plan)

    def _do(self, request: HttpRequest, keys: list[int], form: SeveralForm) -> HttpResponse:
        said = form.cleaned_data
        done = line_changes.apply(
            keys, form.wanted(), reason=said["reason"], seen=said["seen"],
            by=member_of(request), at=timezone.now(),
        )  # fmt: skip
        text = _("Lines changed: %(changed)d. Unchanged: %(same)d. Refused: %(refused)d.") % {
            "changed": len(done.changed),
            "same": len(done.same),
            "refused": len(done.refused) + done.missing,
        }
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())

    def _several(
        self,
        request: HttpRequest,
        keys: list[int],
        form: SeveralForm,
        plan: line_changes.Plan | None = None,
        *,
        status: int = 200,
    ) -> HttpResponse:
        """Show the form, or with a plan what would become of each line."""
        rows = Entry.objects.filter(county=member_of(request).county_id, pk__in=keys)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Preview") if plan else _("Change several"),
            "form": form,
            "plan": plan,
            "groups": _groups(plan) if plan else (),
            "labels": {name: field.label for name, field in form.fields.items()},
            "keys": keys,
            "checkbox": ACTION_CHECKBOX_NAME,
            "categories": () if plan else rows.order_by("category").values_list(
                "category", flat=True
            ).distinct(),
            "back": request.get_full_path(),
        }  # fmt: skip
        return TemplateResponse(request, PAGE, context, status=status)


def _groups(plan: line_changes.Plan) -> tuple[tuple[Any, list[line_changes.Planned]], ...]:
    return (
        (_("Will be changed"), plan.changed),
        (_("Refused, and left as they are"), plan.refused),
        (_("Say this already"), plan.same),
    )
