"""清单导入 for other systems: a workbook is sent, looked at row by row, applied, and undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from common import paging
from common.api import Answer, ApiView, AsItIs, FileBody, checked, page_answer
from common.errors import Invalid, NotAllowed
from common.openapi import LOCATION, REFUSED
from mandates.api.calls import reader
from mandates.api.described import ONCE
from mandates.api.import_shapes import (
    NAMED,
    ColumnsNamed,
    ImportFull,
    ImportNew,
    ImportPage,
    ImportRowPage,
    ImportRowShape,
    ImportShape,
    Paged,
    Reason,
    RowQuery,
    address_of,
)
from mandates.api.once import given_once
from mandates.models import DutyList, ListImport
from mandates.operations import list_applying, list_imports, list_workbooks, lists
from mandates.permissions import Permission
from mandates.queries.importing import of_county, rows_of
from mandates.views.list_imports import as_workbook
from townships.http import Member
from townships.models import County, Department


class ImportList(ApiView):
    """清单导入."""

    parser_classes = [FileBody]
    read_scope = "reference.read"
    write_scope = "calls.write"
    parameters = Paged().fields.keys()

    @extend_schema(operation_id="import_list", parameters=[Paged], responses=ImportPage)
    def get(self, request: Request) -> Response:
        """List the workbooks that were taken in.

        For the lists of the county, the newest first. For those who edit lists.
        """
        member = _officer(request)
        asked = checked(Paged, request.query_params.dict())
        found = paging.page(
            of_county(_county(member)), order=("-id",), cursor=asked.get("cursor", ""),
            size=asked["size"],
        )  # fmt: skip
        rows = ImportShape(found.rows, many=True, context={"request": request}).data
        return Response(page_answer(request, found, rows))

    @extend_schema(
        operation_id="import_create",
        request={"multipart/form-data": ImportNew},
        parameters=[ONCE, LOCATION],
        responses={201: ImportFull, 507: REFUSED},
        examples=[
            OpenApiExample(
                "workbook", {"file": "清单.xlsx"}, request_only=True,
                media_type="multipart/form-data",
            )
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Send a workbook.

        As multipart/form-data. Its sheets and headings are found, with what each column means as
        guessed, or as it was named before. Nothing of the list is written. Next: `columns/`.
        """
        member, now = _officer(request), timezone.now()
        return given_once(request, member, at=now, work=lambda: _take(request, member, now))


def _take(request: Request, member: Member, now: datetime) -> Answer:
    sent = checked(ImportNew, request.data)
    if "list" in sent:
        rows = DutyList.objects.filter(county=_county(member), uid=sent["list"])
        duty_list = rows.first()
    else:
        duty_list = lists.list_of(County.objects.get(pk=_county(member)))
    if duty_list is None:
        raise Invalid(fields={"list": _("There is no such list.")})
    one = list_imports.take(duty_list, sent["file"], by=member, at=now)
    return _answer(request, member, one, status=201)


