"""python -m bench.assurance.holes [--only N,…]: what is forgotten on purpose is found, each by a named check.

Each hole is made in a copy of the checkout, as somebody in a hurry would make it; a check that was there
before must then fail. The same checks pass in the copy without any hole, which is tried first. What the
checks said goes into docs/assurance/holes.json, and from there into docs/assurance.md.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.assurance import report
from bench.assurance.results import KEPT, ROOT, SHANGHAI, machine, read_all
from config.catalogues import compile_catalogues
from config.demo import testbed

COPY = ROOT / ".test" / "holes"
PYTEST = str(Path(sys.executable).parent / "pytest")
CASEWORK = "mandates/operations/casework.py"
LEDGER = "tests/common/test_ledger.py"
PAGES = "tests/test_languages.py::test_pages_and_api_say_nothing_in_the_other_language"
TABLE = '''"""A table in a hurry."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.tenancy import TownshipOwned


class Hole(TownshipOwned):
    """What a township wrote down."""

    words = models.CharField(_("note"), max_length=100)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
'''
WITHOUT_RINGS = '''"""Steps ring nobody: what rang is done after the commit."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mandates", "{leaf}")]
    operations = [migrations.RunSQL("drop trigger rings on mandates_step")]
'''


class NotMade(Exception):
    """The place a hole was made at reads otherwise by now: the hole is to be mended."""


def edit(path: str, old: str, new: str) -> None:
    """Replace what stands once in a file of the copy."""
    file = COPY / path
    text = file.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise NotMade(f"{path} holds {text.count(old)} times: {old}")
    file.write_text(text.replace(old, new), encoding="utf-8")


def add(path: str, text: str) -> None:
    (COPY / path).write_text(text, encoding="utf-8")


def leaf() -> str:
    """Return the name of the last migration of mandates."""
    return sorted(path.stem for path in (COPY / "mandates/migrations").glob("0*.py"))[-1]


# --- the holes ---------------------------------------------------------------------------------------


def table_without_policy() -> None:
    add("mandates/models/hole.py", TABLE)
    models = COPY / "mandates/models/__init__.py"
    text = models.read_text(encoding="utf-8")
    models.write_text(f"{text}\nfrom mandates.models.hole import Hole as Hole\n", encoding="utf-8")
    # As Django writes it: nobody has put rls.TenantTable in.
    ran = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "mandates", "--name", "hole"],
        cwd=COPY, capture_output=True, text=True,
        env=testbed.environment(DJANGO_SETTINGS_MODULE="config.settings.test"),
    )  # fmt: skip
    if ran.returncode:
        raise NotMade(ran.stderr[-500:])


def route_without_entry() -> None:
    old = '    path("profile/", profile.profile, name="profile"),\n'
    edit("townships/urls.py", old, old + '    path("hole/", profile.profile, name="hole"),\n')


def field_without_mask() -> None:
    edit("mandates/queries/callers.py", "{kind: masked(kind, value) for kind",
         "{kind: value for kind")  # fmt: skip


def field_nobody_declared() -> None:
    old = "class CallNote(TownshipOwned):\n"
    edit("mandates/models/papers.py", old,
         f"{old}    phone = models.CharField(max_length=20, default='')\n")  # fmt: skip


def edited_step() -> None:
    old = "def test_what_the_system_wrote_is_in_order(world: World) -> None:\n"
    new = old.replace("(world: World)", "(world: World, tampering: Any)")
    sql = "update mandates_step set note = '改过' where seq = 2"
    body = f"    with tampering() as cursor:\n        cursor.execute({sql!r})\n"
    edit(LEDGER, old, new + body)


def hook_instead_of_outbox() -> None:
    """What rings is taken out of the database, and done after the commit instead."""
    add("mandates/migrations/9999_hole.py", WITHOUT_RINGS.format(leaf=leaf()))
    hook_beside()


def hook_beside() -> None:
    old = "    _write_calls(works)\n    _write_parts(works)\n"
    hook = "    transaction.on_commit(lambda: drain_outbox.delay(), robust=True)\n"
    edit(CASEWORK, old, old + hook)
    old = "from __future__ import annotations\n"
    more = "\nfrom django.db import transaction\n\nfrom common.tasks import drain_outbox\n"
    edit(CASEWORK, old, old + more)


@dataclass(frozen=True)
class Hole:
    title: str
    where: str
    make: Callable[[], None]
    check: str  # the test that has to fail
    says: str  # in words that tell that it is this hole which was found


HOLES = (
    Hole("a table without policy", "mandates/models/hole.py", table_without_policy,
         "tests/common/test_walls.py::test_every_tenants_table_has_its_wall", "False, False"),
    Hole("a route without entry", "townships/urls.py", route_without_entry,
         "tests/isolation/test_routes.py::test_every_route_says_whose_it_is", "hole"),
    Hole("a field without mask", "mandates/queries/callers.py", field_without_mask,
         "tests/mandates/test_personal_data.py::test_nowhere_clear_but_where_somebody_says_why", "assert"),
    Hole("a personal field nobody declared", "mandates/models/papers.py", field_nobody_declared,
         "tests/test_personal_fields.py::test_every_field_that_looks_like_a_persons_is_declared", "CallNote.phone"),
    Hole("an edited step", "a row of mandates_step", edited_step,
         f"{LEDGER}::test_what_the_system_wrote_is_in_order", "I3"),
    Hole("on_commit instead of the outbox", "the trigger, and casework.py", hook_instead_of_outbox,
         "tests/common/test_dispatch.py::test_accepted_call_is_routed_without_a_broker", "still raised"),
    Hole("on_commit beside the outbox", CASEWORK, hook_beside,
         "tests/test_forbidden_code.py::test_no_work_hangs_on_a_hook_after_commit", "on_commit"),
    Hole("a field without mask, met by whoever walks through all pages", "mandates/queries/callers.py",
         field_without_mask, f"{PAGES}[township_clerk]", "shows mandates.Caller"),
)  # fmt: skip


# --- making and asking -------------------------------------------------------------------------------


@contextmanager
def copied() -> Iterator[None]:
    """Copy what git knows of the checkout, as it stands now."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, COPY / name)
    compile_catalogues(COPY / "locale")
    try:
        yield
    finally:
        shutil.rmtree(COPY, ignore_errors=True)


