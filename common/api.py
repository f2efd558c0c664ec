"""What every part of the REST API shares: reading bodies, versions, and answers given once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from math import isfinite
from types import SimpleNamespace
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest
from django.http.request import UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from common import bulk
from common.attachments import fingerprint
from common.errors import Invalid, PreconditionRequired, Problem, Stale
from common.models import IdempotencyKey
from common.tenancy import dispatching

ETAG = re.compile(r'(?:W/)?"([^"]*)"')
VERSION = re.compile(r"[0-9]{1,9}")
KEY = re.compile(r"[\x20-\x7e]{1,200}")
DEEPEST = 32  # levels of JSON; ours need five
MULTIPART_OVERHEAD = 1024 * 1024  # headers and fields beside one file of the largest size


class Malformed(Problem):
    code = "malformed"
    detail = _("This is not JSON in UTF-8.")


class BadText(Invalid):
    """A character no text can hold: NUL, or half of a surrogate pair."""

    code = "bad_text"
    detail = _("The text holds a character that cannot be stored.")


class TooLarge(Problem):
    code = "too_large"
    status = 413
    detail = _("What was sent is too large.")


class DuplicateField(Malformed):
    """Which of the two is meant nobody can know."""

    code = "duplicate_field"
    detail = _("A field stands twice in one object.")


class TooDeep(Malformed):
    code = "too_deep"
    detail = _("The JSON is nested too deeply.")


class UnknownParameter(Invalid):
    code = "unknown_parameter"
    detail = _("There is no such parameter here.")


class RepeatedParameter(Invalid):
    code = "repeated_parameter"
    detail = _("A parameter is given twice.")


class EmptyParameter(Invalid):
    code = "empty_parameter"
    detail = _("A parameter without a value: leave it out, or say what is meant.")


class LengthRequired(Problem):
    code = "length_required"
    status = 411
    detail = _("Send the length of the body with it.")


class BadVersion(Invalid):
    code = "bad_if_match"
    detail = _("If-Match holds one version, as ETag gave it.")


class KeyRequired(Problem):
    code = "idempotency_key_required"
    detail = _("Send Idempotency-Key: 1 to 200 printable ASCII characters, new for every request.")


class KeyReused(Problem):
    code = "idempotency_key_reused"
    status = 422
    detail = _("This Idempotency-Key was used for another request.")


# --- reading bodies ----------------------------------------------------------------------------


class JSONBody(BaseParser):
    """JSON in UTF-8, of a bounded size, every text of which can be stored."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        try:
            data = json.loads(
                body.decode("utf-8"),
                parse_constant=_no_constant,
                parse_float=_finite,
                object_pairs_hook=_once_each,
            )
        except (ValueError, RecursionError) as error:
            raise Malformed from error
        _check_texts(data)
        return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(digits)
    return number


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateField
    return found


def _check_texts(data: Any) -> None:
    """Raise BadText, naming the place, for a text that no database takes; TooDeep for a pit."""
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise TooDeep
        if isinstance(value, str):
            if not is_storable(value):
                raise BadText(fields={place: BadText.detail})
        elif isinstance(value, list):
            waiting += [(place, one, depth + 1) for one in value]
        elif isinstance(value, dict):
            for name, one in value.items():
                if not is_storable(name):
                    raise BadText
                waiting.append((f"{place}.{name}" if place else name, one, depth + 1))


def is_storable(text: str) -> bool:
    """Say whether PostgreSQL can hold a text: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


class FileBody(MultiPartParser):
    """Files, together no larger than the largest one allowed."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        request: HttpRequest = parser_context["request"]._request
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal():
            raise LengthRequired
        if len(length) > 15 or int(length) > settings.UPLOAD_LIMIT_BYTES + MULTIPART_OVERHEAD:
            raise TooLarge
        return super().parse(stream, media_type, parser_context)


class Strict(serializers.Serializer[Any]):
    """Takes the fields it names and no other: a misspelt one must not be lost in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            self.refuse_unknown(data)
            self.refuse_numbers_for_text(data)
        return super().to_internal_value(data)

    def refuse_numbers_for_text(self, data: Mapping[str, Any]) -> None:
        """Raise ValidationError for a JSON number where the description says text.

        The library would write it down as text: 0138 comes as 138, and nobody notices.
        """
        wrong = {
            name: [field.error_messages["invalid"]]
            for name, field in self.fields.items()
            if isinstance(field, serializers.CharField)
            and isinstance(data.get(name), int | float)
            and not isinstance(data.get(name), bool)  # the field itself refuses those
        }
        if wrong:
            raise serializers.ValidationError(wrong)

    def refuse_unknown(self, data: Mapping[str, Any]) -> None:
        """Raise ValidationError naming what is no field of ours."""
        unknown = [str(name) for name in data if name not in self.fields]
        if unknown:
            refused = serializers.ErrorDetail(str(_("There is no such field.")), "unknown_field")
            raise serializers.ValidationError({name[:100]: [refused] for name in unknown[:20]})


# --- views -----------------------------------------------------------------------------------------


class ByAccept(DefaultContentNegotiation):
    """Answers in the form that Accept asks for, and looks at no parameter for it."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)


class AsItIs(JSONRenderer):
    """Lets Accept ask for any kind of content where files are given; problems stay JSON."""

    media_type = "*/*"


