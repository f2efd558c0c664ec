"""What the boards have counted beforehand, by day of the county: derived, and made anew at will.

Rows here repeat what statistics count over calls; they refer to nothing and nothing refers to them.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from common.tenancy import CountyOwned
from mandates.models.limits import ClockKind

# What figures are divided by beforehand; one letter each, in this order, names a grain.
KEYS = {
    "t": "of_township",
    "d": "of_department",
    "m": "of_matter",
    "u": "urgency",
    "o": "origin",
}
# Pairs with a matter would be as many as the calls themselves; its department is nearly one.
GRAINS = ("", "t", "d", "m", "u", "o", "td", "tu", "to", "dm", "du", "do", "uo")


class Counted(CountyOwned):
    """A row that is written by the thousand and thrown away: no key is checked for it."""

    county = models.ForeignKey(
        "townships.County", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    day = models.DateField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.day)


class DayFigures(Counted):
    """Counts of one day for one cell of one grain; ``counts`` in the order of the layout."""

    grain = models.CharField(max_length=2, blank=True)
    of_township = models.BigIntegerField(null=True)
    of_department = models.BigIntegerField(null=True)
    of_matter = models.BigIntegerField(null=True)
    urgency = models.CharField(max_length=12, blank=True)
    origin = models.CharField(max_length=12, blank=True)
    counts = ArrayField(models.IntegerField())

    class Meta:
        indexes = [models.Index(fields=["county", "grain", "day"], name="day_figures")]


class DayLengths(Counted):
    """How long one stage of the calls closed on one day took: so many minutes, so many calls."""

    grain = models.CharField(max_length=2, blank=True)
    of_township = models.BigIntegerField(null=True)
    of_department = models.BigIntegerField(null=True)
    stage = models.CharField(max_length=20)
    minutes = ArrayField(models.IntegerField())
    calls = ArrayField(models.IntegerField())

    class Meta:
        indexes = [models.Index(fields=["county", "grain", "day"], name="day_lengths")]


class DayKept(CountyOwned):
    """A day that has been counted, by the definitions whose fingerprint is ``layout``."""

    day = models.DateField()
    layout = models.CharField(max_length=64, blank=True)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "day"], name="day_kept_once"),
        ]

    def __str__(self) -> str:
        return str(self.day)


class DayMark(Counted):
    """A day whose calls have changed since it was counted; triggers write it, counting removes it.

    Any number of a day: no two transactions wait for each other.
    """

    class Meta:
        indexes = [models.Index(fields=["county", "day"], name="day_mark")]


# --- triggers ------------------------------------------------------------------------------------

TIMED = (ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.CLOSE)
# What a change of figures can come from: expressions over a row. All else changes no figure of a
# day that is over, and is let pass before any function is called. Written as PostgreSQL itself would
# write it (text compared with text, one comparison a column), so that a dump brings back the same.
WATCHED: dict[str, tuple[str, ...]] = {
    "mandates_call": (
        "{}.county_id", "{}.township_id", "{}.lead_id", "{}.matter_id", "{}.urgency", "{}.origin",
        "{}.raised_at", "{}.closed_at", "{}.routed_at is null", "{}.urged_count > 0", "{}.duplicate_of_id is null",
        "{}.level::text in ('supervise', 'escalate')", "{}.state::text in ('closed', 'withdrawn')",
        "case when {0}.closed_at is not null then {0}.answered_at end",
        "case when {0}.closed_at is not null then {0}.rating end",
        "{0}.closed_at is not null and {0}.rework_count > 0",
    ),
    "mandates_clock": (
        "{}.county_id", "{}.township_id", "{}.department_id", "{}.call_id", "{}.assignment_id",
        "{}.kind", "{}.due_at", "{}.met_at", "{}.cancelled_at", "{}.paused_since",
    ),
    # An acceptance comes before the closing and is not watched; that it is changed later is.
    "mandates_assignment": (
        "{}.county_id", "{}.department_id", "{}.call_id", "{}.part", "{}.state = 'released'",
        "{}.is_wrong_dispatch", "{}.sent_at",
    ),
}  # fmt: skip
# What a call can be excluded by came after the triggers had been made first.
APPEALED = "case when {0}.closed_at is not null then {0}.rating_appeal end"
WATCHED["mandates_call"] += (APPEALED,)
TODAY = "date_trunc('day', now(), 'Asia/Shanghai')"
PAST = {
    "mandates_call": "least({0}.raised_at, {0}.closed_at) < " + TODAY,
    "mandates_clock": "{0}.due_at < "
    + TODAY
    + f" and {{0}}.kind::text in {tuple(map(str, TIMED))}",
    "mandates_assignment": "{0}.sent_at < " + TODAY,
}

_FUNCTIONS = """
create function day_of(instant timestamptz) returns date language sql immutable parallel safe
    as $$ select (instant at time zone 'Asia/Shanghai')::date $$;

