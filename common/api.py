"""What every viewset of the API shares: who is asking, and what comes before the answer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class MemberAuthentication(BaseAuthentication):
    """Takes over whom the middleware has found: by bearer token, or by session.

    A session needs the CSRF token besides, as a page does.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        plain = request._request
        if getattr(plain, "member", None) is None:
            return None
        if not getattr(plain, "is_system", False):
            self._check_csrf(plain)
        return plain.user, None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'

    def _check_csrf(self, request: Any) -> None:
        check = CSRFCheck(lambda _request: None)  # type: ignore[arg-type]
        check.process_request(request)
        reason = check.process_view(request, None, (), {})
        if reason:
            raise PermissionDenied(_("The page is too old. Load it again and repeat."))


class MemberScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes it."""

    target_class = "common.api.MemberAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": "/api/token/",
                    "scopes": {
                        "calls.read": "Read calls",
                        "calls.write": "Raise calls and make moves",
                        "reference.read": "Read divisions, departments and matters",
                    },
                }
            },
        }


class IsMember(BasePermission):
    """Only somebody with a post in force."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return getattr(request._request, "member", None) is not None
