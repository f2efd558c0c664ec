"""What `bench.inside` does for the cases of `bench.dutylists`: in a process of the product itself.

One list as long as a county's 权责清单 can be, in very many versions, each of which adds a matter,
drops one and changes the duties of one in fifty; and workbooks that say it once more.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import xlsxwriter
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from bench import filling
from bench.processes import pss_of
from common import tenancy
from common.models import Job
from mandates.models import DutyList, ListImport, ListKind
from mandates.operations import list_applying, list_imports
from mandates.queries.bases import digest
from mandates.rules.citations import read
from townships.http import Member
from townships.models import Department, Post
from townships.operations import jobs
from townships.roles import Role

TABLES = ("matter", "entry", "entryassist", "entrystep", "legalbasis", "citation")
BEGIN, DAYS = date(2008, 1, 1), 30  # when the first version began to hold, and how long each does
KIND = ListKind.POWERS  # calls do not go by it: no process holds it in memory
MATTERS = 10_000
CATEGORIES = (
    "行政许可",
    "行政处罚",
    "行政强制",
    "行政检查",
    "行政确认",
    "行政给付",
    "行政裁决",
    "其他权力",
)
THINGS = (
    "农村宅基地", "河道采砂", "畜禽养殖", "小型水库", "农药经营", "食品摊贩", "户外广告", "建筑垃圾", "校外培训",
    "燃气经营", "房屋租赁", "古树名木", "矿产资源", "乡村道路", "饮用水源", "秸秆焚烧", "烟花爆竹", "危险化学品",
    "医疗机构", "公共场所", "种子生产", "渔业捕捞", "林木采伐", "污水排放", "测绘成果", "地质灾害", "消防设施",
)  # fmt: skip
ACTS = ("核发许可", "违法查处", "日常检查", "登记备案", "信息公示", "纠纷调处", "应急处置", "年度检验", "资金发放",
        "安全监管", "技术指导", "统计上报")  # fmt: skip
DUTY = (
    "负责%s的监督管理，制定年度计划并组织实施；受理群众投诉举报，依法调查取证；会同有关部门开展联合执法，"
    "对发现的问题责令限期改正，逾期不改正的依法处理；每季度通报一次情况（第%s号）。"
)
TOWNSHIP = "开展日常巡查，发现%s方面的问题及时劝阻并报告；协助做好宣传、信息采集和现场秩序维护。"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- filling -------------------------------------------------------------------------------------


def fill_lists(county: str, versions: str) -> dict[str, Any]:
    """Write the list with all its versions as the owner; return how it is asked for."""
    began, count = time.perf_counter(), int(versions)
    with psycopg2.connect(filling.owner_url()) as link, link.cursor() as cursor:
        filling.force(cursor, "no force")
        link.commit()
        later = filling.take_down(cursor, TABLES)
        # Versions that nobody proposed and nobody confirmed: the owner alone can say so.
        cursor.execute("alter table mandates_listversion disable trigger two_persons_begin")
        later.append("alter table mandates_listversion enable always trigger two_persons_begin")
        list_id, uid = _list(cursor, int(county), count)
        for number in range(1, count + 1):
            cursor.execute(_ENTRIES, {"list": list_id, "n": number - 1, "most": MATTERS, **_TEXTS})
            if number % 20 == 0:
                _say(f"    … {number} versions")
        cursor.execute(_PARTS, {"list": list_id})
        _bases(cursor, int(county))
        cursor.execute("set constraints all immediate")
        cursor.execute(
            "select number, uid::text from mandates_listversion where duty_list_id = %s",
            [list_id],
        )
        found = dict(cursor.fetchall())
        _say("    foreign keys, indexes and statistics …")
        for statement in later:
            cursor.execute(statement)
        filling.force(cursor, "force")
    filling.vacuum(filling.owner_url(), (*TABLES, "listversion"))
    return {
        "list": uid,
        "versions": [found[number] for number in range(1, count + 1)],
        "days": [str(BEGIN + timedelta(days=DAYS * n + 3)) for n in range(count)],
        "seconds": time.perf_counter() - began,
    }


def _bases(cursor: Any, county: int) -> None:
    """Write down what the texts cite, as publishing them would have."""
    cursor.execute("select distinct legal_basis from mandates_entry where county_id = %s", [county])
    for (text,) in cursor.fetchall():
        cursor.execute(
            "insert into mandates_legalbasis (county_id, digest, text, parts) values (%s, %s, %s, %s)"
            " on conflict (county_id, digest) do nothing returning id",
            [county, digest(text), text, len(read(text))],
        )
        for (basis,) in cursor.fetchall():
            for position, one in enumerate(read(text), start=1):
                row = [county, basis, position, one.key, *one.numbers, *one]
                cursor.execute(
                    "insert into mandates_citation (county_id, basis_id, position, key, first, last,"
                    " law, document_no, article, clause, wording)"
                    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    row,
                )


_TEXTS = {
    "things": list(THINGS), "acts": list(ACTS), "categories": list(CATEGORIES),
    "duty": DUTY, "township": TOWNSHIP,
}  # fmt: skip


def _list(cursor: Any, county: int, versions: int) -> tuple[int, str]:
    cursor.execute(
        "insert into mandates_dutylist (county_id, uid, kind, name, is_public) "
        "values (%s, gen_random_uuid(), %s, '部门权责清单', false) returning id, uid::text",
        [county, KIND],
    )
    list_id, uid = cursor.fetchone()
    cursor.execute(
        "insert into mandates_listversion (county_id, uid, duty_list_id, number, state, "
        "document_no, valid_from, valid_to, note, published_at) "
        "select %(county)s, gen_random_uuid(), %(list)s, n, 'published', '示例〔' || n || '〕号', "
        "%(begin)s::date + (n - 1) * %(days)s, "
        "case when n < %(count)s then %(begin)s::date + n * %(days)s end, '', now() "
        "from generate_series(1, %(count)s) n",
        {"county": county, "list": list_id, "begin": BEGIN, "days": DAYS, "count": versions},
    )
    cursor.execute(
        "insert into mandates_matter (county_id, uid, duty_list_id, code, taken_back_by) "
        "select %s, gen_random_uuid(), %s, 'QZ-' || lpad(m::text, 5, '0'), '' "
        "from generate_series(1, %s) m",
        [county, list_id, MATTERS + versions],
    )
    return list_id, uid


# Matter m stands in version n + 1 where n < m <= n + most; its duties change every fifty versions.
_ENTRIES = """
insert into mandates_entry (county_id, uid, version_id, matter_id, position, category, name, lead_id,
    urgency, share, department_role, department_duty, township_role, township_duty, village_role,
    village_duty, legal_basis, evidence, evidence_files, contact, discretion, is_sample, source_note)
