"""PostgreSQL's own catalogue is asked: which table stands without its wall?"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from common.rls import APP, SCOPE_ROLES
from common.tenancy import CountyOwned, Global, Owned, SameTenant, TownshipOwned, tenant_columns

OURS = ("common", "townships", "mandates", "grid", "enforcement", "services")
MODELS = [m for m in apps.get_models() if m._meta.app_label in OURS]
OWNED = [m for m in MODELS if issubclass(m, Owned)]
TOWNSHIPS = [m for m in MODELS if issubclass(m, TownshipOwned)]
READ_ALL = {"huying_all", "huying_dispatch", "huying_readonly"}
# What is looked up by the row above it and never by the thousand: a department reads it only where it reads
# that (a condition of its own county stands before it).
FOLLOWS = {
    "mandates_caller": "mandates_call",
    "mandates_callerreveal": "mandates_caller",
    "mandates_callfile": "mandates_call",
    "mandates_letter": "mandates_call",
    "mandates_letterreading": "mandates_letter",
}

pytestmark = pytest.mark.django_db


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def label(model: type[models.Model]) -> str:
    return model._meta.label


@pytest.mark.assurance("T10")
def test_the_suite_runs_as_the_application() -> None:
    found = rows(
        "select session_user::text, rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb "
        "from pg_roles where rolname = session_user"
    )
    assert found == [(APP, False, False, False, False, False)]


@pytest.mark.assurance("T8")
def test_the_application_owns_nothing_and_is_no_owners_member() -> None:
    assert rows("select relname from pg_class where relowner = %s::regrole", APP) == []
    assert rows("select proname from pg_proc where proowner = %s::regrole", APP) == []
    members = rows(
        "select r.rolname::text from pg_auth_members m join pg_roles r on r.oid = m.roleid "
        "where m.member = %s::regrole",
        APP,
    )
    # The last is not inherited: the figures enter it for one question, how far a standby is behind.
    assert {name for (name,) in members} == {*SCOPE_ROLES, "pg_read_all_stats"}
    assert rows("select has_schema_privilege(%s, 'public', 'create')", APP) == [(False,)]


@pytest.mark.assurance("T8")
@pytest.mark.parametrize("role", SCOPE_ROLES)
def test_a_role_of_a_scope_owns_nothing_and_bypasses_nothing(role: str) -> None:
    found = rows(
        "select rolsuper, rolbypassrls, rolcanlogin, "
        "(select count(*) from pg_class where relowner = pg_roles.oid) "
        "from pg_roles where rolname = %s",
        role,
    )
    assert found == [(False, False, False, 0)]


@pytest.mark.assurance("T8", "R7")
@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_table_is_a_tenants_or_says_why_not(model: type[models.Model]) -> None:
    if issubclass(model, Owned):
        return
    assert issubclass(model, Global), f"{label(model)} is neither a tenant's nor global"
    assert len(model.GLOBAL_REASON) > 15


@pytest.mark.assurance("T8", "R7")
@pytest.mark.parametrize("model", OWNED, ids=label)
def test_every_tenants_table_has_its_wall(model: type[models.Model]) -> None:
    table = model._meta.db_table
    found = rows(
        "select relrowsecurity, relforcerowsecurity, relowner::regrole::text, "
        "has_table_privilege(%s, oid, 'select') or has_table_privilege(%s, oid, 'insert') or "
        "has_table_privilege(%s, oid, 'update') or has_table_privilege(%s, oid, 'delete') or "
        "has_table_privilege(%s, oid, 'truncate') from pg_class where oid = %s::regclass",
        APP, APP, APP, APP, APP, table,
    )  # fmt: skip
    assert found == [(True, True, "huying_owner", False)]


@pytest.mark.assurance("T8")
@pytest.mark.parametrize("model", OWNED, ids=label)
def test_policies_are_plain_one_a_role_and_let_nobody_in_everywhere(
    model: type[models.Model],
) -> None:
    found = rows(
        "select polname::text, polroles::regrole[]::text, pg_get_expr(polqual, polrelid), "
        "pg_get_expr(polwithcheck, polrelid), polpermissive from pg_policy "
        "where polrelid = %s::regclass",
        model._meta.db_table,
    )
    assert {"huying_dispatch", "huying_county"} <= {name for name, *_ in found}
    for name, roles, rule, check, permissive in found:
        assert (roles, permissive) == (f"{{{name}}}", True)
        if name not in READ_ALL:
            # What is written is in the scope's own county, whatever else the rule says.
            assert "(county_id = ANY (app_ids('app.counties'" in (check or rule), name
            assert not check or rule.strip("()") in check, name
        if (above := FOLLOWS.get(model._meta.db_table)) and name == "huying_department":
            assert f"FROM {above} a" in rule
            assert rule.count("SELECT") == 1
            continue
        assert "SELECT" not in rule.upper(), "a sub-select hides indexes"
        assert name in READ_ALL or "app_ids(" in rule, f"{name} is let in everywhere"
        assert name not in READ_ALL or rule == "true"


@pytest.mark.assurance("T8", "R7")
def test_a_row_stays_with_its_tenant() -> None:
    """Before any other guard is asked: its name is the first of its table's."""
    found = {
        table: (first, state, made)
        for table, first, state, made in rows(
            "select distinct on (tgrelid) tgrelid::regclass::text, tgname::text, tgenabled::text, "
            "pg_get_triggerdef(oid) from pg_trigger where not tgisinternal "
            'order by tgrelid, tgname collate "C"'
        )
    }
    wrong = []
    for model in OWNED:
        first, state, made = found.get(model._meta.db_table, ("", "", ""))
        kept = all(f"old.{key} IS DISTINCT FROM new.{key}" in made for key in tenant_columns(model))
        if (first, state, kept) != ("a_tenant_stays", "O", True):
            wrong.append(f"{label(model)}: {first} {state} {made}")
    assert wrong == []


