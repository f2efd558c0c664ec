"""The whole life of an admission as one table: operations, buttons, the API and the tests read it."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.workflow import Move, table
from mandates.models.admissions import PATH
from mandates.models.admissions import AdmissionState as S
from mandates.permissions import Permission as P

# What a mover is to an admission.
APPLICANT: Final = "applicant"
OFFICE: Final = "office"  # the county's establishment office
CONSULTED: Final = "consulted"  # of a township that has not spoken yet
LEGAL: Final = "legal"  # of the department that reviews legality
REVIEWER: Final = "reviewer"  # of a department that has not said what it finds of the resources
SYSTEM: Final = "system"

# From the first step to the decision an applicant may take it back.
OPEN = PATH[: PATH.index(S.DECISION) + 1]
KEEPS: Final = None


def _move(
    name: str, label: Any, sources: S | tuple[S, ...], to: S | None, permission: str, relation: str,
    needs: tuple[str, ...] = (), takes: tuple[str, ...] = (), *, is_final: bool = False,
) -> Move:  # fmt: skip
    whence = (sources,) if isinstance(sources, S) else sources
    return Move(
        name, label, "admission", frozenset(str(one) for one in whence), to, permission, relation,
        needs=needs, takes=takes, is_final=is_final,
    )  # fmt: skip


ADMISSION_MOVES: dict[str, Move] = table(
    [
        _move("submit", pgettext_lazy("duty admission", "Submit"), S.DRAFT, S.FORMAL,
              P.ADMISSION_APPLY, APPLICANT, takes=("note",)),
        _move("accept", _("Take the application up"), S.FORMAL, S.OPINIONS, P.ADMISSION_MANAGE,
              OFFICE, takes=("note",)),
        _move("send_back", _("Return for completion"), S.FORMAL, S.DRAFT, P.ADMISSION_MANAGE,
              OFFICE, ("note",)),
        _move("refuse", _("Refuse: already on the list, or no matter of admission"), S.FORMAL,
              S.REFUSED, P.ADMISSION_MANAGE, OFFICE, ("note",), ("entry",), is_final=True),
        _move("give_opinion", _("Give our opinion"), S.OPINIONS, KEEPS, P.ADMISSION_OPINE,
              CONSULTED, ("verdict",), ("note",)),
        _move("answer_objection", _("Answer an objection"), S.OPINIONS, KEEPS, P.ADMISSION_APPLY,
              APPLICANT, ("township", "note")),
        _move("stay_silent", _("Silence recorded"), S.OPINIONS, KEEPS, "", SYSTEM),
        _move("close_opinions", _("Opinions complete"), S.OPINIONS, S.LEGALITY, "", SYSTEM),
        _move("find_lawful", _("Legality: passed"), S.LEGALITY, S.RESOURCES, P.ADMISSION_REVIEW,
              LEGAL, ("mode", "note")),
        _move("find_unlawful", _("Legality: not passed"), S.LEGALITY, S.REFUSED,
              P.ADMISSION_REVIEW, LEGAL, ("note",), is_final=True),
        _move("assess", _("Say what we find of the resources"), S.RESOURCES, KEEPS,
              P.ADMISSION_REVIEW, REVIEWER, ("verdict", "note")),
        _move("close_resources", _("Resources adequate"), S.RESOURCES, S.MEETING, "", SYSTEM),
        _move("send_to_meeting", _("Put before the joint meeting"), S.RESOURCES, S.MEETING,
              P.ADMISSION_MANAGE, OFFICE, ("note",)),
        _move("return_package", _("Return: resources are lacking"), S.RESOURCES, S.DRAFT,
              P.ADMISSION_MANAGE, OFFICE, ("note",)),
        _move("hold_meeting", _("Record the joint meeting"), S.MEETING, S.DECISION,
              P.ADMISSION_MANAGE, OFFICE, ("held_on", "minutes", "votes")),
        _move("approve", pgettext_lazy("duty admission", "Approved"), S.DECISION, S.FILING,
              P.ADMISSION_MANAGE, OFFICE, ("document_no",), ("note",)),
        _move("reject", pgettext_lazy("duty admission", "Not approved"), S.DECISION, S.REFUSED,
              P.ADMISSION_MANAGE, OFFICE, ("note",), ("document_no",), is_final=True),
        _move("file", _("Record the filing"), S.FILING, S.LISTING, P.ADMISSION_MANAGE, OFFICE,
              ("filing_no",), ("note",)),
        _move("list_up", _("Take it into the draft of the list"), S.LISTING, KEEPS,
              P.ADMISSION_MANAGE, OFFICE, ("code",)),
        _move("publish", _("Published with the list"), S.LISTING, S.IN_FORCE, "", SYSTEM),
        _move("evaluate", _("Record the evaluation"), S.IN_FORCE, S.EVALUATED,
              P.ADMISSION_MANAGE, OFFICE, ("outcome", "note"), is_final=True),
        _move("withdraw", pgettext_lazy("duty admission", "Withdraw"), OPEN, S.WITHDRAWN,
              P.ADMISSION_APPLY, APPLICANT, ("note",), is_final=True),
        _move("overdue", _("Limit passed"), PATH[1:-1], KEEPS, "", SYSTEM),
    ]
)  # fmt: skip
