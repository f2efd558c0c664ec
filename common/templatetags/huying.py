"""The shared parts of pages. `{% load huying %}`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django import forms, template
from django.forms.utils import ErrorList
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from common import display
from common.display import ClockView, FieldError

register = template.Library()

CLOCK_ICONS = {
    "run": "clock",
    "warn": "clock-exclamation",
    "over": "alert-triangle",
    "pause": "player-pause",
    "prov": "calendar-question",
    "met": "circle-check",
    "late": "alert-circle",
}
MESSAGE_LOOKS = {
    "success": ("ok", "circle-check", "status"),
    "warning": ("warn", "alert-triangle", "status"),
    "error": ("bad", "alert-circle", "alert"),
}
IMAGE_TYPES = ("image/",)


@register.simple_tag
@lru_cache(maxsize=500)
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon of the sprite; the word beside it is what readers hear."""
    return format_html(
        '<svg class="hy-i{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f" {extra}" if extra else "",
        static("vendor/icons/sprite.svg"),
        name,
    )


@register.simple_tag
def sep() -> SafeString:
    """Draw the thin rule between two facts."""
    return mark_safe('<span class="hy-sep" aria-hidden="true"></span>')


@register.filter
def moment(at: datetime | None, now: datetime | None = None) -> str:
    """今天 14:12, 11月23日 周一 17:30, 2027年1月15日 周五 17:30; — for none."""
    if not at:
        return "—"
    return display.moment_text(at, now=now or timezone.now())


@register.filter
def day(value: date | None, today: date | None = None) -> str:
    """11月23日 周一; — for none."""
    if not value:
        return "—"
    return display.day_text(value, today=today or timezone.localdate())


@register.filter
def fulldate(value: date | datetime | None) -> str:
    """2026年7月1日, the year always: for versions and documents."""
    if not value:
        return "—"
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    if display.is_chinese():
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {display.MONTHS_EN[value.month - 1]} {value.year}"


@register.filter
def month(value: date) -> str:
    """2026年11月."""
    if display.is_chinese():
        return f"{value.year}年{value.month}月"
    return f"{display.MONTHS_EN[value.month - 1]} {value.year}"


@register.filter
def on_paper(at: datetime | None) -> str:
    """2026年11月23日 17:30, never "today"; — for none."""
    return display.moment_text(at, now=display.ON_PAPER) if at else "—"


@register.filter
def duration(minutes: int) -> str:
    """1 小时 48 分."""
    return display.duration_text(int(minutes))


@register.filter
def filesize(size: int) -> str:
    """1.4 MB."""
    return display.size_text(int(size))


@register.simple_tag
def when(
    at: datetime | None, css: str = "", note: str = "{due}", inside: bool = False
) -> SafeString:
    """Write an instant in a `<time>` element; ``note`` is the phrase around it."""
    if not at:
        return mark_safe('<span class="hy-meta">—</span>')
    inside = inside or not note.startswith("{due}")
    text = note.replace("{due}", display.moment_text(at, now=timezone.now(), inside=inside))
    local = timezone.localtime(at).isoformat(timespec="minutes")
    return format_html('<time{} datetime="{}">{}</time>', _class(css), local, text)


@register.simple_tag
def clock_chip(clock: ClockView | None, with_due: bool = True) -> SafeString:
    """Draw a clock's chip, with the date under it."""
    if clock is None:
        return mark_safe('<span class="hy-meta">—</span>')
    kind = str(clock.kind)
    css = "hy-clock" if kind == "run" else f"hy-clock hy-clock--{kind}"
    chip = format_html('<span class="{}">{}{}</span>', css, icon(CLOCK_ICONS[kind]), clock.text)
    if with_due and clock.due_at:
        return chip + when(clock.due_at, "hy-due", clock.due_note)
    return chip


