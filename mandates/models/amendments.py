"""修订建议 and 职责交叉台账: why a list should be changed, and what became of it."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.tenancy import (
    CountyOwned,
    TenantForeignKey,
    TenantManager,
    TenantQuerySet,
    county_target,
)
from mandates.models.lists import ListVersion, Matter
from mandates.models.schemes import ONE_UNIT


class ProposalOrigin(models.TextChoices):
    """建议来源. The first three are counted at night; all but two may be written down by people."""

    DISPUTES = "disputes", _("Repeated disputes")
    UNLISTED_CALLS = "unlisted_calls", _("Repeated calls on no list")
    UNLISTED_TASKS = "unlisted_tasks", _("Tasks on no list")
    LAW_CHANGE = "law_change", _("Change of the law")
    EVALUATION = "evaluation", _("Evaluation of the list")
    OTHER = "other", _("Other reason")


COUNTED_ALONE = (ProposalOrigin.DISPUTES, ProposalOrigin.UNLISTED_CALLS)


class ProposalState(models.TextChoices):
    OPEN = "open", _("Waiting for a decision")
    ACCEPTED = "accepted", pgettext_lazy("a proposal", "Accepted")
    REJECTED = "rejected", pgettext_lazy("a proposal", "Rejected")


class LineChange(models.TextChoices):
    """What an accepted proposal does to the list."""

    AMEND = "amend", _("Change a line")
    ADD = "add", _("Add a line")
    REMOVE = "remove", _("Take a line out")


class ProposalQuerySet(TenantQuerySet):
    def open(self) -> Self:
        return self.filter(state=ProposalState.OPEN)

    def reopen(self) -> int:
        """Let what was accepted wait again: the draft it went into is no more."""
        return self.update(
            state=ProposalState.OPEN, version=None, amended=None, change="", decision="",
            decided_by=None, decided_in="", decided_at=None,
        )  # fmt: skip


class ListProposal(CountyOwned):
    """修订建议: that the list be changed, with what it rests on, and the decision.

    ``key`` names what it is about among those of its origin: a matter, the oldest of some calls
    alike, or the words of a title. ``version`` and ``amended`` say which line of which draft an
    accepted one has changed; once that version is published, they stand for ever. Townships and
    departments read accepted ones alone: why a line reads so.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    origin = models.CharField(_("origin"), max_length=16, choices=ProposalOrigin)
    key = models.CharField(max_length=36)
    matter = TenantForeignKey(
        Matter, models.PROTECT, null=True, related_name="+", verbose_name=_("matter")
    )
    title = models.CharField(pgettext_lazy("of a text", "title"), max_length=200)
    wanted = models.TextField(_("what is proposed"), blank=True)
    law = models.CharField(_("law"), max_length=100, blank=True)
    article = models.CharField(_("article"), max_length=60, blank=True)
    cases = models.PositiveIntegerField(_("cases"), default=0)
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    opened_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    opened_at = models.DateTimeField(_("proposed at"))
    state = models.CharField(
        _("state"), max_length=10, choices=ProposalState, default=ProposalState.OPEN
    )
    change = models.CharField(_("change"), max_length=8, choices=LineChange, blank=True)
    version = TenantForeignKey(
        ListVersion, models.PROTECT, null=True, related_name="proposals", db_index=False
    )
    amended = TenantForeignKey(Matter, models.PROTECT, null=True, related_name="+", db_index=False)
    decision = models.TextField(_("decision"), blank=True)
    decided_by = models.ForeignKey(
        "townships.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_in = models.CharField(max_length=100, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)

    objects: ClassVar[Any] = TenantManager.from_queryset(ProposalQuerySet)()

    class Meta:
        verbose_name = _("proposal to amend the list")
        verbose_name_plural = _("proposals to amend the list")
        constraints = [
            county_target("list_proposal"),
            models.UniqueConstraint(fields=["uid", "county"], name="list_proposal_uid"),
            models.UniqueConstraint(
                fields=["county", "origin", "key"],
                condition=Q(state="open"),
                name="list_proposal_open_once",
            ),
            models.CheckConstraint(
                name="list_proposal_says_something", condition=~Q(title="") & ~Q(key="")
            ),
            models.CheckConstraint(
                name="list_proposal_rests_on",
                condition=Q(
                    origin__in=["disputes", "unlisted_calls", "unlisted_tasks"],
                    opened_by=None,
                    cases__gt=0,
                    first_day__isnull=False,
                    last_day__gte=F("first_day"),
                )
                | Q(origin="law_change", opened_by__isnull=False) & ~Q(law="") & ~Q(article="")
                | Q(
                    origin__in=["unlisted_tasks", "evaluation", "other"],
                    opened_by__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="list_proposal_decided",
                condition=Q(
                    state="open", decided_at=None, decided_by=None, decision="", version=None,
                    amended=None, change="",
                )
                | Q(
                    state="rejected", decided_at__isnull=False, decided_by__isnull=False,
                    version=None, amended=None, change="",
                )
                & ~Q(decision="")
                | Q(
                    state="accepted", decided_at__isnull=False, decided_by__isnull=False,
                    version__isnull=False, amended__isnull=False,
                    change__in=["amend", "add", "remove"],
                )
                & ~Q(decision=""),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["county", "state", "-id"], name="list_proposal_state"),
            models.Index(fields=["county", "amended", "version"], name="list_proposal_line"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("mandates:proposal-detail", args=[self.uid])


class ProposalEvidence(CountyOwned):
    """佐证: one case a proposal rests on, its words copied, so that it stands by itself.

    A case counts once for each origin: what was rejected comes again only with new cases.
    """

    proposal = TenantForeignKey(ListProposal, models.PROTECT, related_name="evidence")
    origin = models.CharField(max_length=16, choices=ProposalOrigin)
    # Of disputes the precedent, of what is on no list the task or the call.
    source = models.UUIDField()
    call_uid = models.UUIDField(null=True)
    day = models.DateField()
    unit = models.CharField(max_length=100)
    outcome = models.CharField(max_length=10, blank=True)
    # The department that had to do it; of a task the one that sent it down.
    given = models.CharField(max_length=100, blank=True)
    words = models.TextField()  # the objection, or the title of the call or task
    # The ruling, why the call is on no list, or what the task asks.
    answer = models.TextField(blank=True)

    class Meta:
        verbose_name = _("case a proposal rests on")
        verbose_name_plural = _("cases proposals rest on")
        constraints = [
            models.UniqueConstraint(
                fields=["county", "origin", "source"], name="proposal_evidence_once"
            ),
        ]
        indexes = [
            models.Index(fields=["county", "proposal", "day"], name="proposal_evidence_day"),
        ]

    def __str__(self) -> str:
        return self.words[:40]


class Overlap(CountyOwned):
    """职责交叉事项: a dispute settled outside calls, written into the register; never changed.

    A wrong one is replaced by another that names it. Disputes inside calls are precedents.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    matter = TenantForeignKey(
        Matter, models.PROTECT, null=True, related_name="+", verbose_name=_("matter")
    )
    title = models.CharField(_("matter in dispute"), max_length=200)
    dispute = models.TextField(_("dispute"))
    ruling = models.TextField(_("ruling"))
    ruled_by = models.CharField(_("who ruled"), max_length=100)
    document_no = models.CharField(_("document number"), max_length=60, blank=True)
    decided_at = models.DateTimeField(_("date of the ruling"))
    replaces = TenantForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False)
    entered_by = models.ForeignKey(
        "townships.User", models.PROTECT, related_name="+", db_index=False
    )
    entered_at = models.DateTimeField()

    class Meta:
        verbose_name = _("overlapping matter")
        verbose_name_plural = _("overlapping matters")
        constraints = [
            county_target("overlap"),
            models.UniqueConstraint(fields=["uid", "county"], name="overlap_uid"),
            models.UniqueConstraint(fields=["county", "replaces"], name="overlap_replaced_once"),
            models.CheckConstraint(
                name="overlap_says_something",
                condition=~Q(title="") & ~Q(dispute="") & ~Q(ruling="") & ~Q(ruled_by=""),
            ),
        ]
        indexes = [
            models.Index(fields=["county", "-decided_at", "id"], name="overlap_new"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def ruled_on(self) -> date:
        """The day of the ruling; its instant is when that day begins."""
        return timezone.localdate(self.decided_at)


class OverlapParty(CountyOwned):
    """One party of a dispute: a department of the county, or a township."""

    overlap = TenantForeignKey(Overlap, models.PROTECT, related_name="parties")
    department = TenantForeignKey(
        "townships.Department", models.PROTECT, null=True, related_name="+", db_index=False
    )
    area = TenantForeignKey(
        "townships.Township", models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("party of an overlapping matter")
        verbose_name_plural = _("parties of overlapping matters")
        constraints = [
            models.CheckConstraint(name="overlap_party_unit", condition=ONE_UNIT),
            models.UniqueConstraint(
                fields=["county", "overlap", "department"], name="overlap_party_department"
            ),
            models.UniqueConstraint(
                fields=["county", "overlap", "area"], name="overlap_party_area"
            ),
        ]

    def __str__(self) -> str:
        return str(self.unit)

    @property
    def unit(self) -> Any:
        return self.department or self.area


# What was decided stands: a rejection at once, an acceptance with the version it went into.
DECIDED_STAYS = """
create function list_proposal_guard() returns trigger language plpgsql as $$
    begin
        if old.state = 'rejected' or old.state = 'accepted' and exists (
            select from mandates_listversion where id = old.version_id and state = 'published'
        ) then
            raise exception 'a decided proposal stands'
                using errcode = 'check_violation', constraint = 'list_proposal_stands';
        end if;
        return new;
    end $$;
create trigger guard before update on mandates_listproposal
    for each row execute function list_proposal_guard();
"""
DECIDED_STAYS_BACK = "drop function list_proposal_guard() cascade;"
