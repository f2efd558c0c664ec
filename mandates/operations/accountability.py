"""责任核查报告: issued under a number, sealed, and whoever takes one out of the system is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from common import audit, hashing
from common.errors import NotAllowed
from common.tenancy import dispatching
from mandates.models import AccountabilityReport, Matter
from mandates.models.accountability import code_of
from mandates.operations.casework import local_day
from mandates.permissions import Permission
from mandates.queries import sql
from mandates.queries.accountability import Asked, draw
from townships.rules import require

if TYPE_CHECKING:
    from townships.http import Member

# As the numbers of official letters are written: 泾责核〔2026〕3号.
MARK = "责核"


def issue(asked: Asked, *, by: Member, at: datetime) -> AccountabilityReport:
    """Draw a report as of now and issue it. Raises NotAllowed, Invalid, TooManyCalls."""
    require(by, Permission.ACCOUNT_ISSUE)
    if by.county_id is None:
        raise NotAllowed
    facts = draw(asked, member=by, at=at)
    year = local_day(at).year
    # Numbers are the county's, whoever issues.
    with dispatching(reason="an accountability report gets its number"):
        sequence = sql.take_accountability_number(by.county_id, year)
    report = AccountabilityReport(
        county_id=by.county_id,
        year=year,
        sequence=sequence,
        number=f"{facts['county']}{MARK}〔{year}〕{sequence}号",
        matter=Matter.objects.routing().get(county=by.county_id, code=facts["matter"]),
        first=asked.first,
        last=asked.last,
        of_township_id=by.township_id,
        of_department_id=by.department_id,
        issued_at=at,
        issued_by=by.user,
        facts=facts,
        algorithm=hashing.algorithm(),
    )
    report.digest = report.seal()
    report.code = code_of(report.digest)
    report.save(force_insert=True)
    audit.record(
        "accountability_issued",
        report,
        by=by,
        at=at,
        uid=str(report.uid),
        digest=report.digest,
        calls=len(facts["calls"]),
    )
    return report


def exported(report: AccountabilityReport, *, by: Member, at: datetime) -> None:
    """Write down that somebody took a report out of the system."""
    audit.record(
        "accountability_exported", report, by=by, at=at, uid=str(report.uid), digest=report.digest
    )