@register.inclusion_tag("_parts/day_strip.html")
def day_strip(reason: display.DateReason, today: date | None = None) -> dict[str, Any]:
    """Draw why a date is what it is, day by day."""
    return {"days": reason.days, "label": reason.title, "today": today or timezone.localdate()}


@register.filter
def strip_day(value: date) -> str:
    """23日 周一."""
    return display.strip_day_text(value)


@register.inclusion_tag("_parts/field.html")
def field(bound: forms.BoundField, hint: str = "", label: str = "") -> dict[str, Any]:
    """Draw a field with its label above, hint under the label and error above the control."""
    if bound.use_fieldset:
        bound.field.widget.attrs.setdefault("class", "form-check-input")
    return {"field": bound, "hint": hint or bound.help_text, "label": label or bound.label}


@register.simple_tag
def control(bound: forms.BoundField, css: str = "") -> SafeString:
    """Draw a field's control, tied to its hint and its error."""
    widget = bound.field.widget
    if not css:
        is_select = isinstance(widget, forms.Select) and not isinstance(widget, forms.RadioSelect)
        is_tick = isinstance(widget, forms.CheckboxInput | forms.RadioSelect)
        css = "form-select" if is_select else "form-check-input" if is_tick else "form-control"
    described = [f"{bound.auto_id}-hint"] if bound.help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}-error")
    attrs: dict[str, Any] = {"class": f"{widget.attrs.get('class', '')} {css}".strip()}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return bound.as_widget(attrs=attrs)


@register.filter
def error_summary(form: forms.BaseForm) -> list[FieldError]:
    """List what is to be changed in a form, in the order of its fields."""
    found = [FieldError("", str(text)) for text in form.non_field_errors()]
    for bound in form:
        errors: ErrorList = bound.errors
        found += [FieldError(str(bound.label), str(text), bound.id_for_label) for text in errors]
    return found


@register.filter
def message_look(message: Any) -> tuple[str, str, str]:
    """Class, icon and ARIA role of a message of `django.contrib.messages`."""
    return MESSAGE_LOOKS.get(message.level_tag, ("", "info-circle", "status"))


@register.filter
def file_icon(content_type: str) -> str:
    return "photo" if content_type.startswith(IMAGE_TYPES) else "file-text"


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """Return this page's query string with some parameters changed; None takes one away."""
    request = context["request"]
    params: dict[str, Sequence[Any]] = dict(request.GET.lists())
    params.pop("cursor", None)
    for name, value in changes.items():
        params.pop(name, None)
        if value not in (None, ""):
            params[name] = [value]
    text = urlencode(params, doseq=True)
    return f"?{text}" if text else request.path


@register.filter
def marked(text: str, words: str) -> SafeString:
    """Mark every word of a search where it stands in a text."""
    found = sorted({word for word in words.split() if len(word) > 1}, key=len, reverse=True)
    if not found:
        return escape(text)
    pieces = re.split(f"({'|'.join(re.escape(word) for word in found)})", text)
    return format_html_join(
        "",
        "{}",
        ((format_html("<mark>{}</mark>", p) if n % 2 else p,) for n, p in enumerate(pieces)),
    )


@register.filter
def lookup(mapping: Mapping[str, Any], key: str) -> Any:
    return mapping.get(key)


def _class(css: str) -> SafeString:
    return format_html(' class="{}"', css) if css else SafeString("")


BROWSERS = ("Edg", "OPR", "QQBrowser", "MicroMessenger", "Firefox", "Chrome", "Safari")
NAMED = {"Edg": "Edge", "OPR": "Opera", "MicroMessenger": "WeChat"}
MACHINES = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")


@register.filter
def browser_name(agent: str) -> str:
    """Name a browser and its machine by what it tells of itself; else the beginning of that."""
    browser = next((NAMED.get(name, name) for name in BROWSERS if f"{name}/" in agent), "")
    machine = next((name for name in MACHINES if name in agent), "")
    return " · ".join(part for part in (browser, machine) if part) or agent[:40] or "-"
