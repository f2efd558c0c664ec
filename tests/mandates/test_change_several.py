"""Many lines at once in the console: what is shown is what is done, whole, and not before it is confirmed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from common import tenancy
from common.errors import Invalid
from mandates.models import Entry, ListVersion
from mandates.operations import draft_lines, line_changes, publications
from tests.factories.console import NOW, all_of, drafted, page, signed_in, trail
from tests.factories.mandates import Ground, county_with_list, member
from townships.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.assurance("T12")]
WHY = "编办〔2026〕7号"


@pytest.fixture
def ground() -> Ground:
    return county_with_list()


@pytest.fixture
def draft(ground: Ground) -> ListVersion:
    return drafted(ground)


@pytest.fixture
def officer(ground: Ground) -> Client:
    return signed_in(Role.ESTABLISHMENT_OFFICER, county=ground.county)


def lines(version: ListVersion) -> list[Entry]:
    found: list[Entry] = all_of(Entry, version=version)
    return found


def several(client: Client, chosen: list[Entry], step: str = "", **said: Any) -> Any:
    keys = [one.pk for one in chosen]
    sent = {"action": "change_several", ACTION_CHECKBOX_NAME: keys, "step": step, "reason": WHY}
    return client.post(page("entry"), {**sent, **said})


def shown(answer: Any) -> dict[int, str]:
    return {one.entry.pk: one.code for one in answer.context["plan"].lines}


def test_lines_are_chosen_looked_at_and_changed_each_with_its_row(
    ground: Ground, draft: ListVersion, officer: Client
) -> None:
    first, *rest = lines(draft)
    said = {"category": "新类", "urgency": "enforcement"}
    with tenancy.dispatching(reason="a test prepares"):
        Entry.objects.filter(pk=first.pk).update(**said)
    first, *rest = lines(draft)
    form = several(officer, [first, *rest])
    assert form.status_code == 200
    assert "新类" in form.content.decode()  # among the categories there are

    preview = several(officer, [first, *rest], "preview", **said)
    assert shown(preview) == {first.pk: "same"} | {one.pk: "changed" for one in rest}
    text = preview.content.decode()
    assert all(f"<del>{one.category}</del> → <ins>新类</ins>" in text for one in rest)
    assert [one.category for one in lines(draft)[1:]] == [one.category for one in rest]
    assert trail("list_line_changed") == []

    seen = preview.context["plan"].mark
    done = several(officer, [first, *rest], "confirm", seen=seen, **said)
    assert (done.status_code, done["Location"]) == (302, page("entry"))
    assert {(one.category, one.urgency, one.lead_id) for one in lines(draft)} == {
        ("新类", "enforcement", one.lead_id) for one in [first, *rest]
    }
    rows = trail("list_line_changed")
    assert [(one.target_id, one.detail["reason"]) for one in rows] == [
        (str(one.pk), WHY) for one in rest
    ]
    assert rows[0].detail["changes"]["category"] == [rest[0].category, "新类"]


def test_a_refused_line_is_left_out_as_shown_and_says_why(
    ground: Ground, draft: ListVersion, officer: Client
) -> None:
    unit = ground.units["agriculture"]  # assists in the first, leads the second
    published = ground.entries["ZJ-01"]
    chosen = [*lines(draft), published]
    preview = several(officer, chosen, "preview", lead=unit.uid)
    codes = {one.entry.matter.code: one.code for one in preview.context["plan"].lines[1:]}

    assert shown(preview)[published.pk] == "already_published"
    assert codes == {"ZR-01": "invalid", "NY-01": "same", "YJ-01": "changed", "ZJ-01": "changed"}
    assert "同一部门在一个事项中只能承担一种职责。" in preview.content.decode()
    several(officer, chosen, "confirm", lead=unit.uid, seen=preview.context["plan"].mark)
    now = {one.pk: one.lead_id for one in lines(draft)}
    assert [now[one.pk] == unit.pk for one in chosen[:4]] == [False, True, True, True]
    assert all_of(Entry, pk=published.pk)[0].lead_id == published.lead_id
    assert len(trail("list_line_changed")) == 2


def test_what_has_changed_since_the_preview_is_shown_again_and_nothing_is_written(
    draft: ListVersion, officer: Client
) -> None:
    chosen = lines(draft)
    said = {"urgency": "enforcement"}
    preview = several(officer, chosen, "preview", **said)
    with tenancy.dispatching(reason="somebody else writes"):
        Entry.objects.filter(pk=chosen[-1].pk).update(name="改过的名称")
    answer = several(officer, chosen, "confirm", seen=preview.context["plan"].mark, **said)

    assert answer.status_code == 412
    assert "改过的名称" in answer.content.decode()
    assert "enforcement" not in {one.urgency for one in lines(draft)}
    assert trail("list_line_changed") == []
    again = several(officer, chosen, "confirm", seen=answer.context["plan"].mark, **said)
    assert again.status_code == 302
    assert {one.urgency for one in lines(draft)} == {"enforcement"}


def test_one_line_that_fails_takes_all_back(
    draft: ListVersion, officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, said = lines(draft), {"urgency": "enforcement"}
    seen = several(officer, chosen, "preview", **said).context["plan"].mark
    write, last = draft_lines._write, chosen[-1]

    def fails(entry: Entry, *given: Any) -> None:
        if entry.pk == last.pk:
            raise Invalid(fields={"lead": ["refused"]})
        write(entry, *given)

    monkeypatch.setattr(draft_lines, "_write", fails)
    answer = several(officer, chosen, "confirm", seen=seen, **said)

    assert "refused" in answer.content.decode()
    assert "enforcement" not in {one.urgency for one in lines(draft)}
    assert trail("list_line_changed") == []


def test_lines_of_another_county_are_not_there_and_only_the_office_changes_any(
    draft: ListVersion, officer: Client
) -> None:
    other = county_with_list()
    theirs = lines(drafted(other))
    mixed = several(officer, [lines(draft)[0], *theirs], "preview", urgency="enforcement")
    assert len(shown(mixed)) == 1
    assert not any(one.name in mixed.content.decode() for one in other.units.values())
    assert several(officer, theirs, "preview", urgency="enforcement").status_code == 302
    own = several(officer, lines(draft), "preview", lead=other.units["water"].uid)
    assert own.context["plan"] is None
    assert "lead" in own.context["form"].errors

    city = signed_in(Role.CITY_OVERSEER)
    assert "change_several" not in city.get(page("entry")).content.decode()
    assert several(city, theirs, "preview", urgency="enforcement").status_code in (200, 302, 403)
    assert trail("list_line_changed") == []


def test_a_draft_that_waits_is_refused_whole_and_too_many_lines_are_too(
    ground: Ground, draft: ListVersion, officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = member(Role.ESTABLISHMENT_OFFICER, county=ground.county)
    with tenancy.scope(by.scope):
        publications.propose(
            draft, valid_from=NOW.date() + timedelta(days=9), document_no="试", by=by, at=NOW
        )
    preview = several(officer, lines(draft), "preview", urgency="enforcement")
    assert set(shown(preview).values()) == {"publication_waits"}
    assert 'value="confirm"' not in preview.content.decode()
    monkeypatch.setattr(line_changes, "MOST", 2)
    assert several(officer, lines(draft)).status_code == 302
