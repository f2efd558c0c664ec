"""The responsibility list in force on a day as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.display import list_text
from common.errors import Invalid, NotAllowed
from common.exports import Column, Conditions
from mandates.models import DutyList, Entry, ListVersion, Urgency
from mandates.permissions import Permission
from mandates.queries import bases
from mandates.rules.citations import asked
from townships.models import County, Department

if TYPE_CHECKING:
    from townships.http import Member

NAMES = ("list", "q", "category", "department", "law", "day", "county")
LONGEST = 100
COLUMNS = (
    Column("code", _("code of the matter"), 10, _("what a call cites")),
    Column("name", _("matter"), 32),
    Column("category", _("category"), 14),
    Column("urgency", _("urgency"), 10, _("which limits it has")),
    Column("lead", _("lead department"), 22),
    Column("assists", _("assisting departments"), 30, _("each with its duty")),
    Column("share", _("share"), 14),
    Column("department_role", _("part of the department"), 10, usual=False),
    Column("department_duty", _("duty of the department"), 50),
    Column("township_role", _("part of the township"), 10, usual=False),
    Column("township_duty", _("duty of the township"), 50),
    Column("village_duty", _("duty of the village"), 50, usual=False),
    Column("platform", _("platform"), 14),
    Column("legal_basis", _("legal basis"), 50),
    Column("basis", _("law and article"), 40, _("each law and place that the legal basis cites")),
    Column("evidence", _("evidence for the answer"), 30),
    Column("evidence_files", _("files needed (count)"), 8),
    Column("is_sample", _("sample"), 8, _("not taken from a law or a document")),
    Column("source_note", _("where it comes from"), 30, usual=False),
    Column("version", _("version of the list"), 8),
    Column("document_no", _("document number"), 22),
    Column("valid_from", _("valid from"), 12),
)


def columns(member: Member) -> Sequence[Column]:
    return COLUMNS


def check(member: Member, given: Mapping[str, Any]) -> Conditions:
    """Return the conditions of the list in one form. Raises NotAllowed, Invalid."""
    if member.scope is None or not member.may(Permission.LIST_READ):
        raise NotAllowed
    wrong: dict[str, Any] = {
        name[:100]: gettext("There is no such condition here.") for name in set(given) - set(NAMES)
    }
    kept = {name: _one(given[name]) for name in NAMES if name in given}
    kept = {name: text for name, text in kept.items() if text}
    for name, text in kept.items():
        try:
            _read(name, text)
        except ValueError:
            wrong[name] = gettext("This cannot be read.")
    if not wrong and (uid := kept.get("county")):
        county = County.objects.filter(uid=uid).values_list("pk", flat=True).first()
        if county is None or member.county_id not in (None, county):
            wrong["county"] = gettext("There is no such county.")
    if wrong:
        raise Invalid(fields=wrong)
    return dict(kept)


def keys(member: Member, conditions: Conditions, at: datetime) -> QuerySet[Any]:
    version = _version(member, conditions, at)
    rows = Entry.objects.filter(version=version) if version else Entry.objects.none()
    if words := conditions.get("q"):
        rows = rows.speaking_of(words)
    if category := conditions.get("category"):
        rows = rows.filter(category=category)
    if department := conditions.get("department"):
        rows = rows.filter(lead__uid=department)
    if law := asked(conditions.get("law", "")):
        rows = bases.standing_on(rows, law)
    found: QuerySet[Any] = rows.order_by("position", "id").values_list("id", flat=True)
    return found


def rows(member: Member, wanted: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    entries = Entry.objects.filter(pk__in=list(wanted)).with_columns().select_related("version")
    bases.attach(list(entries))
    found = {entry.pk: entry for entry in entries}
    return [_row(found[key]) for key in wanted if key in found]


def _row(entry: Any) -> dict[str, Any]:
    helpers = [
        f"{one.department.name}（{one.duty}）" if one.duty else one.department.name
        for one in entry.assists.all()
    ]
    plain = (
        *("name", "category", "department_duty", "township_duty", "village_duty"),
        *("legal_basis", "evidence"),
        *("evidence_files", "is_sample", "source_note"),
    )
    return {
        **{name: getattr(entry, name) for name in plain},
        "code": entry.matter.code,
        "basis": "\n".join(dict.fromkeys(str(one) for one in entry.cited)),
        "urgency": str(Urgency(entry.urgency).label),
        **{
            name: str(getattr(entry, f"get_{name}_display")())
            for name in ("share", "department_role", "township_role")
        },
        "lead": entry.lead.name if entry.lead else "",
        "assists": list_text(helpers),
        "platform": entry.platform.name if entry.platform else "",
        "version": entry.version.number,
        "document_no": entry.version.document_no,
        "valid_from": entry.version.valid_from,
    }


def told(member: Member, conditions: Conditions) -> list[tuple[str, str]]:
    labels = {
        "list": gettext("List"), "q": gettext("Words"), "category": gettext("Category"), "department": gettext("Lead department"),
        "law": gettext("Law, article"),
        "day": gettext("Version in force on"), "county": gettext("County"),
    }  # fmt: skip
    words = dict(conditions)
    of: dict[str, Any] = {"list": DutyList, "department": Department, "county": County}
    for name, model in of.items():
        if uid := conditions.get(name):
            found = model.objects.filter(uid=uid).values_list("name", flat=True).first()
            words[name] = found or uid
    shown = [(str(labels[name]), str(words[name])) for name in NAMES if words.get(name)]
    return shown or [(gettext("Conditions"), gettext("none"))]


def _version(member: Member, conditions: Conditions, at: datetime) -> ListVersion | None:
    """Return the version that the page shows: of the county, or of the first one for the city."""
    county: Any = member.county_id
    if county is None:
        counties = County.objects.order_by("code")
        if uid := conditions.get("county"):
            counties = counties.filter(uid=uid)
        county = counties.first()
    if county is None:
        return None
    day = date.fromisoformat(conditions["day"]) if conditions.get("day") else timezone.localdate(at)
    versions = ListVersion.objects.filter(county=county).in_force_on(day)
    asked = conditions.get("list")
    versions = versions.filter(duty_list__uid=asked) if asked else versions.routing()
    found: ListVersion | None = versions.first()
    return found


def _one(value: Any) -> str:
    text = value if isinstance(value, str) else next(iter(value), "") if value else ""
    return str(text).strip()


def _read(name: str, text: str) -> None:
    """Raise ValueError for what a condition cannot be."""
    if name in ("list", "department", "county"):
        UUID(text)
    elif name == "day":
        datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    elif len(text) > LONGEST or "\0" in text:
        raise ValueError(name)
