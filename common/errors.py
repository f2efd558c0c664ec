"""What may go wrong for a caller: one stable code, one sentence, one HTTP status each."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import Error as DatabaseFailure
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.response import Response

logger = logging.getLogger(__name__)


class Problem(Exception):
    """A request that cannot be fulfilled, and why; nothing was written.

    ``code`` is stable and for machines, the text is for the person who asked.
    """

    code = "problem"
    status: int = status.HTTP_400_BAD_REQUEST
    detail: Any = _("This cannot be done.")

    def __init__(
        self,
        detail: Any = None,
        *,
        code: str = "",
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        self.detail = detail if detail is not None else self.detail
        self.code = code or self.code
        self.fields = dict(fields or {})
        super().__init__(self.detail)

    def __str__(self) -> str:
        return str(self.detail)


class Invalid(Problem):
    """What was sent does not fit; ``fields`` says where."""

    code = "invalid"
    detail = _("Some of what you sent needs to be changed.")


class NotAllowed(Problem):
    """The post may not do this at all."""

    code = "not_allowed"
    status = status.HTTP_403_FORBIDDEN
    detail = _("Your post may not do this.")


class Refused(Problem):
    """Not now: the record stands elsewhere."""

    code = "refused"
    status = status.HTTP_409_CONFLICT


class TwoPersons(Refused):
    """What somebody has proposed is decided by somebody else."""

    code = "two_persons"
    detail = _("Whoever proposed it does not decide: a second person does.")


class Stale(Problem):
    """Somebody else acted on the record since it was read."""

    code = "stale_version"
    status = status.HTTP_412_PRECONDITION_FAILED
    detail = _("Not submitted: someone else just acted on it. What you wrote is kept.")


class PreconditionRequired(Problem):
    """A system must say which version it has read."""

    code = "if_match_required"
    status = 428
    detail = _("Send If-Match with the version you have read.")


class Unavailable(Problem):
    """Something this system stands on is away; the same request may succeed in a moment."""

    code = "unavailable"
    status: int = status.HTTP_503_SERVICE_UNAVAILABLE
    detail = _("The database does not answer at the moment. Send it again in a few seconds.")
    retry_after: int | None = 5  # seconds


class ClockWrong(Unavailable):
    """This process would write instants that are not true."""

    code = "clock_wrong"
    detail = _("The clock of this server is wrong. It takes nothing in until the clock is set.")
    retry_after = 60


class Overloaded(Unavailable):
    """More is asked than this machine can do; whatever is begun is done in time."""

    code = "overloaded"
    detail = _("Too much is being asked of the system at once. Send it again in a few seconds.")
    retry_after: int = 3


class NoCalendar(Unavailable):
    """No working calendar has been loaded: no date can be worked out before somebody does."""

    code = "no_calendar"
    detail = _(
        "No working calendar has been loaded yet, so no due date can be worked out. "
        "The system administrator loads the years from a file."
    )
    retry_after = 600


class StorageFull(Problem):
    """No room for a file; nothing of it was kept."""

    code = "storage_full"
    status = status.HTTP_507_INSUFFICIENT_STORAGE
    detail = _("There is no room left to store files. Tell the administrator of your unit.")


# Classes of SQLSTATE that say nothing about the request: connection, resources, locks held too
# long, an operator or a crash, a transaction that waited too long.
_PASSING = ("08", "40", "53", "55", "57", "25P03")


def outage(exc: BaseException | None) -> Problem | None:
    """Return what to answer where the ground gave way; None for anything else."""
    if isinstance(exc, Unavailable | StorageFull):
        return exc
    if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull()
    if isinstance(exc, OperationalError | InterfaceError):
        return Unavailable()
    if isinstance(exc, DatabaseFailure):
        state = getattr(exc.__cause__, "pgcode", None)
        if state and state.startswith(_PASSING):
            return Unavailable()
    return None


CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
}


def problem(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer an exception as problem+json (RFC 9457) with a stable ``code``.

    Whatever was written in this request is rolled back.
    """
    if connection.in_atomic_block:
        connection.set_rollback(True)
    if away := outage(exc):
        logger.warning("cannot be answered now", exc_info=exc)
        return _answer(away.status, away.code, away.detail, headers=retry_header(away))
    if isinstance(exc, Problem):
        return _answer(exc.status, exc.code, exc.detail, errors=_flat(exc.fields))
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, DjangoValidationError):
        exc = exceptions.ValidationError(getattr(exc, "message_dict", None) or exc.messages)
    if not isinstance(exc, exceptions.APIException):
        return None
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(exc, exceptions.ValidationError):
        return _answer(400, Invalid.code, Invalid.detail, errors=_flat(exc.detail), headers=headers)
    detail = exc.detail if isinstance(exc.detail, str) else str(exc.detail)
    return _answer(exc.status_code, _code(exc), detail, headers=headers)


def complaints(problem: Problem) -> list[dict[str, str]]:
    """List what a problem says of single fields, each with field, code and detail."""
    return _flat(problem.fields)


def retry_header(problem: Problem) -> dict[str, str]:
    """Say when to come again, for what is away only for a while."""
    wait = getattr(problem, "retry_after", None)
    return {"Retry-After": str(wait)} if wait else {}


def _code(exc: exceptions.APIException) -> str:
    if isinstance(exc, exceptions.ParseError):
        return "malformed"
    own = exc.get_codes()
    if isinstance(exc, exceptions.PermissionDenied) and own != exc.default_code:
        return str(own)
    return CODES.get(exc.status_code, "problem")


def _answer(
    code_of_http: int,
    code: str,
    detail: Any,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body: dict[str, Any] = {"type": "about:blank", "status": code_of_http, "code": code}
    body["detail"] = str(detail)
    if errors:
        body["errors"] = errors
    return Response(
        body,
        status=code_of_http,
        headers=dict(headers or {}),
        content_type="application/problem+json",
    )


def _flat(detail: Any, field: str = "") -> list[dict[str, str]]:
    """List every complaint with the field it is about."""
    if isinstance(detail, Mapping):
        rows = [(f"{field}.{key}" if field else str(key), value) for key, value in detail.items()]
        return [one for name, value in rows for one in _flat(value, name)]
    if isinstance(detail, list | tuple):
        return [one for value in detail for one in _flat(value, field)]
    code = getattr(detail, "code", None) or "invalid"
    return [{"field": field, "code": str(code), "detail": str(detail)}]
