from townships.models.areas import (
    City,
    County,
    DevelopedTown,
    Division,
    DivisionCode,
    DivisionLoad,
    DivisionName,
    DivisionParent,
    Level,
    Relation,
    Township,
)
from townships.models.departments import Department, DepartmentKind
from townships.models.doors import Attempt, Door, HowEnded, SignIn
from townships.models.duty import Absence, Duty, Shift
from townships.models.factors import Authenticator, FactorChange
from townships.models.granting import GrantDecision, GrantKind, GuardedRole, PostGrant
from townships.models.invitations import Invitation
from townships.models.people import Post, SystemAccount, TypeSize, User
from townships.models.platforms import Platform
from townships.models.receivers import DeadLetter, Delivery, Receiver

__all__ = [
    "Attempt",
    "Authenticator",
    "Door",
    "GrantDecision",
    "GrantKind",
    "GuardedRole",
    "HowEnded",
    "PostGrant",
    "SignIn",
    "Absence",
    "City",
    "County",
    "DeadLetter",
    "Delivery",
    "Department",
    "DepartmentKind",
    "DevelopedTown",
    "Division",
    "DivisionCode",
    "DivisionLoad",
    "DivisionName",
    "DivisionParent",
    "Duty",
    "FactorChange",
    "Invitation",
    "Level",
    "Platform",
    "Post",
    "Receiver",
    "Relation",
    "Shift",
    "SystemAccount",
    "Township",
    "TypeSize",
    "User",
]
