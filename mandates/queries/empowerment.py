"""赋权与委托: the catalogue, batches, and the one question: may this township do this on that day, in whose name?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from common.errors import Invalid
from common.search import matching
from mandates.models import (
    FORBIDDEN,
    BatchState,
    CapabilityCheck,
    Criterion,
    Entry,
    Matter,
    PowerAgreement,
    PowerBatch,
    PowerGrant,
    PowerItem,
    PowerKind,
    PowerMode,
    PowerScore,
    Prohibition,
    ReturnedMatter,
    Share,
)
from mandates.models.powers import PENALTY_LAW
from townships.models import DevelopedTown, Township

if TYPE_CHECKING:
    from townships.http import Member

MOST = 20  # items that words may mean
REPORTED = 44  # items a developed town, as the reform reports; never a figure of this system
Pair = tuple[int, int]  # a township, and an item


@dataclass(frozen=True)
class Asked:
    """What the catalogue is narrowed to; everything may be left out."""

    q: str = ""
    kind: str = ""
    field: str = ""
    department: UUID | None = None
    mode: str = ""
    township: UUID | None = None


# --- the catalogue -------------------------------------------------------------------------------


def items(member: Member) -> QuerySet[Any]:
    """Return the catalogue of the member's county; of all for a post of the city."""
    rows: QuerySet[Any] = PowerItem.objects.select_related("department", "matter")
    return rows if member.county_id is None else rows.filter(county=member.county_id)


def narrowed(member: Member, asked: Asked, day: date) -> QuerySet[Any]:
    """Narrow the catalogue; mode and township mean what is in force on the day."""
    rows = items(member)
    if (found := said(asked.q)) is not None:
        rows = rows.filter(found)
    for name in ("kind", "field"):
        if value := getattr(asked, name):
            rows = rows.filter(**{name: value})
    if asked.department is not None:
        rows = rows.filter(department__uid=asked.department)
    if asked.mode or asked.township:
        held = PowerGrant.objects.holding_on(day).filter(item=OuterRef("pk"))
        if asked.mode:
            held = held.filter(batch__mode=asked.mode)
        if asked.township:
            held = held.filter(township__uid=asked.township)
        rows = rows.filter(Exists(held))
    return rows


def said(words: str) -> Q | None:
    return matching(words, "code", "name", "field", "law", "article", "sanction")


def fields(member: Member) -> list[str]:
    return list(items(member).order_by("field").values_list("field", flat=True).distinct())


def scores_of(found: Iterable[PowerItem]) -> dict[int, dict[str, int]]:
    """Return the scores of some items by criterion, in one query."""
    rows = PowerScore.objects.filter(item__in=list(found))
    scores: dict[int, dict[str, int]] = {}
    for item, criterion, points in rows.values_list("item", "criterion", "score"):
        scores.setdefault(item, {})[criterion] = points
    return scores


def holders(found: Iterable[PowerItem], day: date) -> dict[int, int]:
    """Count by item how many townships hold it on a day, as far as the scope reaches."""
    rows = PowerGrant.objects.filter(item__in=list(found)).holding_on(day).order_by()
    return dict(rows.values("item").annotate(n=Count("pk")).values_list("item", "n"))


def score_lines(item: PowerItem) -> list[dict[str, Any]]:
    """List the four criteria with their scores; None where nobody has scored yet."""
    known = {one.criterion: one for one in PowerScore.objects.filter(item=item)}
    return [{"criterion": one, "label": one.label, "score": known.get(one)} for one in Criterion]


# --- batches -------------------------------------------------------------------------------------


def batches(member: Member) -> QuerySet[Any]:
    """Return the batches of the county with their numbers of items and townships.

    Townships read those that name them, from the approval on.
    """
    rows: QuerySet[Any] = PowerBatch.objects.select_related("department")
    if member.county_id is not None:
        rows = rows.filter(county=member.county_id)
    if member.township_id is not None:
        own = PowerAgreement.objects.filter(batch=OuterRef("pk"), township=member.township_id)
        rows = rows.filter(Exists(own)).exclude(state__in=["draft", "agreed"])
    return rows.annotate(n_items=Count("chosen", distinct=True))


