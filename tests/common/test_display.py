"""Dates and lengths in words, and the parts of pages that need no database."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.utils import translation

from common import display
from common.display import ClockFace, ClockView
from common.templatetags.huying import marked
from common.worktime import TimeLeft, Unit
from mandates.models.calls import AssignmentState, CallState
from mandates.templatetags.calls import ASSIGNMENT_BADGES, CALL_BADGES, STEP_LOOKS

SHANGHAI = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 23, 10, 24, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("at", "chinese", "english"),
    [
        (datetime(2026, 11, 26, 9, 30, tzinfo=UTC), "11月26日 周四 17:30", "Thu 26 Nov, 17:30"),
        (datetime(2026, 3, 2, 8, 5, tzinfo=SHANGHAI), "3月2日 8:05", "2 Mar, 8:05"),
        (
            datetime(2027, 1, 15, 17, 30, tzinfo=SHANGHAI),
            "2027年1月15日 周五 17:30",
            "Fri 15 Jan 2027, 17:30",
        ),
    ],
)
def test_moment_names_the_weekday_when_near_and_the_year_when_another(at, chinese, english):
    with translation.override("zh-hans"):
        assert display.moment_text(at, now=NOW) == chinese
    with translation.override("en"):
        assert display.moment_text(at, now=NOW) == english


def test_moment_of_today_is_its_time_alone():
    with translation.override("en"):
        assert display.moment_text(NOW.replace(hour=14, minute=2), now=NOW) == "Today 14:02"


@pytest.mark.parametrize(
    ("write", "chinese", "english"),
    [
        (lambda: display.moment_text(NOW, now=NOW, inside=True), "今天 10:24", "today 10:24"),
        (lambda: display.hours_text(time(8), time(12, 5)), "8:00—12:05", "8:00–12:05"),
        (lambda: display.season_text((6, 1), (9, 30)), "6月1日—9月30日", "1 Jun – 30 Sep"),
        (lambda: display.list_text(["水利局", 2]), "水利局、2", "水利局, 2"),
        (lambda: display.days_text(1, working=True), "1个工作日", "1 working day"),
        (lambda: display.days_text(3, working=True), "3个工作日", "3 working days"),
        (lambda: display.days_text(1, working=False), "1天", "1 day"),
        (lambda: display.duration_text(1), "1分钟", "1 minute"),
        (lambda: display.duration_text(108), "1小时48分", "1 h 48 min"),
        (lambda: display.strip_day_text(date(2026, 11, 1)), "11月1日 周日", "Sun 1 Nov"),
        (lambda: display.strip_day_text(date(2026, 11, 23)), "23日 周一", "Mon 23"),
        (lambda: display.left_text(left(0, overdue=True)), "刚刚超期", "Just overdue"),
        (
            lambda: display.left_text(left(144, overdue=True)),
            "超期2小时24分",
            "2 h 24 min overdue",
        ),
        (lambda: display.left_text(left(420)), "剩7小时00分", "7 h 00 min left"),
        (
            lambda: display.paused_clock("1个工作日").text,
            "暂停1个工作日",
            "Paused for 1个工作日",
        ),
    ],
)
def test_every_kind_of_fact_is_written_in_both_languages(write, chinese, english):
    with translation.override("zh-hans"):
        assert write() == chinese
    with translation.override("en"):
        assert write() == english


def left(minutes: int, *, overdue: bool = False) -> TimeLeft:
    return TimeLeft(overdue=overdue, days=0, minutes=minutes, unit=Unit.WORKING_MINUTE)


def test_duration_writes_minutes_in_two_digits_after_an_hour():
    with translation.override("en"):
        assert [display.duration_text(n) for n in (0, 48, 108, 306)] == [
            "0 minutes",
            "48 minutes",
            "1 h 48 min",
            "5 h 06 min",
        ]


def test_size_is_rounded_to_what_people_read():
    sizes = [display.size_text(n) for n in (10, 340_000, 1_450_000, 20 * 1024 * 1024)]

    assert sizes == ["1 KB", "332 KB", "1.4 MB", "20 MB"]


def test_strip_names_the_month_on_its_first_day():
    with translation.override("zh-hans"):
        assert display.strip_day_text(date(2026, 12, 1)) == "12月1日 周二"
        assert display.strip_day_text(date(2026, 12, 2)) == "2日 周三"


def test_clock_met_at_the_due_instant_itself_is_late():
    clock = display.ended_clock(due_at=NOW, met_at=NOW, late_by="")

    assert clock.kind == ClockFace.LATE


def test_every_state_has_a_badge():
    assert set(CALL_BADGES) == set(CallState)
    assert set(ASSIGNMENT_BADGES) == set(AssignmentState)


def test_chip_carries_the_machine_readable_instant():
    clock = ClockView(ClockFace.OVER, "1 day overdue", NOW, "was due {due}")

    html = Template("{% load huying %}{% clock_chip clock %}").render(Context({"clock": clock}))

    assert 'class="hy-clock hy-clock--over"' in html
    assert 'datetime="2026-11-23T10:24+08:00"' in html


def test_marked_escapes_text_and_words():
    assert marked("a&amp<河道>", "amp 河道") == ("a&amp;<mark>amp</mark>&lt;<mark>河道</mark>&gt;")


def test_every_icon_in_use_is_in_the_sprite():
    base = Path(settings.BASE_DIR)
    sprite = (base / "static/vendor/icons/sprite.svg").read_text()
    there = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    used = {icon for icon, _tone in STEP_LOOKS.values()}
    used |= {icon for _css, icon in [*CALL_BADGES.values(), *ASSIGNMENT_BADGES.values()]}
    for page in (base / "templates").rglob("*.html"):
        text = page.read_text()
        used |= set(re.findall(r'{% icon "([^"]+)"', text))
        used |= set(re.findall(r'icon_name="([^"]+)"', text))

    assert used - there == set()


def test_no_page_has_inline_script_or_style():
    for page in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*src=)", text), page
