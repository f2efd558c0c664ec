"""Lists as files, and what is suggested while somebody writes a call."""

from __future__ import annotations

from bench import ground
from bench.report import Line, Report
from bench.world import World

EXPORTED = 100_000


def export(world: World, report: Report) -> None:
    """All calls of a database of about 100,000 as one file, built as a worker does."""
    size = min(world.profile.sizes, key=lambda one: abs(one - EXPORTED))
    access = world.database(str(size))
    for kind in ("csv", "xlsx"):
        told = ground.inside_of(access, "export", kind, loud=True)
        if told["rows"] < size:
            raise RuntimeError(f"{told['rows']} of {size} rows were exported")
        per = 60.0 * told["rows"] / EXPORTED
        text = f"{told['rows']:,} rows, {told['size'] / 1e6:.0f} MB, {told['peak']:.0f} MB at most"
        title = f"export of {told['rows']:,} calls as {kind.upper()}"
        report.add(Line(title, f"≤ {per:.0f} s", [told["took"]], per, None, False, " s", told=text))
        title = f"the same, growth of memory after the first tenth ({kind.upper()})"
        report.add(Line(title, "≤ 10 MB", [told["grown"]], 10.0, 2.0, False, unit=" MB"))


def suggest(world: World, report: Report) -> None:
    """Matters for a text among 500, and calls that may be the same, while somebody writes."""
    access = world.database(world.largest)
    told = ground.inside_of(access, "suggest")
    text = f"p50 {told['median']:.1f} ms; learning them {told['learning']:.0f} ms, once"
    title = f"matters suggested among {told['matters']}, p95"
    report.add(Line(title, "≤ 50 ms", [told["p95"]], 50.0, 20.0, False, unit=" ms", told=text))
    told = ground.inside_of(access, "duplicates")
    text = f"p50 {told['median']:.1f} ms, {told['found']} found of {told['open']} open ones alike"
    title = f"duplicates hinted at among {int(world.largest):,} calls, p95"
    report.add(Line(title, "≤ 30 ms", [told["p95"]], 30.0, 10.0, False, unit=" ms", told=text))
