"""`docs/personal-data.md` names every field that reaches a person, and every one that only looks so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from common import ciphers, rotation
from common.sealed import SealedField
from mandates.models import Caller

DOC = (Path(__file__).parent.parent / "docs" / "personal-data.md").read_text()
IN_CLEAR = "## Why these stay in clear"
ADDRESSES = re.compile(r"phone|mobile|number|mail|address|contact|card|bank|plate")
REACHING, LOOKING = "## Fields that reach a person", "## Fields that only look like it"
# Words of a name, and whole names, behind which a person may stand.
LOOKS = re.compile(
    r"(^|_)(name|surname|actor|phone|mobile|tel|telephone|email|mail|wechat|address|contact|reader|"
    r"person|people|proposer|decider|reporter|caller|approver|card|id_number|idcard|birth|birthday|"
    r"sex|gender|who|username|said_by|ruled_by|decided_in|ip|plate|bank|photo|face)(_|$)"
    r"|^by$|^masked$|^number$|_index$"
)
TEXTS = (models.CharField, models.TextField, models.JSONField, models.GenericIPAddressField,
         models.FileField, models.DateField, ArrayField)  # fmt: skip
EVERYWHERE = {"sessions", "contenttypes", "admin", "limit"}


def rows(heading: str) -> dict[str, list[str]]:
    part = DOC.partition(heading)[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def looking() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label not in EVERYWHERE
        for field in model._meta.local_concrete_fields
        if isinstance(field, TEXTS) and not field.choices and LOOKS.search(field.name)
    }


@pytest.mark.assurance("E8")
def test_every_field_that_looks_like_a_persons_is_declared() -> None:
    reaching, only_looking = rows(REACHING), rows(LOOKING)
    assert looking() - reaching.keys() - only_looking.keys() == set()
    assert (reaching.keys() | only_looking.keys()) - looking() == set()  # none that is gone
    assert reaching.keys() & only_looking.keys() == set()
    assert all(len(cells) == 3 and all(cells) for cells in reaching.values())


@pytest.mark.assurance("E8")
def test_what_is_said_to_be_encrypted_is() -> None:
    """Encrypted fields have a constraint that lets nothing else in, and come under new keys."""
    said = {name for name, cells in rows(REACHING).items() if cells[1] == "encrypted"}
    found = {
        f"{table.model._meta.label}.{table.column}" for table in rotation.tables()
        if table.column and isinstance(table.model._meta.get_field(table.column), SealedField)
    }  # fmt: skip
    for table in rotation.tables():
        for one in table.model._meta.constraints:
            if isinstance(one, models.CheckConstraint) and ciphers.SEALED in str(one.condition):
                found |= {
                    f"{table.model._meta.label}.{name.removesuffix('__regex')}"
                    for name, value in flattened(one.condition)
                    if value == ciphers.SEALED
                }
    assert said == found
    assert f"{Caller._meta.label}.phone" in said
    sealed = {
        f"{model._meta.label}.{field.name}" for model in apps.get_models()
        for field in model._meta.local_concrete_fields if isinstance(field, SealedField)
    }  # fmt: skip
    assert sealed <= said  # one that nobody registered would stay under its old key


def test_what_is_kept_in_clear_says_why() -> None:
    """A number or an address of a person is encrypted, or the page says why it is not."""
    told = DOC.partition(IN_CLEAR)[2].partition("\n## ")[0]
    clear = {
        name for name, cells in rows(REACHING).items()
        if cells[1].startswith("in clear") and ADDRESSES.search(name.rpartition(".")[2])
    }  # fmt: skip
    assert clear  # or this has nothing to say any more
    assert {name for name in clear if f"`{name}`" not in told} == set()


def flattened(condition: models.Q) -> list[tuple[str, str]]:
    return [
        pair
        for child in condition.children
        for pair in (flattened(child) if isinstance(child, models.Q) else [child])
    ]
