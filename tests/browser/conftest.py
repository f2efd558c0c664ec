"""Chromium on a live server: real pages, real scripts, a committed database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from config.demo.checks import find_chromium
from config.demo.testbed import ROOT
from tests.factories.calls import World, make_world
from townships.http import Member

SCREENS = ROOT / ".test" / "screens"
PASSWORD = "correct horse battery"
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
# A browser that talks to nobody but our own server.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
OVERFLOWING = """width => [...document.querySelectorAll("main *")]
    .filter(e => e.getBoundingClientRect().right > width + 1).slice(0, 5)
    .map(e => e.tagName + "." + e.className)"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("there is no Chromium; `make test` installs Debian's package where it may")
    with sync_playwright() as driver, pytest.MonkeyPatch.context() as patch:
        # The driver keeps an event loop in this thread; our own queries are plain.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def world(browser: Browser, committed: Any) -> World:
    return make_world()


class Somebody:
    """One signed-in person with a browser of their own."""

    def __init__(self, browser: Browser, address: str, name: str) -> None:
        self.name, self.address = name, address
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", lambda told: self._hear(told.type, told.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, kind: str, text: str) -> None:
        # htmx tells of requests that newer typing has overtaken: that is meant.
        overtaken = text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        if kind in ("error", "warning") and not overtaken:
            self.complaints.append(text)

    def sign_in(self, member: Member) -> Somebody:
        self.go("/accounts/login/")
        self.look("sign-in")
        self.page.fill("[name=login]", member.user.username)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button[type=submit]")
        # Whoever has no work of their own is led on from there.
        self.page.wait_for_url(lambda url: "/accounts/" not in url)
        return self

    def go(self, path: str) -> None:
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"

    def click(self, selector: str) -> None:
        """Press what is to be seen of it, and wait for the page that follows."""
        self.page.locator(selector).locator("visible=true").first.click()
        self.page.wait_for_load_state()

    def text(self) -> str:
        return self.page.inner_text("main")

    def look(self, name: str) -> None:
        """Take a picture at both widths; the page is Chinese and fits the phone."""
        assert self.page.evaluate("document.documentElement.lang") == "zh-Hans"
        SCREENS.mkdir(parents=True, exist_ok=True)
        for size in (PHONE, DESK):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            width = self.page.evaluate("document.documentElement.scrollWidth")
            wide = self.page.evaluate(OVERFLOWING, size["width"])
            assert width <= size["width"], f"{name} at {size['width']}: {wide}"
            path = SCREENS / f"{name}-{size['width']}.png"
            self.page.evaluate("scrollTo(0, 0)")
            # The caret stays: hiding it would put a style into the page, which the policy forbids.
            self.page.screenshot(path=path, full_page=True, caret="initial")

    def untranslated(self) -> list[str]:
        """Return lines of the page with English words in them."""
        return [
            line for line in self.text().splitlines() if re.search(r"[a-z]{3,} [a-z]{2,}", line)
        ]


@pytest.fixture
def somebody(browser: Browser, live_server: Any) -> Iterator[Any]:
    """Return a way to open a browser for a person; at the end nobody's console complained."""
    people: list[Somebody] = []

    def open_for(member: Member, name: str) -> Somebody:
        made = Somebody(browser, live_server.url, name)
        people.append(made)
        return made.sign_in(member)

    yield open_for
    complaints = {one.name: one.complaints for one in people if one.complaints}
    for one in people:
        one.context.close()
    assert complaints == {}


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
