"""试算方案: rules that somebody thinks of, checked as if they were to hold, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from common import audit
from common.errors import Invalid, Stale
from common.texts import one_line
from mandates.models import (
    ClockKind,
    Level,
    ListVersion,
    Replay,
    Scenario,
    UnitChoices,
    Urgency,
    VersionState,
)
from mandates.operations.replays import check_period
from mandates.queries import proposed
from mandates.queries.proposed import (
    Changes,
    DayChange,
    Hours,
    LadderChange,
    LimitChange,
)
from mandates.queries.rulebook import rulebook
from townships.operations import jobs

if TYPE_CHECKING:
    from townships.http import Member

KINDS = [kind.value for kind in ClockKind if kind != ClockKind.OBJECT]
LEVELS = [level.value for level in Level if level != Level.LAPSE]
DAY_KINDS = [proposed.OFF, proposed.WORKED, proposed.PLAIN]
MOST = 100  # rows of one sort in a scenario
LONGEST_AMOUNT = 99_999
FARTHEST = 1000  # working days after the due time
NAME_LENGTH = 60


def checked(given: Mapping[str, Any], *, county_id: int) -> Changes:
    """Read what somebody proposes. Raises Invalid; a field is named "limits.3.amount" or "hours"."""
    faults: dict[str, str] = {}
    changes = Changes(
        limits=_rows(given, "limits", _limit, faults),
        ladder=_rows(given, "ladder", _level, faults),
        days=_rows(given, "days", _day, faults),
        hours=_hours(given.get("hours"), faults),
    )
    _refuse_twins(changes, faults)
    calendar = rulebook(county_id).calendar
    for n, one in enumerate(changes.days):
        if not calendar.first <= one.day <= calendar.last:
            faults[f"days.{n}.day"] = _("The calendar knows no such day.")
    if faults:
        raise Invalid(fields=faults)
    return changes


class _Fault(ValueError):
    """What is wrong with one value of a row."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name, self.text = name, text


def _rows(
    given: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], Any], faults: Any
) -> Sequence[Any]:
    rows = given.get(name) or []
    if not isinstance(rows, list) or len(rows) > MOST:
        faults[name] = _("At most %(n)d rows.") % {"n": MOST}
        return []
    found = []
    for n, row in enumerate(rows):
        if not isinstance(row, Mapping):
            faults[f"{name}.{n}"] = _("This is no row.")
            continue
        try:
            found.append(read(row))
        except _Fault as fault:
            faults[f"{name}.{n}.{fault.name}"] = fault.text
    return found


def _chosen(row: Mapping[str, Any], name: str, known: Sequence[str]) -> str:
    value = row.get(name)
    if not isinstance(value, str) or value not in known:
        raise _Fault(name, _("Choose one of: %(known)s.") % {"known": ", ".join(known)})
    return value


def _whole(row: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """Return a whole number, None where there is none. JSON's true is no number."""
    value = row.get(name)
    if value in (None, ""):
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 8):
        raise _Fault(name, _("A whole number is needed."))
    number = int(text)
    if not least <= number <= most:
        raise _Fault(name, _("From %(least)d to %(most)d.") % {"least": least, "most": most})
    return number


def _limit(row: Mapping[str, Any]) -> LimitChange:
    amount = _whole(row, "amount", 1, LONGEST_AMOUNT)
    if amount is None:
        raise _Fault("amount", _("A whole number is needed."))
    return LimitChange(
        urgency=_chosen(row, "urgency", Urgency.values),
        kind=_chosen(row, "kind", KINDS),
        amount=amount,
        unit=_chosen(row, "unit", UnitChoices.values),
        roll=bool(row.get("roll")),
    )


def _level(row: Mapping[str, Any]) -> LadderChange:
    share, after = _whole(row, "share", 1, 99), _whole(row, "after", 0, FARTHEST)
    if share is not None and after is not None:
        raise _Fault("share", _("Give either a share or a length, not both."))
    return LadderChange(
        urgency=_chosen(row, "urgency", Urgency.values),
        level=_chosen(row, "level", LEVELS),
        share=share,
        after=after,
    )


def _day(row: Mapping[str, Any]) -> DayChange:
    day = row.get("day")
    if not isinstance(day, date) or isinstance(day, datetime):
        try:
            day = date.fromisoformat(str(day))
        except ValueError:
            raise _Fault("day", _("A date is needed, such as 2026-05-04.")) from None
    kind = _chosen(row, "kind", DAY_KINDS)
    if kind == proposed.WORKED and day.weekday() < 5:
        raise _Fault("kind", _("This is no weekend day: it is worked without being named."))
    try:
        name = one_line(str(row.get("name") or "")).strip()[:50]
    except ValueError:
        raise _Fault("name", _("A name is one line of plain text.")) from None
    return DayChange(day, kind, name)


