"""期限与评估: terms of powers that end soon, and powers that nobody has evaluated for too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Exists, Min, OuterRef

from common import reference
from common.worktime import SHANGHAI
from mandates.models import CountyRules, PowerBatch, PowerEvaluation, PowerGrant
from mandates.models.limits import EVALUATE_DAYS, EXPIRE_DAYS

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


@dataclass(frozen=True)
class Days:
    """Days that a county has set, or the samples; no calendar is asked for them."""

    evaluate: int = EVALUATE_DAYS
    expire: int = EXPIRE_DAYS


def days_of(county_id: int) -> Days:
    """Return the days of a county."""
    return reference.kept(("days of powers", county_id), lambda: _days(county_id))


def _days(county_id: int) -> Days:
    rules = CountyRules.objects.filter(county_id=county_id).first()
    return Days(rules.evaluate_days, rules.expire_days) if rules else Days()


def is_due(since: date, *, county_id: int, day: date) -> bool:
    """Say whether what was given, or last evaluated, on a day is to be evaluated again."""
    return (day - since).days > days_of(county_id).evaluate


def terms_ending(county_id: int, *, day: date) -> Sequence[Term]:
    """List batches of a county with powers that end within its days of notice, the first first."""
    until = day + timedelta(days=days_of(county_id).expire)
    rows = PowerGrant.objects.filter(county=county_id, valid_to__lte=until).holding_on(day)
    found = list(
        rows.order_by().values("batch").annotate(n=Count("pk"), ends=Min("valid_to"))
        .order_by("ends", "batch").values_list("batch", "n", "ends")[:MOST]
    )  # fmt: skip
    known = PowerBatch.objects.in_bulk([key for key, _n, _ends in found])
    return [Term(known[key], n, ends) for key, n, ends in found]


def evaluations_due(county_id: int, *, day: date) -> Sequence[Unevaluated]:
    """List batches of a county with powers in force that are to be evaluated again."""
    before = day - timedelta(days=days_of(county_id).evaluate)
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
