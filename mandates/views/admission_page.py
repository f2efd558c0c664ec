"""What the page of one admission shows: the way it goes, the package, who said what, the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.display import FileView, StepView
from mandates.models import (
    Admission,
    AdmissionFileKind,
    AdmissionState,
    AdmissionStep,
    HandingMode,
    Verdict,
    VoiceKind,
)
from mandates.models.admission_moves import ADMISSION_MOVES
from mandates.models.admission_parts import VOTES
from mandates.models.admissions import PACKAGE, PATH, Evaluation
from mandates.operations import admission_files
from mandates.operations.casework import local_day, mover
from mandates.queries.admissions import Record
from mandates.queries.finding import Found, find
from mandates.queries.rulebook import rulebook

if TYPE_CHECKING:
    from townships.http import Member

# Who reads a draft or the formal check asks whether the list holds it already.
COMPARED = (AdmissionState.DRAFT, AdmissionState.FORMAL)
LOOKS = {
    "overdue": ("alert-triangle", "over"),
    "stay_silent": ("hourglass", ""),
    "publish": ("books", "move"),
}


@dataclass(frozen=True)
class Stage:
    """One step of the way: done, at hand, or to come; of a way that ended early the rest is off."""

    label: str
    is_done: bool
    is_now: bool


def shown(record: Record, member: Member, *, at: datetime) -> dict[str, Any]:
    """Build what the template shows of an admission."""
    one = record.admission
    votes = record.of(VoiceKind.VOTE)
    return {
        "one": one,
        "record": record,
        "stages": stages(record),
        "is_late": one.due_at is not None and one.due_at <= at,
        "package": [(Admission.label_of(name), getattr(one, name)) for name in (*PACKAGE, "term")],
        "opinions": record.opinions,
        "reviews": [*record.of(VoiceKind.LEGALITY), *record.of(VoiceKind.RESOURCES)],
        "votes": votes,
        "tally": [
            (verdict.label, sum(1 for vote in votes if vote.verdict == verdict))
            for verdict in VOTES
        ],
        "papers": papers(record, member),
        "history": [_step(step) for step in reversed(record.steps)],
        "alike": _alike(one, at),
    }


def papers(record: Record, member: Member) -> list[dict[str, Any]]:
    """Group the documents by the step they belong to; those that nobody took up can be removed."""
    one, unit = record.admission, mover(member).unit
    mine = set(admission_files.kinds_for(member, one))
    groups = []
    for kind in AdmissionFileKind:
        rows = [
            {
                "file": FileView(
                    name=row.name, url=row.get_absolute_url(), content_type=row.content_type,
                    size=row.size, at=row.at, unit=row.unit,
                ),
                "waits": row.taken_with is None,
                "sha256": row.sha256,
                "remove_url": reverse("mandates:admission-paper-remove", args=[one.uid, row.uid])
                if row.taken_with is None and row.unit == unit and kind in mine
                else "",
            }
            for row in record.files
            if row.kind == kind
        ]  # fmt: skip
        if rows:
            groups.append({"label": kind.label, "rows": rows})
    return groups


def stages(record: Record) -> list[Stage]:
    """Return the way from draft to evaluation, as far as it has come."""
    one = record.admission
    state = AdmissionState(one.state)
    is_on = state in PATH
    # Of a way that ended early: where it ended.
    ended = next((one for one in reversed(record.steps) if one.move != "attach"), None)
    reached = state if is_on or ended is None else AdmissionState(ended.from_state)
    place = PATH.index(reached)
    return [
        Stage(str(stage.label), n < place or state == PATH[-1], is_on and n == place)
        for n, stage in enumerate(PATH)
    ]


def _alike(one: Admission, at: datetime) -> Sequence[Found]:
    if one.state not in COMPARED:
        return ()
    entries = rulebook(one.county_id).in_force(local_day(at))
    return find(entries, f"{one.name} {one.township_duty}")[:3]


def _step(step: AdmissionStep) -> StepView:
    icon, tone = LOOKS.get(
        step.move, ("circle-dot", "" if step.move in ("write", "revise") else "move")
    )
    return StepView(
        verb=verb(step.move), icon=icon, at=step.at, unit=step.unit or _("System"),
        person=step.actor, tone=tone, quote=step.note, facts=tuple(facts(step.data)),
    )  # fmt: skip


def verb(name: str) -> str:
    """Name a step."""
    if name in ADMISSION_MOVES:
        return str(ADMISSION_MOVES[name].label)
    own = {
        "write": _("Written down"),
        "revise": _("Written anew"),
        "attach": _("Documents added"),
    }
    return own.get(name, name)


def facts(data: dict[str, Any]) -> list[str]:
    """Say what a step kept, in words."""
    colon = pgettext("between a label and its error", ": ")
    named = {
        "verdict": (_("Opinion"), Verdict), "mode": (_("way of handing down"), HandingMode),
        "outcome": (_("Conclusion"), Evaluation),
    }  # fmt: skip
    found = [
        f"{label}{colon}{choices(data[name]).label}"
        for name, (label, choices) in named.items()
        if data.get(name) in choices.values
    ]
    plain = {
        "document_no": _("document number"), "filing_no": _("number of the filing"),
        "code": _("code of the matter"), "version": _("version"), "township": _("township"),
        "townships": _("townships (count)"),
    }  # fmt: skip
    found += [f"{label}{colon}{data[name]}" for name, label in plain.items() if data.get(name)]
    found += [f"{_('document')}{colon}{one['name']}" for one in data.get("files", ())]
    if any(vote.value in data for vote in VOTES):
        found.append(" · ".join(f"{vote.label} {data.get(vote.value, 0)}" for vote in VOTES))
    return found