def ask(access: testbed.Access, *checks: str) -> tuple[bool, str]:
    """Run checks in the copy; return whether they passed, and what the first that failed said."""
    ran = subprocess.run(
        [PYTEST, "-q", "-x", "--tb=short", "-p", "no:cacheprovider", *dict.fromkeys(checks)],
        cwd=COPY, capture_output=True, text=True, env=testbed.environment(**access.environment),
    )  # fmt: skip
    if ran.returncode == 0:
        return True, ""
    if ran.returncode != 1:
        raise NotMade(f"the check did not run: {ran.stdout[-800:]}{ran.stderr[-800:]}")
    return False, said(ran.stdout)


def said(output: str) -> str:
    """Return in one line what the first failed check of an output of pytest said."""
    lines = [line[4:] for line in output.splitlines() if line.startswith("E   ")]
    plain = " ".join(line.strip() for line in lines[:6])
    return re.sub(r"\s+", " ", plain.replace("`", "'"))[:300]


def run(only: set[int]) -> list[dict[str, object]]:
    told: list[dict[str, object]] = []
    with testbed.cluster() as access:
        with copied():
            print("without a hole …", flush=True)
            passed, why = ask(access, *(hole.check for hole in HOLES))
            if not passed:
                raise NotMade(f"the checks fail without any hole: {why}")
        for number, hole in enumerate(HOLES, 1):
            if only and number not in only:
                continue
            print(f"{number} {hole.title} …", flush=True)
            with copied():
                hole.make()
                passed, why = ask(access, hole.check)
            found = not passed and hole.says in why
            print(f"    {'found' if found else 'NOT FOUND'}: {why}", flush=True)
            told.append({"title": hole.title, "where": hole.where, "check": hole.check,
                         "found": found, "said": why, "machine": machine(),
                         "at": f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M}"})  # fmt: skip
    return told


def keep(holes: list[dict[str, object]]) -> None:
    """Write what was found beside what earlier runs have found of the others."""
    path = KEPT / "holes.json"
    before = json.loads(path.read_text(encoding="utf-8"))["holes"] if path.exists() else []
    told = {one["title"]: one for one in [*before, *holes]}
    known = [told[hole.title] for hole in HOLES if hole.title in told]
    text = json.dumps({"holes": known}, ensure_ascii=False, indent=1)
    KEPT.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.assurance.holes", description=__doc__)
    parser.add_argument("--only", default="", help="numbers of holes, as 2,3")
    only = {int(one) for one in parser.parse_args().only.replace(",", " ").split()}
    holes = run(only)
    keep(holes)
    report.PAGE.write_text(report.render(read_all(KEPT)), encoding="utf-8")
    return 0 if all(hole["found"] for hole in holes) else 1


if __name__ == "__main__":
    sys.exit(main())
