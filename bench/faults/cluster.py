"""A stopped cluster with townships in it, made once for a state of the code and copied by each run."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from config.demo import commands, servers, testbed
from config.demo.servers import ADMINISTRATOR, APP, OWNER, EmbeddedPostgres
from config.demo.testbed import ROOT


def prepared(
    reach: Path,
    *,
    database: str,
    module: str,
    binaries: Path,
    options: Mapping[str, str],
    sources: Iterable[Path],
) -> Path:
    """Return the folder of the cluster that ``module`` fills; ``known.json`` in it says with what.

    Made anew when the models or one of ``sources`` have changed. Raises RuntimeError.
    """
    own = hashlib.sha256()
    for path in sources:
        own.update(path.read_bytes())
    folder = reach / f"prepared-{testbed.fingerprint()}-{own.hexdigest()[:8]}"
    if (folder / "known.json").exists():
        return folder
    for old in reach.glob("prepared-*"):
        shutil.rmtree(old)
    folder.mkdir()
    folder.chmod(0o711)
    known: dict[str, Any] = {
        "passwords": {r: secrets.token_urlsafe(24) for r in (ADMINISTRATOR, OWNER, APP)},
        "secret_key": secrets.token_urlsafe(48),
    }
    server = EmbeddedPostgres(
        folder=folder / "data",
        binaries=binaries,
        port=servers.free_port(),
        log=folder / "postgresql.log",
        passwords=known["passwords"],
        options={**options, "fsync": "off"},
    )
    server.start_detached()
    try:
        server.set_up_roles()
        server.ensure_database(database)
        access = testbed.Access(server.url(APP, database), server.url(OWNER, database))
        testbed.migrate(access, settings="config.settings.test")
        known |= filled(access, known["secret_key"], module)
    finally:
        server.stop()
    (folder / "known.json").touch(mode=0o600)
    (folder / "known.json").write_text(json.dumps(known))
    return folder


def filled(
    access: testbed.Access, secret_key: str, module: str, tree: Path = ROOT
) -> dict[str, Any]:
    """Let a process of the application make what a run calls with; return what it says it made.

    ``tree`` holds the application's code. Raises RuntimeError.
    """
    package, _dot, name = module.rpartition(".")
    code = f"import django; django.setup(); from {package} import {name}; {name}.main()"
    done = subprocess.run(
        [commands.PYTHON, "-c", code],
        env={
            **os.environ,
            "DATABASE_URL": access.app,
            "SECRET_KEY": secret_key,
            "DJANGO_SETTINGS_MODULE": "config.settings.demo",
            "PYTHONPATH": str(tree),
        },
        cwd=tree,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the townships of the run: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