def capable(batch: PowerBatch, wanted: Sequence[int], townships: Sequence[int]) -> dict[Pair, bool]:
    """Say for each township and item what the last check found; pairs never checked are missing.

    A check of the whole batch speaks of the items that it had by then.
    """
    chosen = dict(batch.chosen.values_list("item", "added_at"))
    rows = CapabilityCheck.objects.filter(
        Q(batch=batch) | Q(item__in=wanted), county=batch.county_id, township__in=townships
    )
    found: dict[Pair, bool] = {}
    for check in rows.order_by("id"):
        for one in wanted:
            whole = check.item_id is None and one in chosen and chosen[one] <= check.at
            if whole or check.item_id == one:
                found[check.township_id, one] = check.passed
    return found


def held_meanwhile(
    batch: PowerBatch, wanted: Sequence[int], townships: Sequence[int]
) -> list[PowerGrant]:
    """Return what some townships hold already of a batch's items during its term."""
    rows = PowerGrant.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=batch.valid_from),
        county=batch.county_id,
        item__in=wanted,
        township__in=townships,
    )
    if batch.valid_to is not None:
        rows = rows.filter(valid_from__lt=batch.valid_to)
    return list(rows.select_related("item", "township").order_by("township", "item__code"))


# --- may it, on that day? -------------------------------------------------------------------------


@dataclass(frozen=True)
class TakenBack:
    """The matter that a power serves, and from which day, by which document, it is taken back."""

    code: str
    day: date
    document: str


@dataclass(frozen=True)
class Answer:
    """Whether a township may do one thing on a day, in whose name, and by what; or why not.

    ``why`` is a stable code, ``sentence`` the same for people. ``mode`` is "own" where the law
    itself names the township. ``limits`` is what may not be done with it all the same. Where the
    superior has taken back the matter that the power serves, ``taken_back`` says so, and ``may`` is
    true for a case that was opened before alone.
    """

    item: PowerItem
    township: Township
    day: date
    may: bool
    why: str
    sentence: str
    mode: str = ""
    name_of: str = ""
    grant: PowerGrant | None = None
    place: str = ""  # the law and article it follows from
    taken_back: TakenBack | None = None  # the matter it serves, by the day asked about
    limits: Sequence[Prohibition] = field(default_factory=tuple)


def may(
    township: Township, wanted: Sequence[PowerItem], day: date, *, opened: date | None = None
) -> list[Answer]:
    """Answer for each item, in one query; one more where something waits for confirmation, two or
    three where an item serves a matter of the list.

    ``opened`` is the day on which the case was opened, the day itself if left out: a case that was
    opened before the superior took back the matter is finished by whoever opened it. Rests on
    grants and on what stands of the matter, so that any day of the past is answered as it was.
    Needs a scope that reaches the township. Raises Invalid where the case is opened after the day.
    """
    if opened is not None and opened > day:
        raise Invalid(fields={"opened": _("The case cannot be opened after the day asked about.")})
    rows = PowerGrant.objects.filter(
        county=township.county_id, township=township.pk, item__in=[one.pk for one in wanted]
    ).select_related("batch__department", "agreement")
    held: dict[int, list[PowerGrant]] = {}
    for row in rows.order_by("valid_from", "id"):
        held.setdefault(row.item_id, []).append(row)
    answers = [_answer(township, one, held.get(one.pk, ()), day) for one in wanted]
    return _stopped(_waiting(township, answers, day), day, opened or day)


def _stopped(answers: Sequence[Answer], day: date, opened: date) -> list[Answer]:
    """Say no where the matter was taken back when the case was opened."""
    linked = [one for one in answers if one.may and one.item.matter_id]
    if not linked:
        return list(answers)
    keys = {one.item.matter_id for one in linked}
    now = _taken_back(keys, day)
    then = now if opened == day else _taken_back(keys, opened)
    return [_within(one, then, now) if one in linked else one for one in answers]


