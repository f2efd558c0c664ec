"""期限与评估: terms of powers that end soon, and powers that nobody has evaluated for too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Exists, Min, OuterRef

from common.worktime import SHANGHAI
from mandates.models import PowerBatch, PowerEvaluation, PowerGrant
from mandates.queries.rulebook import rulebook

MOST = 8  # batches told of


@dataclass(frozen=True)
class Term:
    """A batch with powers whose term ends soon: how many, and the first day without the earliest."""

    batch: PowerBatch
    powers: int
    ends: date


@dataclass(frozen=True)
class Unevaluated:
    """A batch with powers to be evaluated again: how many, and from when the oldest is held."""

    batch: PowerBatch
    powers: int
    since: date


def is_due(since: date, *, county_id: int, day: date) -> bool:
    """Say whether what was given, or last evaluated, on a day is to be evaluated again."""
    return (day - since).days > rulebook(county_id).evaluate_days


def terms_ending(county_id: int, *, day: date) -> Sequence[Term]:
    """List batches of a county with powers that end within its days of notice, the first first."""
    until = day + timedelta(days=rulebook(county_id).expire_days)
    rows = PowerGrant.objects.filter(county=county_id, valid_to__lte=until).holding_on(day)
    found = list(
        rows.order_by().values("batch").annotate(n=Count("pk"), ends=Min("valid_to"))
        .order_by("ends", "batch").values_list("batch", "n", "ends")[:MOST]
    )  # fmt: skip
    known = PowerBatch.objects.in_bulk([key for key, _n, _ends in found])
    return [Term(known[key], n, ends) for key, n, ends in found]


def evaluations_due(county_id: int, *, day: date) -> Sequence[Unevaluated]:
    """List batches of a county with powers in force that are to be evaluated again."""
    before = day - timedelta(days=rulebook(county_id).evaluate_days)
    begins = datetime.combine(before, time.min, SHANGHAI)
    lately = PowerEvaluation.objects.filter(grant=OuterRef("pk"), at__gte=begins)
    rows = PowerGrant.objects.filter(county=county_id, valid_from__lt=before).holding_on(day)
    found = list(
        rows.filter(~Exists(lately)).order_by().values("batch")
        .annotate(n=Count("pk"), since=Min("valid_from"))
        .order_by("since", "batch").values_list("batch", "n", "since")[:MOST]
    )  # fmt: skip
    known = PowerBatch.objects.in_bulk([key for key, _n, _since in found])
    return [Unevaluated(known[key], n, since) for key, n, since in found]