def _hours(given: Any, faults: dict[str, str]) -> Hours | None:
    if not given:
        return None
    names = ("morning_from", "morning_to", "afternoon_from", "afternoon_to")
    try:
        read = {
            name: one if isinstance(one := given[name], time) else time.fromisoformat(str(one))
            for name in names
        }
    except (KeyError, TypeError, ValueError):
        faults["hours"] = _("Office hours are four times of the day, such as 08:30.")
        return None
    hours = Hours(**read)
    if any(one.tzinfo is not None for one in read.values()) or not (
        hours.morning_from < hours.morning_to <= hours.afternoon_from < hours.afternoon_to
    ):
        faults["hours"] = _("Office hours stand in order: each begins before it ends.")
        return None
    return hours


def _refuse_twins(changes: Changes, faults: dict[str, str]) -> None:
    seen: set[tuple[str, ...]] = set()
    rows = [
        *((f"limits.{n}.kind", ("limit", r.urgency, r.kind)) for n, r in enumerate(changes.limits)),
        *((f"ladder.{n}.level", ("level", r.urgency, r.level)) for n, r in enumerate(changes.ladder)),
        *((f"days.{n}.day", ("day", r.day.isoformat())) for n, r in enumerate(changes.days)),
    ]  # fmt: skip
    for name, key in rows:
        if key in seen:
            faults.setdefault(name, _("This stands there already."))
        seen.add(key)


# --- keeping -------------------------------------------------------------------------------------


def keep(
    name: str,
    given: Mapping[str, Any],
    version: UUID | None,
    *,
    by: Member,
    at: datetime,
    uid: UUID | None = None,
    revision: int | None = None,
) -> Scenario:
    """Keep a new scenario, or what one has become. Raises Invalid, Stale, Scenario.DoesNotExist."""
    county_id = by.county_id
    assert county_id is not None
    name = _named(name)
    listed = _listed(county_id, version)
    changes = checked(given, county_id=county_id)
    if listed is None and changes == Changes([], [], [], None):
        raise Invalid(_("Name at least one thing that is to be different."), code="nothing_changes")
    kept = proposed.written(changes)
    try:
        with transaction.atomic():
            if uid is None:
                one = Scenario.objects.create(
                    county_id=county_id, name=name, version=listed, changes=kept,
                    created_at=at, created_by_id=by.user_id, changed_at=at,
                )  # fmt: skip
            else:
                one = Scenario.objects.select_for_update().get(county_id=county_id, uid=uid)
                if revision is not None and revision != one.revision:
                    raise Stale
                one.name, one.version, one.changes = name, listed, kept
                one.revision, one.changed_at = one.revision + 1, at
                one.save()
            audit.record(
                "scenario_kept", one, by=by, at=at, revision=one.revision, changes=kept,
                list=str(listed or ""),
            )  # fmt: skip
    except IntegrityError as error:
        if "scenario_name" not in str(error):
            raise
        raise Invalid(fields={"name": _("A scenario of this name is kept already.")}) from error
    found: Scenario = one
    return found


def _named(name: str) -> str:
    try:
        name = one_line(name).strip()
    except ValueError:
        name = ""
    if not 1 <= len(name) <= NAME_LENGTH:
        text = _("A name has 1 to %(n)d characters.") % {"n": NAME_LENGTH}
        raise Invalid(fields={"name": text})
    return name


def _listed(county_id: int, version: UUID | None) -> ListVersion | None:
    if version is None:
        return None
    rows = ListVersion.objects.routing().select_related("duty_list")
    found: ListVersion | None = rows.filter(county_id=county_id, uid=version).first()
    if found is None:
        raise Invalid(fields={"version": _("There is no such version of a list.")})
    return found


def delete(uid: UUID, *, by: Member, at: datetime) -> str:
    """Delete a scenario with its results; return its name."""
    with transaction.atomic():
        one = Scenario.objects.select_for_update().get(county_id=by.county_id, uid=uid)
        audit.record("scenario_deleted", one, by=by, at=at, replays=one.replays.count())
        one.delete()
    return str(one.name)


def ask(uid: UUID, begins: date, ends: date, *, by: Member, at: datetime) -> Replay:
    """Ask for a replay of a scenario as it stands now; somebody else works it out. Raises Invalid."""
    check_period(begins, ends)
    one = Scenario.objects.select_related("version__duty_list").get(county_id=by.county_id, uid=uid)
    with transaction.atomic():
        asked: Replay = Replay.objects.create(
            county_id=one.county_id,
            scenario=one,
            revision=one.revision,
            list_name=list_name(one.version),
            changes=one.changes,
            begins=begins,
            ends=ends,
            at=at,
            by_id=by.user_id,
        )
        audit.record(
            "replay_asked", one, by=by, at=at, begins=begins.isoformat(), ends=ends.isoformat()
        )
        asked.job = jobs.request("replay", {"replay": str(asked.uid)}, by=by, at=at).uid
        asked.save(update_fields=["job"])
    return asked


def list_name(version: ListVersion | None) -> str:
    """Write which list a scenario goes by, as it is called now; "" for the one in force."""
    if version is None:
        return ""
    text = str(version)
    if version.state == VersionState.DRAFT:
        text = _("%(list)s (draft)") % {"list": text}
    return text[:120]
