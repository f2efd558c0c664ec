from townships.models.areas import (
    City,
    County,
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
from townships.models.people import Post, SystemAccount, TypeSize, User
from townships.models.platforms import Platform

__all__ = [
    "City",
    "County",
    "Department",
    "DepartmentKind",
    "Division",
    "DivisionCode",
    "DivisionLoad",
    "DivisionName",
    "DivisionParent",
    "Level",
    "Platform",
    "Post",
    "Relation",
    "SystemAccount",
    "Township",
    "TypeSize",
    "User",
]
