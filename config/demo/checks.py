"""What `make test` and `make check` run: every check is tried, and the end says which failed."""

from __future__ import annotations

import base64
import contextlib
import ctypes.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from config.catalogues import compile_catalogues
from config.demo import testbed
from config.demo.testbed import ROOT, Access

BIN = Path(sys.executable).parent
OUR_APPS = ("common", "townships", "mandates", "grid", "enforcement", "services")
OTHER_POSTGRES = Path("/usr/lib/postgresql/15/bin")  # the oldest version we support
# What walks or words pages and operations, reads files or the repository, or only works with values
# says the same on every PostgreSQL: rules, walls, plans, statistics and migrations are asked of both.
ASKED_ONCE = (
    "tests/fuzz",
    "tests/isolation",
    "tests/test_containers.py",
    "tests/test_forbidden_code.py",
    "tests/test_hostile_addresses.py",
    "tests/test_languages.py",
    "tests/test_messages.py",
    "tests/test_operations.py",
    "tests/test_personal_fields.py",
    "tests/test_repository.py",
    "tests/*/test_*_pages.py",
    "tests/*/test_*_api.py",
    "tests/common/test_calendar_data.py",
    "tests/common/test_display.py",
    "tests/common/test_due_command.py",
    "tests/common/test_workbooks.py",
    "tests/common/test_worktime*.py",
    "tests/config/test_[!bs]*.py",
    "tests/config/test_state.py",
    "tests/mandates/test_accountability.py",
    "tests/mandates/test_assess*.py",
    "tests/mandates/test_boards.py",
    "tests/mandates/test_call_sheet.py",
    "tests/mandates/test_calls_graph.py",
    "tests/mandates/test_exports.py",
    "tests/mandates/test_letters.py",
    "tests/mandates/test_lists_load.py",
    "tests/mandates/test_notices_mail.py",
    "tests/mandates/test_pictures.py",
    "tests/mandates/test_replay*.py",
    "tests/mandates/test_suggest*.py",
    "tests/townships/test_factors.py",
    "tests/townships/test_language.py",
    "tests/townships/test_sign_in.py",
    "tests/townships/test_three_administrators.py",
    "tests/townships/test_type_size.py",
    "tests/townships/test_webhooks*.py",
    "tests/*/test_*console*.py",
)
# What a linter of migrations forbids, and why these may: each is named, and nothing else of them
# is let through. A unique constraint, or an index that is not built beside, locks its table.
BUILT_UNDER_LOCK = (
    "0006_numbers_of_sources",  # mandates: a partial index that already stood, with one column less
    # mandates: indexes of calls, made before anybody had calls that could have waited for them
    "0008_linked_calls",
    "0012_ratings",
    "0021_parts_of_calls",
    "0007_deliveries",  # common: the queue of letters not yet sent, emptied every night
    "0015_ladder_letters_pauses",  # mandates: some dozen rows a county
    "0018_lists_of_three_generations",  # mandates: the lists themselves, some twenty a county
    "0037_retention_of_more_kinds",  # mandates: periods and disposals, some dozen rows a county
    "0014_second_person",  # townships: the posts, some thousands a city
    "0032_comments_reworded",  # mandates: comments on drafts, some hundred a round
)
# A column that takes longer texts from now on: the catalogue changes, no row is written anew.
WIDENED = (
    "0010_mobile_numbers_encrypted",  # common
    "0012_phones_encrypted",  # townships
)
# What the linter of migrations lets through (config.demo.linting). An index that is built while nobody
# may write it only guesses at: tests/config/test_migrations_linted.py.
LET_THROUGH = {"ADD_UNIQUE": BUILT_UNDER_LOCK, "ALTER_COLUMN": WIDENED}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# A browser, Chinese fonts, what WeasyPrint draws PDFs with, and what tests read them with.
DEBIAN_PACKAGES = (
    "chromium",
    "fonts-noto-cjk",
    "libpango-1.0-0",
    "libpangoft2-1.0-0",
    "libharfbuzz-subset0",
    "poppler-utils",
)


@dataclass
class Check:
    """One command that must end with 0. All give way to one that goes ``first``."""

    title: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    first: bool = False

    def run(self, output: IO[bytes] | None = None) -> bool:
        """Run the command; what it says goes to ``output``, or straight to the reader."""
        title = f"\n=== {self.title}\n"
        if output is None:
            print(title, end="", flush=True)
        else:
            output.write(title.encode())
            output.flush()
        environment = testbed.environment(**self.environment)
        command = self.command if self.first else ["nice", "-n", "10", *self.command]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode == 0


