"""入清单: an approved duty is taken into the draft of the list; one taken back leaves it."""

from __future__ import annotations

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.workflow import MoveRefused
from mandates.models import Entry, EntryAssist, EntryLimit, Evaluation, ListVersion, VersionState
from mandates.models.lists import Matter
from mandates.operations import lists
from mandates.operations.admission_work import Work
from townships.models import County

CODE_LENGTH = Matter._meta.get_field("code").max_length or 20


def list_up(work: Work) -> None:
    """Write the duty into the draft of the county's list, opened if there is none.

    Raises Invalid, MoveRefused.
    """
    one, code = work.admission, work.given.code.strip()
    if not 2 <= len(code) <= CODE_LENGTH or not code.isprintable():
        raise Invalid(fields={"code": _("A code of 2 to %(n)d characters.") % {"n": CODE_LENGTH}})
    draft = draft_for(work)
    if one.matter_id and draft.entries.filter(matter=one.matter_id).exists():
        raise MoveRefused(_("It stands in the draft of the list already."), code="listed_already")
    if draft.entries.filter(matter__code=code).exists():
        raise Invalid(fields={"code": _("This code stands in the draft already.")})
    one.matter = lists.matter_of(draft.duty_list, code=code)
    last = draft.entries.aggregate(last=Max("position"))["last"] or 0
    Entry.objects.create(
        **draft.tenant,
        version=draft,
        matter=one.matter,
        position=last + 1,
        category=one.category,
        name=one.name,
        lead_id=one.lead_id,
        platform_id=one.lead.platform_id if one.lead else None,
        department_duty=one.department_duty,
        township_duty=one.township_duty,
        legal_basis=one.legal_basis,
        source_note=f"{one.number} {one.document_no}",
    )
    work.data = {"code": code, "version": draft.number}


def evaluate(work: Work) -> None:
    """Keep what the evaluation found; what is not kept is prepared in the draft of the list.

    Raises Invalid, MoveRefused.
    """
    one, given = work.admission, work.given
    if given.outcome not in Evaluation.values:
        raise Invalid(fields={"outcome": _("This is needed.")})
    one.evaluation = given.outcome
    work.data = {"outcome": given.outcome}
    if given.outcome == Evaluation.KEEP:
        return
    draft = draft_for(work)
    work.data["version"] = draft.number
    if given.outcome == Evaluation.TAKE_BACK:
        entries = Entry.objects.filter(version=draft, matter=one.matter_id)
        for parts in (EntryAssist, EntryLimit):
            parts.objects.filter(entry__in=entries).delete()
        entries.delete()


def draft_for(work: Work) -> ListVersion:
    """Return the draft of the county's list under lock, opened if there is none."""
    one = work.admission
    duty_list = lists.list_of(County.objects.get(pk=one.county_id))
    draft = duty_list.versions.filter(state=VersionState.DRAFT).first()
    if draft is None:
        reason = f"{one.number} {one.name}"[: lists.LONGEST_REASON]
        draft = lists.open_draft(duty_list, reason=reason, by=work.member, at=work.at)
    return lists.hold_draft(draft)
