"""The county that is asked about, and the description the questions come from."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from common import pdf
from tests.factories.calls import MONDAY
from tests.fuzz.asking import load
from tests.fuzz.county import Fuzzed


@dataclass(frozen=True)
class Profile:
    """How much is asked; ``make fuzz`` sets it through the environment."""

    examples: int  # drawn at random, of one operation by one client
    covered: int  # made by rule
    seed: int

    @classmethod
    def from_environment(cls) -> Profile:
        told = {name: int(os.environ.get(f"HUYING_FUZZ_{name.upper()}", default))
                for name, default in SHORT.items()}  # fmt: skip
        return cls(**told)

    @property
    def is_short(self) -> bool:
        return self.examples <= SHORT["examples"]


SHORT = {"examples": 2, "covered": 3, "seed": 20260302}


@pytest.fixture(scope="session")
def profile() -> Profile:
    return Profile.from_environment()


@pytest.fixture(scope="session")
def schema() -> Any:
    """What the API says of itself, read to put questions from."""
    with translation.override("en"):
        return load(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture
def county(
    db: None, settings: Any, tmp_path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fuzzed]:
    settings.MEDIA_ROOT = tmp_path
    if profile.is_short:
        # Drawing costs a second a sheet, and is looked at by the tests of the sheet.
        monkeypatch.setattr(pdf, "render", lambda html: b"%PDF-1.7 " + html.encode())
    logging.disable(
        logging.CRITICAL
    )  # a line for each of a hundred thousand refusals tells nothing
    # One connection holds what the test has made: a request must not close it.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        with time_machine.travel(MONDAY, tick=False):
            yield Fuzzed()
    finally:
        logging.disable(logging.NOTSET)
        for signal in signals:
            signal.connect(close_old_connections)
