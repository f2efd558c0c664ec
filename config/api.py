"""/api/: the routes of all apps, the schema, the pages that show it, and tokens for systems."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from oauth2_provider.views import TokenView
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import NotFound, is_storable
from common.errors import CODES
from mandates.api import urls as mandates
from townships.api import urls as townships


class ToldAsEverywhere:
    """What goes wrong is told as the API tells it, whatever the view writes else: YAML, or a page."""

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if response.exception:
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        answer: Response = super().finalize_response(  # type: ignore[misc]
            request, response, *args, **kwargs
        )
        return answer


class Schema(ToldAsEverywhere, SpectacularAPIView):
    """The description of the API."""


class Description(ToldAsEverywhere, SpectacularSwaggerSplitView):
    """The same as a page. Its script is a file of its own: the content policy allows no other."""


class Token(TokenView):
    """A token for the credentials of a system (RFC 6749, section 4.4)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            sent = [text for name, values in request.POST.lists() for text in (name, *values)]
        except SuspiciousOperation:
            sent = ["\0"]
        if not all(is_storable(str(text)) for text in sent):
            return JsonResponse({"error": "invalid_request"}, status=400)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        detail = str(MethodNotAllowed(str(request.method)).detail)
        body = {"type": "about:blank", "status": 405, "code": CODES[405], "detail": detail}
        return JsonResponse(
            body,
            status=405,
            content_type="application/problem+json",
            headers={"Allow": "POST, OPTIONS"},
        )


v1 = [
    *mandates.urlpatterns,
    *townships.urlpatterns,
    # What leads nowhere is answered like everything else here.
    re_path(r"^.*(/|\.pdf|\.json)$", NotFound.as_view(), name="nothing"),
]

urlpatterns = [
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", Description.as_view(url_name="api-schema"), name="api-docs"),
    path("token/", Token.as_view(), name="api-token"),
    path("v1/", include((v1, "api"))),
]
