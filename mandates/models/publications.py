"""公布审签: a version of a list is proposed for publication by one person and confirmed by another.

Two tables to which rows are only added: what was proposed, and what became of it. The rules stand in
PostgreSQL too (`TWO_PERSONS`): without a confirmation by somebody else no draft becomes a published
version, and a draft stays as it was proposed until somebody refuses or withdraws it, or it is published.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.tenancy import (
    CountyOwned,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    county_target,
)
from mandates.models.lists import DutyList, ListVersion


class PublicationKind(models.TextChoices):
    """By whom a version is published."""

    PERSONS = "persons", _("By two persons")
    SETUP = "setup", _("By a command that set the list up")


class PublicationOutcome(models.TextChoices):
    """What became of a proposal."""

    CONFIRMED = "confirmed", pgettext_lazy("a publication", "Confirmed")
    REFUSED = "refused", pgettext_lazy("a publication", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("a publication", "Withdrawn")


class PublicationQuerySet(TenantQuerySet):
    def waiting(self) -> Self:
        """Narrow to what nobody has decided yet."""
        return self.filter(kind=PublicationKind.PERSONS, decisions=None)

    def of(self, version: ListVersion) -> Self:
        """Narrow to proposals about one version, or about a draft of which only its name is left."""
        return self.filter(county=version.county_id, version_uid=version.uid)


class ListPublication(CountyOwned):
    """A draft as somebody wants it published: from which day, by which document. Never changed.

    ``version_uid`` and ``number`` name the version; a draft that is deleted leaves them. ``digest``
    names exactly what the draft said. One of *setup* has nobody behind it: a command on the server
    published the first version of a list, and ``note`` says why. PostgreSQL lets the role of commands
    alone write one, and for no second version.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    duty_list = TenantForeignKey(
        DutyList, models.PROTECT, related_name="publications", verbose_name=_("responsibility list")
    )
    version_uid = models.UUIDField()
    number = models.PositiveSmallIntegerField(_("version"))
    kind = models.CharField(
        _("kind"), max_length=10, choices=PublicationKind, default=PublicationKind.PERSONS
    )
    document_no = models.CharField(_("document number"), max_length=60)
    valid_from = models.DateField(_("in force from"))
    note = models.CharField(_("note"), max_length=300, blank=True)
    digest = models.CharField(max_length=64)
    proposed_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    proposer = models.CharField(_("proposed by"), max_length=200, blank=True)
    proposed_at = models.DateTimeField(_("proposed at"))

    objects: ClassVar[Any] = TenantManager.from_queryset(PublicationQuerySet)()

    class Meta:
        verbose_name = _("publication of a list")
        verbose_name_plural = _("publications of lists")
        constraints = [
            county_target("list_publication"),
            models.UniqueConstraint(fields=["uid", "county"], name="list_publication_uid"),
            models.CheckConstraint(
                name="list_publication_document", condition=Q(document_no__regex=r"\S")
            ),
            models.CheckConstraint(
                name="list_publication_kind",
                condition=Q(kind="persons", proposed_by__isnull=False)
                | Q(kind="setup", proposed_by=None) & ~Q(note=""),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "version_uid"], name="list_publication_version"),
        ]

    def __str__(self) -> str:
        return _("%(list)s, version %(number)s") % {"list": self.duty_list, "number": self.number}

    def get_absolute_url(self) -> str:
        return reverse("mandates:publication-detail", args=[self.uid])

    @cached_property
    def decision(self) -> PublicationDecision | None:
        """What became of it; None while it waits, and of one of setup."""
        return next(iter(self.decisions.all()), None)

    @property
    def state(self) -> str:
        """Return setup, waiting, confirmed, refused or withdrawn."""
        if self.kind == PublicationKind.SETUP:
            return "setup"
        return self.decision.outcome if self.decision else "waiting"

    @property
    def state_label(self) -> str:
        if self.kind == PublicationKind.SETUP:
            return str(PublicationKind.SETUP.label)
        if self.decision is None:
            return str(_("Waits for a second person"))
        return str(PublicationOutcome(self.decision.outcome).label)