-- Days of the running date are never counted beforehand, so nothing has to be said of them. A
-- day is counted hours after its end: a transaction that began before its end is over by then.
create function mark_days(county bigint, instants timestamptz[]) returns void language sql as $$
    insert into mandates_daymark (county_id, day)
    select distinct county, day_of(instant) from unnest(instants) as instant
     where instant < {TODAY}
$$;

create function call_marks_days() returns trigger language plpgsql as $$
    begin
        if tg_op <> 'INSERT' then
            perform mark_days(old.county_id, array[old.raised_at, old.closed_at]);
        end if;
        if tg_op <> 'DELETE' then
            perform mark_days(new.county_id, array[new.raised_at, new.closed_at]);
        end if;
        if tg_op = 'UPDATE' and (old.matter_id, old.urgency, old.origin)
                is distinct from (new.matter_id, new.urgency, new.origin) then
            perform mark_days(new.county_id, array(
                select due_at from mandates_clock where call_id = new.id));
        end if;
        return null;
    end $$;

create function clock_marks_days() returns trigger language plpgsql as $$
    begin
        if tg_op <> 'INSERT' then
            perform mark_days(old.county_id, array[old.due_at]);
        end if;
        if tg_op <> 'DELETE' then
            perform mark_days(new.county_id, array[new.due_at]);
        end if;
        return null;
    end $$;

create function assignment_marks_days() returns trigger language plpgsql as $$
    declare part record;
    begin
        if tg_op = 'DELETE' then part := old; else part := new; end if;
        perform mark_days(part.county_id, array(
            select raised_at from mandates_call where id = part.call_id
            union all select closed_at from mandates_call where id = part.call_id
            union all select due_at from mandates_clock
             where assignment_id = part.id and call_id = part.call_id));
        return null;
    end $$;

-- A pause or an extension, of the clock it belongs to.
create function stretch_marks_days() returns trigger language plpgsql as $$
    declare stretch record;
    begin
        if tg_op = 'DELETE' then stretch := old; else stretch := new; end if;
        perform mark_days(stretch.county_id, array(
            select due_at from mandates_clock where id = stretch.clock_id));
        return null;
    end $$;
""".replace("{TODAY}", TODAY)


def _triggers(table: str, function: str, without: str = "") -> str:
    watched = [one for one in WATCHED[table] if one != without]
    past = PAST[table]
    differ = [f"({one.format('old')}) is distinct from ({one.format('new')})" for one in watched]
    if table == "mandates_assignment":
        differ.append(
            "old.accepted_at is distinct from new.accepted_at and old.accepted_at is not null"
        )
    changed = " or ".join(f"({one})" for one in differ)
    return f"""
create trigger days_insert after insert on {table} for each row
    when ({past.format("new")}) execute function {function}();
create trigger days_update after update on {table} for each row
    when (({changed}) and ({past.format("old")} or {past.format("new")}))
    execute function {function}();
create trigger days_delete after delete on {table} for each row
    when ({past.format("old")}) execute function {function}();
"""


DAY_MARKS = (
    _FUNCTIONS
    + _triggers("mandates_call", "call_marks_days", without=APPEALED)
    + _triggers("mandates_clock", "clock_marks_days")
    + _triggers("mandates_assignment", "assignment_marks_days")
    + "".join(
        f"create trigger days after insert or update or delete on {table} for each row "
        "execute function stretch_marks_days();\n"
        for table in ("mandates_clockpause", "mandates_clockextension")
    )
)
DAY_MARKS_BACK = (
    "".join(
        f"drop trigger days_{event} on {table};"
        for table in WATCHED
        for event in ("insert", "update", "delete")
    )
    + "drop trigger days on mandates_clockpause; drop trigger days on mandates_clockextension;"
    + "".join(
        f"drop function {name}();"
        for name in (
            "call_marks_days", "clock_marks_days", "assignment_marks_days", "stretch_marks_days",
        )
    )
    + "drop function mark_days(bigint, timestamptz[]); drop function day_of(timestamptz);"
)  # fmt: skip

_NO_CALL_TRIGGERS = "".join(
    f"drop trigger days_{event} on mandates_call;" for event in ("insert", "update", "delete")
)
APPEALS_MARK = _NO_CALL_TRIGGERS + _triggers("mandates_call", "call_marks_days")
APPEALS_MARK_BACK = _NO_CALL_TRIGGERS + _triggers(
    "mandates_call", "call_marks_days", without=APPEALED
)
