"""What a list lacks before it can route: findings, each about one entry or the whole version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from mandates.models import ClockKind, Entry, Limit, ListVersion, Urgency
from mandates.models.limits import kinds_of
from mandates.rules.citations import read
from townships.models import Department


@dataclass(frozen=True)
class Finding:
    """One thing missing or wrong; a blocking one stands in the way of publication."""

    code: str
    text: str
    is_blocking: bool
    entry_id: int | None = None
    entry: str = ""

    def __str__(self) -> str:
        return f"{self.entry}: {self.text}" if self.entry else self.text


def gaps(version: ListVersion, *, on: date) -> list[Finding]:
    """List what a version lacks on a day, what blocks publication first.

    Three queries and those of two prefetches, whatever the number of entries.
    """
    entries = list(
        version.entries.select_related("matter", "lead")
        .prefetch_related("assists__department", "limits")
        .order_by("position", "id")
    )
    county_limits = set(
        Limit.objects.filter(county=version.county_id).values_list("urgency", "kind")
    )
    units = {unit.pk: unit for unit in Department.objects.filter(county=version.county_id)}
    checks = _Checks(units, county_limits, on)
    found = [*checks.of_version(entries)]
    for entry in entries:
        found += checks.of_entry(entry)
    return sorted(found, key=lambda one: not one.is_blocking)


@dataclass(frozen=True)
class _Checks:
    units: dict[int, Department]
    county_limits: set[tuple[str, str]]
    on: date

    def of_version(self, entries: list[Entry]) -> Iterator[Finding]:
        if not entries:
            yield Finding("empty", _("The list has no entries."), True)
        samples = sum(entry.is_sample for entry in entries)
        if samples:
            text = _("%d entries are samples, to be replaced.") % samples
            yield Finding("sample", text, False)
        for urgency in Urgency:
            missing = [
                k for k in kinds_of(urgency) if (urgency.value, k.value) not in self.county_limits
            ]
            if missing:
                yield Finding(
                    "county_limits",
                    _("The county has no limit for %(urgency)s: %(clocks)s.")
                    % {"urgency": urgency.label, "clocks": _listed(missing)},
                    False,
                )

    def of_entry(self, entry: Entry) -> Iterator[Finding]:
        name = f"{entry.matter.code} {entry.name}"
        for code, text, is_blocking in (
            *self._lead(entry),
            *self._assists(entry),
            *self._limits(entry),
            *self._words(entry),
        ):
            yield Finding(code, text, is_blocking, entry.pk, name)

    def _lead(self, entry: Entry) -> Iterator[tuple[str, str, bool]]:
        if entry.lead_id is None:
            yield "no_lead", _("no lead department"), True
            return
        if any(one.department_id == entry.lead_id for one in entry.assists.all()):
            yield "lead_assists", _("the lead department also assists"), True
        if fault := self._fault_of_unit("lead", entry.lead_id):
            yield fault

    def _assists(self, entry: Entry) -> Iterator[tuple[str, str, bool]]:
        for one in entry.assists.all():
            fault = self._fault_of_unit("assist", one.department_id)
            if fault:
                yield fault[0], fault[1], False
            if not one.duty:
                text = _("%s has no duty in it") % one.department
                yield "assist_no_duty", text, False

    def _fault_of_unit(self, part: str, key: int) -> tuple[str, str, bool] | None:
        """Say what is wrong with a department on the day; a successor takes its calls over."""
        unit = self.units[key]
        if unit.in_force_on(self.on):
            return None
        follower, seen = unit, {unit.pk}
        while follower.successor_id is not None and follower.successor_id not in seen:
            follower = self.units[follower.successor_id]
            seen.add(follower.pk)
            if follower.in_force_on(self.on):
                words = {"unit": unit, "successor": follower}
                text = _("%(unit)s has ended; calls go to %(successor)s") % words
                return f"{part}_ended", text, False
        text = _("%(unit)s does not exist on %(day)s") % {"unit": unit, "day": self.on}
        return f"{part}_ended", text, True

    def _limits(self, entry: Entry) -> Iterator[tuple[str, str, bool]]:
        own = {(one.urgency, one.kind) for one in entry.limits.all()}
        known = own | self.county_limits
        missing = [k for k in kinds_of(entry.urgency) if (entry.urgency, k.value) not in known]
        if missing:
            text = _("no limit for: %s") % _listed(missing)
            yield "no_limit", text, True

    def _words(self, entry: Entry) -> Iterator[tuple[str, str, bool]]:
        if not entry.legal_basis.strip():
            yield "no_basis", _("no legal basis"), True
        elif not any(one.names_law for one in read(entry.legal_basis)):
            yield "no_law", _("the legal basis names no law and no document"), False
        if entry.platform_id is None:
            yield "no_platform", _("no owner platform"), True
        if not entry.township_duty.strip():
            yield "no_township_duty", _("no duty of the township"), False
        if not entry.department_duty.strip():
            yield "no_department_duty", _("no duty of the county department"), False
        if not entry.evidence.strip():
            yield "no_evidence", _("no evidence for the answer"), False


def _listed(kinds: list[ClockKind]) -> str:
    return _(", ").join(str(kind.label) for kind in kinds)
