"""The linter of `make test` refuses migrations that would stop or break a running system."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config.demo import checks

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
    "an index built while nobody may write": (f'migrations.AddIndex("thing", {INDEX})', "CREATE INDEX"),
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
GOOD = (
    f'AddIndexConcurrently("thing", {INDEX}), '
    'migrations.AddField("thing", "rank", models.IntegerField(null=True))'
)


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: Any, settings: Any, capsys: Any) -> Any:
    """Return what lints an app of one table and one more migration: its exit code and words."""
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
        try:
            call_command(*checks.LINTER, "--include-apps", "badly")
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

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
