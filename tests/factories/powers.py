"""Powers in tests: items, officers, and a batch brought to a step by the operations people use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from common import tenancy
from mandates.models import Criterion, PowerBatch, PowerItem
from mandates.operations import empowering
from mandates.operations.empowering import Capability, Draft, Published
from tests.factories.calls import MONDAY, World
from tests.factories.townships import PostFactory
from townships.http import Member
from townships.models import Department, Post, Township
from townships.roles import Role

DAY = MONDAY.date()
ABLE = Capability(3, "执法记录仪三台", "已培训四十学时", 40, passed=True)
LAW = "中华人民共和国水法"


def second(world: World) -> Member:
    """Return another establishment officer of the county."""
    if "second" not in world.members:
        post = PostFactory(role=Role.ESTABLISHMENT_OFFICER, county=world.county)
        fetched = Post.objects.with_units().select_related("user").get(pk=post.pk)
        world.members["second"] = Member.holding(fetched)
    return world.members["second"]


def officer(world: World) -> Member:
    return world.member(Role.ESTABLISHMENT_OFFICER)


def item(
    world: World,
    code: str,
    *,
    department: Department | None = None,
    scored: bool = True,
    **more: Any,
) -> PowerItem:
    """Make a power of the water department, scored 3 by every criterion."""
    given = {
        "field": "水利", "name": f"事项{code}", "law": LAW, "article": "第六十六条",
        "department": department or world.water, **more,
    }  # fmt: skip
    with tenancy.scope(officer(world).scope):
        made: PowerItem = PowerItem.objects.create(county=world.county, code=code, **given)
    if scored:
        score(world, made)
    return made


def score(world: World, one: PowerItem, **points: int) -> None:
    by = officer(world)
    given = {name.value: (points.get(name.value, 3), "走访所见") for name in Criterion}
    with tenancy.scope(by.scope):
        empowering.score(one.uid, given, by=by, at=MONDAY)


def drafted(
    world: World,
    items: Sequence[PowerItem],
    *,
    townships: Sequence[Township] = (),
    mode: str = "entrustment",
    begins: date = DAY,
    ends: date | None = date(2028, 3, 1),
    able: bool = True,
    **more: Any,
) -> PowerBatch:
    by, places = officer(world), list(townships or [world.township])
    given = {
        "title": "第一批", "mode": mode, "powers": "一般程序案件", "valid_from": begins,
        "valid_to": ends, "giver": world.water.uid if mode == "entrustment" else None,
        "decision": "" if mode == "entrustment" else "省政府决定（示例）", **more,
    }  # fmt: skip
    with tenancy.scope(by.scope):
        batch = empowering.draft(Draft(**given), by=by, at=MONDAY)
        empowering.choose(
            batch.uid, items=[one.uid for one in items], townships=[one.uid for one in places],
            by=by, at=MONDAY,
        )  # fmt: skip
        for place in places if able else ():
            empowering.check(place.uid, ABLE, batch=batch.uid, by=by, at=MONDAY)
    return batch


def agreed(world: World, items: Sequence[PowerItem], **more: Any) -> PowerBatch:
    by = officer(world)
    batch = drafted(world, items, **more)
    with tenancy.scope(by.scope):
        places = [part.township for part in batch.agreements.select_related("township")]
        seals = {place.uid: DAY for place in places}
        return empowering.agree(batch.uid, giver_on=DAY, seals=seals, by=by, at=MONDAY)


def published(world: World, items: Sequence[PowerItem], **more: Any) -> PowerBatch:
    """Bring a batch to where townships confirm; items without scores are scored first."""
    for one in items:
        score(world, one)
    batch, by = agreed(world, items, **more), second(world)
    with tenancy.scope(by.scope):
        empowering.approve(batch.uid, document_no="试政〔2026〕8号", by=by, at=MONDAY)
        places = [part.township for part in batch.agreements.select_related("township")]
        return empowering.publish(
            batch.uid, giver=Published(DAY, "县政府网站"), by=by, at=MONDAY,
            takers={place.uid: Published(DAY, "镇公示栏") for place in places},
        )  # fmt: skip


def in_force(
    world: World, items: Sequence[PowerItem], *, when: datetime = MONDAY, **more: Any
) -> PowerBatch:
    batch = published(world, items, **more)
    for place in more.get("townships") or [world.township]:
        head = world.member(Role.TOWNSHIP_HEAD, place)
        with tenancy.scope(head.scope):
            part = batch.agreements.get(township=place)
            empowering.confirm(part.uid, by=head, at=when)
    return batch