class PublicationDecision(CountyOwned):
    """What became of a proposal, once. Who confirms or refuses is not who proposed. Never changed."""

    publication = TenantForeignKey(ListPublication, models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=10, choices=PublicationOutcome)
    # As on the proposal (a trigger sees to it): one row says who the two are.
    proposed_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    decided_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    decider = models.CharField(max_length=200)
    decided_at = models.DateTimeField()
    answer = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("decision on a publication")
        verbose_name_plural = _("decisions on publications")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "publication"], name="publication_decided_once"
            ),
            models.CheckConstraint(
                name="publication_outcome", condition=Q(outcome__in=PublicationOutcome.values)
            ),
            models.CheckConstraint(
                name="publication_two_persons",
                condition=Q(outcome="withdrawn", decided_by=F("proposed_by"))
                | (~Q(outcome="withdrawn") & ~Q(decided_by=F("proposed_by"))),
            ),
            models.CheckConstraint(
                name="publication_refused_for_a_reason",
                condition=Q(outcome="confirmed") | ~Q(answer=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.publication_id} {self.outcome}"


# Beside `TWO_PERSONS`: each event of each table whose rows are lines of a draft, with the rows it
# touches: those that were there, and those that are there now.
LINES = ("mandates_entry", "mandates_entryassist", "mandates_entrylimit", "mandates_entrystep")
EVENTS = {"came": "insert:new", "went": "delete:old", "left": "update:old", "moved": "update:new"}
WAITS = "".join(
    f"create trigger waits_{name} after {event.partition(':')[0]} on {table} "
    f"referencing {event.partition(':')[2]} table as touched "
    "for each statement execute function draft_waits();\n"
    for table in LINES
    for name, event in EVENTS.items()
)
NO_WAITS = "".join(f"drop trigger waits_{name} on {table};\n" for table in LINES for name in EVENTS)

TWO_PERSONS: dict[str, Any] = {
    "forward": """
create function publication_waits(county bigint, version uuid) returns boolean
    language sql stable set search_path = pg_catalog, public, pg_temp as $$
    select exists (select from mandates_listpublication p
        where p.county_id = county and p.version_uid = version and p.kind = 'persons'
          and not exists (select from mandates_publicationdecision d
                where d.county_id = p.county_id and d.publication_id = p.id)) $$;

create function publication_holds(county bigint, version uuid) returns boolean
    language sql stable set search_path = pg_catalog, public, pg_temp as $$
    select publication_waits(county, version) or exists (select from mandates_listpublication p
        join mandates_publicationdecision d on d.county_id = p.county_id and d.publication_id = p.id
        where p.county_id = county and p.version_uid = version and d.outcome = 'confirmed') $$;

create function guard_publications() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    if new.kind = 'setup' then
        if current_user in ('huying_app', 'huying_township', 'huying_department', 'huying_county',
                            'huying_all') then
            raise exception 'only a command sets a list up' using errcode = 'insufficient_privilege';
        end if;
        if exists (select from mandates_listversion v where v.county_id = new.county_id
                   and v.duty_list_id = new.duty_list_id and v.state = 'published') then
            raise exception 'a list that has been published is published by two persons'
                using errcode = 'check_violation', constraint = 'list_publication_setup';
        end if;
    elsif publication_waits(new.county_id, new.version_uid) then
        raise exception 'this version waits for a second person already'
            using errcode = 'check_violation', constraint = 'list_publication_one_waits';
    end if;
    return new;
end $$;
create trigger guard before insert on mandates_listpublication
    for each row execute function guard_publications();
alter table mandates_listpublication enable always trigger guard;

create function guard_publication_decisions() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    if not exists (select from mandates_listpublication p where p.county_id = new.county_id
            and p.id = new.publication_id and p.kind = 'persons'
            and p.proposed_by_id = new.proposed_by_id) then
        raise exception 'a decision names who proposed it'
            using errcode = 'check_violation', constraint = 'publication_two_persons';
    end if;
    return new;
end $$;
create trigger guard before insert on mandates_publicationdecision
    for each row execute function guard_publication_decisions();
alter table mandates_publicationdecision enable always trigger guard;

create function guard_two_persons() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (select from mandates_listpublication p
        left join mandates_publicationdecision d
            on d.county_id = p.county_id and d.publication_id = p.id
        where p.county_id = new.county_id and p.version_uid = new.uid
          and p.valid_from = new.valid_from and p.document_no = new.document_no
          and (p.kind = 'setup' or d.outcome = 'confirmed')) then
        return null;
    end if;
    raise exception 'a version is published by two persons'
        using errcode = 'check_violation', constraint = 'list_version_two_persons';
end $$;
create trigger two_persons_begin after insert on mandates_listversion for each row
    when (new.state = 'published') execute function guard_two_persons();
create trigger two_persons after update on mandates_listversion for each row
    when (new.state = 'published' and old.state <> 'published') execute function guard_two_persons();
alter table mandates_listversion enable always trigger two_persons_begin;
alter table mandates_listversion enable always trigger two_persons;

create function draft_waits() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    -- Asked once a statement, however many lines it writes; touched holds what was, or came.
    if tg_table_name = 'mandates_entry' then
        perform from mandates_listversion v where v.state = 'draft'
            and v.id in (select version_id from touched) and publication_holds(v.county_id, v.uid);
    else
        perform from mandates_listversion v where v.state = 'draft'
            and v.id in (select e.version_id from mandates_entry e
                         where e.id in (select entry_id from touched))
            and publication_holds(v.county_id, v.uid);
    end if;
    if found then
        raise exception 'a draft that waits for a second person stays as it was proposed'
            using errcode = 'check_violation', constraint = 'draft_waits';
    end if;
    return null;
end $$;
create function version_waits() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    -- Once it is confirmed nothing is left but to publish it.
    if publication_waits(old.county_id, old.uid) or publication_holds(old.county_id, old.uid)
        and (tg_op = 'DELETE' or new.state is distinct from 'published') then
        raise exception 'a draft that waits for a second person stays as it was proposed'
            using errcode = 'check_violation', constraint = 'draft_waits';
    end if;
    if tg_op = 'DELETE' then return old; end if;
    return new;
end $$;
create trigger waits before update or delete on mandates_listversion for each row
    when (old.state = 'draft') execute function version_waits();
""",
    "back": """
drop trigger waits on mandates_listversion; drop function version_waits();
drop function draft_waits();
drop trigger two_persons on mandates_listversion; drop trigger two_persons_begin on mandates_listversion;
drop function guard_two_persons();
drop trigger guard on mandates_publicationdecision; drop function guard_publication_decisions();
drop trigger guard on mandates_listpublication; drop function guard_publications();
drop function publication_holds(bigint, uuid); drop function publication_waits(bigint, uuid);
""",
}
