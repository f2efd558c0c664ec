"""What boards draw. `{% load board %}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def paired(columns: Iterable[Any], row: Any) -> list[tuple[Any, Any]]:
    """Put the columns of a table beside the fields of a row."""
    return list(zip(columns, row.cells, strict=True))


@register.simple_tag
def interval_line(rate: Any, axis: Any) -> SafeString:
    """Draw the interval of a rate on the axis of its table, with the rate of the whole dashed."""
    label = _("Interval from %(low).0f%% to %(high).0f%%") % {
        "low": rate.low * 100,
        "high": rate.high * 100,
    }
    whole = SafeString("")
    if axis.whole is not None:
        at = axis.at(axis.whole.share)
        whole = format_html('<line class="ref" x1="{0}" x2="{0}" y1="0" y2="14"/>', str(at))
    return format_html(
        '<svg class="hy-ci" viewBox="-4 0 108 14" role="img" aria-label="{}">'
        '<line class="axis" x1="0" x2="100" y1="7" y2="7"/>{}'
        '<line class="range" x1="{}" x2="{}" y1="7" y2="7"/>'
        '<circle class="dot" cx="{}" cy="7" r="3.6"/></svg>',
        label,
        whole,
        str(axis.at(rate.low)),
        str(axis.at(rate.high)),
        str(axis.at(rate.share)),
    )
