"""Lint the migrations: none may stop or break a running system (django-migration-linter).

The linter asks Django for the SQL of one migration at a time, and each time the state of all models
is built anew from the first: the work grows with the square of their number. Here it is built once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import django
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django_migration_linter import MigrationLinter

from config.demo import checks

Key = tuple[str, str]  # an app and the name of a migration


class Linter(MigrationLinter):
    """The package's linter, with SQL collected in one walk and what each migration may by name."""

    def __init__(self, apps: Iterable[str]) -> None:
        super().__init__(include_apps=list(apps), no_cache=True, quiet=["ignore", "ok"])
        self.sql: dict[Key, list[str]] = {}

    def lint_migration(self, migration: Migration) -> None:
        """Lint one: what is let through is let through for it alone."""
        self.exclude_migration_tests = [
            test for test, names in checks.LET_THROUGH.items() if migration.name in names
        ]
        super().lint_migration(migration)

    def get_sql(self, app_label: str, migration_name: str) -> list[str]:
        """Return the lines of a migration's SQL."""
        if not self.sql:
            self.sql = collected(self.migration_loader, self.include_apps or ())
        return self.sql[app_label, migration_name]


def collected(loader: MigrationLoader, apps: Iterable[str]) -> dict[Key, list[str]]:
    """Return the SQL of all migrations of some apps, as sqlmigrate prints each."""
    wanted = set(apps)
    plan: dict[Key, None] = {}
    for target in loader.graph.leaf_nodes():
        if target[0] in wanted:
            plan |= dict.fromkeys(loader.graph.forwards_plan(target))
    state = loader.project_state([], at_end=False)
    found = {}
    for key in plan:
        one = loader.graph.nodes[key]
        with connection.schema_editor(collect_sql=True, atomic=one.atomic) as editor:
            state = one.apply(state, editor, collect_sql=True)
        statements = [str(line) for line in editor.collected_sql]
        if one.atomic:
            statements = ["BEGIN;", *statements, "COMMIT;"]
        found[key] = "\n".join(statements).splitlines()
    return found


def lint(apps: Iterable[str]) -> int:
    """Lint the migrations of some apps, and say what is wrong; return how many are."""
    linter = Linter(apps)
    linter.lint_all_migrations()
    linter.print_summary()
    return int(linter.nb_erroneous)


if __name__ == "__main__":
    django.setup()
    sys.exit(bool(lint(checks.OUR_APPS)))