def _within(
    answer: Answer, then: Mapping[int | None, TakenBack], now: Mapping[int | None, TakenBack]
) -> Answer:
    key = answer.item.matter_id
    if (back := then.get(key)) is not None:
        text = _(
            "The superior department does the matter %(code)s itself from %(day)s (%(document)s): "
            "no case is begun by this power any more."
        )
        return replace(
            answer, may=False, why="matter_taken_back", sentence=text % _words(back), mode="",
            name_of="", place="", limits=(), taken_back=back,
        )  # fmt: skip
    if (back := now.get(key)) is None:
        return answer
    text = _(
        "Opened before the matter %(code)s was taken back on %(day)s (%(document)s): "
        "the case is finished as it began."
    )
    return replace(answer, sentence=f"{answer.sentence} {text % _words(back)}", taken_back=back)


def _words(back: TakenBack) -> dict[str, str]:
    return {"code": back.code, "day": back.day.isoformat(), "document": back.document}


def _taken_back(keys: Iterable[int | None], day: date) -> dict[int | None, TakenBack]:
    """Return which of some matters are taken back on a day: said of the matter, or by the list."""
    listed = Entry.objects.filter(matter__in=keys, share=Share.TAKEN_BACK).in_force_on(day)
    found: dict[int | None, TakenBack] = {
        one.matter_id: TakenBack(one.matter.code, *one.taken_back)
        for one in listed.select_related("matter", "version")
    }
    for one in Matter.objects.filter(pk__in=keys, taken_back_from__lte=day):
        if one.pk not in found or one.taken_back_from < found[one.pk].day:
            found[one.pk] = TakenBack(one.code, one.taken_back_from, one.taken_back_by)
    # Given back since: of the days between, the answer stays what it was.
    over = ReturnedMatter.objects.filter(matter__in=keys, begins__lte=day, ends__gt=day)
    for past in over.select_related("matter"):
        if past.matter_id not in found or past.begins < found[past.matter_id].day:
            found[past.matter_id] = TakenBack(past.matter.code, past.begins, past.document_no)
    return found


def _answer(township: Township, item: PowerItem, rows: Sequence[PowerGrant], day: date) -> Answer:
    def no(why: str, sentence: str, grant: PowerGrant | None = None, place: str = "") -> Answer:
        return Answer(item, township, day, False, why, sentence, grant=grant, place=place)

    if item.kind == PowerKind.DETENTION:
        law = FORBIDDEN["detention"]
        return no("forbidden", str(law.says), place=law.place)
    if item.is_own:
        return Answer(
            item, township, day, True, "own_by_law", _("The law itself names the township."),
            mode="own", name_of=township.name, place=item.basis,
        )  # fmt: skip
    if now := next((one for one in rows if one.holds_on(day)), None):
        return _yes(township, item, now, day)
    # Of what was ended before it began nothing is told but the end.
    over = [one for one in rows if one.valid_to is not None and one.valid_to <= day]
    later = [one for one in rows if one.valid_from > day and one.valid_to != one.valid_from]
    if later:
        begins = later[0].valid_from.isoformat()
        return no("not_yet", _("In force only from %(day)s.") % {"day": begins}, later[0])
    if over:
        last = over[-1]
        said = {
            "taken_back": _("Taken back on %(day)s (%(document)s)."),
            "swapped": _("Swapped for another item on %(day)s (%(document)s)."),
        }.get(last.ended_by_act, _("The term ended on %(day)s."))
        words = {"day": str(last.valid_to), "document": last.end_document}
        return no(last.ended_by_act or "term_over", said % words, last)
    return no("never_granted", _("It was never handed to this township."))


def _yes(township: Township, item: PowerItem, grant: PowerGrant, day: date) -> Answer:
    batch = grant.batch
    if batch.is_entrustment:
        name = grant.name_of
        return Answer(
            item, township, day, True, "granted",
            _("Entrusted: in the name of %(name)s.") % {"name": name},
            mode=PowerMode.ENTRUSTMENT, name_of=name, grant=grant,
            place=f"{PENALTY_LAW}第二十条",
            limits=(FORBIDDEN["measure_entrusted"], FORBIDDEN["redelegation"]),
        )  # fmt: skip
    return Answer(
        item, township, day, True, "granted", _("Empowered: in the township's own name."),
        mode=PowerMode.EMPOWERMENT, name_of=township.name, grant=grant,
        place=f"{PENALTY_LAW}第二十四条",
    )  # fmt: skip


