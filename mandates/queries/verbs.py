"""What was done, in words: of every step of a call, moves or not."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def verbs() -> dict[str, str]:
    """Return what was done, by move."""
    return {
        "draft": _("Draft written"),
        "revise": _("Draft changed"),
        "attach": _("Files added"),
        "add": _("Facts added"),
        "submit": _("Submitted for approval"),
        "send_back_draft": _("Sent back for changes"),
        "raise": _("Approved and raised"),
        "withdraw": _("Withdrawn"),
        "route": pgettext("in the history", "Dispatched"),
        "hand_over": _("Handed to the desk for dispatch"),
        "reassign": _("Handed to a colleague"),
        "dispatch": _("Dispatched by the desk"),
        "return_to_township": _("Returned to the township"),
        "accept": _("Accepted"),
        "object": _("Objected to the dispatch"),
        "uphold": _("Objection upheld, redirected"),
        "reject": _("Objection rejected"),
        "change_lead": _("Lead changed by the desk"),
        "add_assist": _("Assisting departments called in"),
        "remove_assist": _("Assisting department released"),
        "call_on_site": _("Departments called on site"),
        "report_on_site": _("Reported on site"),
        "call_off": _("On-site dispatch called off"),
        "reply": _("Interim answer"),
        "ask_information": _("Asked for information, clocks stopped"),
        "resumed": _("Not supplied by the latest date, clocks run on by themselves"),
        "supply_information": _("Information supplied, clocks run on"),
        "ask_extension": _("Asked for an extension"),
        "grant_extension": _("Extension granted"),
        "refuse_extension": _("Extension refused"),
        "feed_back": _("Assisting opinion given"),
        "answer": _("Answer submitted"),
        "rate": pgettext("in the history", "Rated"),
        "send_back": _("Sent back to be handled again"),
        "lapse": _("Closed without rating"),
        "link": _("Linked as duplicate"),
        "unlink": _("Taken up again"),
        "follow": _("Closed with the call it follows"),
        "followed": _("Another call follows this one"),
        "split": _("A part split off"),
        "part_ended": _("A part has ended"),
        "supervise_rating": _("Supervised: not satisfied after rework"),
        "appeal_rating": _("Appealed against the rating"),
        "exclude_rating": _("Rating excluded from the figures"),
        "keep_rating": _("Appeal rejected, the rating counts"),
        "urge": pgettext("in the history", "Urged"),
        "warned": _("Reminded that it is due soon"),
        "urged": _("Urged at the due time"),
        "supervised": _("Put under supervision"),
        "escalated": _("Reported to the county leader"),
        "recomputed": _("Due time worked out anew"),
        "recalculated": _("Time recalculated by the limits in force"),
    }


def dimensions() -> dict[str, str]:
    """Return what a rating speaks of beside the whole."""
    return {
        "speed": pgettext("what is rated", "Speed"),
        "quality": pgettext("what is rated", "Quality"),
        "attitude": pgettext("what is rated", "Attitude"),
    }
