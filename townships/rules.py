"""Who may do what with units and people, and the one question every app asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import grants
from common.errors import NotAllowed
from common.tenancy import Scope
from townships.models import Post
from townships.permissions import Permission
from townships.roles import UNIT_OF, Role

if TYPE_CHECKING:
    from townships.http import Member

REFERENCE = frozenset(
    {Permission.DIVISION_VIEW, Permission.DEPARTMENT_VIEW, Permission.PLATFORM_VIEW}
)

STAFF = frozenset({Permission.STAFF_VIEW})
HEAD = STAFF | {Permission.STAFF_EDIT}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.TOWNSHIP_CLERK: STAFF,
    Role.TOWNSHIP_HEAD: HEAD,
    Role.DEPARTMENT_OFFICER: STAFF,
    Role.DEPARTMENT_HEAD: HEAD,
    Role.COUNTY_DESK: HEAD,
    Role.ESTABLISHMENT_OFFICER: REFERENCE
    | {
        Permission.CONSOLE_ENTER,
        Permission.DIVISION_EDIT,
        Permission.DEPARTMENT_EDIT,
        # Of systems that work in the county.
        Permission.RECEIVER_VIEW,
        Permission.RECEIVER_EDIT,
    },
    Role.CITY_OVERSEER: REFERENCE | {Permission.CONSOLE_ENTER},
    # Makes accounts, but gives nobody a post.
    Role.SYSTEM_ADMINISTRATOR: REFERENCE
    | {
        Permission.CONSOLE_ENTER,
        Permission.DIVISION_EDIT,
        Permission.DEPARTMENT_EDIT,
        Permission.PLATFORM_EDIT,
        Permission.USER_VIEW,
        Permission.USER_EDIT,
        Permission.POST_VIEW,
        Permission.INVITE,
        Permission.SYSTEM_VIEW,
        Permission.RECEIVER_VIEW,
        Permission.CALENDAR_EDIT,
        Permission.STATE_VIEW,
    },
    # Gives posts, and with them rights, but makes no accounts.
    Role.SECURITY_ADMINISTRATOR: REFERENCE
    | {
        Permission.CONSOLE_ENTER,
        Permission.USER_VIEW,
        Permission.POST_VIEW,
        Permission.POST_EDIT,
        Permission.INVITATION_RELEASE,
        Permission.FACTOR_RESET,
        Permission.SYSTEM_VIEW,
        Permission.SYSTEM_EDIT,
        Permission.RECEIVER_VIEW,
        Permission.RECEIVER_EDIT,
    },
    # Sees what the other two did, and changes nothing.
    Role.AUDIT_ADMINISTRATOR: REFERENCE
    | {
        Permission.CONSOLE_ENTER,
        Permission.USER_VIEW,
        Permission.POST_VIEW,
        Permission.SYSTEM_VIEW,
        Permission.RECEIVER_VIEW,
        Permission.AUDIT_VIEW,
    },
}
for _role, _permissions in GRANTS.items():
    grants.register(_role, _permissions)

READS_ALL = frozenset({Role.CITY_OVERSEER, Role.AUDIT_ADMINISTRATOR})


def may(member: Member | None, permission: str) -> bool:
    """Say whether the post in use grants a permission; nobody may nothing."""
    return member is not None and member.may(permission)


def require(member: Member | None, permission: str) -> None:
    """Raise NotAllowed unless the post in use grants the permission."""
    if not may(member, permission):
        raise NotAllowed


def scope_of(post: Post) -> Scope | None:
    """Return the reach of a post; None for those who have nothing to do with calls.

    Reads the units: fetch the post ``with_units()``, or its county by ``unit_facts``.
    """
    role = Role(post.role)
    kind = UNIT_OF[role]
    if kind == "city":
        return Scope("all") if role in READS_ALL else None
    county = county_of(post)
    if county is None:  # a department of the city has no county to work in
        return None
    townships = (post.township_id,) if post.township_id else ()
    departments = (post.department_id,) if post.department_id else ()
    return Scope(kind, townships=townships, departments=departments, counties=(county,))


def county_of(post: Post) -> int | None:
    """Return the county of a post's unit, if it is in one."""
    county: int | None = post.county_id or post.unit_county
    if county is not None:
        return county
    if post.township is not None:
        county = post.township.county_id
    elif post.department is not None:
        county = post.department.county_id
    return county
