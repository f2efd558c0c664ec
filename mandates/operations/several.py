"""Several departments: another one leads, others are called in or let go."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from mandates.models import Part
from mandates.operations.dispatching import pass_on
from mandates.operations.making import Making, department_of, makes

MOST_ASSISTS = 20


@makes("change_lead")
def _change_lead(making: Making) -> None:
    """Another department leads from now on, with a time of its own; that of the call runs on.

    The dispatch counts as wrong only if the desk says so.
    """
    work, part, given = making.work, making.own, making.given
    lead = department_of(work, given.lead, "lead", making.at)
    if lead == part.department_id:
        raise Invalid(fields={"lead": _("Name another department.")})
    if any(p.department_id == lead and p.is_wrong_dispatch for p in work.assignments):
        raise Invalid(
            fields={"lead": _("It was found that this call does not belong to this department.")}
        )
    part.released_at = making.at
    if given.wrong:
        work.blame_dispatch(part, at=making.at)
        making.data["lost_minutes"] = part.lost_minutes
    making.data["before"] = part.department_id
    # What a ruling has settled is not disputed again.
    ruled = work.call.route.get("rule") == "ruling" or work.call.route.get("ruled")
    pass_on(making, lead, rule="lead", may_object=not ruled)
    if ruled:
        work.call.route = {**work.call.route, "ruled": True}


@makes("add_assist")
def _add(making: Making) -> None:
    work, given = making.work, making.given
    chosen = [department_of(work, uid, "assists", making.at) for uid in given.assists]
    if len(set(chosen)) != len(chosen) or any(work.part_of(one) for one in chosen):
        raise Invalid(
            fields={"assists": _("Every department only once; some have a part already.")}
        )
    if sum(p.part == Part.ASSIST for p in work.standing) + len(chosen) > MOST_ASSISTS:
        raise Invalid(
            fields={"assists": _("At most %(n)d departments assist.") % {"n": MOST_ASSISTS}}
        )
    for department in chosen:
        work.assign(
            department, Part.ASSIST, at=making.at, by=making.by, duty=given.duty.strip()[:300]
        )
    making.data["assists"] = chosen


@makes("remove_assist")
def _remove(making: Making) -> None:
    making.own.released_at = making.at
    making.data["assists"] = [making.own.department_id]