def _waiting(township: Township, answers: Sequence[Answer], day: date) -> list[Answer]:
    """Say of what was never granted whether it waits for the township's confirmation."""
    asked = [one.item.pk for one in answers if one.why in ("never_granted", "term_over")]
    if not asked:
        return list(answers)
    parts = PowerAgreement.objects.filter(
        county=township.county_id, township=township.pk, confirmed_at=None,
        batch__state="published", batch__valid_from__lte=day, batch__chosen__item__in=asked,
    ).select_related("batch")  # fmt: skip
    waits: dict[int, PowerAgreement] = {
        part.item: part for part in parts.annotate(item=F("batch__chosen__item"))
    }
    return [
        Answer(
            one.item, one.township, day, False, "not_confirmed",
            _("Published (%(document)s), but not yet confirmed by the township.")
            % {"document": waits[one.item.pk].batch.document_no},
        )
        if one.item.pk in waits and one.why in ("never_granted", "term_over")
        else one
        for one in answers
    ]  # fmt: skip


def meant(member: Member, county_id: int, words: str) -> list[PowerItem]:
    """Return the items that a code, a uid or words of a question may mean, at most ``MOST``."""
    rows = PowerItem.objects.filter(county=county_id)
    exact = Q(code=words)
    with suppress(ValueError):
        exact |= Q(uid=UUID(words))
    found = list(rows.filter(exact))
    if found:
        return found
    condition = said(words)
    return list(rows.filter(condition).order_by("code")[:MOST]) if condition else []


def today_of(township: Township, day: date) -> list[Answer]:
    """List all that a township may do on a day: by the law itself, and by what was handed to it."""
    held = PowerGrant.objects.filter(
        county=township.county_id, township=township.pk, item=OuterRef("pk")
    ).holding_on(day)
    rows = PowerItem.objects.filter(
        Q(department=None) | Exists(held), county=township.county_id
    ).exclude(kind=PowerKind.DETENTION)
    return [one for one in may(township, list(rows.order_by("field", "code")), day) if one.may]


def grants(
    member: Member,
    *,
    batch: UUID | None = None,
    township: UUID | None = None,
    item: str = "",
    on: date | None = None,
) -> QuerySet[Any]:
    """Return the powers of townships within reach; ``on`` means those in force on that day."""
    rows: Any = PowerGrant.objects.select_related("township", "item", "batch__department")
    if member.county_id is not None:
        rows = rows.filter(county=member.county_id)
    if batch is not None:
        rows = rows.filter(batch__uid=batch)
    if township is not None:
        rows = rows.filter(township__uid=township)
    if item:
        rows = rows.filter(item__code=item)
    found: QuerySet[Any] = rows.holding_on(on) if on is not None else rows
    return found


def waiting(township: Township) -> list[PowerAgreement]:
    """Return what waits for a township's confirmation."""
    rows = PowerAgreement.objects.filter(
        county=township.county_id,
        township=township.pk,
        confirmed_at=None,
        batch__state=BatchState.PUBLISHED,
    )
    return list(rows.select_related("batch").order_by("id"))


# --- figures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """How many items townships hold on a day; ``average`` is of the developed towns alone."""

    rows: Sequence[dict[str, Any]]
    developed: int
    average: float | None


def figures(county_id: int, day: date) -> Figures:
    """Count the powers in force by township, in three queries."""
    towns = Township.objects.as_of(day).filter(county=county_id).order_by("code")
    counts = {
        row["township"]: row
        for row in PowerGrant.objects.filter(county=county_id)
        .holding_on(day)
        .order_by()
        .values("township")
        .annotate(
            n=Count("pk"),
            empowered=Count("pk", filter=Q(batch__mode=PowerMode.EMPOWERMENT)),
            entrusted=Count("pk", filter=Q(batch__mode=PowerMode.ENTRUSTMENT)),
        )
    }
    marked = DevelopedTown.objects.as_of(day).filter(town__county=county_id)
    developed = set(marked.values_list("town", flat=True))
    none = {"n": 0, "empowered": 0, "entrusted": 0}
    rows = [
        {**none, **counts.get(one.pk, {}), "township": one, "developed": one.pk in developed}
        for one in towns
    ]
    held = [row["n"] for row in rows if row["developed"]]
    return Figures(rows, len(held), sum(held) / len(held) if held else None)
