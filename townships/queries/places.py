"""Which township a place lies in, by what another system says of it: a code, or words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from common import reference
from townships.models import DivisionCode, DivisionName, DivisionParent, Relation, Township

DIGITS = 12  # of a code of the statistical office, down to the village
GRID_DIGITS = 15  # of a grid: its village, and a number


@dataclass(frozen=True)
class Places:
    """The townships of one county on one day, by code and by name."""

    codes: dict[str, int]
    names: tuple[tuple[str, int, bool], ...]  # name, township, whether it is the township's own

    def by_code(self, code: str) -> int | None:
        """Return the township of a division's or a grid's code, None if it is not known."""
        if not (code.isascii() and code.isdecimal()) or len(code) not in (9, DIGITS, GRID_DIGITS):
            return None
        whole = code[:DIGITS].ljust(DIGITS, "0")
        return self.codes.get(whole) or self.codes.get(whole[:9].ljust(DIGITS, "0"))

    def by_words(self, text: str) -> int | None:
        """Return the one township that a text names, itself or by a village; None in doubt."""
        named = [one for one in self.names if one[0] in text]
        # 新河镇 is not meant where 东新河镇 is written.
        meant = [one for one in named if not any(one[0] in n and one[0] != n for n, *_ in named)]
        # Villages of many townships bear one name: the township's own name decides, if it is there.
        itself = {township for _name, township, is_own in meant if is_own}
        found = itself or {township for _name, township, _is_own in meant}
        return found.pop() if len(found) == 1 else None


def places(county_id: int, day: date) -> Places:
    """Return the places of a county; kept until any reference data changes."""
    return reference.kept(("places", county_id, day), lambda: _load(county_id, day))


def _load(county_id: int, day: date) -> Places:
    townships = Township.objects.as_of(day).filter(county_id=county_id)
    owner = {key: key for key in townships.values_list("pk", flat=True)}
    villages = DivisionParent.objects.as_of(day).filter(
        relation=Relation.ADMINISTRATIVE, parent__in=list(owner)
    )
    owner.update(dict(villages.values_list("division", "parent")))
    codes = DivisionCode.objects.as_of(day).filter(division__in=owner)
    names = DivisionName.objects.as_of(day).filter(division__in=owner)
    known = dict(codes.values_list("division", "code"))
    known.update(townships.values_list("pk", "code"))
    called = dict(names.values_list("division", "name"))
    called.update(townships.values_list("pk", "name"))
    return Places(
        {code.ljust(DIGITS, "0"): owner[key] for key, code in known.items()},
        tuple((name, owner[key], owner[key] == key) for key, name in called.items()),
    )
