"""清单: ten thousand matters in very many versions, compared, read as of a day, searched, imported."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from bench import ground
from bench.report import Line, Report
from bench.web import Request
from bench.world import World

ROWS = 10_000
WORDS = (
    "河道采砂",
    "违法查处",
    "畜禽养殖 通报",
    "古树名木 第7条",
    "校外培训技术指导",
    "联合执法",
    "没有这样的词",
)
LAWS = ("河道采砂管理条例", "畜禽养殖管理条例", "消防设施管理条例", "没有这样的条例")


def reading(world: World, report: Report) -> None:
    """Compare two versions, read the list as of a day, search it: over the API, one at a time."""
    web, facts = world.web("lists"), world.lists
    count, draw = len(facts["versions"]), random.Random(7)
    every = f"{ROWS:,} matters in {count} versions"

    def changes() -> Request:
        after = draw.randrange(1, count)
        before = draw.choice((after - 1, after - 1, draw.randrange(after)))
        query = {"since": facts["versions"][before], "size": 50}
        return _get(world, f"/api/v1/versions/{facts['versions'][after]}/changes/", query)

    def as_of() -> Request:
        return _get(world, "/api/v1/matters/", _day(facts, draw))

    def one() -> Request:
        code = f"QZ-{draw.randrange(count, ROWS):05d}"
        return _get(world, f"/api/v1/matters/{code}/", _day(facts, draw))

    def search() -> Request:
        return _get(world, "/api/v1/matters/", {**_day(facts, draw), "q": draw.choice(WORDS)})

    def law() -> Request:
        title, article = draw.choice(LAWS), draw.randrange(1, 91)
        query = {**_day(facts, draw), "law": f"《{title}》第{article}条"}
        return _get(world, "/api/v1/matters/", query)

    goals: Sequence[tuple[str, float, Callable[[], Request]]] = (
        ("difference of two versions", 300.0, changes),
        ("50 matters as of a day", 20.0, as_of),
        ("one matter as of a day", 20.0, one),
        ("search as of a day", 100.0, search),
        ("by law and article as of a day", 100.0, law),
    )
    for name, goal, make in goals:
        rounds = [
            web.ask([make() for _n in range(40)], seconds=world.profile.seconds, connections=1)
            for _round in range(world.profile.rounds)
        ]
        middle = sorted(rounds, key=lambda load: load.p95)[len(rounds) // 2]
        text = f"{every}; p50 {middle.p50:.1f} ms, {middle.answers} asked"
        spans = [load.p95 for load in rounds]
        report.add(
            Line(f"{name}, p95", f"≤ {goal:.0f} ms", spans, goal, None, False, " ms", told=text)
        )


def importing(world: World, report: Report) -> None:
    """Take in, check and apply a workbook of ten thousand rows, and one of a tenth of it."""
    access, home = world.database("lists"), str(world.facts["home"])
    world.lists  # noqa: B018  # the list it is compared with
    small = ground.inside_of(access, "import_list", home, str(ROWS // 10), loud=True)
    told = ground.inside_of(access, "import_list", home, str(ROWS), loud=True)
    spans = [told["take"], told["check"], told["apply"]]
    text = (
        f"taken in {spans[0]:.1f}, checked {spans[1]:.1f}, applied {spans[2]:.1f} s; "
        f"{told['size'] / 1e6:.1f} MB; " + ", ".join(f"{n} {k}" for k, n in told["counts"].items())
    )
    title = f"import of a workbook of {ROWS:,} rows"
    report.add(Line(title, "≤ 30 s", [sum(spans)], 30.0, None, False, " s", told=text))
    grown = told["peak"] - small["peak"]
    text = f"{told['peak']:.0f} MB at most, {small['peak']:.0f} MB with {ROWS // 10:,} rows"
    title = "the same, memory beyond that of a tenth of the rows"
    report.add(Line(title, "≤ 20 MB", [grown], 20.0, 5.0, False, unit=" MB", told=text))


def _day(facts: dict[str, list[str]], draw: random.Random) -> dict[str, object]:
    return {"list": facts["list"], "as_of": draw.choice(facts["days"])}


def _get(world: World, path: str, query: dict[str, object]) -> Request:
    return Request("GET", f"{path}?{urlencode(query)}", (world.session("leader"),))
