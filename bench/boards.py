"""A board over a year of one county's calls, from the days counted beforehand."""

from __future__ import annotations

from bench import ground
from bench.report import Line, Report
from bench.world import World


def case(world: World, report: Report) -> None:
    """Count all days of the year once, then show the board as its county's leader."""
    found = ground.inside_of(world.database("board"), "board", str(world.facts["home"]), loud=True)
    told = f"{found['calls']:,} calls of {found['period']}, {found['days']} days counted"
    build = f"{found['calls'] / found['build']:,.0f} calls/s, {found['grown']:.0f} MB of growth"
    report.add(
        Line("board of a county's year", "≤ 1 s", found["took"], 1.0, None, False, " s", told)
    )
    report.notes.append(f"counting its days for the first time: {found['build']:.0f} s, {build}")
