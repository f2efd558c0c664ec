"""实施依据: what the legal bases of a county's lists cite, law by law and article by article.

A basis stands once for every wording of a county, however many lines of however many versions say
it: two hundred versions of a list add rows only for what they word anew. The line keeps its text,
and the text names its basis by a hash over it (docs/adr/0010-legal-bases.md). What is written here
is never changed: a version is published together with the reading of its texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.tenancy import (
    CountyOwned,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    county_target,
)

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable


class Digest(models.Func):
    """SHA-256 of a text in hexadecimal digits, as `LegalBasis.digest` holds it."""

    template = "encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')"
    output_field: ClassVar[Any] = models.CharField()


class LegalBasis(CountyOwned):
    """One wording of a legal basis, and of how many citations it is read to consist."""

    digest = models.CharField(max_length=64)
    text = models.TextField(_("legal basis"))
    parts = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("legal basis")
        verbose_name_plural = _("legal bases")
        constraints = [
            county_target("legal_basis"),
            models.UniqueConstraint(fields=["county", "digest"], name="legal_basis_once"),
            models.CheckConstraint(name="legal_basis_digest", condition=Q(digest=Digest("text"))),
            models.CheckConstraint(name="legal_basis_parts", condition=Q(parts__gt=0)),
        ]

    def __str__(self) -> str:
        return self.text


class CitationQuerySet(TenantQuerySet):
    def of_texts(self, digests: Iterable[str]) -> Self:
        return self.filter(basis__digest__in=digests)

    def standing_on(
        self, key: str, *, is_whole: bool = True, article: str = "", number: int = 0
    ) -> Self:
        """Narrow to those of a law, whole or by a part of its title, and of a place in it.

        ``article`` is a place as `rules.citations` writes it; whatever stands within it counts, and
        a range of articles that it lies in, ``number`` being its article.
        """
        rows = self.filter(key=key) if is_whole else self.filter(key__contains=key)
        if not article:
            return rows
        within = Q(article__startswith=article)
        if number and article.endswith("条"):
            # 第一百三十三条之一 is an article of its own.
            within = Q(first__lte=number, last__gte=number) & ~Q(article__startswith=f"{article}之")
        return rows.filter(within)


class Citation(CountyOwned):
    """所引条款: one place of one law or document in a legal basis, in its order from 1 on.

    ``key`` is by what the same law is known again, ``first`` and ``last`` are its articles (条), 0
    where the whole is cited. ``wording`` is a text that names no law, and then all it says.
    """

    basis = TenantForeignKey(LegalBasis, models.PROTECT, related_name="citations", db_index=False)
    position = models.PositiveSmallIntegerField(_("position"))
    law = models.CharField(_("law or document"), max_length=200, blank=True)
    key = models.CharField(max_length=200, blank=True)
    document_no = models.CharField(_("document number"), max_length=60, blank=True)
    article = models.CharField(_("article"), max_length=150, blank=True)
    first = models.PositiveSmallIntegerField(default=0)
    last = models.PositiveSmallIntegerField(default=0)
    clause = models.TextField(_("quoted clause"), blank=True)
    wording = models.TextField(_("wording"), blank=True)

    objects: ClassVar[Any] = TenantManager.from_queryset(CitationQuerySet)()

    class Meta:
        verbose_name = _("citation of a law")
        verbose_name_plural = _("citations of laws")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "basis", "position"], name="citation_position"
            ),
            models.CheckConstraint(name="citation_place", condition=Q(position__gt=0)),
            models.CheckConstraint(
                name="citation_says",
                condition=Q(wording="") & (~Q(law="") | ~Q(document_no="")) & ~Q(key="")
                | ~Q(wording="") & Q(law="", document_no="", key="", article="", clause=""),
            ),
            models.CheckConstraint(name="citation_articles", condition=Q(last__gte=F("first"))),
        ]
        indexes = [models.Index(fields=["county", "key", "first"], name="citation_of_law")]

    def __str__(self) -> str:
        return f"{self.law or self.document_no or self.wording}{self.article}"


def digest_of(field: str) -> Combinable:
    """Return the expression by which a column that holds a legal basis names it."""
    return Digest(F(field))


# A version is published with the reading of everything its lines stand on, and a reading that is
# whole takes no further citation. Both are asked by whoever writes, in his own scope.
READ_SQL: dict[str, str] = {
    "forward": """
create function citation_fits() returns trigger language plpgsql as $$
    begin
        if new.position > coalesce((select parts from mandates_legalbasis
                                     where county_id = new.county_id and id = new.basis_id), 0) then
            raise exception 'a legal basis has no more parts' using errcode = 'check_violation';
        end if;
        return new;
    end $$;
create trigger fits before insert on mandates_citation
    for each row execute function citation_fits();
create function list_version_is_read() returns trigger language plpgsql as $$
    begin
        if exists (
            select 1 from (
                select distinct encode(sha256(convert_to(e.legal_basis, 'UTF8')), 'hex') as digest
                  from mandates_entry e
                 where e.county_id = new.county_id and e.version_id = new.id
                   and e.legal_basis ~ '\\S') said
             where not exists (
                select 1 from mandates_legalbasis b
                 where b.county_id = new.county_id and b.digest = said.digest
                   and b.parts = (select count(*) from mandates_citation c
                                   where c.county_id = b.county_id and c.basis_id = b.id))) then
            raise exception 'a published list has its legal bases read'
                using errcode = 'check_violation';
        end if;
        return new;
    end $$;
create trigger is_read before update of state on mandates_listversion for each row
    when (old.state = 'draft' and new.state = 'published') execute function list_version_is_read();
""",
    "back": """
drop trigger is_read on mandates_listversion; drop function list_version_is_read();
drop trigger fits on mandates_citation; drop function citation_fits();
""",
}
