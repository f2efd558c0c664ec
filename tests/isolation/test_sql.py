"""Every tenant's table by SQL, past all that the code does: what the database alone lets through."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from common import tenancy
from common.tenancy import Scope
from mandates.models import SavedFilter
from mandates.operations import filters
from tests.factories.calls import MONDAY
from tests.isolation.policy import BESIDE
from tests.isolation.stage import WIDE, Stage, told
from townships.http import Member
from townships.models import Post

pytestmark = pytest.mark.django_db

OWNED = sorted(
    (model for model in apps.get_models() if issubclass(model, tenancy.Owned)),
    key=lambda model: model._meta.label,
)


def said(sql: str, *params: Any) -> int | str:
    """Return how many rows a statement touched, or the database's code for its refusal.

    Keys that are checked at COMMIT are checked here; whatever was written is undone.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, params)
            count = int(cursor.rowcount)
            cursor.execute("set constraints all immediate")
            transaction.set_rollback(True)
            return count
    except DatabaseError as error:
        return str(getattr(error.__cause__, "pgcode", error))


DENIED = "42501"
# A guard that is a trigger is asked before the wall is, where a row is put in.
GUARDED = "23514"
# COPY FROM goes round no wall: it is refused where there is one.
UNCOPIED = "0A000"


@pytest.mark.assurance("T6")
def test_without_a_scope_no_statement_touches_a_tenants_table(stage: Stage) -> None:
    wrong = []
    for model in OWNED:
        table = model._meta.db_table
        for sql in (
            f"select 1 from {table} limit 1",
            f"insert into {table} (county_id) values (1)",
            f"update {table} set county_id = county_id",
            f"delete from {table}",
        ):
            if (told := said(sql)) != DENIED:
                wrong.append(f"{sql}: {told}")
    assert wrong == []


@dataclass(frozen=True)
class Reach:
    """Whose rows a scope writes, as (county, township), and whose it must not."""

    own: tuple[int, int]
    beside: tuple[int, int]  # the other township of the county
    abroad: tuple[int, int]


def reaches(stage: Stage) -> Iterator[tuple[str, Scope, Reach]]:
    """Return everybody who has a scope, people and systems, once for each."""
    systems = {
        name: Member.holding(Post.objects.with_units().get(pk=key))
        for name, key in stage.posts.items()
    }
    tenants, seen = {letter: (county, township or 0) for letter, (county, township)
                     in stage.tenants.items()}, set()  # fmt: skip
    for who, member in {**stage.members, **systems}.items():
        if member.scope is None or member.scope in seen:
            continue
        seen.add(member.scope)
        letters = "efb" if who.startswith("next") else "cbf" if who == "sibling" else "bce"
        yield who, member.scope, Reach(*(tenants[letter] for letter in letters))


def copied(model: type[Model], key: Any = None, **put: int) -> str:
    """Return SQL that puts a row of one's own in again, with other owners: NULLs would prove little."""
    fields = [f for f in model._meta.local_concrete_fields if key is not None or not f.primary_key]
    given = {model._meta.pk.column: key, **put}
    into = ", ".join(f'"{f.column}"' for f in fields)
    what = ", ".join(str(given[c]) if (c := f.column) in given else f'"{c}"' for f in fields)
    table = model._meta.db_table
    return f"insert into {table} ({into}) select {what} from {table} where county_id = %s limit 1"


def foreign_keys(stage: Stage) -> dict[str, tuple[Any, Any]]:
    """Return a row of each county in each table, by its label: of the first one, and of the next."""
    with tenancy.dispatching(reason="a test looks"):
        return {
            model._meta.label: tuple(
                model._base_manager.filter(county=county).values_list("pk", flat=True).first()
                for county in (stage.world.county, stage.other.county)
            )
            for model in OWNED
        }  # type: ignore[return-value]


