"""Who may do what with lists and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import grants
from mandates.models.clocks import Party
from mandates.models.limits import Audience
from mandates.permissions import Permission as P
from townships.roles import Role

if TYPE_CHECKING:
    from mandates.models import CallNote, Letter
    from townships.http import Member

READ = frozenset({P.LIST_READ, P.CALL_READ, P.STATISTICS_READ})
# A township or department issues reports about its own, the county's posts about the county.
ACCOUNT = frozenset({P.ACCOUNT_READ, P.ACCOUNT_ISSUE})
DEPARTMENT = (
    READ
    | ACCOUNT
    | {
        P.CALL_HANDLE,
        P.CALL_JOIN,
        P.CALL_NOTE,
        P.PERSON_REVEAL,
        P.ADMISSION_APPLY,
        P.ADMISSION_REVIEW,
        P.UNLISTED_ANSWER,
        P.BURDEN_PROPOSE,
    }
)

GRANTS: dict[Role, frozenset[P]] = {
    # Sees only some calls of the township, so that no figure would be right for him.
    Role.GRID_WORKER: READ - {P.STATISTICS_READ} | {P.CALL_DRAFT, P.CALL_NOTE},
    Role.TOWNSHIP_CLERK: READ
    | ACCOUNT
    | {
        P.CALL_DRAFT,
        P.CALL_WITHDRAW,
        P.CALL_SUPPLY,
        P.CALL_ON_SITE,
        P.CALL_RATE,
        P.CALL_NOTE,
        P.PERSON_REVEAL,
        P.ADMISSION_APPLY,
        P.UNLISTED_RECORD,
        P.BURDEN_REPORT,
    },
    Role.TOWNSHIP_HEAD: READ
    | ACCOUNT
    | {
        P.LIST_OPINE,
        P.CALL_DRAFT,
        P.CALL_APPROVE,
        P.CALL_RAISE,
        P.CALL_WITHDRAW,
        P.CALL_SUPPLY,
        P.CALL_RATE,
        P.CALL_ON_SITE,
        P.CALL_URGE,
        P.CALL_NOTE,
        P.PERSON_REVEAL,
        P.ASSESSMENT_APPEAL,
        P.ADMISSION_APPLY,
        P.ADMISSION_OPINE,
        P.UNLISTED_RECORD,
        P.BURDEN_REPORT,
        P.UNLISTED_DECIDE,
        P.POWER_CONFIRM,
    },
    Role.DEPARTMENT_OFFICER: DEPARTMENT,
    Role.DEPARTMENT_HEAD: DEPARTMENT | {P.LIST_OPINE, P.ASSESSMENT_APPEAL},
    Role.COUNTY_DESK: READ
    | ACCOUNT
    | {
        P.CALL_DISPATCH,
        P.CALL_RULE,
        P.CALL_JOIN,
        P.CALL_SUPPLY,
        P.CALL_ON_SITE,
        P.CALL_URGE,
        P.CALL_NOTE,
        P.PERSON_REVEAL,
        P.PERSON_SEARCH,
        P.DISPOSAL_PROPOSE,
        P.CLOCK_RECALCULATE,
        P.ASSESSMENT_RUN,
        # Used by systems alone: a hotline of the county brings what concerns its townships.
        P.CALL_TAKE_IN,
        P.AMENDMENT_READ,
    },
    # A county with a single officer has its leader as the second person.
    Role.COUNTY_LEADER: READ | ACCOUNT | {P.AMENDMENT_READ, P.DISPOSAL_DECIDE, P.LIST_CONFIRM},
    Role.ESTABLISHMENT_OFFICER: READ
    | ACCOUNT
    | {
        P.LIST_EDIT,
        P.LIST_PUBLISH,
        P.LIST_CONFIRM,
        P.LIMIT_EDIT,
        P.RETENTION_EDIT,
        P.CLOCK_RECALCULATE,
        P.ASSESSMENT_EDIT,
        P.AMENDMENT_READ,
        P.ADMISSION_MANAGE,
        P.BURDEN_REPORT,
        P.BURDEN_PROPOSE,
        P.BURDEN_DECIDE,
        P.POWER_EDIT,
        P.POWER_APPROVE,
    },
    Role.CITY_OVERSEER: READ | {P.AMENDMENT_READ, P.ACCOUNT_READ},
    # Whether a report is genuine is asked of whoever audits.
    Role.AUDIT_ADMINISTRATOR: frozenset({P.ACCOUNT_READ}),
}
for _role, _permissions in GRANTS.items():
    grants.register(_role, _permissions)


def is_of_township(member: Member, township_id: int) -> bool:
    return member.township_id == township_id


def is_desk(member: Member, county_id: int) -> bool:
    return member.role == Role.COUNTY_DESK and member.county_id == county_id


def note_unit(member: Member) -> dict[str, object]:
    """Return the columns of a `CallNote` that say whose note it is."""
    return {
        "department_id": member.department_id,
        "is_desk": member.township_id is None and member.department_id is None,
    }


def owns_note(member: Member, note: CallNote) -> bool:
    """Say whether a note was written in the member's own unit."""
    return note_unit(member) == {"department_id": note.department_id, "is_desk": note.is_desk}


def is_told(member: Member, letter: Letter) -> bool:
    """Say whether a letter speaks to the member's unit: addressed to it, or told by the ladder."""
    if member.county_id != letter.county_id:
        return False
    told = letter.facts.get("told", ())
    if member.department_id is not None:
        return member.department_id == letter.department_id
    if member.township_id is not None:
        addressed = letter.party in (Party.TOWNSHIP, Party.TOWNSHIP_HEAD)
        return is_of_township(member, letter.township_id) and (
            addressed or Audience.TOWNSHIP in told
        )
    if member.role == Role.COUNTY_DESK:
        return letter.party == Party.DESK or Audience.DESK in told
    return member.role == Role.COUNTY_LEADER and Audience.LEADER in told
