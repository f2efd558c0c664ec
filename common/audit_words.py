"""What the acts of the audit trail are called, for whoever reads it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

ACTIONS: dict[str, Any] = {
    "sign_in": _("Signed in"),
    "sign_in_failed": _("Sign-in refused"),
    "sign_out": _("Signed out"),
    "password_changed": _("Password changed"),
    "first_password_given": _("First password given"),
    "post_used": _("Changed to another post"),
    "administrator_added": _("Administrator added"),
    "invitation_issued": _("Invitation issued"),
    "invitation_released": _("Invitation released"),
    "invitation_revoked": _("Invitation withdrawn"),
    "invitation_accepted": _("Invitation used"),
    "system_registered": _("System registered"),
    "secret_rotated": _("Secret of a system changed"),
    "secret_replaced": _("Secret of a system replaced before use"),
    "previous_secret_ended": _("Previous secret of a system ended"),
    "receiver_registered": _("Receiver of webhooks registered"),
    "receiver_secret_changed": _("Secret of a receiver changed"),
    "receiver_secret_ended": _("Previous secret of a receiver ended"),
    "receiver_started": _("Receiver started again"),
    "receiver_stopped": _("Receiver stopped"),
    "receiver_tested": _("Receiver tested"),
    "receiver_set_back": _("Receiver told again from a time on"),
    "dead_letters_replayed": _("Dead letters sent again"),
    "console_added": _("Record added"),
    "console_changed": _("Record changed"),
    "console_deleted": _("Record deleted"),
    "divisions_loaded": _("Divisions loaded"),
    "departments_loaded": _("Departments loaded"),
    "department_merged": _("Department merged"),
    "limits_loaded": _("Limits loaded"),
    "limits_replaced": _("Limits replaced by a file"),
    "calendar_loaded": _("Calendar year loaded"),
    "list_draft_opened": _("Draft of a list opened"),
    "list_draft_discarded": _("Draft of a list deleted"),
    "list_loaded": _("List read from a file"),
    "list_published": _("List published"),
    "standard_answer_saved": _("Standard answer saved"),
    "standard_answer_deleted": _("Standard answer deleted"),
    "duty_set": _("Duty roster: person put on"),
    "duty_removed": _("Duty roster: person taken off"),
    "duty_copied": _("Duty roster: week copied"),
    "absence_written": _("Absence written down"),
    "absence_ended": _("Absence ended"),
    "work_handed_over": _("Work handed over"),
    "mobile_number_kept": _("Own mobile number kept"),
    "mobile_number_removed": _("Own mobile number removed"),
    "messages_retried": _("Messages tried again"),
    "messages_discarded": _("Messages discarded"),
    "scenario_kept": _("Scenario of a replay kept"),
    "scenario_deleted": _("Scenario of a replay deleted"),
    "replay_asked": _("Replay asked for"),
    "rating_excluded": _("Rating excluded from the figures"),
    "call_sheet_exported": _("Sheet of a call taken as PDF"),
    "job_requested": _("Long work asked for"),
    "job_cancelled": _("Long work cancelled"),
    "job_result_taken": _("Result of long work fetched"),
    "list_exported": _("List exported"),
    "audit_exported": _("Audit trail exported"),
    "demo_people_made": _("People of the demonstration made"),
}


FACTS: dict[str, Any] = {
    "ip": _("network address"),
    "username": _("user name"),
    "created": _("made (count)"),
    "made": _("made (count)"),
    "kept": _("kept as they were"),
    "ended": _("ended (count)"),
    "moved": _("moved (count)"),
    "recoded": _("given another code"),
    "renamed": _("renamed (count)"),
    "corrected": _("corrected (count)"),
    "days": _("days (count)"),
    "document": _("document"),
    "document_no": _("document number"),
    "published": _("published"),
    "entries": _("matters (count)"),
    "copied": _("copied from version"),
    "valid_from": _("valid from"),
    "valid_to": _("valid until"),
    "scopes": _("what it may do"),
    "rows": _("rows (count)"),
    "asked": _("asked for"),
    "week": _("week from"),
    "calls": _("calls (count)"),
    "person": _("person"),
    "deputy": _("deputy"),
    "taker": _("taken over by"),
    "phone": _("phone"),
    "needs_release": _("needs release"),
    "role": _("role"),
    "unit": _("unit"),
    "what": _("kind"),
    "name": _("name"),
    "sha256": _("checksum"),
    "into": _("merged into"),
    "on": _("on the day"),
    "begins": _("from the day"),
    "ends": _("to the day"),
    "revision": _("revision"),
    "list": _("list"),
    "replays": _("results (count)"),
    "changes": _("changes"),
}


def fact_label(name: str) -> str:
    """Name a detail of a row; what has no name yet is shown by its code."""
    return str(FACTS.get(name, name))


def action_label(action: str) -> str:
    """Name an act; what has no name yet is shown by its code."""
    return str(ACTIONS.get(action, action))