def writes_across(
    model: type[Model], reach: Reach, foreign: Any
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Read, lock, change, delete, take over, put in beside: everything aimed at the other county."""
    table, (home, _own), (far, there) = model._meta.db_table, reach.own, reach.abroad
    yield f"select 1 from {table} where county_id = %s for update", (far,)
    yield (
        f"update {table} set county_id = county_id where county_id = %s returning county_id",
        (far,),
    )
    yield f"update {table} set county_id = %s where county_id = %s", (home, far)
    yield f"delete from {table} where county_id = %s", (far,)
    pk = model._meta.pk.column
    yield (
        f"merge into {table} t using (select %s::text as key) s on t.{pk}::text = s.key "
        "when matched then update set county_id = %s",
        (foreign, home),
    )
    by_township = "township_id" in tenancy.tenant_columns(model)
    given = {"township_id": there} if by_township else {}
    yield copied(model, county_id=far), (home,)
    yield copied(model, county_id=far, **given), (home,)
    key = f"'{foreign}'"
    yield (
        f"{copied(model, key)} on conflict ({pk}) do update set county_id = excluded.county_id",
        (home,),
    )


def gives_away(model: type[Model], reach: Reach) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Give away what is one's own: to the other county, or to the next township of one's own."""
    table, (home, own), (far, there) = model._meta.db_table, reach.own, reach.abroad
    yield f"update {table} set county_id = %s where county_id = %s", (far, home)
    if "township_id" in tenancy.tenant_columns(model):
        sql = f"update {table} set county_id = %s, township_id = %s where township_id = %s"
        yield sql, (far, there, own)
        yield sql, (*reach.beside, own)


@pytest.mark.assurance("T7")
def test_inside_a_scope_no_statement_reaches_another_tenants_rows(stage: Stage) -> None:
    """Whoever asks, in any table: nothing of the other county, and nothing of one's own leaves it.

    In `make isolation` by everybody, else by one of each kind of scope.
    """
    keys, wrong, kinds, moved = foreign_keys(stage), [], set(), 0
    for who, scope, reach in reaches(stage):
        if scope.kind in kinds and not WIDE:
            continue
        kinds.add(scope.kind)
        with tenancy.scope(scope):
            for model in OWNED:
                foreign = keys[model._meta.label][0 if who.startswith("next") else 1]
                table = model._meta.db_table
                if scope.kind != "all":
                    seen = said(f"select 1 from {table} where county_id = %s", reach.abroad[0])
                    if seen not in (0, DENIED):
                        wrong.append(f"{who} reads {table}: {seen}")
                for sql, params in writes_across(model, reach, foreign):
                    if (answer := said(sql, *params)) not in (0, DENIED) and not (
                        sql.startswith("insert") and answer == GUARDED
                    ):
                        wrong.append(f"{who} {sql} {params}: {answer}")
                for sql, params in gives_away(model, reach):
                    answer = said(sql, *params)
                    moved += answer == DENIED
                    if answer not in (0, DENIED):
                        wrong.append(f"{who} {sql} {params}: {answer}")
    assert wrong == [], told(wrong)
    assert {"township", "department", "county", "all"} <= kinds
    assert moved > 4 * len(OWNED) // 2, "few rows could have been given away: this shows little"


@pytest.mark.assurance("T7")
def test_nothing_is_copied_in_past_the_walls(stage: Stage) -> None:
    wrong = []
    scope = stage.members["desk"].scope
    assert scope is not None
    with tenancy.scope(scope), connection.cursor() as cursor:
        for model in OWNED:
            sql = f"copy {model._meta.db_table} (county_id) from stdin"
            try:
                with transaction.atomic():
                    cursor.copy_expert(sql, io.StringIO(f"{stage.other.county.pk}\n"))
                wrong.append(sql)
            except psycopg2.Error as error:  # the driver's own call: Django does not translate it
                if error.pgcode not in (DENIED, UNCOPIED):
                    wrong.append(f"{sql}: {error.pgcode}")
    assert wrong == []


@pytest.mark.assurance("T7")
def test_a_unit_writes_no_row_of_the_unit_beside_it_but_where_it_is_said(stage: Stage) -> None:
    """A township never; a department where the row follows a call, whose own wall holds it apart."""
    by_township = [m for m in OWNED if "township_id" in tenancy.tenant_columns(m)]
    met, wrong = set(), []
    for who in ("clerk", "lead"):
        scope = stage.members[who].scope
        assert scope is not None
        with tenancy.scope(scope):
            for model in by_township:
                table, label = model._meta.db_table, model._meta.label
                # The calls of this township are another department's.
                where = f"{table} where township_id = {stage.world.sibling.pk}"
                reads = said(f"select 1 from {where}")
                writes = said(f"update {table} set township_id = township_id"
                              f" where township_id = {stage.world.sibling.pk}")  # fmt: skip
                if {reads, writes} <= {0, DENIED}:
                    continue
                met.add(label)
                if scope.kind == "township" or label not in BESIDE:
                    wrong.append(f"{who} {label}: reads {reads}, writes {writes}")
    assert wrong == [], told(wrong)
    assert sorted(set(BESIDE) - met) == [], "no longer reached: take these out of BESIDE"


@pytest.mark.assurance("T7")
@pytest.mark.parametrize("who", ["clerk", "lead", "desk"])
def test_a_row_that_is_given_away_is_refused_before_anything_is_committed(
    stage: Stage, who: str
) -> None:
    """What a unit keeps for itself has no key to a township: its wall alone says whose county it is."""
    member = stage.members[who]
    assert member.scope is not None
    with tenancy.scope(member.scope):
        filters.keep("留着的", {"late": "true"}, shared=True, by=member, at=MONDAY)
        table = SavedFilter._meta.db_table
        away = said(f"update {table} set county_id = %s", stage.other.county.pk)
        put = said(copied(SavedFilter, county_id=stage.other.county.pk), stage.world.county.pk)
    assert (away, put) == (DENIED, DENIED)
