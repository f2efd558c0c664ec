"""The wall of a tenant's table, as migration operations.

Row-level security guards against forgotten filters, not against SQL injection. Predicates are
plain: one policy with OR scans whole tables, and a sub-select around the setting hides indexes
and breaks on a distributed engine.
"""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

APP = "huying_app"
TOWNSHIP = "township_id = any (app_ids('app.townships'))"
COUNTY = "county_id = any (app_ids('app.counties'))"
# True exactly where && is. The form is for the planner, who takes a bare && to let one row in a
# hundred pass, and would sort a page instead of reading it from the index in order.
PARTICIPANT = "nullif(departments && app_ids('app.departments'), false) is not null"
EVERYTHING = "true"

Rule = tuple[str, str]

TOWNSHIP_RULES: dict[str, Rule] = {  # kind of scope: what it may do, where
    "township": ("select, insert, update", TOWNSHIP),
    "department": ("select, insert, update", COUNTY),
    "county": ("select, insert, update", COUNTY),
    "all": ("select", EVERYTHING),
    "dispatch": ("select, insert, update", EVERYTHING),
}
COUNTY_RULES: dict[str, Rule] = {
    "township": ("select", COUNTY),
    "department": ("select", COUNTY),
    "county": ("select, insert, update, delete", COUNTY),
    "all": ("select", EVERYTHING),
    "dispatch": ("select, insert, update, delete", EVERYTHING),
}
SCOPE_ROLES = tuple(f"huying_{kind}" for kind in TOWNSHIP_RULES)
ALL_ROLES = ", ".join((APP, *SCOPE_ROLES))

GROUND = f"""
create function app_ids(name text) returns bigint[] language sql stable parallel safe
    as $$ select nullif(current_setting(name, true), '')::bigint[] $$;
create function refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
    end $$;
grant usage on schema public to {ALL_ROLES}, huying_readonly, huying_backup;
grant select, insert, update, delete on all tables in schema public to {ALL_ROLES};
grant usage, select on all sequences in schema public to {APP};
alter default privileges in schema public
    grant select, insert, update, delete on tables to {ALL_ROLES};
grant select on all tables in schema public to huying_readonly, huying_backup;
alter default privileges in schema public grant select on tables to huying_readonly, huying_backup;
"""
"""Stands in the first migration that runs. TenantTable takes back what is too much."""

TENANT_STAYS = """
create or replace function tenant_stays() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
    begin
        raise exception using errcode = 'insufficient_privilege',
            message = 'a row of ' || tg_table_name || ' stays with its tenant';
    end $$
"""

GROUND_BACK = f"""
drop function if exists tenant_stays();
alter default privileges in schema public revoke select on tables from huying_readonly, huying_backup;
alter default privileges in schema public
    revoke select, insert, update, delete on tables from {ALL_ROLES};
drop function refuse_change(); drop function app_ids(text);
"""  # noqa: S608


