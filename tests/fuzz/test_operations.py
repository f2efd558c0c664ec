"""Every operation of the API, asked by every kind of client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fuzz.asking import Asking, operations
from tests.fuzz.conftest import Profile
from tests.fuzz.county import Fuzzed

CLIENTS = ("township", "department", "desk", "person", "nobody", "stranger")


@pytest.mark.assurance("B1")
@pytest.mark.parametrize("name", CLIENTS)
def test_every_answer_is_one_that_was_described(
    county: Fuzzed, schema: Any, profile: Profile, name: str, record_property: Any
) -> None:
    client = county.clients[name]
    asking = Asking(county, client, number=profile.seed)
    # Whoever is not let in is asked less: there is one answer.
    share = 1 if client.is_known else 4
    failures, asked = {}, 0
    for operation in operations(schema):
        told = asking.ask(
            operation,
            examples=-(-profile.examples // share),
            covered=-(-profile.covered // share),
        )
        record_property("fuzz", told.row())
        asked += told.examples
        failures |= {f"{told.operation}, {key}": text for key, text in told.failures.items()}
    record_property("n", (asked, "requests"))
    assert not failures, "\n\n".join(f"{key}\n{text}" for key, text in failures.items())
