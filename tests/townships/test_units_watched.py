"""What processes keep of units in memory is given up when a unit changes."""

from __future__ import annotations

from typing import Any

import pytest

from common.models import ReferenceVersion
from tests.factories.townships import DepartmentFactory, TownshipFactory
from townships.models import County, Department, Division, Platform, Township


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "column"),
    [
        (Division, "name"),
        (County, "short_name"),
        (Township, "county"),
        (Department, "name"),
        (Platform, "name"),
    ],
)
def test_a_change_of_a_unit_gives_the_reference_data_a_new_version(model: Any, column: str) -> None:
    DepartmentFactory()
    TownshipFactory()
    before = ReferenceVersion.objects.get().version

    row = model.objects.order_by("pk").first()
    model.objects.filter(pk=row.pk).update(**{column: getattr(row, column)})

    assert ReferenceVersion.objects.get().version != before