class ApiView(APIView):
    """A view of the API: bodies are bounded, and what a client got wrong is never a 5xx.

    ``parameters`` names what may stand in the query string of GET, ``repeatable`` what may do so
    more than once. Anything else is refused: a misspelt filter would be lost in silence.
    """

    parser_classes = [JSONBody]
    content_negotiation_class = ByAccept
    parameters: Collection[str] = ()
    repeatable: Collection[str] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not hasattr(self, (request.method or "").lower()):
            return  # what has no such method says so, whatever else is wrong with the request
        self._check_parameters(request)
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired

    def _check_parameters(self, request: Request) -> None:
        known = self.parameters if request.method in SAFE_METHODS else ()
        unknown = sorted(set(request.query_params) - set(known))
        if unknown:
            told = UnknownParameter.detail
            raise UnknownParameter(fields={name[:100]: told for name in unknown[:20]})
        for name, values in request.query_params.lists():
            if len(values) > 1 and name not in self.repeatable:
                raise RepeatedParameter(fields={name: RepeatedParameter.detail})
            if "" in values:
                raise EmptyParameter(fields={name: EmptyParameter.detail})

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
            exc = TooLarge()
        elif isinstance(exc, SuspiciousOperation | UnreadablePostError):
            exc = Malformed(_("The request could not be read."))
        return super().handle_exception(exc)


class ApiViewSet(ViewSetMixin, ApiView):
    """Several operations on one kind of thing."""


class NotFound(ApiView):
    """Answers every address below that leads nowhere, in the words of the API."""

    permission_classes = [AllowAny]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


def checked(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return what a serializer makes of what was sent. Raises ValidationError."""
    if data is None:
        shape = serializer(data=data)
        shape.is_valid(raise_exception=True)
        raise AssertionError("nothing is never valid")
    found: dict[str, Any] = _shape(serializer).run_validation(data)
    return found


@cache
def _shape(serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return a serializer that is only asked to check: making one copies all its fields."""
    return serializer()


def page_answer(request: Request, page: Any, rows: Any) -> dict[str, Any]:
    """Return the body of one page: rows, and the addresses of its neighbours."""
    return {
        "next": _address(request, page.next),
        "previous": _address(request, page.previous),
        "results": rows,
    }


def _address(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


# --- versions ---------------------------------------------------------------------------------------


def expected_version(request: Request, *, required: bool) -> int | None:
    """Return the version that If-Match says has been read; None if it says nothing.

    Raises PreconditionRequired, BadVersion, and Stale for a tag that cannot be one of ours.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header:
        if required:
            raise PreconditionRequired
        return None
    tag = ETAG.fullmatch(header)
    if tag is None:
        raise BadVersion
    if not VERSION.fullmatch(tag[1]):
        raise Stale
    return int(tag[1])


def is_unchanged(request: Request, etag: str) -> bool:
    """Say whether If-None-Match names the version as it is."""
    header = request.headers.get("If-None-Match", "")
    return bool(etag) and etag.strip('"') in ETAG.findall(header)


# --- answers given once ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """A status, a body, and the headers that go with it."""

    status: int
    body: Any
    etag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, **more: str) -> Response:
        headers = {**self.headers, **more}
        if self.etag:
            headers["ETag"] = self.etag
        return Response(self.body, status=self.status, headers=headers)


def idempotency_key(request: Request, *, required: bool) -> str:
    """Return the key of a request, "" if it has none and needs none. Raises KeyRequired."""
    key: str = request.headers.get("Idempotency-Key", "")
    if (key or required) and not KEY.fullmatch(key):
        raise KeyRequired
    return key


def once(
    key: str,
    request: Request,
    *,
    owner: Mapping[str, int],
    at: datetime,
    work: Callable[[], Answer],
) -> Answer:
    """Do the work and keep its answer under the key, or give the answer kept before.

    ``owner`` holds the keys of tenant and user. The row is written in the transaction of the
    work: whoever comes with the same key meanwhile waits for it. Raises KeyReused.
    """
    digest = _digest(request)
    mine = IdempotencyKey(**owner, key=key, body_hash=digest, created_at=at)
    bulk.insert([mine], ignore_conflicts=True)
    if mine.pk is not None:
        answer = work()
        body = json.loads(JSONRenderer().render(answer.body))
        mine.status, mine.etag = answer.status, answer.etag
        mine.answer = {"body": body, "headers": dict(answer.headers)}
        bulk.update([mine], ("status", "etag", "answer"))
        return answer
    kept = IdempotencyKey.objects.get(**owner, key=key)
    if kept.body_hash != digest:
        raise KeyReused
    headers = {**kept.answer["headers"], "Idempotent-Replayed": "true"}
    return Answer(kept.status, kept.answer["body"], kept.etag, headers)


def forget_answers(*, before: datetime, portion: int = 1000) -> int:
    """Remove answers first given before an instant; return how many. Their keys are free again."""
    gone = 0
    while True:
        with dispatching(reason="answers run out whoever was given them"):
            # By key, the oldest first: no index is kept for what happens four times a day.
            rows = IdempotencyKey.objects.order_by("pk").values_list("pk", "created_at")[:portion]
            keys = [key for key, created in rows if created < before]
            IdempotencyKey.objects.filter(pk__in=keys).delete()
        gone += len(keys)
        if len(keys) < portion:
            return gone


def _digest(request: Request) -> str:
    """Hash address and body; the order of fields and blanks between them do not count.

    Of a file its name and content count.
    """
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), default=fingerprint)
    return hashlib.sha256(f"{request.path}\n{body}".encode()).hexdigest()
