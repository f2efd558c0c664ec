"""The figures of a board that are writ large, and those that are no share."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from mandates.queries.boards import Board
from mandates.queries.statistics.counting import share
from mandates.queries.statistics.definitions import COUNTS, FIGURES
from mandates.views import board_fields as fields


@dataclass(frozen=True)
class Tile:
    """One figure writ large: numerator and denominator under it, and the period before."""

    label: str
    value: str
    unit: str
    url: str
    fraction: str
    before: str
    fraction_url: str = ""
    is_over: bool = False
    more_label: str = ""
    more_url: str = ""


def tiles(found: Board, link: fields.Link) -> list[Tile]:
    tiles = [_raised(found, link), _rate(found, "accept_rate", link)]
    tiles.append(_rate(found, "answer_rate", link))
    if found.asked.has_dispatcher:
        wrong = _("%(n)d wrong") % {"n": found.now["routed_wrong"]}
        tiles.append(_rate(found, "dispatch_accuracy", link, wrong, "routed_wrong"))
    else:
        tiles.append(_rate(found, "reply_rate", link))
    wide = share("satisfaction_wide", found.now)
    text = fields.rated(wide).text if wide.rate else f"{wide.hits}/{wide.cases}"
    mostly = _("with mostly satisfied %(share)s") % {"share": text}
    tiles.append(_rate(found, "satisfaction", link, mostly, "content"))
    tiles.append(_overdue(found, link))
    return tiles


def _raised(found: Board, link: fields.Link) -> Tile:
    count, before = found.now["raised"], found.before["raised"]
    unlisted = found.now["unlisted"]
    fraction = _("%(n)d of them on no list") % {"n": unlisted}
    return Tile(
        str(FIGURES["raised"].label),
        f"{count:,}",
        pgettext("unit of a count", "calls"),
        link("raised") if count else "",
        fraction,
        _("period before %(value)s") % {"value": f"{before:,}"},
        link("unlisted") if unlisted else "",
    )


def _rate(found: Board, code: str, link: fields.Link, more: str = "", more_code: str = "") -> Tile:
    figure = FIGURES[code]
    now, then = share(code, found.now), share(code, found.before)
    fraction = f"{now.hits:,}/{now.cases or 0:,} {COUNTS[figure.denominator].label}"
    before = _("period before %(value)s") % {"value": fields.rated(then).text}
    value = f"{now.rate.share * 100:.1f}" if now.rate else fields.NONE
    if not now.rate:
        before = _("Too few to rate or rank") if now.cases else before
    return Tile(
        str(figure.label),
        value,
        "%" if now.rate else "",
        link(figure.numerator) if now.hits else "",
        fraction,
        before,
        link(figure.denominator) if now.cases else "",
        more_label=more,
        more_url=link(more_code) if more_code and found.now[more_code] else "",
    )


def _overdue(found: Board, link: fields.Link) -> Tile:
    count = found.now["overdue"]
    text = ngettext("of %(n)d open call", "of %(n)d open calls", found.now["open"])
    return Tile(
        str(FIGURES["overdue"].label),
        f"{count:,}",
        pgettext("unit of a count", "calls"),
        link("overdue") if count else "",
        text % {"n": found.now["open"]},
        "",
        link("open") if found.now["open"] else "",
        is_over=bool(count),
        more_label=_("%(n)d due today or tomorrow") % {"n": found.now["due_soon"]},
        more_url=link("due_soon") if found.now["due_soon"] else "",
    )
