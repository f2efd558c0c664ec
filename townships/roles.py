"""The names of the roles. What a role may do stands in each app's `rules.py`."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """岗位角色."""

    TOWNSHIP_CLERK = "township_clerk", _("Township clerk")
    TOWNSHIP_HEAD = "township_head", _("Township head")
    GRID_WORKER = "grid_worker", _("Grid worker")
    DEPARTMENT_OFFICER = "department_officer", _("Department officer")
    DEPARTMENT_HEAD = "department_head", _("Department head")
    COUNTY_DESK = "county_desk", _("County desk")
    COUNTY_LEADER = "county_leader", _("County leader")
    ESTABLISHMENT_OFFICER = "establishment_officer", _("Establishment officer")
    CITY_OVERSEER = "city_overseer", _("City overseer")
    SYSTEM_ADMINISTRATOR = "system_administrator", _("System administrator")
    SECURITY_ADMINISTRATOR = "security_administrator", _("Security administrator")
    AUDIT_ADMINISTRATOR = "audit_administrator", _("Audit administrator")


# The kind of unit a post of each role stands in: the name of the field that is filled.
UNIT_OF: dict[Role, str] = {
    Role.TOWNSHIP_CLERK: "township",
    Role.TOWNSHIP_HEAD: "township",
    Role.GRID_WORKER: "township",
    Role.DEPARTMENT_OFFICER: "department",
    Role.DEPARTMENT_HEAD: "department",
    Role.COUNTY_DESK: "county",
    Role.COUNTY_LEADER: "county",
    Role.ESTABLISHMENT_OFFICER: "county",
    Role.CITY_OVERSEER: "city",
    Role.SYSTEM_ADMINISTRATOR: "city",
    Role.SECURITY_ADMINISTRATOR: "city",
    Role.AUDIT_ADMINISTRATOR: "city",
}

# Roles of different classes exclude each other in one person: business, and the three
# administrators (三员分立). Everything not named here is business, 1.
DUTY_CLASS: dict[Role, int] = {
    Role.SYSTEM_ADMINISTRATOR: 2,
    Role.SECURITY_ADMINISTRATOR: 3,
    Role.AUDIT_ADMINISTRATOR: 4,
}
BUSINESS = 1

# Posts of these always need a second person; which others do is data (`GuardedRole`).
GUARDED = frozenset(DUTY_CLASS)
