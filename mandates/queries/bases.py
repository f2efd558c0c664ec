"""What the legal bases of lines cite: as it was read when they were published, else as it reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from mandates.models import Citation, Digest, Entry, LegalBasis
from mandates.rules.citations import Asked, Cited, numbers_of, read

FIELDS = ("law", "document_no", "article", "clause", "wording")


def digest(text: str) -> str:
    """Return what names a legal basis in its county."""
    return sha256(text.encode()).hexdigest()


def citations(county_id: int, texts: Iterable[str]) -> Mapping[str, Sequence[Cited]]:
    """Return what texts cite, by text; one query for any number of them."""
    known = {digest(text): text for text in texts if text.strip()}
    found: dict[str, list[Cited]] = defaultdict(list)
    if known:
        rows = Citation.objects.filter(county=county_id).of_texts(known)
        for key, *said in rows.order_by("basis_id", "position").values_list(
            "basis__digest", *FIELDS
        ):
            found[known[key]].append(Cited(*said))
    return {text: found.get(text) or read(text) for text in known.values()}


def attach(entries: Sequence[Entry]) -> None:
    """Let lines of one county know as ``cited`` what they cite; one query for all of them."""
    if not entries:
        return
    found = citations(entries[0].county_id, {entry.legal_basis for entry in entries})
    for entry in entries:
        entry.cited = found.get(entry.legal_basis, ())


def told(one: Cited) -> dict[str, Any]:
    """Return a citation as reports and programs read it."""
    first, last = one.numbers
    return {
        "law": one.law,
        "document_no": one.document_no,
        "article": first,
        "last_article": last,
        "place": one.article,
        "clause": one.clause,
        "wording": one.wording,
    }


def standing_on(rows: Any, asked: Asked) -> Any:
    """Narrow published lines to those whose legal basis cites a law, or a place of it."""
    number, _last = numbers_of(asked.article)
    bases = Citation.objects.standing_on(
        asked.key, is_whole=asked.is_whole, article=asked.article, number=number
    )
    named = LegalBasis.objects.filter(pk__in=bases.values("basis_id"))
    return rows.alias(basis_digest=Digest("legal_basis")).filter(
        basis_digest__in=named.values("digest")
    )