class _TableOperation(Operation):
    reduces_to_sql = reversible = True
    model_name: str

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing of the models."""

    def _table(self, app_label: str, schema_editor: Any, state: Any) -> str:
        model = state.apps.get_model(app_label, self.model_name)
        return schema_editor.quote_name(model._meta.db_table)

    def describe(self) -> str:
        return f"{type(self).__name__} {self.model_name}"


class TenantTable(_TableOperation):
    """Row-level security, policies and grants of one table; stands beside its CreateModel.

    ``rules`` replaces single entries of the defaults, which follow from the table's columns. An
    append-only table lets everybody at most read and insert, and refuses change by trigger.
    """

    def __init__(self, model_name: str, append_only: bool = False, **rules: Rule) -> None:
        self.model_name, self.append_only, self.rules = model_name, append_only, rules

    def deconstruct(self) -> Any:
        options = {"append_only": True} if self.append_only else {}
        return type(self).__qualname__, [self.model_name], {**options, **self.rules}

    def _keys(self, app_label: str, state: Any) -> list[str]:
        model = state.apps.get_model(app_label, self.model_name)
        columns = {field.column for field in model._meta.local_concrete_fields}
        return [key for key in ("county_id", "township_id") if key in columns]

    def _rules(self, app_label: str, state: Any) -> dict[str, Rule]:
        by_township = "township_id" in self._keys(app_label, state)
        return {**(TOWNSHIP_RULES if by_township else COUNTY_RULES), **self.rules}

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table, run = self._table(app_label, schema_editor, to_state), schema_editor.execute
        run(f"alter table {table} enable row level security, force row level security")
        keys = self._keys(app_label, to_state)
        # Outside a scope the answer is an error, never an empty list.
        run(f"revoke all on {table} from {ALL_ROLES}")
        for kind, (commands, rule) in self._rules(app_label, to_state).items():
            if not commands:
                continue
            if self.append_only:
                commands = commands.replace(", update", "").replace(", delete", "")
            run(f"grant {commands} on {table} to huying_{kind}")
            # USING serves as WITH CHECK too, unless it says nothing of the county.
            is_told = rule == EVERYTHING or COUNTY in rule or not keys
            check = "" if is_told else f" with check {inside(rule)}"
            run(f"create policy huying_{kind} on {table} to huying_{kind} using ({rule}){check}")
        run(f"create policy huying_readonly on {table} for select to huying_readonly using (true)")
        if self.append_only:
            refuse_changes(run, table)
        if keys:
            keep_tenant(run, table, keys)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table, run = self._table(app_label, schema_editor, from_state), schema_editor.execute
        for role in (*SCOPE_ROLES, "huying_readonly"):
            run(f"drop policy if exists {role} on {table}")
        run(f"alter table {table} no force row level security, disable row level security")


class HiddenColumns(_TableOperation):
    """Columns of a table that pages may write and never read; the workers' role alone reads them."""

    READERS = ("huying_dispatch",)

    def __init__(self, model_name: str, columns: tuple[str, ...]) -> None:
        self.model_name, self.columns = model_name, tuple(columns)

    def deconstruct(self) -> Any:
        return type(self).__qualname__, [self.model_name, self.columns], {}

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table, run = self._table(app_label, schema_editor, to_state), schema_editor.execute
        fields = to_state.apps.get_model(app_label, self.model_name)._meta.local_concrete_fields
        shown = ", ".join(f.column for f in fields if f.column not in self.columns)
        for role in (*SCOPE_ROLES, "huying_readonly"):
            if role not in self.READERS:
                run(f"revoke select on {table} from {role}")  # noqa: S608
                run(f"grant select ({shown}) on {table} to {role}")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table = self._table(app_label, schema_editor, from_state)
        for role in (*SCOPE_ROLES, "huying_readonly"):
            schema_editor.execute(f"grant select on {table} to {role}")


def inside(rule: str) -> str:
    """Return what a row must be to be written: what may be read, and of the scope's own county."""
    return f"(({rule}) and {COUNTY})"


def keep_tenant(run: Any, table: str, keys: list[str]) -> None:
    """Have PostgreSQL refuse to everybody that a row is given to another county or township.

    The name comes first in the alphabet: it is asked before any other guard.
    """
    changed = " or ".join(f"old.{key} is distinct from new.{key}" for key in keys)
    run(TENANT_STAYS)
    run(f"drop trigger if exists a_tenant_stays on {table}")
    run(
        f"create trigger a_tenant_stays before update of {', '.join(keys)} on {table} "
        f"for each row when ({changed}) execute function tenant_stays()"
    )


def refuse_changes(run: Any, table: str) -> None:
    """Have PostgreSQL refuse UPDATE, DELETE and TRUNCATE of a table to everybody, always."""
    run(
        f"create trigger append_only before update or delete on {table} "
        "for each row execute function refuse_change()"
    )
    run(
        f"create trigger append_only_truncate before truncate on {table} "
        "for each statement execute function refuse_change()"
    )
    # Also for a session that passes itself off as a replica's.
    run(f"alter table {table} enable always trigger append_only")
    run(f"alter table {table} enable always trigger append_only_truncate")


class AppendOnly(_TableOperation):
    """A table without an owner to which rows are only added: the audit trail.

    Everybody adds, or only ``writers``; only reading the id back is granted, so the trail is no way
    around tenancy. ``readers`` may read it.
    """

    def __init__(
        self, model_name: str, readers: tuple[str, ...] = (), writers: tuple[str, ...] = ()
    ) -> None:
        self.model_name, self.readers, self.writers = model_name, readers, writers

    def deconstruct(self) -> Any:
        options = {"writers": self.writers} if self.writers else {}
        return type(self).__qualname__, [self.model_name], {"readers": self.readers, **options}

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table, run = self._table(app_label, schema_editor, to_state), schema_editor.execute
        run(f"revoke all on {table} from {ALL_ROLES}")
        adding = ", ".join(f"huying_{kind}" for kind in self.writers) or ALL_ROLES
        run(f"grant insert, select (id) on {table} to {adding}")
        for kind in self.readers:
            run(f"grant select on {table} to huying_{kind}")
        refuse_changes(run, table)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table = self._table(app_label, schema_editor, from_state)
        schema_editor.execute(f"drop trigger append_only on {table}")
        schema_editor.execute(f"drop trigger append_only_truncate on {table}")