Result = tuple[str, bool, float]  # title, whether it passed, seconds
Lane = Callable[[IO[bytes] | None], list[Result]]  # checks one after another, and where they print


def run(*, fast: bool) -> int:
    """Run all checks; return 0 if every one passed."""
    compile_catalogues(ROOT / "locale")
    if fast:
        results = _beside(partial(_each, lint()), _of_database)
        results += _each([fast_tests()], None)
    else:
        with _postgres_stays():
            results = _beside(
                partial(_each, all_tests()),
                partial(_each, [waiting_tests()]),
                _before_the_other_postgres,
            )
    print("\n=== Summary")
    for title, passed, seconds in results:
        print(f"{'passed' if passed else 'FAILED'}  {seconds:6.1f} s  {title}")
    for note in [] if fast else notes():
        print(note)
    return 0 if all(passed for _, passed, _ in results) else 1


def _timed(check: Check, output: IO[bytes] | None) -> Result:
    began = time.monotonic()
    passed = check.run(output)
    return check.title, passed, time.monotonic() - began


def _each(checks: list[Check], output: IO[bytes] | None) -> list[Result]:
    return [_timed(check, output) for check in checks]


def _of_database(output: IO[bytes] | None) -> list[Result]:
    with database() as access:
        return _each(database_checks(access), output)


def _before_the_other_postgres(output: IO[bytes] | None) -> list[Result]:
    """Make all that is ready long before the tests come to the second PostgreSQL."""
    results = _each(lint(), output)
    with database() as access:
        results += _each([*database_checks(access), *slow_checks(access)], output)
    if has_other_postgres():
        # One process makes it: two cores would wait for it later.
        told = {"HUYING_POSTGRES_BIN": str(OTHER_POSTGRES)}
        command = [sys.executable, "-m", "config.demo", "testbed", "--", "true"]
        results += _each([Check("Migrations on PostgreSQL 15", command, told)], output)
    return results


@contextlib.contextmanager
def _postgres_stays() -> Iterator[None]:
    """Let lanes use one server, begun here: begun by a lane it would give way as that one does."""
    with contextlib.ExitStack() as stack:
        if Access.from_environment() is None:
            stack.enter_context(testbed.cluster())
        yield


