"""`docs/personal-data.md` names every field that reaches a person, and every one that only looks so."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from common import rotation
from common.sealed import SealedField
from mandates.models import Caller
from tests import planted
from tests.planted import DOC, REACHING, declared

IN_CLEAR = "## Why these stay in clear"
ADDRESSES = re.compile(r"phone|mobile|number|mail|address|contact|card|bank|plate")
LOOKING = "## Fields that only look like it"
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
    reaching, only_looking = declared(REACHING), declared(LOOKING)
    assert looking() - reaching.keys() - only_looking.keys() == set()
    assert (reaching.keys() | only_looking.keys()) - looking() == set()  # none that is gone
    assert reaching.keys() & only_looking.keys() == set()
    assert all(len(cells) == 3 and all(cells) for cells in reaching.values())


@pytest.mark.assurance("E8")
def test_what_is_said_to_be_encrypted_is() -> None:
    """Encrypted fields have a constraint that lets nothing else in, and come under new keys."""
    said = {name for name, cells in declared(REACHING).items() if cells[1] == "encrypted"}
    found = planted.guarded_fields() | {
        f"{table.model._meta.label}.{table.column}" for table in rotation.tables()
        if table.column and isinstance(table.model._meta.get_field(table.column), SealedField)
    }  # fmt: skip
    assert said == found
    assert f"{Caller._meta.label}.phone" in said
    # One that nobody registered would stay under its old key.
    assert planted.sealed_fields() <= said
    assert planted.PUBLISHED.keys() <= declared(REACHING).keys()


def test_what_is_kept_in_clear_says_why() -> None:
    """A number or an address of a person is encrypted, or the page says why it is not."""
    told = DOC.partition(IN_CLEAR)[2].partition("\n## ")[0]
    clear = {
        name for name, cells in declared(REACHING).items()
        if cells[1].startswith("in clear") and ADDRESSES.search(name.rpartition(".")[2])
    }  # fmt: skip
    assert clear  # or this has nothing to say any more
    assert {name for name in clear if f"`{name}`" not in told} == set()