select v.county_id, gen_random_uuid(), v.id, x.id, x.m - %(n)s, (%(categories)s)[1 + x.m %% 8],
    x.thing || (%(acts)s)[1 + x.m / 27 %% 12] || x.m, u.units[1 + x.m %% array_length(u.units, 1)],
    'general', '', 'primary', format(%(duty)s, x.thing, (x.m + %(n)s) / 50), 'supporting',
    format(%(township)s, x.thing), 'supporting', '',
    '《' || x.thing || '管理条例》第' || 1 + x.m %% 90 || '条', '现场检查记录', 0, '', '', true, '示例'
from mandates_listversion v
    cross join lateral (select array_agg(id order by id) as units from townships_department
                        where county_id = v.county_id and valid_to is null) u
    cross join lateral (
        select id, substr(code, 4)::int as m, (%(things)s)[1 + substr(code, 4)::int %% 27] as thing
        from mandates_matter where duty_list_id = v.duty_list_id
            and substr(code, 4)::int between %(n)s + 1 and %(n)s + %(most)s) x
where v.duty_list_id = %(list)s and v.number = %(n)s + 1
order by x.m
"""
_PARTS = """
with entries as (
    select e.id, e.county_id, e.lead_id, e.matter_id from mandates_entry e
    join mandates_listversion v on v.id = e.version_id where v.duty_list_id = %(list)s),
assisted as (
    insert into mandates_entryassist (county_id, entry_id, department_id, duty)
    select e.county_id, e.id, d.id, '提供技术支持' from entries e cross join lateral (
        select id from townships_department d where d.county_id = e.county_id and d.valid_to is null
            and d.id <> e.lead_id order by id limit 1) d
    where e.matter_id %% 5 = 0)
insert into mandates_entrystep (county_id, entry_id, position, who, what, "limit")
select county_id, id, n, '股室', '受理、核查、决定', '5个工作日' from entries, generate_series(1, 2) n
where matter_id %% 10 = 0
"""


# --- importing -----------------------------------------------------------------------------------


def import_list(county: str, rows: str) -> dict[str, Any]:
    """Take in a workbook of so many rows, check it and apply it, as the establishment officer."""
    posts = Post.objects.filter(role=Role.ESTABLISHMENT_OFFICER, county=int(county))
    who = Member.holding(posts.with_units().select_related("user").earliest("pk"))
    assert who.scope is not None
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings.MEDIA_ROOT = folder
        with tenancy.scope(who.scope):
            duty_list = DutyList.objects.get(county=int(county), kind=KIND)
        content = _workbook(Path(folder) / "list.xlsx", int(county), int(rows))
        upload = SimpleUploadedFile("清单.xlsx", content)
        with _watched(told):
            with _timed(told, "take"), tenancy.scope(who.scope):
                made = list_imports.take(duty_list, upload, by=who, at=timezone.now())
                list_imports.name_columns(made, {}, {}, by=who, at=timezone.now())
            with _timed(told, "check"):
                while jobs.run_next(clock=timezone.now):
                    pass
            with _timed(told, "apply"), tenancy.scope(who.scope):
                checked = ListImport.objects.get(pk=made.pk)
                if checked.state != "checked" or checked.counts["wrong"]:
                    raise RuntimeError(f"{checked.counts} {checked.notices} {_why(made.job)}")
                done = list_applying.apply(checked, reason="导入", by=who, at=timezone.now())
        with tenancy.scope(who.scope):
            list_applying.undo(done, reason="还原", by=who, at=timezone.now())
    kinds = ("added", "changed", "moved", "removed", "same")
    return {**told, "counts": {kind: checked.counts[kind] for kind in kinds}, "size": len(content)}


def _why(job: Any) -> str:
    with tenancy.dispatching(reason="what became of the check"):
        found = Job.objects.filter(uid=job).first()
    return f"{found.state} {found.code} {found.words}" if found else "no job"


@contextlib.contextmanager
def _timed(told: dict[str, Any], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    told[name] = time.perf_counter() - began


@contextlib.contextmanager
def _watched(told: dict[str, Any]) -> Iterator[None]:
    """Note how much memory the process took at most while the block ran."""
    over = threading.Event()
    seen = [pss_of()]

    def look() -> None:
        while not over.wait(0.1):
            seen.append(pss_of())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        told["peak"] = max(seen)


def _workbook(path: Path, county: int, rows: int) -> bytes:
    """Write a list as it is published: a sheet a category, one cell for a department's matters."""
    units = Department.objects.filter(county_id=county, valid_to=None).order_by("id")
    with tenancy.dispatching(reason="the names of departments"):
        names = [unit.name for unit in units]
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    every = rows // len(CATEGORIES)
    for part, category in enumerate(CATEGORIES):
        sheet = book.add_worksheet(category)
        head = ("序号", "牵头部门", "事项名称", "实施依据", "县级部门", "乡镇（街道）")
        sheet.write_row(0, 0, head)
        for n in range(every):
            m = part + (n + 1) * len(CATEGORIES)
            thing, act = THINGS[m % 27], ACTS[m // 27 % 12]
            lead = names[n // 20 % len(names)] if n % 20 == 0 else None
            duty = DUTY % (thing, m // 40)
            basis = f"《{thing}管理条例》第{1 + m % 90}条"
            sheet.write_number(n + 1, 0, n + 1)
            for column, text in enumerate(
                (lead, f"{thing}{act}{m}", basis, duty, TOWNSHIP % thing), start=1
            ):
                if text:
                    sheet.write_string(n + 1, column, text)
        # `merge_range` would write rows that have left memory already.
        sheet.merge += [
            [first + 1, 1, min(first + 20, every), 1] for first in range(0, every - 1, 20)
        ]
    book.close()
    return path.read_bytes()


WORK = {"lists": fill_lists, "import_list": import_list}