def _beside(*lanes: Lane) -> list[Result]:
    """Run lanes at the same time; what the others print is shown after the first has ended."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(lanes)) as pool:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _lane in lanes[1:]]
        others = [
            pool.submit(lane, output) for lane, output in zip(lanes[1:], outputs, strict=True)
        ]
        results = lanes[0](None)
        for other, output in zip(others, outputs, strict=True):
            results += other.result()
            output.seek(0)
            sys.stdout.write(output.read().decode(errors="replace"))
            sys.stdout.flush()
    return results


@contextlib.contextmanager
def database() -> Iterator[Access]:
    """A migrated database for the checks that ask one; the tests make their own."""
    with contextlib.ExitStack() as stack:
        access = Access.from_environment() or stack.enter_context(testbed.cluster())
        name = f"test_huying_{os.getpid()}_checks"
        inside = testbed.clone(access, source=testbed.template(access), name=name)
        stack.callback(testbed.drop, access, name)
        yield inside


def lint() -> list[Check]:
    return [
        Check("Lint", [str(BIN / "ruff"), "check", "."]),
        Check("Format", [str(BIN / "ruff"), "format", "--check", "."]),
        Check("Import contracts", [str(BIN / "lint-imports")]),
        Check("Types", [str(BIN / "mypy")]),
    ]


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def database_checks(access: Access) -> list[Check]:
    told = {**access.environment, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    return [
        Check("No migration is missing", _manage("makemigrations", "--check", "--dry-run"), told),
    ]


def slow_checks(access: Access) -> list[Check]:
    tested = {**access.environment, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    produced = {
        **access.environment,
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "huying.example.org",
        "PERSONAL_KEYS": f"check:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "CSRF_TRUSTED_ORIGINS": "https://huying.example.org",
        "INSTALLATION_NAME": "Huying",
        "DATABASE_OWNER_URL": "",  # as web has it
    }
    return [
        Check(
            "Migrations do not stop a running system",
            [sys.executable, "-m", "config.demo.linting"],
            tested,
        ),
        Check(
            "Production settings", _manage("check", "--deploy", "--fail-level=WARNING"), produced
        ),
    ]


# --- Tests ---------------------------------------------------------------------------------------


# Whoever has done its part takes from the other: the walks of languages are long, and come last.
SHARED = ("-n2", "--dist=worksteal")
USUAL = ("-m", "not browser and not processes")


def _pytest(*arguments: str) -> list[str]:
    return [str(BIN / "pytest"), "-q", "--durations=10", *arguments]


def shows(run: str) -> dict[str, str]:
    """Let a run of tests write down which promises it has shown (bench/assurance)."""
    return {"HUYING_ASSURANCE": run, "HUYING_ASSURANCE_COMMAND": "make test"}


def fast_tests() -> Check:
    return Check("Tests, the quick ones", _pytest(*SHARED, *USUAL))


def all_tests() -> list[Check]:
    """Return the tests that compute, on both versions of PostgreSQL."""
    found = [
        Check(
            "Tests on the embedded PostgreSQL",
            _pytest(*SHARED, *USUAL),
            # Each write is looked at as well (E1): it costs next to nothing.
            {"HUYING_TRAIL": "1", **shows("tests on the embedded PostgreSQL")},
        )
    ]
    if has_other_postgres():
        told = {"HUYING_POSTGRES_BIN": str(OTHER_POSTGRES), **shows("tests on PostgreSQL 15")}
        again = _pytest(*SHARED, *USUAL, *(f"--ignore-glob={path}" for path in ASKED_ONCE))
        found.append(Check("Tests on PostgreSQL 15", again, told))
    return found


def waiting_tests() -> Check:
    """Return the tests that drive browsers and servers, once and one at a time.

    They wait most of their time: the others compute meanwhile, and give way to them.
    """
    alone = "processes" if install_chromium() is None else "browser or processes"
    return Check(
        f"Tests one at a time: {alone}", _pytest("-m", alone), shows("tests one at a time")
    )


def has_other_postgres() -> bool:
    return (OTHER_POSTGRES / "postgres").exists() and not Access.from_environment()


def notes() -> list[str]:
    found = []
    if find_chromium() is None:
        found.append(
            "NOT RUN: browser tests, since there is no Chromium. Debian, Ubuntu: apt install "
            f"{' '.join(DEBIAN_PACKAGES)}. Elsewhere: set HUYING_CHROMIUM to its path."
        )
    if not can_make_pdf():
        found.append(
            "NOT RUN: tests that draw and read PDFs. Debian, Ubuntu: apt install "
            f"{' '.join(DEBIAN_PACKAGES[1:])}."
        )
    if not can_restore():
        found.append(
            "NOT RUN: restoring to a point in time. Debian 12: apt install pgbackrest postgresql-15."
        )
    if not (OTHER_POSTGRES / "postgres").exists():
        found.append(f"NOT RUN: tests on PostgreSQL 15; {OTHER_POSTGRES} does not exist.")
    return found


def find_chromium() -> str | None:
    """Return the path of a Chromium, if there is one."""
    asked_for = os.environ.get("HUYING_CHROMIUM", "")
    if asked_for:
        return asked_for
    return next((path for name in CHROMIUM if (path := shutil.which(name))), None)


def can_make_pdf() -> bool:
    """Say whether the libraries that PDFs are drawn with are here, and the tool tests read with."""
    libraries = ("pango-1.0", "pangoft2-1.0", "harfbuzz-subset")
    found = all(ctypes.util.find_library(name) for name in libraries)
    return found and shutil.which("pdftotext") is not None


def install_chromium() -> str | None:
    """Return the path of Chromium; installs Debian's packages for browser and PDF where root may."""
    has_fonts = Path("/usr/share/fonts/opentype/noto").exists()
    missing = find_chromium() is None or not has_fonts or not can_make_pdf()
    if missing:
        _install("Chromium, Pango and Chinese fonts", *DEBIAN_PACKAGES)
    return find_chromium()


def can_restore() -> bool:
    """Say whether there is a pgBackRest, and a PostgreSQL that Debian's knows."""
    return shutil.which("pgbackrest") is not None and (OTHER_POSTGRES / "postgres").exists()


def install_pgbackrest() -> None:
    """Install Debian's pgBackRest where root may, and where it has a PostgreSQL to serve."""
    if (OTHER_POSTGRES / "postgres").exists() and not can_restore():
        _install("pgBackRest", "pgbackrest")


def _install(what: str, *packages: str) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"\n=== Installing Debian's {what}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o=Dpkg::Use-Pty=0"]
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        if subprocess.run([*apt, *arguments], env=quiet).returncode:
            return
