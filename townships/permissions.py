"""What may be done with units and people. Granted to roles in `rules.py`."""

from enum import StrEnum


class Permission(StrEnum):
    CONSOLE_ENTER = "common.enter_console"
    DIVISION_VIEW = "townships.view_divisions"
    DIVISION_EDIT = "townships.edit_divisions"
    DEPARTMENT_VIEW = "townships.view_departments"
    DEPARTMENT_EDIT = "townships.edit_departments"
    PLATFORM_VIEW = "townships.view_platforms"
    PLATFORM_EDIT = "townships.edit_platforms"
    USER_VIEW = "townships.view_users"
    USER_EDIT = "townships.edit_users"
    POST_VIEW = "townships.view_posts"
    POST_EDIT = "townships.edit_posts"
    INVITE = "townships.invite"
    FACTOR_RESET = "townships.reset_factor"
    INVITATION_RELEASE = "townships.release_invitation"
    STAFF_VIEW = "townships.view_staff"
    STAFF_EDIT = "townships.edit_staff"
    SYSTEM_VIEW = "townships.view_systems"
    SYSTEM_EDIT = "townships.edit_systems"
    RECEIVER_VIEW = "townships.view_receivers"
    RECEIVER_EDIT = "townships.edit_receivers"
    AUDIT_VIEW = "common.view_audit"
    STATE_VIEW = "common.view_state"
    CALENDAR_EDIT = "common.edit_calendar"
