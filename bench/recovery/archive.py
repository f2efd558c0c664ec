"""pgBackRest as deploy/postgresql tells it, on folders of the run: the environment overrides paths."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.demo import servers
from config.demo.servers import ADMINISTRATOR, EmbeddedPostgres
from config.demo.supervisor import plain_environment
from config.demo.testbed import ROOT

SHIPPED = ROOT / "deploy" / "postgresql"
STANZA = "huying"
# 2.57 is the first that knows PostgreSQL 18; Debian 12 has 2.45, which ends with 15.
NEWEST = {45: 15, 48: 16, 54: 17, 57: 18}


def usable(binaries: Path) -> str:
    """Return why pgBackRest cannot serve this PostgreSQL; "" if it can."""
    program = shutil.which("pgbackrest")
    if program is None:
        return "pgBackRest is not installed. Debian, Ubuntu: apt install pgbackrest"
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"2\.(\d+)", said)
    newest = max((pg for own, pg in NEWEST.items() if found and own <= int(found[1])), default=0)
    asked = servers.major_version(binaries)
    if asked > newest:
        return (
            f"{said.strip()} does not know PostgreSQL {asked}. Debian 12: apt install postgresql-15"
        )
    return ""


def public_copy(place: Path, source: Path) -> Path:
    """Copy a file of the checkout to where the server's account can read it."""
    copy = place / source.name
    shutil.copyfile(source, copy)
    copy.chmod(0o644)
    return copy


def shipped_settings() -> dict[str, str]:
    """Read what the shipped file tells PostgreSQL."""
    lines = (SHIPPED / "archiving.conf").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): value.strip().strip("'") for name, value in pairs}


@dataclass
class Archive:
    """One repository, encrypted, and the server it belongs to."""

    place: Path
    sockets: Path
    password: str

    def __post_init__(self) -> None:
        self.why_not = ""
        self.cipher = secrets.token_urlsafe(24)
        self.folder = self.place / "archive"
        for name in ("", "repo", "log", "lock", "spool"):
            (self.folder / name).mkdir(mode=0o700)
            servers.give(self.folder / name)
        self.config = public_copy(self.place, SHIPPED / "pgbackrest.conf")
        self.on = False

    def options(self) -> dict[str, str]:
        """Return the shipped settings of PostgreSQL, as far as pgBackRest is here."""
        told = shipped_settings()
        if not shutil.which("pgbackrest"):
            told |= {"archive_mode": "off", "archive_command": ""}
        return told

    def environment(self, server: EmbeddedPostgres) -> dict[str, str]:
        """Return what a server and pgBackRest are told beside the shipped configuration."""
        return {
            "PGBACKREST_CONFIG": str(self.config),
            "PGBACKREST_REPO1_PATH": str(self.folder / "repo"),
            "PGBACKREST_REPO1_CIPHER_PASS": self.cipher,
            "PGBACKREST_LOG_PATH": str(self.folder / "log"),
            "PGBACKREST_LOCK_PATH": str(self.folder / "lock"),
            "PGBACKREST_SPOOL_PATH": str(self.folder / "spool"),
            "PGBACKREST_PG1_PATH": str(server.folder),
            "PGBACKREST_PG1_PORT": str(server.port),
            "PGBACKREST_PG1_SOCKET_PATH": str(self.sockets),
            "PGBACKREST_PG1_USER": ADMINISTRATOR,
            "PGPASSWORD": self.password,
        }

    def run(self, server: EmbeddedPostgres, command: str, *options: str) -> float:
        """Run pgBackRest to its end; return how many seconds it took. Raises RuntimeError."""
        began = time.monotonic()
        done = subprocess.run(  # type: ignore[call-overload]
            ["pgbackrest", f"--stanza={STANZA}", *options, command],
            env={**plain_environment(), **self.environment(server)},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **servers.privileges(),
        )
        if done.returncode:
            raise RuntimeError(f"pgbackrest {command}: {done.stdout[-1500:]}")
        return time.monotonic() - began

    def begin(self, server: EmbeddedPostgres) -> float:
        """Make the stanza, prove that the log arrives, take a full backup; return its seconds."""
        self.run(server, "stanza-create")
        self.run(server, "check")
        return self.run(server, "backup", "--type=full")

    def restore(
        self, into: EmbeddedPostgres, *, name: str = "", second: datetime | None = None
    ) -> float:
        """Bring back the state at a named point, or at a second; the server is started by others."""
        into.folder.mkdir(mode=0o700)
        servers.give(into.folder)
        target = (
            ["--type=time", f"--target={second:%Y-%m-%d %H:%M:%S}+00"]
            if second
            else ["--type=name", f"--target={name}"]
        )
        return self.run(into, "restore", *target, "--target-action=promote")
