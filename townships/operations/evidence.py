"""What an auditor asks for about the evidence: a verification now, and the anchors as a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import anchors, audit, jobs, verifying
from common.errors import Invalid
from common.models import Anchor
from townships.operations.jobs import request
from townships.permissions import Permission
from townships.rules import require

if TYPE_CHECKING:
    from common.models import Job
    from townships.http import Member

VERIFY, EXPORT = "verify_evidence", "export_anchors"
LARGEST = 10**15


def ask_to_verify(*, by: Member, at: datetime) -> Job:
    """Have everything verified by a worker. Raises NotAllowed, Refused."""
    return request(VERIFY, {}, by=by, at=at)


def ask_for_anchors(*, after: str, by: Member, at: datetime) -> Job:
    """Have the anchors after a number written into a file. Raises NotAllowed, Invalid, Refused."""
    return request(EXPORT, {"after": after}, by=by, at=at)


def _may_verify(member: Member, given: Mapping[str, Any]) -> dict[str, Any]:
    require(member, Permission.AUDIT_VIEW)
    return {}


def _may_export(member: Member, given: Mapping[str, Any]) -> dict[str, Any]:
    require(member, Permission.AUDIT_VIEW)
    text = str(given.get("after") or 0)
    if not (text.isascii() and text.isdigit() and int(text[:16]) < LARGEST):
        raise Invalid(fields={"after": _("Give a whole number, 0 for all.")})
    return {"after": int(text)}


@jobs.kind(VERIFY, label=gettext_lazy("Verification of the evidence"), check=_may_verify)
def verify(work: jobs.Work) -> None:
    """Verify everything; the result stands on the page of the evidence."""
    begun = work.clock()

    def tell(done: verifying.Progress) -> None:
        work.report(sum(one.get("records", one.get("anchored", 0)) for one in done.counts.values()))

    done = verifying.verify(tell=tell)
    verifying.keep(done, begun_at=begun, ended_at=work.clock(), by=work.member.label)


@jobs.kind(EXPORT, label=gettext_lazy("Export of anchors"), check=_may_export)
def export(work: jobs.Work) -> jobs.Result:
    """Write the anchors as `manage.py export_anchors` does."""
    after, count = work.parameters["after"], -2  # head and end are lines too
    with work.scope():
        last = Anchor.objects.aggregate(last=Max("number"))["last"] or 0
    work.report(0, max(0, last - after))
    with work.path.open("w", encoding="utf-8") as file:
        for text in anchors.lines(after=after, at=work.at):
            file.write(text + "\n")
            count += 1
            if count > 0 and count % 500 == 0:
                work.report(count)
    with work.scope():
        audit.record(
            "anchors_exported",
            work.job,
            by=work.member,
            at=work.clock(),
            after=after,
            anchors=count,
        )
    name, day = _("Anchors"), f"{timezone.localtime(work.at):%Y%m%d-%H%M}"
    return jobs.Result(f"{name}-{day}.jsonl", "application/jsonl")
