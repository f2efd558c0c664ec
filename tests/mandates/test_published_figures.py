"""Figures that authorities have published, made again by the same definitions over real rows.

Where they come from, all read in public reprints of monthly bulletins:

- Xuancheng, digital city management, September 2023: 7,128 cases due, 6,681 closed (93.73 %),
  5,720 of them in time (80.25 %).
- Tianmen, the same kind of system: 972 due, 911 closed, 737 in time.
- Ningguo, April 2022: dissatisfaction of five bureaus. The bulletin prints rates and dissatisfied
  cases; that its denominators are the cases of the hotline alone is reconstructed from them: over
  all cases sent (99, 77, 68, 68, 41) no rate comes out.
"""

from __future__ import annotations

import pytest

from common import tenancy
from mandates.queries.boards import asked, board
from mandates.queries.statistics.counting import share
from tests.factories.calls import World, at, make_world
from tests.factories.many import closed_calls
from tests.factories.townships import DepartmentFactory

pytestmark = pytest.mark.django_db
NOW = at(10, 20, year=2023)


@pytest.fixture
def world() -> World:
    return make_world()


def closing(world: World, due: int, closed: int, in_time: int) -> None:
    """Cases due on 15 September 2023; beside them one due a moment before September, one after."""
    raised = at(8, 30, year=2023)
    met = (
        f"case when n <= {in_time} then due - interval '1 microsecond' "
        f"when n <= {closed} then due + interval '1 day' end"
    )
    closing_at = f"case when n <= {closed} then due + interval '2 days' end"
    edges = (at(8, 31, 23, 59, year=2023), at(10, 1, 0, year=2023))
    for n, (count, when) in enumerate([(due, at(9, 15, year=2023)), *((1, e) for e in edges)]):
        closed_calls(
            world, count, lead=world.water, raised=raised, due=when, name=f"案{n}-", met=met,
            closed=closing_at,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("due", "closed", "in_time", "closure", "on_time"),
    [
        pytest.param(7128, 6681, 5720, "93.73", "80.25", id="xuancheng"),
        pytest.param(972, 911, 737, "93.72", "75.82", id="tianmen"),
    ],
)
def test_closure_is_over_what_was_due_in_the_month(
    world: World, due: int, closed: int, in_time: int, closure: str, on_time: str
) -> None:
    closing(world, due, closed, in_time)
    with tenancy.scope(world.desk.scope):
        found = board(world.desk, asked(world.desk, {"during": "2023-09"}, at=NOW), at=NOW)
    for code, hits, printed in (
        ("closure_rate", closed, closure),
        ("answer_rate", in_time, on_time),
        ("closure_rate_whole", closed, closure),
        ("answer_rate_whole", in_time, on_time),
    ):
        one = share(code, found.now)
        assert (one.hits, one.cases) == (hits, due)
        assert one.rate is not None
        assert f"{one.rate.share * 100:.2f}" == printed
    (group,) = found.groups
    assert (group.counts["answer_met"], group.counts["answer_due"]) == (in_time, due)


BUREAUS = {  # dissatisfied, of the hotline, of all; the rate as printed
    "住建": (8, 87, 99, 9),
    "公安": (6, 70, 77, 9),
    "城管": (5, 66, 68, 8),
    "卫健": (3, 63, 68, 5),
    "市监": (5, 39, 41, 13),
}


def test_dissatisfaction_is_over_the_cases_of_the_hotline_alone(world: World) -> None:
    raised, due, now = at(4, 11, year=2022), at(4, 20, year=2022), at(5, 3, year=2022)
    units = {name: DepartmentFactory(county=world.county, name=f"{name}局") for name in BUREAUS}
    for name, (dissatisfied, hotline, total, _printed) in BUREAUS.items():
        rating = f"case when n <= {dissatisfied} then 'unsatisfied' else 'satisfied' end"
        for origin, count, rated in (
            ("hotline", hotline, rating),
            ("other", total - hotline, "'satisfied'"),
        ):
            closed_calls(
                world, count, lead=units[name], raised=raised, due=due, name=f"{name}{origin}-",
                met="due", closed="due", rating=rated, origin=origin,
            )  # fmt: skip
    with tenancy.scope(world.desk.scope):
        for name, (dissatisfied, hotline, total, printed) in BUREAUS.items():
            query = {"during": "2022-04", "department": str(units[name].uid)}
            over = {}
            for origin in ("hotline", ""):
                wanted = asked(world.desk, {**query, "origin": origin}, at=now)
                over[origin] = share("dissatisfaction", board(world.desk, wanted, at=now).now)
            own, whole = over["hotline"].rate, over[""].rate
            assert (over["hotline"].hits, over["hotline"].cases) == (dissatisfied, hotline)
            assert (over[""].hits, over[""].cases) == (dissatisfied, total)
            assert own is not None
            assert whole is not None
            assert round(own.share * 100) == printed
    over_all = [round(d / total * 100) != printed for d, _h, total, printed in BUREAUS.values()]
    assert over_all == [True] * 5  # dividing by all cases gives none of the printed rates
