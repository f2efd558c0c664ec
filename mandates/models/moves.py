"""The whole life of a call and of its assignments, as one table.

Operations, buttons, the API's ``available_moves``, the OpenAPI description and the tests of the
graph read it; nothing else says what may follow what.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from common.workflow import Move, table
from mandates.models.calls import ENDED
from mandates.models.calls import AssignmentState as A
from mandates.models.calls import CallState as C
from mandates.models.clocks import Party
from mandates.models.limits import ClockKind as K
from mandates.models.limits import Level
from mandates.permissions import Permission as P

# What a mover is to a call.
TOWNSHIP: Final = "township"  # of the calling township
DESK: Final = "desk"  # of the county's desk
LEAD: Final = "lead"  # of the lead department, for its own assignment
ASSIST: Final = "assist"  # of an assisting department, for its own assignment
ASSIGNED: Final = "assigned"  # of either, for its own assignment
TOWNSHIP_OR_DESK: Final = "township_or_desk"
LEAD_OR_DESK: Final = "lead_or_desk"  # of the lead department, or of the desk, for the whole call
SYSTEM: Final = "system"

CALL: Final = "call"
ASSIGNMENT: Final = "assignment"


def _of(*states: str) -> frozenset[str]:
    return frozenset(str(state) for state in states)


OPEN_WITH_DEPARTMENT = _of(C.ROUTED, C.OBJECTED, C.HANDLING, C.REWORK)
# What a department's own time is: it falls away with its part.
OF_A_PART = (K.ACCEPT, K.OBJECT, K.FIRST_REPLY, K.CLOSE)

MOVES: dict[str, Move] = table(
    [
        # --- in the township ---------------------------------------------------------------
        Move(
            "submit",
            _("Submit for approval"),
            CALL,
            _of(C.DRAFT),
            C.SUBMITTED,
            P.CALL_DRAFT,
            TOWNSHIP,
            takes=("note",),
            starts=(K.APPROVE,),
        ),
        Move(
            "send_back_draft",
            _("Send back for changes"),
            CALL,
            _of(C.SUBMITTED),
            C.DRAFT,
            P.CALL_APPROVE,
            TOWNSHIP,
            needs=("note",),
            ends=(K.APPROVE,),
        ),
        Move(
            "raise",
            _("Raise the call"),
            CALL,
            _of(C.DRAFT, C.SUBMITTED),
            C.RAISED,
            P.CALL_RAISE,
            TOWNSHIP,
            takes=("note",),
            meets=(K.APPROVE,),
            starts=(K.CASE, K.ROUTE, K.DISPATCH),
        ),
        Move(
            "withdraw",
            _("Withdraw"),
            CALL,
            _of(C.DRAFT, C.SUBMITTED, C.RAISED, C.ROUTED),
            C.WITHDRAWN,
            P.CALL_WITHDRAW,
            TOWNSHIP,
            needs=("note",),
            ends=tuple(K.values),
            is_final=True,
        ),
        # --- dispatch ----------------------------------------------------------------------
        Move(
            "route",
            _("Dispatch by the list"),
            CALL,
            _of(C.RAISED),
            C.ROUTED,
            "",
            SYSTEM,
            meets=(K.ROUTE,),
            starts=(K.ACCEPT, K.OBJECT, K.FIRST_REPLY, K.CLOSE),
        ),
        Move(
            "hand_over",
            _("To the desk"),
            CALL,
            _of(C.RAISED),
            None,
            "",
            SYSTEM,
            meets=(K.ROUTE,),
            starts=(K.DISPATCH,),
        ),
        Move(
            "dispatch",
            _("Dispatch by hand"),
            CALL,
            _of(C.RAISED),
            C.ROUTED,
            P.CALL_DISPATCH,
            DESK,
            needs=("lead", "note"),
            takes=("assists",),
            meets=(K.DISPATCH, K.ROUTE),
            starts=(K.ACCEPT, K.OBJECT, K.FIRST_REPLY, K.CLOSE),
        ),
        Move(
            "return_to_township",
            _("Return to the township"),
            CALL,
            _of(C.RAISED),
            C.DRAFT,
            P.CALL_DISPATCH,
            DESK,
            needs=("note",),
            ends=(K.CASE, K.DISPATCH, K.ROUTE),
        ),
        # --- the departments ---------------------------------------------------------------
        Move(
            "accept",
            _("Accept"),
            ASSIGNMENT,
            _of(A.SENT),
            A.ACCEPTED,
            P.CALL_HANDLE,
            ASSIGNED,
            takes=("note",),
            meets=(K.ACCEPT,),
            ends=(K.OBJECT,),
            root_to=C.HANDLING,
        ),
        Move(
            "object",
            _("Object to the dispatch"),
            ASSIGNMENT,
            _of(A.SENT),
            A.OBJECTED,
            P.CALL_HANDLE,
            ASSIGNED,
            needs=("note",),
            takes=("entry", "law", "article", "proposed"),
            starts=(K.RULING,),
            ends=(K.OBJECT,),
            root_to=C.OBJECTED,
        ),
        Move(
            "uphold",
            _("Uphold and redirect"),
            ASSIGNMENT,
            _of(A.OBJECTED),
            A.RELEASED,
            P.CALL_RULE,
            DESK,
            needs=("assignment", "note"),
            takes=("lead",),
            meets=(K.RULING,),
            ends=(K.ACCEPT, K.FIRST_REPLY, K.CLOSE, K.REPORT),
            # No window for an objection: a ruling binds the department it names.
            starts=(K.ACCEPT, K.FIRST_REPLY, K.CLOSE),
            root_to=C.ROUTED,
        ),
        Move(
            "reject",
            _("Reject the objection"),
            ASSIGNMENT,
            _of(A.OBJECTED),
            A.SENT,
            P.CALL_RULE,
            DESK,
            needs=("assignment", "note"),
            meets=(K.RULING,),
            root_to=C.ROUTED,
        ),
        Move(
            "reply",
            _("Interim answer"),
            ASSIGNMENT,
            _of(A.ACCEPTED),
            None,
            P.CALL_HANDLE,
            ASSIGNED,
            needs=("note",),
            meets=(K.FIRST_REPLY,),
        ),
        Move(
            "ask_information",
            _("Ask for missing information"),
            ASSIGNMENT,
            _of(A.ACCEPTED),
            None,
            P.CALL_HANDLE,
            LEAD,
            needs=("note",),
            starts=(K.SUPPLY,),
        ),
        Move(
            "supply_information",
            _("Supply information"),
            CALL,
            _of(C.HANDLING, C.REWORK),
            None,
            P.CALL_SUPPLY,
            TOWNSHIP,
            needs=("note",),
            meets=(K.SUPPLY,),
        ),
        Move(
            "ask_extension",
            _("Ask for an extension"),
            ASSIGNMENT,
            _of(A.ACCEPTED),
            None,
            P.CALL_HANDLE,
            LEAD,
            needs=("amount", "note"),
            starts=(K.EXTENSION,),
        ),
        Move(
            "grant_extension",
            _("Grant the extension"),
            CALL,
            _of(C.HANDLING, C.REWORK),
            None,
            P.CALL_SUPPLY,
            TOWNSHIP_OR_DESK,
            takes=("note",),
            meets=(K.EXTENSION,),
        ),
        Move(
            "refuse_extension",
            _("Refuse the extension"),
            CALL,
            _of(C.HANDLING, C.REWORK),
            None,
            P.CALL_SUPPLY,
            TOWNSHIP_OR_DESK,
            needs=("note",),
            meets=(K.EXTENSION,),
        ),
        Move(
            "feed_back",
            _("Give assisting opinion"),
            ASSIGNMENT,
            _of(A.ACCEPTED),
            A.ANSWERED,
            P.CALL_HANDLE,
            ASSIST,
            needs=("note",),
            meets=(K.FIRST_REPLY, K.CLOSE),
        ),
        Move(
            "answer",
            _("Submit answer"),
            ASSIGNMENT,
            _of(A.ACCEPTED),
            A.ANSWERED,
            P.CALL_HANDLE,
            LEAD,
            needs=("note",),
            takes=("override",),
            meets=(K.FIRST_REPLY, K.CLOSE, K.REWORK, K.CASE),
            ends=(K.EXTENSION, K.SUPPLY),
            starts=(K.RATE,),
            root_to=C.ANSWERED,
        ),
        # --- several departments ---------------------------------------------------------------
        Move(
            "change_lead",
            _("Change the lead"),
            ASSIGNMENT,
            _of(A.SENT, A.ACCEPTED),
            A.RELEASED,
            P.CALL_DISPATCH,
            DESK,
            needs=("lead", "note"),
            takes=("wrong",),
            ends=(*OF_A_PART, K.REWORK, K.EXTENSION, K.REPORT),
            starts=OF_A_PART,
            root_to=C.ROUTED,
        ),
        Move(
            "add_assist",
            _("Call in an assisting department"),
            CALL,
            _of(C.ROUTED, C.HANDLING, C.REWORK),
            None,
            P.CALL_JOIN,
            LEAD_OR_DESK,
            needs=("assists", "note"),
            takes=("duty",),
            starts=OF_A_PART,
        ),
        Move(
            "remove_assist",
            _("Release an assisting department"),
            ASSIGNMENT,
            _of(A.SENT, A.ACCEPTED),
            A.RELEASED,
            P.CALL_JOIN,
            LEAD_OR_DESK,
            needs=("assignment", "note"),
            ends=(*OF_A_PART, K.REPORT),
        ),
        Move(
            "resumed",
            _("Clocks run on by themselves"),
            CALL,
            _of(C.HANDLING, C.REWORK),
            None,
            "",
            SYSTEM,
            ends=(K.SUPPLY,),
        ),
        # --- joint on-site dispatch (吹哨报到): no state changes ----------------------------------
        Move(
            "call_on_site",
            _("Call departments on site"),
            CALL,
            OPEN_WITH_DEPARTMENT,
            None,
            P.CALL_ON_SITE,
            TOWNSHIP_OR_DESK,
            needs=("place", "note"),
            takes=("departments",),
            starts=(K.REPORT,),
        ),
        Move(
            "report_on_site",
            _("Report on site"),
            ASSIGNMENT,
            _of(A.SENT, A.ACCEPTED, A.OBJECTED),
            None,
            P.CALL_HANDLE,
            ASSIGNED,
            needs=("people",),
            takes=("arrived_at", "note"),
            meets=(K.REPORT,),
        ),
        Move(
            "call_off",
            _("Call the on-site dispatch off"),
            CALL,
            OPEN_WITH_DEPARTMENT,
            None,
            P.CALL_ON_SITE,
            TOWNSHIP_OR_DESK,
            needs=("note",),
            ends=(K.REPORT,),
        ),
        # --- the township judges -------------------------------------------------------------
        Move(
            "rate",
            _("Rate and close"),
            CALL,
            _of(C.ANSWERED),
            C.CLOSED,
            P.CALL_RATE,
            TOWNSHIP,
            needs=("rating",),
            takes=("speed", "quality", "attitude", "note"),
            meets=(K.RATE,),
            is_final=True,
        ),
        # What an unsatisfied first rating is: `rate` becomes this move then.
        Move(
            "send_back",
            _("Have it handled again"),
            CALL,
            _of(C.ANSWERED),
            C.REWORK,
            P.CALL_RATE,
            TOWNSHIP,
            needs=("note",),
            takes=("speed", "quality", "attitude"),
            meets=(K.RATE,),
            starts=(K.REWORK,),
        ),
        Move(
            "lapse",
            _("Closed without rating"),
            CALL,
            _of(C.ANSWERED),
            C.CLOSED,
            "",
            SYSTEM,
            ends=(K.RATE,),
            is_final=True,
        ),
        # --- one matter called twice -----------------------------------------------------------
        Move(
            "link",
            _("Link as duplicate"),
            CALL,
            _of(C.RAISED, C.ROUTED, C.OBJECTED, C.HANDLING),
            C.DUPLICATE,
            P.CALL_SUPPLY,
            TOWNSHIP_OR_DESK,
            needs=("original", "note"),
            ends=tuple(K.values),
        ),
        Move(
            "unlink",
            _("Take up again"),
            CALL,
            _of(C.DUPLICATE),
            C.RAISED,
            P.CALL_SUPPLY,
            TOWNSHIP_OR_DESK,
            needs=("note",),
            starts=(K.CASE, K.ROUTE, K.DISPATCH),
        ),
        Move(
            "follow",
            _("Closed with the call it follows"),
            CALL,
            _of(C.DUPLICATE),
            C.CLOSED,
            "",
            SYSTEM,
            is_final=True,
        ),
        # --- separate matters in one call ------------------------------------------------------
        Move(
            "split",
            _("Split off a part"),
            CALL,
            _of(C.RAISED, C.ROUTED, C.OBJECTED, C.HANDLING, C.REWORK),
            None,
            P.CALL_SUPPLY,
            TOWNSHIP_OR_DESK,
            needs=("title", "note"),
            takes=("entry", "unlisted_reason"),
        ),
        Move(
            "part_ended",
            _("A part has ended"),
            CALL,
            _of(*(state for state in C if state not in ENDED)),
            None,
            "",
            SYSTEM,
        ),
        # The second rating is final: not satisfied again, the call is closed and supervised.
        Move(
            "supervise_rating",
            _("Supervised: not satisfied after rework"),
            CALL,
            _of(C.CLOSED),
            None,
            "",
            SYSTEM,
        ),
        # --- the department appeals, the desk decides: the rating itself is never changed --------
        Move(
            "appeal_rating",
            _("Appeal against the rating"),
            CALL,
            _of(C.CLOSED),
            None,
            P.CALL_HANDLE,
            LEAD,
            needs=("note",),
        ),
        Move(
            "exclude_rating",
            _("Exclude the rating from the figures"),
            CALL,
            _of(C.CLOSED),
            None,
            P.CALL_RULE,
            DESK,
            needs=("note", "evidence"),
        ),
        Move(
            "keep_rating",
            _("Let the rating count"),
            CALL,
            _of(C.CLOSED),
            None,
            P.CALL_RULE,
            DESK,
            needs=("note",),
        ),
        # --- pressure: no state changes ---------------------------------------------------------
        Move(
            "urge",
            _("Urge"),
            CALL,
            OPEN_WITH_DEPARTMENT,
            None,
            P.CALL_URGE,
            TOWNSHIP_OR_DESK,
            takes=("note",),
        ),
        Move("warned", _("Warned"), CALL, _of(*C.values), None, "", SYSTEM),
        Move("urged", _("Urged at the due time"), CALL, _of(*C.values), None, "", SYSTEM),
        Move("supervised", _("Put under supervision"), CALL, _of(*C.values), None, "", SYSTEM),
        Move(
            "escalated", _("Reported to the county leader"), CALL, _of(*C.values), None, "", SYSTEM
        ),
        Move("recomputed", _("Due time worked out anew"), CALL, _of(*C.values), None, "", SYSTEM),
        Move(
            "recalculated",
            _("Time recalculated by the limits in force"),
            CALL,
            _of(*C.values),
            None,
            "",
            SYSTEM,
        ),
    ]
)

# Who has to act in each open state, and which clock runs against them. Drafts have neither.
RESPONSIBLE: dict[str, tuple[str, tuple[str, ...]]] = {
    C.SUBMITTED: (Party.TOWNSHIP_HEAD, (K.APPROVE,)),
    C.RAISED: (Party.DESK, (K.ROUTE, K.DISPATCH)),
    C.ROUTED: (Party.DEPARTMENT, (K.ACCEPT,)),
    C.OBJECTED: (Party.DESK, (K.RULING,)),
    C.HANDLING: (Party.DEPARTMENT, (K.FIRST_REPLY, K.CLOSE)),
    C.ANSWERED: (Party.TOWNSHIP, (K.RATE,)),
    C.REWORK: (Party.DEPARTMENT, (K.REWORK,)),
}

# Clocks that stand still while the township is asked for missing information.
PAUSED_BY_QUESTION = (K.CASE, K.FIRST_REPLY, K.CLOSE, K.REWORK)

# Clocks the ladder of urging speaks of. The case clock is the township's own view of the same
# time, the objection window is a right and no duty.
WITHOUT_LADDER = (K.CASE, K.OBJECT)

PARTY_OF_KIND: dict[str, str] = {
    K.APPROVE: Party.TOWNSHIP_HEAD,
    K.ROUTE: Party.DESK,
    K.DISPATCH: Party.DESK,
    K.CASE: Party.DESK,
    K.RULING: Party.DESK,
    K.SUPPLY: Party.TOWNSHIP,
    K.EXTENSION: Party.TOWNSHIP,
    K.RATE: Party.TOWNSHIP,
    K.ACCEPT: Party.DEPARTMENT,
    K.OBJECT: Party.DEPARTMENT,
    K.FIRST_REPLY: Party.DEPARTMENT,
    K.CLOSE: Party.DEPARTMENT,
    K.REWORK: Party.DEPARTMENT,
    K.REPORT: Party.DEPARTMENT,
}

# The step each level of the ladder leaves behind.
STEP_OF_LEVEL = {
    Level.WARN: "warned",
    Level.URGE: "urged",
    Level.SUPERVISE: "supervised",
    Level.ESCALATE: "escalated",
    Level.LAPSE: "lapse",
}

# Steps of the history that are no moves: they change no state, so no row of the table is needed.
PLAIN_STEPS: Final = frozenset({"draft", "revise", "add", "reassign", "followed"})
