"""实施依据: the legal bases of a version are read, and written down once a county and wording.

Works inside the scope the caller has opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from common import bulk
from mandates.models import Citation, Entry, LegalBasis, ListVersion
from mandates.queries.bases import digest
from mandates.rules.citations import Cited, read

PORTION = 1000  # texts in memory


def settle(version: ListVersion) -> int:
    """Write down what the texts of a version cite, as far as no version said them before.

    Returns how many were new. Two officers who publish the same words at once wait for each other.
    """
    rows = Entry.objects.filter(county=version.county_id, version=version)
    texts = sorted(
        {text for text in rows.values_list("legal_basis", flat=True) if text.strip()}, key=digest
    )
    portions = (texts[at : at + PORTION] for at in range(0, len(texts), PORTION))
    return sum(_settle(version.county_id, portion) for portion in portions)


def _settle(county_id: int, texts: Sequence[str]) -> int:
    named = {digest(text): text for text in texts}
    known = LegalBasis.objects.filter(county=county_id, digest__in=named)
    for one in known.values_list("digest", flat=True):
        del named[one]
    readings = {key: read(text) for key, text in named.items()}
    bases = [
        LegalBasis(county_id=county_id, digest=key, text=text, parts=len(readings[key]))
        for key, text in named.items()
    ]
    bulk.insert_new(bases, "digest")
    new = [one for one in bases if one.pk is not None]
    bulk.insert(
        [
            citation(one, position, cited)
            for one in new
            for position, cited in enumerate(readings[one.digest], start=1)
        ]
    )
    return len(new)


def citation(basis: LegalBasis, position: int, cited: Cited) -> Citation:
    """Return one part of a legal basis as a row, unsaved."""
    first, last = cited.numbers
    return Citation(
        **basis.tenant,
        basis=basis,
        position=position,
        key="" if cited.wording else cited.key,
        first=first,
        last=last,
        **cited._asdict(),
    )
