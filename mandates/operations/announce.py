"""消息: who is told of which step; never whoever made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from common import bulk
from common.models import Event, Notice
from common.tenancy import dispatching
from mandates.models import Assignment, AssignmentState, Call, Part, Party, Step, Urgency
from mandates.operations import letters, linking, splitting
from mandates.operations.casework import local_day
from mandates.operations.following import followers_of
from mandates.operations.owing import owe
from mandates.operations.publishing import event_of
from mandates.operations.sweep import plan
from mandates.operations.telling import Group, group_of, wish_of, wishes
from townships.models import Absence, Post
from townships.queries.staff import stand_ins
from townships.roles import Role

TOWNSHIP_STAFF = (Role.TOWNSHIP_CLERK, Role.TOWNSHIP_HEAD)
DEPARTMENT_STAFF = (Role.DEPARTMENT_OFFICER, Role.DEPARTMENT_HEAD)
OF_THE_COUNTY = {
    Role.COUNTY_DESK: "desk",
    Role.COUNTY_LEADER: "leader",
    Role.ESTABLISHMENT_OFFICER: "office",
}

# Audiences of a step. "own" is the department whose part the step is about; "party" is the one
# on whom the clock lies.
AUDIENCES: dict[str, tuple[str, ...]] = {
    "submit": ("township_head",),
    "add": ("departments", "township"),
    "send_back_draft": ("author",),
    "raise": ("desk_if_unlisted",),
    "hand_over": ("desk",),
    "route": ("departments", "township"),
    "dispatch": ("departments", "township"),
    "return_to_township": ("township",),
    "withdraw": ("departments", "desk"),
    "accept": ("township",),
    "object": ("desk", "township"),
    "uphold": ("departments", "own", "township"),
    "reject": ("own",),
    "change_lead": ("departments", "own", "township"),
    "add_assist": ("departments", "township"),
    "remove_assist": ("own", "lead", "township"),
    "call_on_site": ("called", "township", "desk"),
    "report_on_site": ("township", "lead"),
    "call_off": ("called", "township"),
    "reply": ("township",),
    "ask_information": ("township",),
    "supply_information": ("lead",),
    "resumed": ("lead", "township"),
    "ask_extension": ("township", "desk"),
    "grant_extension": ("lead",),
    "refuse_extension": ("lead",),
    "feed_back": ("lead",),
    "answer": ("township",),
    "rate": ("departments",),
    "send_back": ("lead",),
    "lapse": ("lead", "township"),
    "link": ("departments", "township", "desk"),
    "unlink": ("township",),
    "follow": ("township",),
    "followed": ("lead",),
    "split": ("lead", "township", "desk"),
    "part_ended": ("township",),
    "supervise_rating": ("desk", "leader", "lead"),
    "appeal_rating": ("desk", "township"),
    "exclude_rating": ("lead", "township"),
    "keep_rating": ("lead", "township"),
    "urge": ("waiting_on",),
    "warned": ("party",),
    "urged": ("party",),
    "supervised": ("party", "desk"),
    "escalated": ("party", "leader"),
    "recomputed": ("departments", "township"),
    "recalculated": ("departments", "township"),
    "reassign": ("taker",),
}

Key = tuple[int, int]  # a user, and the step they are told of
Reader = tuple[str, int]  # a kind of post, and the unit it stands in


@dataclass(frozen=True)
class Told:
    """One step, with what its audiences follow from."""

    step: Step
    call: Call
    parts: Sequence[Assignment]


def announce(step_keys: Iterable[int], *, at: datetime) -> list[Event]:
    """Tell people of steps, and plan what is to happen when their clocks run out.

    Return what other systems are to be told, in the order of the steps. Safe to repeat: a person
    is told once of a step, an action is planned once.
    """
    with dispatching(reason="notices go to every unit a call concerns"):
        steps = list(
            Step.objects.filter(pk__in=list(step_keys)).select_related("call").order_by("pk")
        )
        calls = {step.call_id: step.call for step in steps}
        parts: dict[int, list[Assignment]] = defaultdict(list)
        for part in Assignment.objects.filter(call__in=calls).order_by("id"):
            parts[part.call_id].append(part)
        told = [Told(step, step.call, parts[step.call_id]) for step in steps]
        _tell(told, at)
        # A step that others have followed leaves the planning to the last one's announcement.
        plan({step.call_id for step in steps if step.seq == step.call.step_count})
        linking.close_followers(
            {step.call_id for step in steps if step.move in linking.CLOSING}, at=at
        )
        splitting.settle_parents(
            {step.call_id for step in steps if step.move in splitting.ENDING}, at=at
        )
        letters.issue(steps)
        return [event_of(one.step, one.call, at=at) for one in told]


def _tell(told: Sequence[Told], at: datetime) -> None:
    wanted = {(one.step.pk, reader): one for one in told for reader in _readers(one)}
    # Whoever follows a call is told of all that tells anybody.
    followers = followers_of({one.call.pk for one in told})
    wanted |= {
        (one.step.pk, ("user", user)): one
        for one in told
        if one.step.move in AUDIENCES
        for user in followers.get(one.call.pk, ())
    }
    people = people_of({reader for _step, reader in wanted}, at)
    deputies = _deputies(told, people, at)
    notices: dict[Key, Notice] = {}
    for (_key, reader), one in wanted.items():
        for user_id in people.get(reader, ()):
            if user_id != one.step.by_id:
                # What somebody is told for themselves stands before what they are told for others.
                notices[(user_id, one.step.pk)] = _notice(one, user_id)
            for told_id, absent in _instead_of(user_id, one.call, deputies):
                if told_id != one.step.by_id:
                    instead = _notice(one, told_id, instead_of=absent)
                    notices.setdefault((told_id, one.step.pk), instead)
    deliver(notices, at=at)


def deliver(notices: Mapping[Key, Notice], *, at: datetime) -> None:
    """Write notices in the groups and ways each person has chosen. Needs the scope of dispatch."""
    wished = wishes({user_id for user_id, _step in notices}) if notices else {}
    for (user_id, _step), notice in notices.items():
        group = group_of(notice.kind)
        if not wish_of(wished, user_id, group).in_app and group != Group.DEADLINE:
            notice.read_at = at  # it stands in the list and rings no bell
    bulk.insert(list(notices.values()), ignore_conflicts=True)
    owe(notices, wished, at=at)


def _readers(one: Told) -> set[Reader]:
    found: set[Reader] = set()
    # A level of the ladder says itself whom it tells.
    for audience in one.step.data.get("told") or AUDIENCES.get(one.step.move, ()):
        found |= _audience(audience, one)
    if one.call.raised_at is None:
        # A draft is the township's own: nobody else could open what they are told of.
        found = {reader for reader in found if reader[0] in ("township", "township_head", "user")}
    return found


def _audience(name: str, one: Told) -> set[Reader]:
    call, step = one.call, one.step
    standing = [part for part in one.parts if part.state != AssignmentState.RELEASED]
    own = next((part for part in one.parts if part.pk == step.assignment_id), None)
    match name:
        case "township":
            return {("township", call.township_id)}
        case "township_head":
            return {("township_head", call.township_id)}
        case "taker":
            taker = step.data.get("taker_id")
            return {("user", taker)} if taker else set()
        case "author":
            return {("user", call.created_by_id)}
        case "desk":
            return {("desk", call.county_id)}
        case "desk_if_unlisted":
            return set() if call.entry_id else {("desk", call.county_id)}
        case "leader":
            return {("leader", call.county_id)}
        case "departments":
            return {("department", part.department_id) for part in standing}
        case "lead":
            return {("department", p.department_id) for p in standing if p.part == Part.LEAD}
        case "own":
            return {("department", own.department_id)} if own else set()
        case "called":
            keys = step.data.get("called") or step.data.get("off_site") or ()
            return {("department", key) for key in keys}
        case "party":
            return _party(step.data.get("party", ""), step.data.get("department"), call)
        case "waiting_on":
            return _party(call.waiting_on, call.lead_id, call)
    raise ValueError(f"no such audience: {name}")


def _party(party: str, department_id: int | None, call: Call) -> set[Reader]:
    if party == Party.DEPARTMENT:
        return {("department", department_id)} if department_id else set()
    if party == Party.DESK:
        return {("desk", call.county_id)}
    if party in (Party.TOWNSHIP, Party.TOWNSHIP_HEAD):
        return {(str(party), call.township_id)}
    return set()


def people_of(readers: set[Reader], at: datetime) -> dict[Reader, set[int]]:
    """Find who holds these posts today, in one query."""
    units: dict[str, set[int]] = defaultdict(set)
    for kind, unit in readers:
        units[kind].add(unit)
    staff = units["township"] | units["township_head"]
    rows = (
        Post.objects.as_of(local_day(at))
        .filter(user__is_active=True)
        .filter(
            Q(township__in=staff, role__in=TOWNSHIP_STAFF)
            | Q(department__in=units["department"], role__in=DEPARTMENT_STAFF)
            | Q(county__in=units["desk"], role=Role.COUNTY_DESK)
            | Q(county__in=units["leader"], role=Role.COUNTY_LEADER)
            | Q(county__in=units["office"], role=Role.ESTABLISHMENT_OFFICER)
        )
        .values_list("user", "role", "township", "department", "county")
    )
    found: dict[Reader, set[int]] = defaultdict(set)
    for user_id, role, township, department, county in rows:
        for reader in _of_post(role, township, department, county):
            found[reader].add(user_id)
    for user_id in units["user"]:
        found[("user", user_id)].add(user_id)
    return found


def _deputies(
    told: Sequence[Told], people: Mapping[Reader, set[int]], at: datetime
) -> Mapping[int, list[Absence]]:
    """Find who of those told is away today, and who stands in, in one query."""
    users = set().union(*people.values()) if people else set()
    found: dict[int, list[Absence]] = defaultdict(list)
    if users:
        counties = {one.call.county_id for one in told}
        for absence in stand_ins(users, counties=counties, day=local_day(at)):
            found[absence.post.user_id].append(absence)
    return found


def _instead_of(
    user_id: int, call: Call, deputies: Mapping[int, list[Absence]]
) -> Iterator[tuple[int, str]]:
    """Yield who stands in for somebody in a unit that this call concerns, and for whom."""
    for absence in deputies.get(user_id, ()):
        if absence.county_id != call.county_id:
            continue
        if absence.township_id is not None:
            concerned = absence.township_id == call.township_id
        elif absence.department_id is not None:
            concerned = absence.department_id in call.departments
        else:
            concerned = True  # the desk's own
        if concerned:
            yield absence.deputy.user_id, absence.post.user.name


def _of_post(
    role: str, township: int | None, department: int | None, county: int | None
) -> list[Reader]:
    if township is not None:
        also = [("township_head", township)] if role == Role.TOWNSHIP_HEAD else []
        return [("township", township), *also]
    if department is not None:
        return [("department", department)]
    assert county is not None
    return [(OF_THE_COUNTY[Role(role)], county)]


def _notice(one: Told, user_id: int, *, instead_of: str = "") -> Notice:
    call, step = one.call, one.step
    more = {"instead_of": instead_of} if instead_of else {}
    if call.urgency == Urgency.EMERGENCY:
        more["urgency"] = call.urgency
    return Notice(
        **call.tenant,
        user_id=user_id,
        kind=step.move,
        about=call.uid,
        step_id=step.pk,
        at=step.recorded_at,
        facts={
            "title": call.title,
            "number": call.number,
            "unit": step.unit,
            "clock": step.data.get("clock", ""),
            "due": step.data.get("due", ""),
            **more,
        },
    )
