"""The description of the API: what every operation may answer, said once and not in each view.

Views describe what is their own: parameters, bodies, answers that succeed. What follows from the
shape of an operation (a body may be too large, a version stale) is added here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM_TYPE = "application/problem+json"
EVERYBODY, WITH_BODY, WITH_PATH, WITH_VERSION, WITH_KEY = (
    ("400", "401", "403", "406", "429", "503"),
    ("411", "413", "415"),
    ("404",),
    ("409", "412", "428"),
    ("409", "422"),
)
# Status: name of the component, what it means, an example of code and text.
PROBLEMS: dict[str, tuple[str, str, str, str]] = {
    "400": (
        "Invalid",
        "What was sent does not fit; `errors` says where.",
        "invalid",
        "Some of what you sent needs to be changed.",
    ),
    "401": (
        "NotAuthenticated",
        "No token, or one that is unknown, ended or revoked.",
        "not_authenticated",
        "Authentication credentials were not provided.",
    ),
    "403": (
        "NotAllowed",
        "The post may not do this, or the token's scopes do not reach so far.",
        "not_allowed",
        "Your post may not do this.",
    ),
    "404": ("NotFound", "It is not there, or out of reach.", "not_found", "Not found."),
    "406": (
        "NotAcceptable",
        "`Accept` asks for something that is not given here.",
        "not_acceptable",
        "Could not satisfy the request Accept header.",
    ),
    "409": (
        "Refused",
        "Not now: the record stands elsewhere, or a condition is not met.",
        "wrong_state",
        "“Accept” is not possible now: the state is “Closed”.",
    ),
    "411": (
        "LengthRequired",
        "A body was sent without Content-Length.",
        "length_required",
        "Send the length of the body with it.",
    ),
    "412": (
        "Stale",
        "Somebody else acted since the version in `If-Match`: read again, then decide.",
        "stale_version",
        "Not submitted: someone else just acted on it. What you wrote is kept.",
    ),
    "413": ("TooLarge", "More bytes than are taken.", "too_large", "What was sent is too large."),
    "415": (
        "UnsupportedMediaType",
        "The body is of another kind than this address takes.",
        "unsupported_media_type",
        "Unsupported media type “text/plain” in request.",
    ),
    "422": (
        "KeyReused",
        "The Idempotency-Key was used for another request.",
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request.",
    ),
    "428": (
        "PreconditionRequired",
        "A system must say in `If-Match` which version it has read.",
        "if_match_required",
        "Send If-Match with the version you have read.",
    ),
    "429": (
        "Throttled",
        "More requests than the account may make; `Retry-After` says for how long to wait.",
        "throttled",
        "Too many requests. Try again in 3 seconds.",
    ),
    "503": (
        "Unavailable",
        "The database is away or busy; nothing was written. Send the same again.",
        "unavailable",
        "The database does not answer at the moment. Send it again in a few seconds.",
    ),
    "507": (
        "StorageFull",
        "No room for a file; nothing of it was kept.",
        "storage_full",
        "There is no room left to store files. Tell the administrator of your unit.",
    ),
}
HEADERS: dict[str, dict[str, Any]] = {
    "RateLimit": {
        "description": "requests left now (r) and seconds until all are there again (t)",
        "schema": {"type": "string", "example": '"system";r=749;t=1'},
    },
    "RateLimitPolicy": {
        "description": "the quota (q) of a window of so many seconds (w)",
        "schema": {"type": "string", "example": '"system";q=750;w=60'},
    },
    "RetryAfter": {
        "description": "seconds to wait",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWWAuthenticate": {
        "description": "how to sign in",
        "required": True,
        "schema": {"type": "string", "example": 'Bearer realm="api"'},
    },
}
ERROR = {
    "type": "object",
    "description": "One complaint about what was sent.",
    "properties": {
        "field": {"type": "string", "description": "where; parts are joined by dots"},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "detail": {"type": "string"},
    },
    "required": ["field", "code", "detail"],
    "additionalProperties": False,
}
PROBLEM = {
    "type": "object",
    "description": "Why a request was not fulfilled (RFC 9457). Nothing was written.",
    "properties": {
        "type": {"type": "string", "enum": ["about:blank"]},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$", "description": "stable"},
        "detail": {"type": "string", "minLength": 1, "description": "for people"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemError"}},
        "reference": {"type": "string", "description": "the request, as the log has it"},
    },
    "required": ["type", "status", "code", "detail"],
    "additionalProperties": False,
}

# What views say of themselves.
REFUSED = OpenApiResponse(OpenApiTypes.OBJECT, "refused")  # the text comes from PROBLEMS
ETAG = OpenApiParameter(
    "ETag",
    {"type": "string", "pattern": '^"[0-9]+"$', "example": '"7"'},
    OpenApiParameter.HEADER,
    required=True,
    response=[200, 201],
    description="the version of the call, for If-Match",
)
LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    required=True,
    response=[201],
    description="where it is",
)


class Described(AutoSchema):
    """Takes summary and description of an operation from the docstring of its method."""

    def get_summary(self) -> str | None:
        return self._docs().partition("\n")[0].rstrip(".") or None

    def get_description(self) -> str:  # type: ignore[override]
        first, _, rest = self._docs().partition("\n")
        return rest.strip() or first

    def _docs(self) -> str:
        name = getattr(self.view, "action", None) or self.method.lower()
        return inspect.getdoc(getattr(self.view, name, None)) or ""


def complete(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Add to every operation what it may answer because of what it is."""
    components = result.setdefault("components", {})
    components["headers"] = HEADERS
    components.setdefault("schemas", {}).update({"Problem": PROBLEM, "ProblemError": ERROR})
    components["responses"] = {name: _response(status) for status, (name, *_) in PROBLEMS.items()}
    for operation in _operations(result):
        _add_problems(operation)
        for status, response in operation["responses"].items():
            if status < "300":
                response["description"] = response.get("description") or "Done."
                _headers(response, "RateLimit", "RateLimitPolicy")
    return result


def _operations(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in result["paths"].values():
        yield from (path[method] for method in METHODS if method in path)


def _response(status: str) -> dict[str, Any]:
    _name, meaning, code, detail = PROBLEMS[status]
    example = {"type": "about:blank", "status": int(status), "code": code, "detail": detail}
    body = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    response: dict[str, Any] = {"description": meaning, "content": {PROBLEM_TYPE: body}}
    if status == "401":
        _headers(response, "WWWAuthenticate")
    if status in ("429", "503"):
        _headers(response, "RetryAfter")
    if status == "429":
        _headers(response, "RateLimit", "RateLimitPolicy")
    return response


SPELT = {"RateLimitPolicy": "RateLimit-Policy", "RetryAfter": "Retry-After"}
SPELT["WWWAuthenticate"] = "WWW-Authenticate"


def _headers(response: dict[str, Any], *names: str) -> None:
    found = response.setdefault("headers", {})
    found.update(
        {SPELT.get(name, name): {"$ref": f"#/components/headers/{name}"} for name in names}
    )


def _add_problems(operation: dict[str, Any]) -> None:
    taken = {(one["in"], one["name"]) for one in operation.get("parameters", ())}
    responses = operation["responses"]
    told = {status for status in responses if status >= "400"} | set(EVERYBODY)
    if "requestBody" in operation:
        told |= set(WITH_BODY)
    if any(place == "path" for place, _name in taken):
        told |= set(WITH_PATH)
    if ("header", "If-Match") in taken:
        told |= set(WITH_VERSION)
    if ("header", "Idempotency-Key") in taken:
        told |= set(WITH_KEY)
    for status in sorted(told):
        responses[status] = {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"}
