"""What is shipped for backups and standbys can be read, and says the same everywhere."""

from __future__ import annotations

import configparser
import re
import subprocess

import pytest
import yaml

from bench.recovery import archive
from config.demo.testbed import ROOT

SHIPPED = ROOT / "deploy" / "postgresql"


def patroni() -> dict:
    text = (SHIPPED / "patroni.yml").read_text()
    return yaml.safe_load(re.sub(r"\$\{[A-Z0-9_]+\}", "filled-in", text))


@pytest.mark.assurance("HA")
def test_patroni_promotes_nobody_who_lacks_something() -> None:
    told = patroni()
    rules = told["bootstrap"]["dcs"]

    assert rules["synchronous_mode"] is True
    assert rules["synchronous_node_count"] >= 1
    assert rules["postgresql"]["use_pg_rewind"] is True
    # As Patroni itself asks: time for two tries before the key of the primary runs out.
    assert rules["loop_wait"] + 2 * rules["retry_timeout"] <= rules["ttl"]
    assert told["watchdog"]["mode"] == "required"
    assert len(told["etcd3"]["hosts"]) >= 3
    assert not any(told["tags"].values())


@pytest.mark.assurance("HA")
def test_patroni_and_archiving_tell_postgresql_the_same() -> None:
    parameters = patroni()["bootstrap"]["dcs"]["postgresql"]["parameters"]

    for name, value in archive.shipped_settings().items():
        assert str(parameters[name]) == value, name


@pytest.mark.assurance("HA")
def test_only_known_roles_come_in_and_only_by_tls() -> None:
    rules = [line.split() for line in patroni()["postgresql"]["pg_hba"]]
    roles = (ROOT / "config/sql/roles.sql").read_text()
    second = (ROOT / "config/sql/second-login.sql").read_text()

    assert {kind for kind, *_rest in rules} == {"local", "hostssl"}
    assert {rule[-1] for rule in rules} == {"peer", "scram-sha-256"}
    (let_in,) = [rule[2] for rule in rules if rule[1] == "huying"]
    for role in let_in.split(","):
        assert role in roles + second


@pytest.mark.assurance("R1")
def test_repository_is_encrypted_and_keeps_weeks() -> None:
    told = configparser.ConfigParser(interpolation=None)
    told.read(SHIPPED / "pgbackrest.conf")

    assert told["global"]["repo1-cipher-type"] == "aes-256-cbc"
    assert "repo1-cipher-pass" not in told["global"]  # a pass phrase is in no repository
    assert int(told["global"]["repo1-retention-full"]) >= 4
    assert archive.STANZA in told
    assert f"--stanza={archive.STANZA} " in archive.shipped_settings()["archive_command"]
    assert int(archive.shipped_settings()["archive_timeout"]) <= 300  # what may be lost at most


@pytest.mark.parametrize("name", ["promote.sh", "rejoin.sh"])
def test_scripts_of_standbys_are_bash(name: str) -> None:
    subprocess.run(["bash", "-n", SHIPPED / name], check=True)


@pytest.mark.assurance("R8")
def test_second_login_is_set_as_the_first() -> None:
    found = {}
    for file, role in (("roles", "huying_app"), ("second-login", "huying_app_b")):
        text = (ROOT / f"config/sql/{file}.sql").read_text()
        found[role] = re.findall(rf"alter role {role} set (.*);", text)

    assert found["huying_app"] == found["huying_app_b"] != []
