"""How the states of calls look: one mapping from state to badge, here alone. `{% load calls %}`."""

from __future__ import annotations

import re
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.templatetags.huying import icon, when
from mandates.models.calls import AssignmentState, CallState, Part

register = template.Library()

# state -> (class after "hy-state--", icon)
CALL_BADGES: dict[str, tuple[str, str]] = {
    CallState.DRAFT: ("off", "edit"),
    CallState.SUBMITTED: ("wait", "user-check"),
    CallState.RAISED: ("wait", "route"),
    CallState.ROUTED: ("take", "inbox"),
    CallState.OBJECTED: ("again", "scale"),
    CallState.HANDLING: ("work", "circle-dot"),
    CallState.ANSWERED: ("rate", "star"),
    CallState.REWORK: ("again", "repeat"),
    CallState.DUPLICATE: ("off", "arrows-exchange"),
    CallState.CLOSED: ("done", "circle-check"),
    CallState.WITHDRAWN: ("off", "arrow-back-up"),
}
ASSIGNMENT_BADGES: dict[str, tuple[str, str]] = {
    AssignmentState.SENT: ("take", "inbox"),
    AssignmentState.ACCEPTED: ("work", "circle-dot"),
    AssignmentState.OBJECTED: ("again", "scale"),
    AssignmentState.ANSWERED: ("done", "check"),
    AssignmentState.RELEASED: ("off", "arrow-back-up"),
}
WAITING_FOR_INFORMATION = ("pause", "player-pause")

# level of a call -> (class, icon); solid red is for supervision alone
LEVELS: dict[str, tuple[str, str]] = {
    "urge": ("", "bell-ringing"),
    "supervise": ("hy-level--2", "alert-octagon"),
    "escalate": ("hy-level--2", "alert-octagon"),
}

STEP_LOOKS: dict[str, tuple[str, str]] = {
    "draft": ("edit", ""),
    "revise": ("edit", ""),
    "attach": ("paperclip", ""),
    "add": ("message", ""),
    "submit": ("speakerphone", ""),
    "send_back_draft": ("arrow-back-up", ""),
    "raise": ("user-check", ""),
    "withdraw": ("arrow-back-up", ""),
    "route": ("route", "move"),
    "hand_over": ("route", "move"),
    "dispatch": ("route", "move"),
    "reassign": ("arrows-exchange", ""),
    "return_to_township": ("arrow-back-up", "move"),
    "accept": ("inbox", "move"),
    "object": ("scale", "move"),
    "uphold": ("scale", "move"),
    "reject": ("scale", "move"),
    "change_lead": ("arrows-exchange", "move"),
    "add_assist": ("users", "move"),
    "remove_assist": ("arrow-back-up", "move"),
    "call_on_site": ("speakerphone", "over"),
    "report_on_site": ("user-check", "move"),
    "call_off": ("arrow-back-up", "move"),
    "reply": ("message", "move"),
    "ask_information": ("player-pause", "pause"),
    "supply_information": ("player-play", "move"),
    "ask_extension": ("hourglass", "pause"),
    "grant_extension": ("hourglass", "pause"),
    "refuse_extension": ("hourglass", "move"),
    "feed_back": ("check", "move"),
    "answer": ("send", "move"),
    "rate": ("star", "move"),
    "send_back": ("repeat", "move"),
    "lapse": ("circle-check", ""),
    "link": ("arrows-exchange", ""),
    "unlink": ("route", "move"),
    "follow": ("circle-check", ""),
    "followed": ("arrows-exchange", ""),
    "split": ("route", "move"),
    "part_ended": ("circle-check", ""),
    "supervise_rating": ("alert-octagon", "over"),
    "appeal_rating": ("scale", "move"),
    "exclude_rating": ("scale", "move"),
    "keep_rating": ("scale", "move"),
    "urge": ("bell-ringing", "over"),
    "warned": ("clock-exclamation", ""),
    "urged": ("bell-ringing", "over"),
    "supervised": ("alert-octagon", "over"),
    "escalated": ("alert-octagon", "over"),
    "recomputed": ("calendar-question", ""),
    "recalculated": ("calendar-question", ""),
    "resumed": ("player-play", "over"),
}


@register.simple_tag
def state_badge(record: Any, waits: bool = False, large: bool = False) -> SafeString:
    """Draw the state of a call or an assignment; ``waits`` while the township is asked."""
    if not hasattr(record, "part"):
        return call_badge(record.state, waits, large)
    label: Any = record.get_state_display()
    if record.state == AssignmentState.ANSWERED and record.part == Part.ASSIST:
        label = _("Opinion given")
    return _badge(record.state, ASSIGNMENT_BADGES[record.state], label, waits, large)


@register.simple_tag
def call_badge(state: str, waits: bool = False, large: bool = False) -> SafeString:
    """Draw the state of a call; ``waits`` while the township is asked for information."""
    return _badge(state, CALL_BADGES[state], CallState(state).label, waits, large)


def _badge(state: str, look: tuple[str, str], label: Any, waits: bool, large: bool) -> SafeString:
    if waits and state in (CallState.HANDLING, CallState.REWORK, AssignmentState.ACCEPTED):
        look, label = WAITING_FOR_INFORMATION, _("Waiting for information")
    css, picture = look
    return format_html(
        '<span class="hy-state hy-state--{}{}">{}{}</span>',
        css,
        " hy-state--lg" if large else "",
        icon(picture),
        label,
    )


@register.simple_tag
def level_mark(level: str, urged_count: int) -> SafeString:
    """Draw who is pressing: urged so many times, or under supervision; — for nobody."""
    if not urged_count and level not in LEVELS:
        return format_html('<span class="hy-meta" aria-label="{}">—</span>', _("None"))
    css, picture = LEVELS.get(level, LEVELS["urge"])
    label = _("Supervised") if css else _("Urged %(n)d×") % {"n": max(1, urged_count)}
    return format_html('<span class="hy-level {}">{}{}</span>', css, icon(picture), label)


@register.filter
def step_icon(move: str) -> str:
    return STEP_LOOKS.get(move, ("circle-dot", ""))[0]


@register.filter
def step_tone(move: str) -> str:
    return STEP_LOOKS.get(move, ("circle-dot", ""))[1]


@register.simple_tag
def step_sentence(step: Any) -> SafeString:
    """Write what comes next as one sentence; who and when stand out, wherever they belong in it."""
    who = pgettext("who has to act", "You") if step.is_me else step.who
    filled = {
        "{who}": format_html("<b>{}</b>", who),
        "{due}": format_html("<b>{}</b>", when(step.due_at, inside=True)) if step.due_at else "",
    }
    pieces = re.split(r"(\{who\}|\{due\})", step.text)
    return format_html_join("", "{}", ((filled.get(piece, piece),) for piece in pieces))
