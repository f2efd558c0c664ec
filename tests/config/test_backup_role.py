"""Who makes dumps sees every tenant's rows; who sees only some of them gets an error, no dump."""

from __future__ import annotations

import re
import subprocess

import pytest
from django.db import connection

from common import tenancy
from config.demo import testbed
from config.demo.servers import ADMINISTRATOR, APP, OWNER, EmbeddedPostgres
from config.demo.testbed import Access
from mandates.models import Step
from tests.factories.calls import make_world

BACKUP, READONLY = "huying_backup", "huying_readonly"
SCOPES = ("huying_all", "huying_dispatch")  # read every tenant, by policies


@pytest.fixture
def server() -> EmbeddedPostgres:
    server = testbed.embedded()
    if server is None:
        pytest.skip("only the administrator of the tests' own cluster may become any role")
    return server


def dump(server: EmbeddedPostgres, database: str, role: str) -> tuple[int, str, str]:
    """Dump the rows of two tables as a role; return the exit code, the dump, what is said."""
    done = subprocess.run(
        [server.binaries / "pg_dump", "--data-only", f"--role={role}",
         "--table=mandates_step", "--table=mandates_call", server.url(ADMINISTRATOR, database)],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C"},
        timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def lines_of(rows: str, table: str) -> list[str]:
    """Return the rows of a table that a dump holds."""
    after = rows.partition(f"COPY public.mandates_{table} ")[2].partition("FROM stdin;\n")[2]
    return after.partition("\\.\n")[0].splitlines()


@pytest.mark.assurance("R3")
def test_who_stands_under_row_security_gets_an_error_and_never_a_smaller_dump(
    committed: Access, server: EmbeddedPostgres
) -> None:
    world = make_world()
    world.routed()
    world.routed()
    with tenancy.everywhere(reason="how many rows a dump must hold"):
        steps = Step.objects.count()
    database = committed.app.rpartition("/")[2]

    for role in (APP, OWNER, READONLY, *SCOPES):
        code, rows, said = dump(server, database, role)
        assert code != 0, role
        assert re.search("row-level security|permission denied|lack SELECT privilege", said), said
        assert lines_of(rows, "call") + lines_of(rows, "step") == [], role

    code, rows, said = dump(server, database, BACKUP)
    assert code == 0, said
    assert len(lines_of(rows, "step")) == steps > 0


@pytest.mark.assurance("R3")
def test_who_makes_dumps_reads_everything_and_writes_nothing(
    committed: Access, server: EmbeddedPostgres
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolbypassrls, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolconfig "
            "from pg_roles where rolname = %s",
            [BACKUP],
        )
        passes, *other, settings = cursor.fetchone()
    assert passes
    assert not any(other)
    assert "default_transaction_read_only=on" in settings
    with (
        server.connection(database=committed.app.rpartition("/")[2]) as inside,
        inside.cursor() as cursor,
    ):
        cursor.execute(
            # Every table and every sequence, and no right to more, whatever is added one day.
            "select count(*), count(*) filter (where has_table_privilege(%(r)s, c.oid, 'select')), "
            "coalesce(string_agg(relname, ' ') filter (where has_table_privilege(%(r)s, c.oid, "
            "'insert, update, delete, truncate')), '') from pg_class c "
            "where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'S')",
            {"r": BACKUP},
        )
        total, readable, written = cursor.fetchone()
    assert readable == total > 100
    assert written == ""
