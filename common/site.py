"""The console's site: who may enter, and which pages it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext_lazy

from common.sent import typed_in

ENTER = "common.enter_console"
# What Django says and its own Chinese lacks; ours is looked up first.
SAID_BY_DJANGO = (
    gettext_noop("Error:"),
    gettext_noop("Model name"),
    gettext_noop("Add link"),
    gettext_noop("Change or view list link"),
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
        1,
    ),
)


def may(request: HttpRequest, permission: str) -> bool:
    """Say whether the post in use grants a permission."""
    member = getattr(request, "member", None)
    return bool(permission) and member is not None and member.may(permission)


@dataclass(frozen=True)
class PanelLine:
    """A line of the first page: what, how much or how it stands, and where to go."""

    label: str
    note: str
    url: str
    is_pressing: bool = False


@dataclass(frozen=True)
class Panel:
    """A group of lines on the first page; ``empty`` stands there when there are none."""

    title: str
    lines: Sequence[PanelLine]
    empty: str


Panels = Callable[[HttpRequest], Sequence[Panel]]


class Lookup(AutocompleteJsonView):
    """What is found for a field: rows of the list it is chosen from that its form would take."""

    request: HttpRequest
    admin_site: Any
    model_admin: Any
    source_field: Any

    def process_request(self, request: HttpRequest) -> Any:
        found = super().process_request(request)
        if not isinstance(found[2], ForeignKey):
            raise PermissionDenied
        return found

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset()
        for page in self._pages():
            field = page.formfield_for_foreignkey(self.source_field, self.request)
            if field is not None:
                rows = rows.filter(pk__in=field.queryset.order_by().values("pk"))
        return rows

    def _pages(self) -> list[Any]:
        """Return the pages that ask for the field: a model's own, or those it stands on as rows."""
        wanted, site = self.source_field.model, self.admin_site
        if site.is_registered(wanted):
            return [site.get_model_admin(wanted)]
        kinds = {
            inline
            for page in site._registry.values()
            for inline in page.inlines
            if inline.model is wanted
        }
        return [kind(wanted, site) for kind in kinds]

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        said: dict[str, str] = super().serialize_result(obj, to_field_name)
        told = getattr(self.model_admin, "told_in_lookups", None)
        return said | {"text": told(obj)} if told else said


class OfficerSite(admin.AdminSite):
    """The console. Who may enter follows from the post; sign-in is that of the pages."""

    site_title = _("Huying console")
    site_header = _("Huying console")
    index_title = _("Reference data")
    enable_nav_sidebar = True
    # What apps show on the first page, each for the posts it concerns.
    _panels: ClassVar[list[Panels]] = []

    @classmethod
    def first_page(cls, panels: Panels) -> Panels:
        """Register what an app shows on the first page."""
        cls._panels.append(panels)
        return panels

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        shown = [panel for panels in self._panels for panel in panels(request)]
        return super().index(request, {**(extra_context or {}), "panels": shown})

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        # Libraries bring pages of their own, which know nothing of posts: left out.
        if getattr(admin_class, "answers_to_posts", False):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        # There is no superuser (a constraint says so); one made around it opens nothing here.
        return may(request, ENTER) and not getattr(request.user, "is_superuser", False)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.user.is_authenticated:
            raise PermissionDenied
        following = typed_in(request.GET, "next") or reverse("admin:index")
        return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': following})}")

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        if any("\0" in value for value in request.GET.values()):
            raise SuspiciousOperation("NUL in a search")
        view: Any = Lookup.as_view(admin_site=self)
        answer: HttpResponse = view(request)
        return answer

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("account_logout"))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("account_change_password"))
