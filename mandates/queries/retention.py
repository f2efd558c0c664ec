"""What is kept for how long at least, and why; what of a county's is due; whether it is gone.

Cybersecurity Law (网络安全法): logs of the network are kept for six months at least, article 23 (3)
as amended in 2025, in force since 1 January 2026 (before: article 21 (3)); compared with a quotation
of the Cyberspace Administration's text in a public repository. Ten years are the shortest period of
documents by order no. 8 of the State Archives Administration (2006); its text was not read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.jobs import KEPT, REMEMBERED
from common.models import Notice
from common.tenancy import dispatching
from mandates.models import Call, Caller, CallFile, Disposal, RetentionKind, Step
from mandates.models.calls import ENDED
from mandates.models.disposals import LEAST
from mandates.queries import callers
from townships.models import SignIn
from townships.queries.signing import sign_ins_of

AT_ONCE = callers.AT_ONCE
NETWORK_LOG = _("Cybersecurity Law, article 23 (3): logs of the network for six months at least")
Items = list[dict[str, str]]


@dataclass(frozen=True)
class Kind:
    """``least`` in months, by ``why``; ``due`` names what is older than an instant, by uid."""

    kind: RetentionKind
    why: Any
    due: Callable[[int, datetime], Items]
    still: Callable[[Disposal], int]  # how many of a record's items are not gone

    @property
    def least(self) -> int:
        return LEAST[self.kind]


# --- what is due -------------------------------------------------------------------------------------


def _callers(county_id: int, before: datetime) -> Items:
    rows: Any = callers.due(county_id, before=before)
    return [{"uid": str(one.uid), "call": one.number} for one in rows]


def _sign_ins(county_id: int, before: datetime) -> Items:
    rows = sign_ins_of(county_id).filter(seen_at__lt=before).order_by("id")[:AT_ONCE]
    return [{"uid": str(one.uid), "call": f"{one.began_at:%Y-%m-%d}"} for one in rows]


def _notices(county_id: int, before: datetime) -> Items:
    rows = Notice.objects.filter(county=county_id, at__lt=before).order_by("id")[:AT_ONCE]
    return [
        {"uid": str(uid), "call": f"{at:%Y-%m-%d}"} for uid, at in rows.values_list("uid", "at")
    ]


def ended_calls(county_id: int, before: datetime) -> QuerySet[Call]:
    """Return the calls of a county that had ended before an instant."""
    gone = Step.objects.filter(call=OuterRef("pk"), move="withdraw").order_by("-seq")
    rows: Any = Call.objects.filter(county=county_id, state__in=ENDED).annotate(
        ended_at=Coalesce("closed_at", Subquery(gone.values("at")[:1]))
    )
    found: QuerySet[Call] = rows.filter(ended_at__lt=before)
    return found


def _files(county_id: int, before: datetime) -> Items:
    ended = ended_calls(county_id, before).values("pk")
    rows = CallFile.objects.filter(county=county_id, disposed_at=None, call__in=ended)
    found = rows.annotate(number=F("call__number")).order_by("id")[:AT_ONCE]
    return [{"uid": str(one.uid), "call": one.number} for one in found]


# --- what is gone ------------------------------------------------------------------------------------


def _uids(row: Disposal) -> list[str]:
    return [one["uid"] for one in row.items]


def _marked(model: Any) -> Callable[[Disposal], int]:
    def still(row: Disposal) -> int:
        with dispatching(reason="the ledger is verified"):
            gone = model.objects.filter(
                county=row.county_id, uid__in=_uids(row), disposal_uid=row.uid,
                disposed_at=row.decided_at,
            )  # fmt: skip
            return len(row.items) - int(gone.count())

    return still


def _sign_ins_there(row: Disposal) -> int:
    return SignIn.objects.filter(uid__in=_uids(row)).count()


def _notices_there(row: Disposal) -> int:
    with dispatching(reason="the ledger is verified"):
        found: int = Notice.objects.filter(county=row.county_id, uid__in=_uids(row)).count()
    return found


KINDS = {
    one.kind: one
    for one in (
        Kind(
            RetentionKind.CALLER, _("No law names a least period for them."), _callers,
            _marked(Caller),
        ),
        Kind(RetentionKind.SIGN_IN, NETWORK_LOG, _sign_ins, _sign_ins_there),
        Kind(
            RetentionKind.NOTICE, _("As long as the logs they explain: six months, as of the network"),
            _notices, _notices_there,
        ),
        Kind(
            RetentionKind.FILE,
            _("Documents on file are kept for ten years at least (State Archives, order no. 8)"),
            _files, _marked(CallFile),
        ),
    )
}  # fmt: skip


def fixed() -> list[tuple[str, str, str]]:
    """Say what no county sets: what it is, how long it is kept, why."""
    return [
        (
            gettext("Audit trail, steps, letters, records of disposal"),
            gettext("for good"),
            gettext(
                "Each holds the hash of the one before: none can go. The law wants six months at "
                "least."
            ),
        ),
        (
            gettext("Files made by jobs: exports, replays, long PDFs"),
            gettext("%(n)d days") % {"n": KEPT.days},
            gettext("The file goes by itself, that it was made %(n)d days after.")
            % {"n": REMEMBERED.days},
        ),
    ]


def due(kind: str, county_id: int, *, before: datetime) -> Items:
    """Return what of a county's is older than an instant: uid, and the number or day that names it."""
    return KINDS[RetentionKind(kind)].due(county_id, before)
