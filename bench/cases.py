"""What is measured. Each case gives lines for the table; rounds of the two sides take turns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from bench import boards, bursts, dutylists, evidence, ground, lists
from bench.processes import pss_of
from bench.report import Line, Report
from bench.web import CONNECTIONS, Load, Request, Web, together
from bench.world import World

BATCH = 50  # calls of one request
PEOPLE = {"clerk": "clerk", "officer": "department officer", "leader": "county leader"}


def _many(load: Load) -> str:
    return f"{load.rate:.0f}/s, p50 {load.p50:.1f}, p95 {load.p95:.1f} ms"


def _against(rounds: list[list[Load]]) -> str:
    middle = len(rounds) // 2
    limit, own = (
        sorted(side, key=lambda one: one.rate)[middle] for side in zip(*rounds, strict=True)
    )
    return f"ours {_many(own)}; limit {_many(limit)}"


def _rates(rounds: list[list[Load]]) -> list[float]:
    return [own.rate / limit.rate for limit, own in rounds]


Side = Callable[[float], Load]  # asks for so many seconds
STRETCHES = 4


def in_turns(world: World, *sides: Side) -> list[list[Load]]:
    """Ask the sides in turns, in short stretches, so that a slow minute falls upon all of them.

    Return for each round one load of each side.
    """
    rounds = []
    for _n in range(world.profile.rounds):
        stretches: list[list[Load]] = [[] for _side in sides]
        for _turn in range(STRETCHES):
            for side, found in zip(sides, stretches, strict=True):
                found.append(side(world.profile.seconds / STRETCHES))
        rounds.append([together(found) for found in stretches])
    return rounds


def asks(web: Web, request: Request, connections: int = CONNECTIONS) -> Side:
    return lambda seconds: web.ask([request], seconds=seconds, connections=connections)


def create(world: World, report: Report) -> None:
    """Calls created over the API, against the bare view with one select and four inserts."""
    web, bare = world.web(world.largest), world.limit
    rounds = in_turns(world, asks(bare, world.limit_create), asks(web, world.create))
    name, goal = "create", "≥ 0.40 × L.create, aim 0.60"
    report.add(Line(name, goal, _rates(rounds), 0.40, 0.60, told=_against(rounds)))
    p95 = [own.p95 / limit.p95 for limit, own in rounds]
    report.add(Line("create, p95", "≤ 2.5 × L.create", p95, 2.5, None, False))


def batch(world: World, report: Report) -> None:
    """Calls taken in fifty a request, against the single create, in the same rounds."""
    web = world.web(world.largest)
    rounds = in_turns(world, asks(web, world.create), asks(web, world.intake(BATCH)))
    ratios = [many.rate * BATCH / single.rate for single, many in rounds]
    single, many = rounds[len(rounds) // 2]
    told = f"{many.rate * BATCH:.0f} calls/s against {single.rate:.0f}, p95 {many.p95:.0f} ms"
    title = f"batch intake of {BATCH}, calls/s"
    report.add(Line(title, "≥ 6 × create", ratios, 6.0, None, told=told))


def listing(world: World, report: Report) -> None:
    """The first 50 calls of a township, against a bare list of 50."""
    web, bare = world.web(world.largest), world.limit
    rounds = in_turns(world, asks(bare, world.limit_list), asks(web, world.list_of("reader")))
    name, goal = "list of 50", "≥ 0.40 × L.list, aim 0.60"
    report.add(Line(name, goal, _rates(rounds), 0.40, 0.60, told=_against(rounds)))


def move(world: World, report: Report) -> None:
    """Calls accepted by a department, against a bare locked update with one line of history."""
    web, bare = world.web(world.largest), world.limit

    def own(seconds: float) -> Load:
        # Each call can be accepted only once: as many as would take about so long.
        return web.ask(world.moves(round(160 * seconds)), seconds=60, once=True)

    own(0.4)
    limit = world.limit_moves()
    bare.ask(limit, seconds=1)
    rounds = in_turns(world, lambda seconds: bare.ask(limit, seconds=seconds), own)
    name, goal = "move", "≥ 0.40 × L.move, aim 0.60"
    report.add(Line(name, goal, _rates(rounds), 0.40, 0.60, told=_against(rounds)))


def routed(world: World, report: Report) -> None:
    """Calls accepted and routed, people told and clocks planned, until nothing waits any more."""
    web, bare, access = world.web(world.largest), world.limit, world.database(world.largest)
    ground.inside_of(access, "sweep")  # nothing else is to be due
    ratios, absolute = [], []
    with world.workers(access):
        web.ask([world.create], seconds=1)
        _until_empty(access)
        for _n in range(world.profile.rounds):
            limit = bare.ask([world.limit_create], seconds=world.profile.seconds)
            began = time.perf_counter()
            own = web.ask([world.create], seconds=world.profile.seconds)
            _until_empty(access)
            rate = own.answers / (time.perf_counter() - began)
            absolute.append(rate)
            ratios.append(rate / limit.rate)
    told = f"{sorted(absolute)[len(absolute) // 2]:.0f} calls/s"
    report.add(
        Line("accepted and routed", "≥ 0.20 × L.create, aim 0.35", ratios, 0.20, 0.35, told=told)
    )


def _until_empty(access: ground.Access) -> None:
    deadline = time.monotonic() + 300
    with ground.reading(access) as waiting:
        while waiting():
            if time.monotonic() > deadline:
                raise RuntimeError("the outbox is not empty after five minutes")
            time.sleep(0.02)


def keyset(world: World, report: Report) -> None:
    """A page deep in the list of a county, against the first one."""
    web, depth = world.web(world.largest), world.profile.page
    query = "?size=100"
    for _n in range(depth // 2):
        _headers, body = web.once(world.list_as("leader", query))
        query = "?" + json.loads(body)["next"].partition("?")[2]
    deep = query.replace("size=100", "size=50")
    first = asks(web, world.list_as("leader"), 1)
    last = asks(web, world.list_as("leader", deep), 1)
    rounds = in_turns(world, first, last)
    told = f"p95 {rounds[0][1].p95:.1f} against {rounds[0][0].p95:.1f} ms"
    ratios = [b.p95 / a.p95 for a, b in rounds]
    report.add(Line(f"page {depth:,} / page 1, p95", "≤ 1.5", ratios, 1.5, None, False, told=told))


def flat(world: World, report: Report) -> None:
    """The same list among few calls and among very many, for three kinds of readers."""
    webs = [world.web(str(size)) for size in sorted(world.profile.sizes)]
    for person, name in PEOPLE.items():
        request = world.list_as(person, "?order=due")
        rounds = in_turns(world, *(asks(web, request, 1) for web in webs))
        told = "p95 " + ", ".join(f"{one.p95:.1f}" for one in rounds[0]) + " ms"
        title = f"{name}: {int(world.largest):,} / {int(world.smallest):,} calls, p95"
        ratios = [sides[-1].p95 / sides[0].p95 for sides in rounds]
        report.add(Line(title, "≤ 1.3", ratios, 1.3, None, False, told=told))


def page(world: World, report: Report) -> None:
    """The list as a page in the browser, against the list over the API."""
    web = world.web(world.largest)
    api, html = world.list_as("clerk"), world.list_as("clerk", page="/calls/")
    rounds = in_turns(world, asks(web, html), asks(web, api))
    told = f"page {_many(rounds[0][0])}; API {_many(rounds[0][1])}"
    report.add(Line("page / API list, time", "≤ 3", _rates(rounds), 3.0, None, False, told=told))


def sweep(world: World, report: Report) -> None:
    """What is due at once among all running clocks, against one statement that writes as much."""
    access = world.database(world.largest)
    counts = ground.inside_of(access, "counts")
    ratios, longest, told = [], [], ""
    for _n in range(world.profile.rounds):
        raw = ground.inside_of(access, "raw_sweep")
        own = ground.inside_of(access, "sweep")
        if raw["rows"] != world.profile.late or own["urged"] != raw["rows"] or own["left"]:
            raise RuntimeError(f"the sides did not do the same: {raw} {own}")
        ground.inside_of(access, "again")
        ratios.append(own["took"] / raw["took"])
        longest.append(1000 * own["p95"])
        told = f"{own['took']:.2f} s against {raw['took']:.2f} s, {own['batches']} batches"
    title = f"sweep, {world.profile.late:,} due among {counts['open_clocks']:,} running clocks"
    report.add(Line(title, "≤ 10 × one raw statement", ratios, 10.0, None, False, told=told))
    title = "sweep, how long a batch holds its locks, p95"
    report.add(Line(title, "≤ 50 ms", longest, 50.0, None, False, unit=" ms"))
    idle = [1000 * ground.inside_of(access, "nothing")["median"] for _n in range(3)]
    report.add(Line("sweep with nothing due", "≤ 5 ms", idle, 5.0, 1.0, False, unit=" ms"))


def replay(world: World, report: Report) -> None:
    """Past calls under other rules: list, limits, ladder and calendar all changed at once."""
    access = world.database(world.largest)
    spans, grown, told = [], [], ""
    for _n in range(min(world.profile.rounds, 3)):
        done = ground.inside_of(access, "replay")
        if not done["changed"]:
            raise RuntimeError(f"a replay that changes nothing measures nothing: {done}")
        spans.append(done["took"] * 100_000 / done["calls"])
        grown.append(done["grown"])
        told = (
            f"{done['calls']:,} calls in {done['took']:.1f} s, {done['busy']:.1f} s of them at work;"
            f" {done['changed']:,} change"
        )
    report.add(Line("replay of 100,000 calls", "≤ 60 s", spans, 60.0, None, False, " s", told=told))
    report.add(Line("replay, growth of the process", "≤ 50 MB", grown, 50.0, None, False, " MB"))


def walls(world: World, report: Report) -> None:
    """The same code with row security and without."""
    walled, bare = world.web(world.smallest), world.web("bare")
    create = in_turns(world, asks(bare, world.create), asks(walled, world.create))
    request = world.list_of("reader")
    read = in_turns(world, asks(bare, request, 1), asks(walled, request, 1))
    ratios, more = _rates(create), [b.p50 - a.p50 for a, b in read]
    told = f"list p50 {read[0][1].p50:.2f} against {read[0][0].p50:.2f} ms"
    report.add(Line("create, row security on / off", "≥ 0.75", ratios, 0.75, 0.85))
    report.add(
        Line("list, row security on − off", "≤ 0.6 ms", more, 0.6, 0.4, False, " ms", told=told)
    )


def memory(world: World, report: Report) -> None:
    """What a web worker takes after work, and whether a worker grows while it routes."""
    web = world.web(world.largest)
    _busy(web, world.create, world.list_of("reader"), world.list_as("clerk", page="/calls/"))
    taken = [pss_of(worker) for worker in web.workers()]
    report.add(Line("web worker, PSS", "≤ 150 MB", [max(taken)], 150, 110, False, unit=" MB"))
    access = world.database("raised")
    told = ground.inside_of(access, "memory", loud=True)
    seen = told["seen"]
    if told["left"] or seen[-1][0] < world.profile.routings:
        raise RuntimeError(f"{seen[-1][0]} calls were routed, {told['left']} are left")
    early = next(size for done, size in seen if done >= world.profile.routings // 10)
    grown = seen[-1][1] - early
    text = f"{early:.0f} MB after a tenth, {seen[-1][1]:.0f} at the end, in {told['took']:.0f} s"
    title = f"worker, growth over {world.profile.routings:,} routings"
    report.add(Line(title, "≤ 5 MB", [grown], 5.0, 1.0, False, unit=" MB", told=text))


def _busy(web: Web, *requests: Request) -> None:
    for request in requests:
        web.ask([request], seconds=3)


# In this order: what measures the stock of calls comes before what adds to it.
CASES: dict[str, Callable[[World, Report], Any]] = {
    "list": listing,
    "keyset": keyset,
    "flat": flat,
    "page": page,
    "sweep": sweep,
    "export": lists.export,
    "suggest": lists.suggest,
    "versions": dutylists.reading,
    "import": dutylists.importing,
    "replay": replay,
    "chains": evidence.chains,
    "board": boards.case,
    "create": create,
    "batch": batch,
    "move": move,
    "routed": routed,
    "burst": bursts.burst,
    "walls": walls,
    "memory": memory,
}
