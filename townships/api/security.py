"""How the description of the API says who may call it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):
    """Client credentials of another system; people in the browser come with their session."""

    target_class = "townships.http.MemberAuthentication"
    name = ["systems", "people"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        known: Any = settings.OAUTH2_PROVIDER["SCOPES"]
        scopes = {name: str(text) for name, text in known.items()}
        flow = {"tokenUrl": "/api/token/", "scopes": scopes}
        return [
            {"type": "oauth2", "flows": {"clientCredentials": flow}},
            {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        is_read = auto_schema.method in ("GET", "HEAD", "OPTIONS")
        wanted = getattr(auto_schema.view, "read_scope" if is_read else "write_scope", None)
        return [{"systems": [wanted] if wanted else []}, {"people": []}]
