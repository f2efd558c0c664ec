"""The history of a call in words: the verb first, then who, then what came with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from common import display
from common.display import StepView
from common.reasons import period_text
from mandates.models import ClockKind, Rating, Step
from mandates.queries.rulebook import Rulebook
from mandates.queries.verbs import dimensions, verbs
from mandates.templatetags.calls import step_icon, step_tone


def history(steps: Sequence[Step], book: Rulebook, *, at: datetime) -> list[StepView]:
    """Show steps, in the order given."""
    words = verbs()
    return [_view(step, words, book, at) for step in steps]


def _view(step: Step, words: dict[str, str], book: Rulebook, at: datetime) -> StepView:
    verb = words.get(step.move, step.move)
    if step.move == "raise" and step.role == "township_clerk":
        verb = pgettext("in the history", "Raised")
    unit, person = step.unit, step.actor
    if not step.actor:
        unit = _("System, by the list") if step.move == "route" else _("System")
    return StepView(
        verb=verb,
        icon=step_icon(step.move),
        at=step.at,
        unit=unit,
        person=person,
        tone=step_tone(step.move),
        quote=step.note,
        facts=[fact for fact in _facts(step, book, at) if fact],
    )


def _facts(step: Step, book: Rulebook, at: datetime) -> list[str]:
    maker = FACTS.get(step.move)
    found = maker(step, book, at) if maker else []
    if off := _names(step.data.get("off_site") or [], book):
        found = [*found, _("No longer awaited on site: %(units)s") % {"units": off}]
    return found


def _names(keys: Sequence[int], book: Rulebook) -> str:
    names = [book.units[key].name for key in keys if key in book.units]
    return pgettext("between names", ", ").join(names)


def _dispatched(step: Step, book: Rulebook, at: datetime) -> list[str]:
    lead, assists = step.data.get("lead"), step.data.get("assists") or []
    found = [_("Lead: ") + _names([lead], book)] if lead else []
    if assists:
        found.append(_("Assists: ") + _names(assists, book))
    if step.data.get("rule") == "successor":
        found.append(_("The department the list names has a successor."))
    return found


def _redirected(step: Step, book: Rulebook, at: datetime) -> list[str]:
    lead, lost = step.data.get("lead"), step.data.get("lost_minutes")
    found = [_("Now: %(unit)s") % {"unit": _names([lead], book)}] if lead else []
    if lost is not None:
        length = period_text(lost, "working_minute")
        found.append(_("Lost by the wrong dispatch: %(length)s") % {"length": length})
    return found


def _assisting(step: Step, book: Rulebook, at: datetime) -> list[str]:
    return [_("Assists: ") + _names(step.data.get("assists") or [], book)]


def _cited(step: Step, book: Rulebook, at: datetime) -> list[str]:
    cites = step.data.get("cites")
    return [_("Cites: %(what)s") % {"what": cites}] if cites else []


def _length(step: Step, book: Rulebook, at: datetime) -> list[str]:
    amount, unit = step.data.get("amount"), step.data.get("unit")
    if not amount or not unit:
        return []
    return [_("By %(length)s") % {"length": period_text(amount, unit)}]


def _moment(text: str, at: datetime) -> str:
    return display.moment_text(datetime.fromisoformat(text), now=at, inside=True)


def _pressed(step: Step, book: Rulebook, at: datetime) -> list[str]:
    kind, due = step.data.get("clock", ""), step.data.get("due", "")
    label = str(ClockKind(kind).label) if kind in ClockKind.values else kind
    found = [_("About: %(clock)s") % {"clock": label}] if label else []
    if due:
        found.append(_("due %(at)s") % {"at": _moment(due, at)})
    whom = step.data.get("department")
    if whom:
        found.append(_names([whom], book))
    return ["，".join(found) if display.is_chinese() else ", ".join(found)]


def _rated(step: Step, book: Rulebook, at: datetime) -> list[str]:
    """The whole, then what was said of its parts; and what a decision rests on."""
    rating = step.data.get("rating", "")
    found = [str(Rating(rating).label)] if rating in Rating.values else []
    for name, label in dimensions().items():
        said = step.data.get(name, "")
        if said in Rating.values:
            words = {"what": label, "rating": Rating(said).label}
            found.append(_("%(what)s: %(rating)s") % words)
    evidence = step.data.get("evidence")
    return [*found, _("Evidence: %(what)s") % {"what": evidence}] if evidence else found


def _overridden(step: Step, book: Rulebook, at: datetime) -> list[str]:
    why = step.data.get("override")
    return [_("Without the assisting departments: %(why)s") % {"why": why}] if why else []


def _attached(step: Step, book: Rulebook, at: datetime) -> list[str]:
    names = [one.get("name", "") for one in step.data.get("files", [])]
    return [pgettext("between names", ", ").join(names)] if names else []


def _recomputed(step: Step, book: Rulebook, at: datetime) -> list[str]:
    before, after = step.data.get("before"), step.data.get("after")
    if not before or not after:
        return []
    words = {"before": _moment(before, at), "after": _moment(after, at)}
    return [_("From %(before)s to %(after)s") % words]


def _latest(step: Step, book: Rulebook, at: datetime) -> list[str]:
    latest = step.data.get("latest")
    if not latest:
        return []
    return [_("The clocks run on by %(at)s at the latest") % {"at": _moment(latest, at)}]


def _reassigned(step: Step, book: Rulebook, at: datetime) -> list[str]:
    giver, taker = step.data.get("giver"), step.data.get("taker")
    if not taker:
        return []
    if not giver:
        return [_("To %(person)s") % {"person": taker}]
    return [_("From %(before)s to %(after)s") % {"before": giver, "after": taker}]


def _called(step: Step, book: Rulebook, at: datetime) -> list[str]:
    names = _names(step.data.get("called") or [], book)
    return [
        _("Place: %(what)s") % {"what": step.data.get("place", "")},
        _("Called: %(units)s") % {"units": names},
        _("On site by %(at)s") % {"at": _moment(step.data["due"], at)},
    ]


def _arrived(step: Step, book: Rulebook, at: datetime) -> list[str]:
    found = [_("On site: %(people)s") % {"people": step.data.get("people", "")}]
    if arrived := step.data.get("arrived_at"):
        words = {"at": _moment(arrived, at)}
        found.append(_("there since %(at)s by their own account") % words)
    return found


def _linked(step: Step, book: Rulebook, at: datetime) -> list[str]:
    number = step.data.get("original") or step.data.get("duplicate")
    return [str(number)] if number else []


def _split(step: Step, book: Rulebook, at: datetime) -> list[str]:
    return [str(step.data["title"])] if "title" in step.data else []


def _left(step: Step, book: Rulebook, at: datetime) -> list[str]:
    left = step.data.get("left")
    if not left:
        return [_("No part is open any more")]
    return [ngettext("%(n)d part is still open", "%(n)d parts are still open", left) % {"n": left}]


FACTS: dict[str, Callable[[Step, Rulebook, datetime], list[str]]] = {
    "route": _dispatched,
    "dispatch": _dispatched,
    "uphold": _redirected,
    "object": _cited,
    "change_lead": _redirected,
    "add_assist": _assisting,
    "remove_assist": _assisting,
    "ask_extension": _length,
    "call_on_site": _called,
    "report_on_site": _arrived,
    "answer": _overridden,
    "attach": _attached,
    **dict.fromkeys(
        ("rate", "send_back", "appeal_rating", "exclude_rating", "keep_rating"), _rated
    ),
    "recomputed": _recomputed,
    "recalculated": _recomputed,
    "ask_information": _latest,
    "reassign": _reassigned,
    "split": _split,
    "part_ended": _left,
    **dict.fromkeys(("link", "follow", "followed"), _linked),
    **dict.fromkeys(("warned", "urged", "supervised", "escalated"), _pressed),
}
