"""Counties with a published list, limits and hours, as the loaders make them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from common import tenancy
from common.models import Outbox
from common.worktime import SHANGHAI
from mandates import operations
from mandates.models import (
    Entry,
    EntryAssist,
    ListPublication,
    ListVersion,
    PublicationDecision,
)
from mandates.operations import bases, limits, list_files, lists, publications
from tests.factories.townships import (
    CountyFactory,
    DepartmentFactory,
    TownshipFactory,
    UserFactory,
    member,
)
from townships.models import County, Department, Township
from townships.roles import Role

DATA = Path(operations.__file__).resolve().parents[1] / "data"
LONG_AGO = date(2020, 1, 1)
LOADED = datetime(2020, 1, 2, 9, 0, tzinfo=SHANGHAI)
UNITS = (
    "natural_resources",
    "ecology",
    "housing",
    "transport",
    "water",
    "agriculture",
    "emergency",
    "market",
    "forestry",
    "urban_management",
    "public_security",
    "civil_affairs",
    "human_resources",
    "women_federation",
    "education_sports",
    "fire_rescue",
    "health",
    "justice",
    "medical_insurance",
    "culture_tourism",
    "petitions",
    "veterans",
    "finance",
    "county_desk",
)
HEADER = ",".join(list_files.COLUMNS)
# ZR-01 has two departments and wants a file, NY-01 one department and no file.
LINES = f"""{HEADER}
1,ZR-01,自然资源,农村乱占耕地建房整治,natural_resources,agriculture=查处宅基地上的违法建设,查处,巡查、制止、报告,enforcement,general,,土地管理法第78条,现场照片,1,1,示例
2,NY-01,农业农村,动物疫病防控,agriculture,,组织疫情核查,组织群众预防,economy,general,,动物防疫法第8条,核查情况,0,1,示例
3,YJ-01,应急,防汛抗旱,emergency,water=调度水工程,组织抢险,组织力量,governance,emergency,,抗旱条例第29条,处置情况,0,1,示例
4,ZJ-01,住建,物业管理,housing,,监督管理,指导业主大会,people_services,complex,,物业管理条例第10条,处理意见,0,1,示例
"""


@dataclass(frozen=True)
class Ground:
    """A county, two townships, its departments by code, its list in force and entries by code."""

    county: County
    township: Township
    sibling: Township
    units: dict[str, Department]
    version: ListVersion
    entries: dict[str, Entry]


def county_with_units(**fields: Any) -> tuple[County, dict[str, Department]]:
    """Make a county with the departments the shipped list names."""
    county = CountyFactory(**fields)
    made = Department.objects.bulk_create(
        [DepartmentFactory.build(county=county, code=code, platform=None) for code in UNITS]
    )
    return county, {unit.code: unit for unit in made}


def with_limits(county: County) -> None:
    """Give a county the shipped limits, levels, hours and rules; needs a scope."""
    limits.load(
        county,
        limits=limits.read_limits((DATA / "limits.csv").read_text(encoding="utf-8")),
        ladder=limits.read_ladder((DATA / "ladder.csv").read_text(encoding="utf-8")),
        by=None,
        at=LOADED,
    )


def county_with_list(
    *, text: str = LINES, valid_from: date = LONG_AGO, publish: bool = True, **fields: Any
) -> Ground:
    """Make a county whose list of a few matters is in force; opens a scope of its own."""
    county, units = county_with_units(**fields)
    townships = [TownshipFactory(county=county) for _ in range(2)]
    with tenancy.dispatching(reason="tests arrange a county"):
        with_limits(county)
        lines = list_files.read(text, county=county, day=valid_from)
        if publish:
            loaded = publications.load_and_set_up(
                county, lines, valid_from=valid_from, document_no="试编办〔2020〕1号",
                reason="试验准备", at=LOADED,
            )  # fmt: skip
        else:
            loaded = lists.load(county, lines, by=None, at=LOADED)
        assert loaded.version is not None
        told_already(county)
        version = ListVersion.objects.select_related("duty_list").get(pk=loaded.version.pk)
        entries = {
            entry.matter.code: entry
            for entry in version.entries.select_related("matter", "lead", "version__duty_list")
        }
    return Ground(county, *townships, units, version, entries)


def publish(
    draft: ListVersion, *, valid_from: date, document_no: str, at: datetime, by: Any = None
) -> ListVersion:
    """Have a draft published by two persons, as pages do: ``by`` or an officer proposes, the leader confirms."""
    officer = by or member(Role.ESTABLISHMENT_OFFICER, county=draft.county)
    one = publications.propose(
        draft, valid_from=valid_from, document_no=document_no, by=officer, at=at
    )
    leader = member(Role.COUNTY_LEADER, county=draft.county)
    return publications.confirm(one.uid, by=leader, at=at)


def let_hold(draft: ListVersion, *, valid_from: date, document_no: str, at: datetime) -> None:
    """Let a draft hold without any check but PostgreSQL's own; needs a scope that writes."""
    if draft.duty_list.versions.filter(state="published").exists():
        two = [UserFactory(), UserFactory()]
        one = _said(draft, valid_from, document_no, at, proposed_by=two[0])
        PublicationDecision.objects.create(
            **draft.tenant, publication=one, outcome="confirmed", proposed_by=two[0],
            decided_by=two[1], decided_at=at,
        )  # fmt: skip
    else:
        _said(draft, valid_from, document_no, at, kind="setup", note="试验准备")
    bases.settle(draft)
    ListVersion.objects.filter(pk=draft.pk).update(
        state="published", valid_from=valid_from, document_no=document_no, published_at=at
    )
    draft.refresh_from_db(fields=["state", "valid_from", "document_no", "published_at"])


def _said(
    draft: ListVersion, valid_from: date, document_no: str, at: datetime, **more: Any
) -> ListPublication:
    made: ListPublication = ListPublication.objects.create(
        **draft.tenant, duty_list_id=draft.duty_list_id, version_uid=draft.uid,
        number=draft.number, valid_from=valid_from, document_no=document_no, proposed_at=at, **more,
    )  # fmt: skip
    return made


def told_already(county: County) -> None:
    """Have the publication of a county's list told long ago; needs a scope that writes."""
    Outbox.objects.filter(county=county, kind="list", done_at=None).update(done_at=LOADED)


def assist_keys(entry: Entry) -> list[int]:
    """Return the departments that assist in an entry."""
    rows = EntryAssist.objects.filter(entry=entry).order_by("id")
    return list(rows.values_list("department_id", flat=True))
