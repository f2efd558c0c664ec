"""What a notice says, by kind, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from common import display
from common.models import Notice
from mandates.models import ClockKind
from mandates.operations.admission_notices import AUDIENCES as ADMISSION_AUDIENCES
from mandates.operations.admission_notices import PREFIX
from mandates.operations.assessment_notices import MOVES
from mandates.operations.assessment_notices import PREFIX as ASSESSMENTS
from mandates.operations.burdens import PREFIX as BURDEN
from mandates.operations.burdens import TOLD
from mandates.operations.digest import DIGEST
from mandates.operations.digest import MOST as DIGEST_MOST
from mandates.operations.review_notices import MOVES as REVIEW_MOVES
from mandates.operations.review_notices import PREFIX as REVIEWS
from mandates.operations.review_notices import PROPOSALS, PUBLICATION_MOVES, PUBLICATIONS
from mandates.operations.telling import POWERS
from mandates.operations.unlisted import PREFIX as UNLISTED
from mandates.operations.unlisted import TELLS
from mandates.templatetags.calls import step_icon, step_tone


def _sentences() -> dict[str, str]:
    return {
        "submit": _("%(unit)s submitted a call for your approval"),
        "add": _("%(unit)s added to the call"),
        "send_back_draft": _("Your call was sent back for changes"),
        "raise": _("A call on no list waits for dispatch"),
        "hand_over": _("The department of this call no longer exists; please dispatch it"),
        "route": _("Dispatched by the list"),
        "dispatch": _("Dispatched by the desk"),
        "return_to_township": _("The desk returned the call to the township"),
        "withdraw": _("%(unit)s withdrew the call"),
        "accept": _("%(unit)s accepted the call"),
        "object": _("%(unit)s objected to the dispatch"),
        "uphold": _("The objection was upheld, and the call redirected"),
        "reject": _("Your objection was rejected"),
        "change_lead": _("The desk gave the lead to another department"),
        "add_assist": _("%(unit)s called in assisting departments"),
        "remove_assist": _("%(unit)s released an assisting department"),
        "call_on_site": _("%(unit)s calls departments on site"),
        "report_on_site": _("%(unit)s reported on site"),
        "call_off": _("%(unit)s called the on-site dispatch off"),
        "reply": _("%(unit)s gave an interim answer"),
        "ask_information": _("%(unit)s asks for missing information"),
        "supply_information": _("%(unit)s supplied the missing information"),
        "resumed": _("The missing information did not come; the clocks run on by themselves"),
        "ask_extension": _("%(unit)s asks for an extension"),
        "grant_extension": _("The extension was granted"),
        "refuse_extension": _("The extension was refused"),
        "feed_back": _("%(unit)s gave its assisting opinion"),
        "answer": _("%(unit)s answered; please rate"),
        "rate": _("%(unit)s rated, and the call is closed"),
        "send_back": _("%(unit)s is not satisfied: please handle it again"),
        "lapse": _("Closed without rating"),
        "link": _("%(unit)s linked the call to another that says the same"),
        "unlink": _("%(unit)s took the call up again"),
        "follow": _("Closed with the call it follows"),
        "followed": _("Another call was linked to this one"),
        "split": _("%(unit)s split off a part of the call"),
        "part_ended": _("A part of the call has ended"),
        "supervise_rating": _("Not satisfied after rework: the call is under supervision"),
        "appeal_rating": _("%(unit)s appeals against the rating"),
        "exclude_rating": _("The rating was excluded from the figures"),
        "keep_rating": _("The appeal was rejected: the rating counts"),
        "urge": _("%(unit)s urges you"),
        "warned": _("Due soon: %(clock)s"),
        "urged": _("Overdue and urged: %(clock)s"),
        "supervised": _("Overdue and put under supervision: %(clock)s"),
        "escalated": _("Overdue and reported to the county leader: %(clock)s"),
        "mention": _("A colleague named you in an internal note"),
        "reassign": _("A colleague's work was handed to you"),
        "recomputed": _("A due date was worked out anew"),
        "recalculated": _("A due date was recalculated by the limits in force"),
        "admission_submit": _("%(unit)s applies for a duty to be admitted"),
        "admission_accept": _("An application for a duty asks for opinions"),
        "admission_send_back": _("The application for a duty was returned for completion"),
        "admission_refuse": _("The application for a duty was refused at the formal check"),
        "admission_give_opinion": _("%(unit)s gave its opinion on a duty to be admitted"),
        "admission_answer_objection": _("%(unit)s answered an objection to a duty"),
        "admission_stay_silent": _("No opinion on a duty came in time: recorded as silence"),
        "admission_close_opinions": _("The opinions on a duty are complete"),
        "admission_find_lawful": _("A duty has passed the legality review"),
        "admission_find_unlawful": _("A duty has not passed the legality review"),
        "admission_assess": _("%(unit)s said what it finds of the resources for a duty"),
        "admission_close_resources": _("A duty goes before the joint meeting"),
        "admission_send_to_meeting": _("A duty goes before the joint meeting"),
        "admission_return_package": _("An application was returned: resources are lacking"),
        "admission_hold_meeting": _("The joint meeting has spoken about a duty"),
        "admission_approve": _("The admission of a duty was approved"),
        "admission_reject": _("The admission of a duty was not approved"),
        "admission_publish": _("An admitted duty was published with the list"),
        "admission_evaluate": _("An admitted duty was evaluated"),
        "admission_withdraw": _("%(unit)s withdrew its application for a duty"),
        "unlisted_refuse": _("%(unit)s refused a task that is on no list"),
        "unlisted_take": _("%(unit)s took a task that is on no list all the same"),
        "unlisted_find_listed": _("%(unit)s found a task on the list after all"),
        "unlisted_point_at": _("%(unit)s says that a task goes through admission"),
        "unlisted_drop": _("%(unit)s took back a task that is on no list"),
        "assessment_opened": _("The scores of your unit can be looked at, and appealed against"),
        "assessment_appealed": _("%(unit)s appeals against an assessment"),
        "assessment_decided": _("The appeal of your unit against an assessment is decided"),
        "assessment_published": _("An assessment was published"),
        "burden_report": _("%(unit)s reports a burden of townships that nobody had registered"),
        "burden_propose": _("%(unit)s proposes a new burden of townships"),
        "burden_approve": _("A burden of townships was approved"),
        "burden_keep": _("A burden of townships was reviewed and kept"),
        "burden_merge": _("A burden of townships was merged into another"),
        "burden_cancel": _("A burden of townships was cancelled"),
        "burden_refuse": _("A burden of townships was refused"),
        "review_asked": _("Your unit is asked for its opinion on a draft of a list"),
        "review_said": _("%(unit)s agrees to a draft of a list"),
        "review_objected": _("%(unit)s objects to a draft of a list; please answer"),
        "review_commented": _("%(unit)s comments on a line of a draft"),
        "review_answered": _("The objection of your unit to a draft was answered"),
        "proposal_opened": _("A proposal to amend the list waits for your decision"),
        "publication_waits": _("A version of a list waits for your confirmation as second person"),
        "publication_confirmed": _("The version of a list that you proposed is published"),
        "publication_refused": _("The version of a list that you proposed was refused"),
        "admission_overdue": _("The limit of a step of a duty admission has passed"),
        "power_confirm": _("Powers wait for the confirmation of your township"),
        "power_taken_back": _("A power of your township is taken back"),
        "power_swapped": _("The county has decided on your swap of powers"),
    }


# What is told of other records than calls.
OTHERS = (
    *(f"{PREFIX}{move}" for move in ADMISSION_AUDIENCES),
    *(f"{UNLISTED}{move}" for move in TELLS),
    *(f"{ASSESSMENTS}{move}" for move in MOVES),
    *(f"{BURDEN}{move}" for move in TOLD),
    *(f"{REVIEWS}{move}" for move in REVIEW_MOVES),
    f"{PROPOSALS}opened",
    *(f"{PUBLICATIONS}{move}" for move in PUBLICATION_MOVES),
    *sorted(POWERS),
)
PAGES = {
    PREFIX: "admission-detail",
    UNLISTED: "unlisted-detail",
    ASSESSMENTS: "assessment-detail",
    BURDEN: "burden-detail",
    REVIEWS: "draft-review",
    PROPOSALS: "proposal-detail",
    PUBLICATIONS: "publication-detail",
    "power_": "powerbatch-detail",
}


def address(notice: Notice) -> str:
    """Return where a notice leads."""
    if notice.kind == DIGEST:
        return reverse("mandates:my-work")
    own = (page for prefix, page in PAGES.items() if notice.kind.startswith(prefix))
    page = next(own, "call-detail")
    return reverse(f"mandates:{page}", args=[notice.about])


def text(notice: Notice, *, at: datetime) -> str:
    """Say what happened, in one sentence; the due instant stands where there is one."""
    facts = notice.facts
    kind = facts.get("clock", "")
    clock = str(ClockKind(kind).label) if kind in ClockKind.values else ""
    words = {"unit": facts.get("unit") or _("System"), "clock": clock}
    if notice.kind == DIGEST:
        return _digest_text(facts)
    said = _sentences().get(notice.kind, notice.kind) % words
    if absent := facts.get("instead_of"):
        said = _("%(text)s (you stand in for %(name)s)") % {"text": said, "name": absent}
    due = facts.get("due")
    if not due:
        return said
    when = display.moment_text(datetime.fromisoformat(due), now=at, inside=True)
    return _("%(text)s (due %(at)s)") % {"text": said, "at": when}


def _digest_text(facts: Mapping[str, Any]) -> str:
    """Say what a day begins with, unit by unit."""
    colon = pgettext("between a label and its error", ": ")
    lines = [
        f"{one['unit']}{colon}"
        + _("%(open)s open, %(soon)s due by tomorrow, %(new)s new") % {
            name: f"{DIGEST_MOST - 1}+" if one[name] >= DIGEST_MOST else one[name]
            for name in ("open", "soon", "new")
        }
        for one in facts.get("posts", ())
    ]  # fmt: skip
    return _("Your day") + colon + display.list_text(lines)


def icon(notice: Notice) -> str:
    if notice.kind == DIGEST:
        return "calendar-event"
    if notice.kind.startswith(tuple(PAGES)):
        return "file-certificate"
    return step_icon(notice.kind)


def tone(notice: Notice) -> str:
    """Return the colour class of a notice: time presses, or it does not."""
    if notice.kind == "warned":
        return "warn"
    return "over" if step_tone(notice.kind) == "over" else ""


def mail(told: Sequence[Notice], at: datetime) -> tuple[str, str]:
    """Write one e-mail of some notices: what happened, and the call's number.

    No title and no text of a call: mail passes machines that are not ours.
    """
    subject = ngettext("Huying: %(n)d notice", "Huying: %(n)d notices", len(told)) % {
        "n": len(told)
    }
    colon = pgettext("between a label and its error", ": ")
    lines = []
    for notice in told:
        number = notice.facts.get("number", "")
        said = text(notice, at=at)
        lines.append(f"- {number}{colon if number else ''}{said}")
    where = f"{settings.SITE_URL}{reverse('mandates:notice-list')}" if settings.SITE_URL else ""
    lines += ["", _("Open your notices: %(where)s") % {"where": where}] if where else []
    lines += ["", _("Which notices come by e-mail, you set yourself under “Notices, settings”.")]
    return subject, "\n".join(lines)


def short(told: Sequence[Notice], at: datetime) -> tuple[str, str]:
    """Write one text message of some notices, no longer than the gateway takes."""
    first = next((one for one in told if tone(one) == "over"), told[0])
    number = first.facts.get("number", "")
    said = f"{number} {text(first, at=at)}".strip()
    if len(told) > 1:
        more = ngettext("and %(n)d more", "and %(n)d more", len(told) - 1) % {"n": len(told) - 1}
        said = _("%(first)s; %(more)s") % {"first": said, "more": more}
    whole = _("Huying: %(text)s") % {"text": said}
    longest = settings.SMS_LENGTH
    return "", whole if len(whole) <= longest else f"{whole[: longest - 1]}…"
