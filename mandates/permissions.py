from enum import StrEnum


class Permission(StrEnum):
    """What may be done with lists and calls; roles get them in `rules.GRANTS`."""

    LIST_READ = "mandates.list_read"
    LIST_EDIT = "mandates.list_edit"
    LIST_PUBLISH = "mandates.list_publish"  # propose it
    LIST_CONFIRM = "mandates.list_confirm"  # never what oneself has proposed
    LIST_OPINE = "mandates.list_opine"  # for a unit that is asked about a draft
    LIMIT_EDIT = "mandates.limit_edit"
    AMENDMENT_READ = "mandates.amendment_read"  # proposals not yet decided, and their cases
    CLOCK_RECALCULATE = "mandates.clock_recalculate"

    CALL_READ = "mandates.call_read"
    CALL_DRAFT = "mandates.call_draft"
    CALL_APPROVE = "mandates.call_approve"
    CALL_RAISE = "mandates.call_raise"
    CALL_WITHDRAW = "mandates.call_withdraw"
    CALL_SUPPLY = "mandates.call_supply"
    CALL_TAKE_IN = "mandates.call_take_in"
    CALL_RATE = "mandates.call_rate"
    CALL_HANDLE = "mandates.call_handle"
    CALL_DISPATCH = "mandates.call_dispatch"
    CALL_RULE = "mandates.call_rule"
    CALL_JOIN = "mandates.call_join"  # say which departments assist
    CALL_URGE = "mandates.call_urge"
    CALL_ON_SITE = "mandates.call_on_site"  # whistle for departments, and call it off
    CALL_NOTE = "mandates.call_note"
    PERSON_REVEAL = "mandates.person_reveal"  # see who asked for a call, for a reason
    PERSON_SEARCH = "mandates.person_search"  # find all that is kept about a person
    RETENTION_EDIT = "mandates.retention_edit"
    DISPOSAL_PROPOSE = "mandates.disposal_propose"
    DISPOSAL_DECIDE = "mandates.disposal_decide"  # never of what oneself has proposed
    STATISTICS_READ = "mandates.statistics_read"
    ASSESSMENT_EDIT = "mandates.assessment_edit"  # the schemes
    ASSESSMENT_RUN = "mandates.assessment_run"
    ASSESSMENT_APPEAL = "mandates.assessment_appeal"
    ADMISSION_APPLY = "mandates.admission_apply"  # and answer objections
    ADMISSION_OPINE = "mandates.admission_opine"  # for an affected township
    ADMISSION_REVIEW = "mandates.admission_review"  # for the departments a county has named
    ADMISSION_MANAGE = "mandates.admission_manage"
    UNLISTED_RECORD = "mandates.unlisted_record"
    UNLISTED_ANSWER = "mandates.unlisted_answer"  # for the department that asked
    BURDEN_REPORT = "mandates.burden_report"  # what is there already
    BURDEN_PROPOSE = "mandates.burden_propose"  # a new one
    BURDEN_DECIDE = "mandates.burden_decide"
    UNLISTED_DECIDE = "mandates.unlisted_decide"  # refuse a task, or take it all the same
    ACCOUNT_READ = "mandates.account_read"  # accountability reports, and whether one is genuine
    ACCOUNT_ISSUE = "mandates.account_issue"
    POWER_EDIT = "mandates.power_edit"  # the catalogue, drafts of batches, evaluation, taking back
    POWER_APPROVE = "mandates.power_approve"  # never of what oneself has drafted
    POWER_CONFIRM = "mandates.power_confirm"
