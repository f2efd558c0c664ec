"""Releases before this one: where git has them, which migrations they lack, their code in a folder."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.catalogues import compile_catalogues
from config.demo.checks import OUR_APPS
from config.demo.testbed import ROOT

Name = tuple[str, str]  # app and migration


@dataclass(frozen=True)
class Release:
    """A commit whose migrations are some of ours; ``lacking`` are the others."""

    commit: str
    own: frozenset[Name]
    lacking: frozenset[Name]

    @property
    def leaves(self) -> dict[str, str]:
        """Return the last migration of each app that has got more since; "zero" if it had none."""
        apps = sorted({app for app, _name in self.lacking})
        return {app: max([n for a, n in self.own if a == app], default="zero") for app in apps}

    def unpack(self, place: Path) -> Path:
        """Lay its files into a folder and return it. Raises CalledProcessError."""
        tree = place / f"release-{self.commit[:10]}"
        packed = subprocess.run(
            ["git", "archive", self.commit], cwd=ROOT, capture_output=True, check=True
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(tree, filter="data")
        compile_catalogues(tree / "locale")
        return tree


@cache
def before(number: int) -> tuple[Release, ...]:
    """Return the last releases with fewer migrations than ours, the newest first.

    Each is the commit before one that added some. One whose migrations bear other names than
    ours was never anybody's: it was numbered anew before it was given out.
    Raises OSError or CalledProcessError without git or history.
    """
    ours = frozenset(
        (app, path.stem) for app in OUR_APPS for path in (ROOT / app / "migrations").glob("0*.py")
    )
    added = _git(
        "log", "--format=%H", "--diff-filter=A", "--", *(f"{a}/migrations" for a in OUR_APPS)
    )
    found: dict[frozenset[Name], Release] = {}
    for commit in added.split():
        if len(found) == number:
            break
        earlier = f"{commit}^"
        own = _migrations(earlier)
        if own < ours and own not in found:
            sha = _git("rev-parse", earlier).strip()
            found[own] = Release(sha, own, ours - own)
    return tuple(found.values())


def _migrations(commit: str) -> frozenset[Name]:
    names = [Path(line) for line in _git("ls-tree", "-r", "--name-only", commit).splitlines()]
    return frozenset(
        (path.parts[0], path.stem)
        for path in names
        if path.match("*/migrations/0*.py") and path.parts[0] in OUR_APPS
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout
