"""Whatever a list says comes back from its workbook; whatever happens, what was published stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import tenancy
from common.errors import Problem
from common.worktime import SHANGHAI
from mandates.models import Entry, EntryAssist, ListVersion
from mandates.operations import (
    bases,
    list_applying,
    list_checking,
    list_imports,
    list_workbooks,
    lists,
)
from mandates.operations.list_columns import values_of
from mandates.queries import sql
from tests.factories.mandates import UNITS, Ground, county_with_list, publish
from tests.factories.townships import PostFactory
from townships.http import Member
from townships.models import Post
from townships.roles import Role

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
FEW = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SHOWN = ("category", "name", "lead_id", "legal_basis", "department_duty", "township_duty")

# What breaks files: numbers as text, formulas, entities, line ends, letters beyond 16 bits, names
# that no sheet can have.
LETTERS = "水利局第条1．、；;（）[]:/*?'\"=+-@<>&\n 007é￥𠮷_x000D_"
WORDS = st.text(LETTERS, max_size=25).map(str.strip)
NAMED = WORDS.filter(bool)
CATEGORIES = st.lists(
    st.one_of(st.sampled_from(["自然资源", "应急", "a", "A"]), st.text(LETTERS, min_size=1, max_size=40))
    .map(str.strip).filter(bool),
    min_size=1, max_size=3,
)  # fmt: skip


@st.composite
def lists_of(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the lines of a list, a category after the other; a name stands once in each."""
    found: list[dict[str, Any]] = []
    for category in dict.fromkeys(draw(CATEGORIES)):
        for name in draw(st.lists(NAMED, min_size=1, max_size=4, unique=True)):
            lead = draw(st.sampled_from([None, *UNITS[:3]]))
            others = [unit for unit in UNITS[3:6] if lead and draw(st.booleans())]
            found.append({
                "category": category, "name": name, "lead": lead, "others": others,
                "legal_basis": draw(WORDS), "department_duty": draw(WORDS),
                "township_duty": draw(WORDS),
            })  # fmt: skip
    return found


@pytest.fixture
def ground() -> Ground:
    return county_with_list()


@pytest.fixture
def officer(ground: Ground) -> Member:
    post = PostFactory(role=Role.ESTABLISHMENT_OFFICER, county=ground.county)
    return Member.holding(Post.objects.with_units().select_related("user").get(pk=post.pk))


@contextmanager
def undone(officer: Member) -> Iterator[Any]:
    """Work as the officer, and leave nothing behind."""
    assert officer.scope is not None
    with transaction.atomic(), tenancy.scope(officer.scope):
        yield lambda: tenancy.scope(officer.scope)
        transaction.set_rollback(True)


def written(draft: ListVersion, lines: list[dict[str, Any]], ground: Ground) -> None:
    for place, line in enumerate(lines, start=1):
        facts = {name: line[name] for name in line if name not in ("lead", "others")}
        entry = Entry.objects.create(
            **draft.tenant, version=draft, position=place,
            matter=lists.matter_of(draft.duty_list, code=f"X-{place}"),
            lead=ground.units[line["lead"]] if line["lead"] else None, **facts,
        )  # fmt: skip
        for unit in line["others"]:
            EntryAssist.objects.create(
                county=ground.county, entry=entry, department=ground.units[unit]
            )


def emptied(draft: ListVersion) -> None:
    for model in lists.PARTS.values():
        model.objects.filter(entry__version=draft).delete()
    Entry.objects.filter(version=draft).delete()


def said(draft: ListVersion) -> list[Any]:
    """Return what the columns of the workbook say of each line, in order."""
    rows = Entry.objects.filter(version=draft).select_related("matter").prefetch_related("assists")
    values = [values_of(one) for one in rows.order_by("position")]
    return [([one[name] for name in SHOWN], one["assists"]) for one in values]


@pytest.mark.assurance("B5")
@given(lines=lists_of())
@FEW
def test_any_list_comes_back_from_its_workbook(
    ground: Ground, officer: Member, tmp_path: Path, settings: Any, lines: list[dict[str, Any]]
) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with undone(officer) as scope:
        duty_list = ground.version.duty_list
        draft = lists.open_draft(duty_list, reason="试验", by=officer, at=NOW)
        emptied(draft)
        written(draft, lines, ground)
        before = said(draft)
        path = tmp_path / "list.xlsx"
        assert list_workbooks.write(draft, path, day=NOW.date()) == len(lines)

        def looked_at() -> Any:
            upload = SimpleUploadedFile("清单.xlsx", path.read_bytes())
            one = list_imports.take(duty_list, upload, by=officer, at=NOW)
            one = list_imports.name_columns(one, {}, {}, by=officer, at=NOW, ask=False)
            return list_checking.check(one, at=NOW, scope=scope)

        same = looked_at()
        assert {**same.counts, "same": 0, "unknown": []} == {
            **dict.fromkeys(("added", "changed", "moved", "removed", "same", "wrong"), 0),
            "unknown": [],
        }, list(same.rows.values_list("kind", "name", "changes", "problems"))
        assert same.counts["same"] == len(lines)
        emptied(draft)
        anew = looked_at()
        assert anew.counts["added"] == len(lines), list(anew.rows.values_list("problems"))
        list_applying.apply(anew, reason="试验", by=officer, at=NOW)
        assert said(draft) == before


# --- what was published stands -------------------------------------------------------------------

DAYS = st.integers(-400, 400)
STEPS = st.lists(
    st.one_of(
        st.just(("open", 0)),
        st.just(("edit", 0)),
        st.just(("discard", 0)),
        st.tuples(st.just("publish"), DAYS),
        st.tuples(st.just("force"), DAYS),
        st.tuples(st.just("end"), DAYS),
    ),
    min_size=4,
    max_size=12,
)


@pytest.mark.assurance("E2")
@given(steps=STEPS)
@FEW
def test_no_two_versions_overlap_and_nothing_published_changes(
    ground: Ground, officer: Member, steps: list[tuple[str, int]]
) -> None:
    duty_list = ground.version.duty_list
    stood: dict[int, tuple[Any, ...]] = {}
    with undone(officer):
        for number, (what, offset) in enumerate(steps):
            day = NOW.date() + timedelta(days=offset)
            # Refused by the operation or by the database; what holds is looked at all the same.
            with suppress(Problem, DatabaseError), transaction.atomic():
                _do(what, day, duty_list, officer, number)
            versions = list(
                ListVersion.objects.published().filter(duty_list=duty_list).order_by("valid_from")
            )
            for one, after in zip(versions, versions[1:], strict=False):
                assert one.valid_to is not None
                assert one.valid_to <= after.valid_from
            now = {
                one.pk: (
                    one.number, one.document_no, one.valid_from, one.published_at,
                    sql.list_mark(one.pk),
                )
                for one in versions
            }  # fmt: skip
            assert stood.items() <= now.items()
            stood = now
        assert stood


def _do(what: str, day: date, duty_list: Any, officer: Member, number: int) -> None:
    """Do something that an officer, or somebody with SQL, might do to a list."""
    versions = ListVersion.objects.filter(duty_list=duty_list)
    draft = versions.filter(state="draft").first()
    last = versions.published().order_by("valid_from").last()
    match what:
        case "open":
            lists.open_draft(duty_list, reason="试验", by=officer, at=NOW)
        case "edit" if draft is not None:
            Entry.objects.filter(version=draft).update(contact=f"{number}")
        case "edit":
            Entry.objects.filter(version=last).update(contact=f"{number}")
        case "discard" if draft is not None or last is not None:
            lists.discard_draft(draft or last, reason="试验", by=officer, at=NOW)
        case "publish" if draft is not None:
            publish(draft, valid_from=day, document_no=f"试〔2026〕{number}号", by=officer, at=NOW)
        case "force" if draft is not None:
            bases.settle(draft)
            versions.filter(pk=draft.pk).update(
                state="published", valid_from=day, document_no="x", published_at=NOW
            )
        case "end" if last is not None:
            versions.filter(pk=last.pk).update(valid_to=day)
