"""R3: who is bound by row-level security gets an error for a dump, never a smaller one."""

from __future__ import annotations

from bench.faults.system import DATABASE
from bench.recovery.ground import BACKUP, READONLY
from bench.recovery.scenarios import Trial, scenario
from config.demo.servers import APP, OWNER


@scenario("R3", "dumps by roles that row-level security binds")
def dumps(trial: Trial) -> None:
    ground, found = trial.ground, trial.found
    for role in (BACKUP, READONLY):
        ground.let_in(role)
    with trial.load(trial.draw(trial.profile.some(20, 5), rate=8)):
        pass
    file = ground.place / "dump"
    file.mkdir(mode=0o777)
    file.chmod(0o777)
    for role in (APP, OWNER, READONLY):
        target = file / role
        code, said = ground.try_tool(
            "pg_dump", "--format=custom", f"--file={target}", DATABASE, role=role
        )
        refused = code != 0 and ("row-level security" in said or "permission denied" in said)
        found.figure(f"pg_dump by {role}", "refused" if refused else said[-200:] or "taken",
                     "refused", ok=refused)  # fmt: skip
    code, said = ground.try_tool(
        "pg_dump", "--format=custom", f"--file={file / BACKUP}", DATABASE, role=BACKUP
    )
    found.figure(f"pg_dump by {BACKUP}", "whole" if not code else said[-200:], "whole", ok=not code)
    rows = ground.query("select count(*) from mandates_step")[0][0]
    restored = ground.tool(
        "pg_restore", "--data-only", "--table=mandates_step", "--file=-", str(file / BACKUP)
    )
    lines = restored.split("FROM stdin;\n", 1)[1].split("\n\\.\n", 1)[0].splitlines()
    found.all("steps in it", len(lines), rows)
    code, said = ground.try_tool(
        "psql", "--no-psqlrc", "--command", "update mandates_call set title = title", role=BACKUP
    )
    refused = code != 0 and ("read-only" in said or "permission denied" in said)
    found.figure(
        f"a write by {BACKUP}", "refused" if refused else said[-200:], "refused", ok=refused
    )