class ImportDetail(ApiView):
    """One workbook."""

    read_scope = "reference.read"

    @extend_schema(operation_id="import_detail", responses=ImportFull)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read an import.

        Its state goes from `new` over `checking` to `checked` or `failed`, then over `applying` to
        `applied` and perhaps `undone`. While it is `checking` or `applying` ask every few seconds;
        `check` and `writing` say how far that is. Where `writing.state` is `failed` or `cancelled`
        nothing was written: ask for it again, or have the workbook checked again.
        """
        member = _officer(request)
        return _answer(request, member, _import(member, uid)).response()


class ImportRows(ApiView):
    """What a workbook would change."""

    read_scope = "reference.read"
    parameters = RowQuery().fields.keys()

    @extend_schema(operation_id="import_rows", parameters=[RowQuery], responses=ImportRowPage)
    def get(self, request: Request, uid: UUID) -> Response:
        """Read what the check has found, row by row.

        Every matter that would be added, changed, moved or removed, field by field, and everything
        that is wrong, cell by cell.
        """
        member = _officer(request)
        one = _import(member, uid)
        asked = checked(RowQuery, request.query_params.dict())
        rows = rows_of(one, kind=asked.get("kind", ""), words=asked.get("q", ""))
        found = paging.page(rows, order=("id",), cursor=asked.get("cursor", ""), size=asked["size"])
        return Response(page_answer(request, found, ImportRowShape(found.rows, many=True).data))


class ImportColumns(ApiView):
    """What the columns mean."""

    write_scope = "calls.write"

    @extend_schema(
        operation_id="import_columns", request=ColumnsNamed, parameters=[ONCE],
        responses={200: ImportFull, 409: REFUSED, 422: REFUSED},
        examples=[OpenApiExample("columns", NAMED, request_only=True)],
    )  # fmt: skip
    def post(self, request: Request, uid: UUID) -> Response:
        """Name the columns, and have the workbook checked.

        What is left out stays as `sheets` has it; what is named is remembered by the headings, and
        names of departments too. The check writes nothing of the list: it says by row what would
        change and what is wrong.
        """
        member, now = _officer(request), timezone.now()
        one = _import(member, uid)

        def work() -> Answer:
            sent = checked(ColumnsNamed, request.data)
            columns = {each["signature"]: each["columns"] for each in sent.get("sheets", ())}
            known = {sheet["signature"] for sheet in one.layout["sheets"]}
            if set(columns) - known:
                raise Invalid(fields={"sheets": _("These are not the columns of the workbook.")})
            units = {each["word"]: _unit(member, each) for each in sent.get("departments", ())}
            return _answer(
                request, member, list_imports.name_columns(one, columns, units, by=member, at=now)
            )

        return given_once(request, member, at=now, work=work)


def _unit(member: Member, named: dict[str, Any]) -> Department:
    rows = Department.objects.filter(county=member.county_id, uid=named["department"])
    found: Department | None = rows.first()
    if found is None:
        raise Invalid(fields={"departments": _("There is no such department.")})
    return found


class ImportApply(ApiView):
    """Writing it into the draft."""

    write_scope = "calls.write"

    @extend_schema(
        operation_id="import_apply", request=Reason, parameters=[ONCE],
        responses={200: ImportFull, 409: REFUSED, 422: REFUSED},
        examples=[OpenApiExample("reason", {"reason": "泾编办〔2026〕3号"}, request_only=True)],
    )  # fmt: skip
    def post(self, request: Request, uid: UUID) -> Response:
        """Have a checked workbook written into the draft.

        A worker does it: the answer is `applying`, and `writing` says how far it is. All or nothing;
        a draft is opened if there is none. Refused for a workbook with problems
        (`import_has_problems`), where the list has changed since it was checked (`list_changed`), and
        while it is being written (`import_being_applied`). Whoever changes the list before the worker
        comes to it makes that fail, with the same codes in `writing.code`.
        """
        return _done(request, uid, list_applying.ask)


class ImportUndo(ApiView):
    """Taking it back."""

    write_scope = "calls.write"

    @extend_schema(
        operation_id="import_undo", request=Reason, parameters=[ONCE],
        responses={200: ImportFull, 409: REFUSED, 422: REFUSED},
        examples=[OpenApiExample("reason", {"reason": "弄错了文件"}, request_only=True)],
    )  # fmt: skip
    def post(self, request: Request, uid: UUID) -> Response:
        """Put the draft back as it was before.

        Exactly, or not at all: refused once the draft was changed or published since
        (`import_overtaken`).
        """
        return _done(request, uid, list_applying.undo)


class VersionWorkbook(ApiView):
    """A version as a workbook."""

    read_scope = "reference.read"
    renderer_classes = [JSONRenderer, AsItIs]

    @extend_schema(
        operation_id="version_workbook",
        responses={(200, list_workbooks.TYPE): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, uid: UUID) -> HttpResponseBase:
        """Fetch a version as a workbook.

        Laid out as the county's own last one; sent back as it is, it changes nothing. Drafts for
        those who edit lists.
        """
        return as_workbook(uid, member=reader(request, Permission.LIST_READ))


def _done(request: Request, uid: UUID, act: Any) -> Response:
    member, now = _officer(request), timezone.now()
    one = _import(member, uid)

    def work() -> Answer:
        reason = checked(Reason, request.data)["reason"]
        return _answer(request, member, act(one, reason=reason, by=member, at=now))

    return given_once(request, member, at=now, work=work)


def _officer(request: Request) -> Member:
    """Return who edits the lists of a county. Raises NotAllowed."""
    member = reader(request, Permission.LIST_EDIT)
    _county(member)
    return member


def _county(member: Member) -> int:
    if member.county_id is None:
        raise NotAllowed
    return member.county_id


def _import(member: Member, uid: UUID) -> ListImport:
    found: ListImport | None = of_county(_county(member)).filter(uid=uid).first()
    if found is None:
        raise Http404
    return found


def _answer(request: Request, member: Member, one: ListImport, *, status: int = 200) -> Answer:
    fresh = _import(member, one.uid)
    shown = ImportFull(fresh, context={"request": request}).data
    headers = {"Location": address_of(request, fresh)} if status == 201 else {}
    return Answer(status, shown, headers=headers)
