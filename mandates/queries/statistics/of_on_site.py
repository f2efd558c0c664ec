"""吹哨报到: departments called on site, and there in time or not."""

from __future__ import annotations

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from mandates.queries.statistics.of_clocks import LATE
from mandates.queries.statistics.registry import Count, Figure, register
from mandates.queries.statistics.sources import Source

COUNTS = [
    Count("on_site_due", _("Report on site was due"), Source.ON_SITE),
    Count(
        "on_site_met",
        _("Reported on site in time"),
        Source.ON_SITE,
        lambda at: Q(met_at__lt=F("due_at")),
    ),
    Count("on_site_late", _("Not on site in time"), Source.ON_SITE, lambda at: LATE),
]

FIGURES = [
    Figure(
        "on_site_rate",
        _("On site in time, share"),
        "on_site_met",
        "on_site_due",
        _(
            "The instant it was due. The report counts as the system has stamped it, not when the "
            "department says it was there; at the due instant itself it is overdue."
        ),
        _(
            "Departments that were called off or released before they were due, and dispatches "
            "ruled wrong. Counted for each department by itself, and of each call the first time "
            "it was called there: a call may have several departments."
        ),
    ),
]

register(COUNTS, FIGURES)