@pytest.mark.assurance("T8")
@pytest.mark.parametrize("model", OWNED, ids=label)
def test_nobody_may_truncate_and_readers_only_read(model: type[models.Model]) -> None:
    table = model._meta.db_table
    for role in SCOPE_ROLES:
        assert rows("select has_table_privilege(%s, %s, 'truncate')", role, table) == [(False,)]
    for right in ("insert", "update", "delete"):
        for role in ("huying_all", "huying_readonly"):
            found = rows("select has_table_privilege(%s, %s, %s)", role, table, right)
            assert found == [(False,)], f"{role} may {right} {table}"


@pytest.mark.assurance("T8")
@pytest.mark.parametrize("model", OWNED, ids=label)
def test_tenant_keys_are_never_empty(model: type[models.Model]) -> None:
    wanted = {"county_id"} | ({"township_id"} if issubclass(model, TownshipOwned) else set())
    found = rows(
        "select attname::text from pg_attribute where attrelid = %s::regclass and attnotnull "
        "and attname in ('county_id', 'township_id')",
        model._meta.db_table,
    )
    assert {name for (name,) in found} == wanted


@pytest.mark.assurance("T8", "R7")
def test_a_table_with_a_tenants_column_is_a_tenants_table() -> None:
    found = rows(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "join pg_attribute a on a.attrelid = c.oid where c.relkind in ('r', 'p') "
        "and n.nspname = 'public' and a.attname = 'township_id'"
    )
    known = {m._meta.db_table for m in TOWNSHIPS}
    # The directory of posts says in which township somebody works, and how each was given.
    assert {name for (name,) in found} - known == {"townships_post", "townships_postgrant"}


@pytest.mark.assurance("T8")
@pytest.mark.parametrize("model", OWNED, ids=label)
def test_references_between_tenants_carry_the_tenant(model: type[models.Model]) -> None:
    table = model._meta.db_table
    for field in model._meta.local_fields:
        parent = field.related_model
        if not isinstance(field, models.ForeignKey) or parent is None:
            continue
        shared = [
            f.column
            for f in parent._meta.local_concrete_fields
            if f.column in ("county_id", "township_id")
        ]
        # A post says where somebody works, not whose the row is.
        if not shared or field.name == "county" or parent._meta.label == "townships.Post":
            continue
        found = rows(
            "select array_agg(a.attname::text order by k.i) from pg_constraint c, "
            "unnest(c.conkey) with ordinality k(n, i), pg_attribute a "
            "where c.contype = 'f' and c.conrelid = %s::regclass and c.confrelid = %s::regclass "
            "and a.attrelid = c.conrelid and a.attnum = k.n group by c.oid",
            table,
            parent._meta.db_table,
        )
        assert ([*shared, field.column],) in found, f"{table}.{field.name} can leave its tenant"


@pytest.mark.assurance("T8", "T16")
@pytest.mark.parametrize("model", OWNED, ids=label)
def test_what_is_unique_is_unique_in_a_county(model: type[models.Model]) -> None:
    """A unique key over all counties could not be kept once data are distributed by county."""
    found = rows(
        "select c.relname::text, array_agg(a.attname::text) from pg_index i "
        "join pg_class c on c.oid = i.indexrelid "
        "join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) "
        "where i.indrelid = %s::regclass and i.indisunique and not i.indisprimary group by 1",
        model._meta.db_table,
    )
    assert [name for name, columns in found if "county_id" not in columns] == []


@pytest.mark.parametrize("model", OWNED, ids=label)
def test_every_reference_between_tenants_is_a_constraint_of_the_model(
    model: type[models.Model],
) -> None:
    names = {c.field for c in model._meta.constraints if isinstance(c, SameTenant)}
    if issubclass(model, TownshipOwned):
        assert "township" in names
    for field in model._meta.local_fields:
        if isinstance(field, models.ForeignKey) and issubclass(
            field.related_model, TownshipOwned | CountyOwned
        ):
            assert field.name in names


@pytest.mark.assurance("T8")
def test_guards_read_our_tables_whatever_temporary_ones_there_are() -> None:
    """A function of a trigger that names no search_path reads a temporary table of the same name."""
    guards = rows(
        "select proname::text, coalesce(array_to_string(proconfig, ';'), '') from pg_proc p "
        "join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname = 'public' and p.prorettype = 'trigger'::regtype"
    )
    assert len(guards) > 20
    wanted = "search_path=pg_catalog, public, pg_temp"
    assert [name for name, set_ in guards if wanted not in set_] == []


@pytest.mark.assurance("T8")
def test_views_and_definer_functions_are_no_way_around() -> None:
    assert (
        rows(
            "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where n.nspname = 'public' and c.relkind in ('v', 'm')"
        )
        == []
    )
    assert (
        rows(
            "select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
            "where n.nspname = 'public' and p.prosecdef"
        )
        == []
    )
