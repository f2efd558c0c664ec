"""The linter of `make test` refuses migrations that would stop or break a running system."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    CreateModel,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.operations.base import Operation
from django.db.models import Index, UniqueConstraint

from config.demo import checks, linting

FIRST = """
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Thing", [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=20)),
        ("note", models.TextField(null=True)),
    ])]
"""
NEXT = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("badly", "0001_first")]
    operations = [{operation}]
"""
INDEX = 'models.Index(fields=["name"], name="badly_name")'
BAD = {
    "a column that may no longer be empty": (
        'migrations.AlterField("thing", "note", models.TextField(default=""))', "NOT NULL",
    ),
    "a new column that the release before leaves empty": (
        'migrations.AddField("thing", "rank", models.IntegerField(default=0))', "NOT NULL",
    ),
    "a column with another name": ('migrations.RenameField("thing", "name", "title")', "RENAMING"),
    "a table with another name": ('migrations.RenameModel("Thing", "Matter")', "RENAMING"),
    "a column that the release before still reads": (
        'migrations.RemoveField("thing", "note")', "DROP",
    ),
    "a column written anew in another type": (
        'migrations.AlterField("thing", "name", models.IntegerField())', "ALTERING",
    ),
}  # fmt: skip
# On a table that stands already, each of these is built while nobody may write.
LOCKING = {
    "an index": f'migrations.AddIndex("thing", {INDEX})',
    "an indexed column": 'migrations.AddField("thing", "a", models.IntegerField(null=True, db_index=True))',
    "a reference": 'migrations.AddField("thing", "a", models.ForeignKey("badly.Thing", null=True, '
    "on_delete=models.CASCADE))",
    "a unique constraint": 'migrations.AddConstraint("thing", models.UniqueConstraint('
    'fields=["name"], name="badly_name_once"))',
    "SQL of our own": 'migrations.RunSQL("create index badly_a on badly_thing (name)")',
}
GOOD = (
    f'AddIndexConcurrently("thing", {INDEX}), '
    'migrations.AddField("thing", "rank", models.IntegerField(null=True))'
)


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: Any, settings: Any, capsys: Any) -> Any:
    """Return what lints an app of one table and one more migration: how many are wrong, and what is said."""
    package = tmp_path / "badly" / "migrations"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package.parent / "models.py").touch()
    (package / "0001_first.py").write_text(FIRST)
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.partition(".")[0] == "badly"]:
        monkeypatch.delitem(sys.modules, module)  # of the test before

    def run(operation: str, *, atomic: bool = True) -> tuple[int, str]:
        source = NEXT.format(operation=operation, atomic=atomic)
        (package / "0002_next.py").write_text(source)
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "badly"]
        return linting.lint(["badly"]), capsys.readouterr().out

    return run


@pytest.mark.django_db
@pytest.mark.assurance("R6")
@pytest.mark.parametrize(("operation", "named"), BAD.values(), ids=BAD)
def test_migration_that_stops_a_running_system_is_refused(
    lint: Any, operation: str, named: str
) -> None:
    code, said = lint(operation)

    assert code == 1, said
    assert named in said


def test_migration_that_only_adds_beside_passes(lint: Any, committed: Any) -> None:
    code, said = lint(GOOD, atomic=False)  # in no transaction, as it is applied

    assert code == 0, said


# --- indexes -------------------------------------------------------------------------------------


def locking(operations: list[Operation]) -> list[str]:
    """Return what builds an index on a table that the same migration has not made."""
    made: set[str] = set()
    found = []
    for one in _database_side(operations):
        if isinstance(one, CreateModel):
            made.add(one.name_lower)
        if isinstance(one, RunSQL):
            found += _in_sql(str(one.sql))
        elif getattr(one, "model_name_lower", None) not in made and _indexes(one):
            found.append(one.describe())
    return found


def _database_side(operations: list[Operation]) -> Iterator[Operation]:
    for one in operations:
        if isinstance(one, SeparateDatabaseAndState):
            yield from _database_side(one.database_operations)
        else:
            yield one


def _indexes(one: Operation) -> bool:
    if isinstance(one, AddIndex):
        return not isinstance(one, AddIndexConcurrently)
    if isinstance(one, AddConstraint):
        return isinstance(one.constraint, UniqueConstraint)
    if isinstance(one, AddField):  # a reference says so too, unless it is told not to be
        field = one.field
        return not field.many_to_many and bool(field.unique or getattr(field, "db_index", False))
    return False


def _in_sql(text: str) -> list[str]:
    made = set(re.findall(r"create table (\w+)", text, re.IGNORECASE))
    built = re.findall(
        r"create (?:unique )?index (?!concurrently)\w+ on (\w+)", text, re.IGNORECASE
    )
    return [f"an index on {table}" for table in built if table not in made]


@pytest.mark.assurance("R6")
def test_no_index_is_built_while_nobody_may_write() -> None:
    ours = [
        (f"{app}.{path.stem}", import_module(f"{app}.migrations.{path.stem}").Migration)
        for app in checks.OUR_APPS
        for path in sorted((checks.ROOT / app / "migrations").glob("0*.py"))
    ]
    assert len(ours) > 50

    found = {name: locking(one.operations) for name, one in ours}

    locked = {name for name, said in found.items() if said}
    assert {n for n in locked if n.partition(".")[2] not in checks.BUILT_UNDER_LOCK} == set()


@pytest.mark.assurance("R6")
@pytest.mark.parametrize("operation", LOCKING.values(), ids=LOCKING)
def test_index_on_a_table_that_stands_is_seen(operation: str, tmp_path: Path) -> None:
    file = tmp_path / "migration.py"
    file.write_text(FIRST)
    first = runpy.run_path(str(file))
    file.write_text(NEXT.format(operation=operation, atomic=True))
    made = runpy.run_path(str(file))

    assert locking(made["Migration"].operations)
    assert not locking([*first["Migration"].operations, AddIndex("thing", Index("name", name="n"))])
    assert not locking([AddIndexConcurrently("thing", Index("name", name="n"))])
