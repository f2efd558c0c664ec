"""Whether a million steps can be verified in one night's ten minutes, and at flat memory."""

from __future__ import annotations

from bench import ground
from bench.report import Line, Report
from bench.world import World

MILLION = 1_000_000


def chains(world: World, report: Report) -> None:
    """Every step of the largest database against its anchor, its hash and the step before."""
    told = ground.inside_of(world.database(world.largest), "chains", loud=True)
    if told["held"] < told["steps"]:
        raise RuntimeError(f"{told['held']} of {told['steps']} steps were anchored")
    rate = told["steps"] / told["took"]
    text = f"{told['steps']:,} steps in {told['took']:.0f} s, {rate:,.0f}/s, {told['peak']:.0f} MB"
    spans = [told["took"] * MILLION / told["steps"]]
    steps = {"shows": "E4", "n": told["steps"], "counts": "steps"}
    report.add(
        Line("1,000,000 steps verified", "≤ 600 s", spans, 600.0, 120.0, False, " s", text, **steps)
    )
    report.add(
        Line("the same, growth of memory", "≤ 30 MB", [told["grown"]], 30.0, 5.0, False, " MB")
    )
    spans = [told["anchored"] * MILLION / told["rows"]]
    text = f"{told['rows']:,} rows in {told['anchored']:.0f} s, {told['anchors']:,} anchors"
    report.add(
        Line("1,000,000 rows anchored", "≤ 600 s", spans, 600.0, 120.0, False, " s", told=text)
    )
