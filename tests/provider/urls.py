"""Pages of the provider: those of OAuth Toolkit, and one that lets anybody in as anybody."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    """Says how somebody has signed in: by a password, or with a key besides."""

    oidc_claim_scope = None  # all claims, whatever is asked for

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return {
            "sub": f"subject-of-{request.user.username}",
            "amr": ["pwd", "hwk"] if request.user.username.endswith("-key") else ["pwd"],
            "name": "nobody keeps this",
        }


def enter(request: HttpRequest, username: str) -> HttpResponse:
    login(request, get_user_model().objects.get_or_create(username=username)[0])
    return HttpResponse("in")


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("as/<str:username>/", enter),
]
