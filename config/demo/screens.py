"""`make screens`: a picture of every page, by role, language and width, in one folder for review.

The pages are found by following links from each role's first page, so that a new page is in the
folder without being named here. What a picture shows wrongly and a program can see is reported.
"""

from __future__ import annotations

import csv
import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from config.demo import checks, testbed
from config.demo.supervisor import DemoFailed, State, folder, say

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = {1366: 768, 390: 844}
LANGUAGES = {"zh-hans": "zh", "en": "en"}
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
PATIENCE = 60_000  # milliseconds for one page
MOST_PAGES = 40  # of one role
# What each role sees differently is pictured for each; other pages once.
FOR_EACH_ROLE = ("home", "calls", "call", "board")
# Pages that links do not lead to.
BESIDE = {
    "clerk": ("/calls/?q=zzzz", "/calls/new/?find=采砂", "/matters/?q=zzzz", "/nowhere/"),
    "agriculture": ("/calls/new/",),
    "desk": ("/calls/?state=draft&q=zzzz",),
}
LEFT_OUT = re.compile(
    r"^/(accounts/logout|api|static|media)|/files/[0-9a-f-]{36}/|/export/|\.(csv|xlsx|pdf)\b"
)
KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d+\b")
MOCKUPS = {
    "home": "my-work",
    "calls": "calls",
    "calls-new": "raise",
    "call": "call",
    "board": "board",
    "matters": "list-matter",
    "matter": "list-matter",
    "list-diff": "list-diff",
    "sign-in": "signin",
    "nowhere": "error",
    "no-permission": "no-permission",
}
SEEN_BY_A_PROGRAM = """width => {
    const found = [];
    const scrolls = e => { for (let p = e.parentElement; p; p = p.parentElement)
        if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(p).overflowX)) return true;
        return false; };
    if (document.documentElement.scrollWidth > width) {
        const wide = [...document.querySelectorAll("body *")]
            .filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e)).slice(0, 3);
        found.push("wider than the screen: " + wide.map(e => e.tagName + "." + e.className).join(", "));
    }
    const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
    const twice = ids.filter((id, n) => ids.indexOf(id) !== n);
    if (twice.length) found.push("ids given twice: " + [...new Set(twice)].join(", "));
    const h1 = document.querySelectorAll("h1").length;
    if (h1 !== 1) found.push(h1 + " elements h1");
    for (const image of document.images)
        if (image.complete && !image.naturalWidth) found.push("no such image: " + image.src);
    for (const link of document.querySelectorAll("a[href^='#']"))
        if (link.hash.length > 1 && !document.getElementById(decodeURIComponent(link.hash.slice(1))))
            found.push("leads to nothing: " + link.hash);
    for (const one of document.querySelectorAll("button, a[href]"))
        if (!one.textContent.trim() && !one.ariaLabel && !one.title && !one.querySelector("img[alt], [title]"))
            found.push("says nothing: " + one.outerHTML.slice(0, 80));
    return found;
}"""
LINKS = """() => [...document.querySelectorAll("a[href]")].map(a => a.getAttribute("href"))"""


@dataclass
class Picture:
    """One page as one role sees it, at every width and in both languages."""

    role: str
    name: str
    path: str
    files: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


@dataclass
class Visit:
    """One signed-in person, and what their pages looked like."""

    page: Page
    address: str
    role: str
    into: Path
    heard: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", lambda told: self._hear(told.type, told.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("requestfailed", lambda asked: self.heard.append(f"failed: {asked.url}"))

    def _hear(self, kind: str, text: str) -> None:
        # An answer of 404 to the page itself is what some pictures are for.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.heard.append(text)

    def go(self, path: str) -> int:
        """Open an address; 0 where it gives a file to keep, and no page."""
        from playwright.sync_api import Error as PlaywrightError  # noqa: PLC0415 - of the developers' setup

        try:
            answer = self.page.goto(f"{self.address}{path}", wait_until="load")
        except PlaywrightError as refused:
            if "Download is starting" in str(refused):
                return 0
            raise
        return answer.status if answer else 0

    def sign_in(self, name: str, password: str) -> None:
        self.go("/accounts/login/")
        self.page.fill("[name=login]", name)
        self.page.fill("[name=password]", password)
        self.page.click("main form button[type=submit]")
        self.page.wait_for_url(f"{self.address}/**")

    def speak(self, language: str) -> None:
        """Switch the language where the page offers it."""
        button = f"form[action='/language/'] button[value='{language}']"
        with self.page.expect_navigation():
            self.page.eval_on_selector(button, "button => button.click()")

    def take(self, picture: Picture, language: str) -> None:
        """Take the page as it stands, at each width."""
        for width, height in WIDTHS.items():
            self.page.set_viewport_size({"width": width, "height": height})
            mark = f"{LANGUAGES[language]}-{width}"
            file = f"{picture.role}-{picture.name}-{mark}.png"
            seen = [*self.page.evaluate(SEEN_BY_A_PROGRAM, width), *self.heard]
            self.heard.clear()
            picture.complaints += [f"{mark}: {one}" for one in dict.fromkeys(seen)]
            self.page.evaluate("scrollTo(0, 0)")
            # The caret stays: hiding it would put a style into the page, which the policy forbids.
            self.page.screenshot(path=self.into / file, full_page=True, caret="initial")
            picture.files[mark] = file
        self.page.set_viewport_size({"width": 1366, "height": WIDTHS[1366]})


def name_of(path: str) -> str:
    """Return a stable name for an address: its words, without keys."""
    parts = urlsplit(path)
    words = [word for word in KEY.sub("", parts.path).split("/") if word]
    if words and KEY.search(parts.path):
        words[0] = {"calls": "call", "matters": "matter"}.get(words[0], words[0])
    query = parse_qs(parts.query)
    words += (
        [query["do"][0]]
        if "do" in query
        else [k for k in query if k in ("q", "find", "state", "tab")]
    )
    return "-".join(words).replace("_", "-") or "home"


def follow(visit: Visit, known: set[str]) -> list[Picture]:
    """Find what a role can open, one address for each kind of page."""
    waiting = ["/", *BESIDE.get(visit.role, ())]
    found: list[Picture] = []
    names: set[str] = set()
    while waiting and len(found) < MOST_PAGES:
        path = waiting.pop(0)
        name = name_of(path)
        if name in names:
            continue
        names.add(name)
        is_new = name not in known or name.split("-")[0] in FOR_EACH_ROLE
        if not is_new and name != "home":
            continue
        status = visit.go(path)
        if not status:
            continue
        picture = Picture(visit.role, name, path)
        if status >= 500:
            picture.complaints.append(f"answered {status}")
        found.append(picture)
        waiting += _own_links(visit.page, visit.address)
    visit.heard.clear()
    known |= names
    return found


def _own_links(page: Page, address: str) -> list[str]:
    found: list[str] = []
    for href in page.evaluate(LINKS):
        path = href.partition("#")[0]
        if path.startswith("?"):
            path = urlsplit(page.url).path + path
        path = path.removeprefix(address)
        if path.startswith("/") and not path.startswith("//") and not LEFT_OUT.search(path):
            found.append(path)
    return found


def entrance(browser: Browser, address: str, into: Path) -> list[Picture]:
    """Take what a stranger sees: the sign-in, a wrong password, an address that is none."""
    visit = Visit(_page(browser), address, "nobody", into)
    visit.listen()
    pictures = [
        Picture("nobody", "sign-in", "/accounts/login/"),
        Picture("nobody", "nowhere", "/nowhere/"),
    ]
    wrong = Picture("nobody", "sign-in-wrong", "/accounts/login/")
    for language in LANGUAGES:
        visit.go("/accounts/login/")
        if not visit.page.query_selector(f"html[lang^='{LANGUAGES[language]}']"):
            visit.speak(language)
        for picture in pictures:
            visit.go(picture.path)
            visit.take(picture, language)
        visit.go("/accounts/login/")
        visit.page.fill("[name=login]", "nobody")
        visit.page.fill("[name=password]", "wrong")
        visit.page.click("main form button[type=submit]")
        visit.take(wrong, language)
    return [*pictures, wrong]


def tour(browser: Browser, address: str, into: Path, only: str) -> Iterator[Picture]:
    """Yield a picture of every page, role after role."""
    yield from entrance(browser, address, into)
    known: set[str] = set()
    for account in accounts(only):
        visit = Visit(_page(browser), address, account["username"], into)
        visit.listen()
        visit.sign_in(account["username"], account["password"])
        if not visit.page.query_selector("html[lang^='zh']"):
            visit.speak("zh-hans")
        pictures = follow(visit, known)
        for language in LANGUAGES:
            visit.go("/")
            if not visit.page.query_selector(f"html[lang^='{LANGUAGES[language]}']"):
                visit.speak(language)
            for picture in pictures:
                visit.go(picture.path)
                visit.take(picture, language)
        visit.go("/")  # a sheet for printing, pictured last, offers no switch
        visit.speak("zh-hans")
        visit.page.context.close()
        say(f"{account['username']}: {len(pictures)} pages")
        yield from pictures


def accounts(only: str = "") -> list[dict[str, str]]:
    """Return who can sign in; some of them by name, with commas between."""
    with (Path(__file__).parent / "data" / "accounts.csv").open(encoding="utf-8") as lines:
        found = list(csv.DictReader(lines))
    return [one for one in found if not only or one["username"] in only.split(",")]


def _page(browser: Browser) -> Page:
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    context.set_default_timeout(PATIENCE)
    return context.new_page()


def run(target: Path | None, *, only: str = "") -> int:
    """Take all pictures; return 1 where something was seen that should not be."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the developers' setup

    path = checks.install_chromium()
    if path is None:
        raise DemoFailed("There is no Chromium: set HUYING_CHROMIUM to its path.")
    into = target or folder() / "screens"
    into.mkdir(parents=True, exist_ok=True)
    with running() as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        pictures = list(tour(browser, address.rstrip("/"), into, only))
        browser.close()
    (into / "index.html").write_text(index(pictures), encoding="utf-8")
    complaints = [f"{p.role} {p.path} {c}" for p in pictures for c in p.complaints]
    report = {"pages": len(pictures), "complaints": complaints}
    (into / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1))
    say("\n".join(complaints))
    say(f"{len(pictures)} pages, {len(complaints)} complaints: {into / 'index.html'}")
    return 1 if complaints else 0


@contextmanager
def running(seconds: float = 900) -> Iterator[str]:
    """Use the demonstration that runs, or start one and end it again."""
    address = str(State(folder()).get("address") or "")
    if address:
        yield address
        return
    started = subprocess.Popen([sys.executable, "-m", "config.demo", "up"], cwd=testbed.ROOT)
    try:
        deadline = time.monotonic() + seconds
        while not address:
            if started.poll() is not None or time.monotonic() > deadline:
                raise DemoFailed("The demonstration did not start.")
            time.sleep(1)
            address = str(State(folder()).get("address") or "")
        yield address
    finally:
        started.terminate()
        started.wait(60)


def index(pictures: list[Picture]) -> str:
    """Write the page that shows everything side by side."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Screens</title><style>"
        "body{font:14px sans-serif;margin:16px}section{border-top:1px solid #999;padding:8px 0}"
        "div{display:flex;gap:8px;align-items:flex-start;overflow:auto}"
        "img{border:1px solid #ccc;max-height:640px}.bad{color:#b42318}</style>",
        f"<h1>{len(pictures)} pages</h1>",
    ]
    for one in pictures:
        mockup = MOCKUPS.get(one.name, "")
        beside = f" · mockup: {mockup}" if mockup else ""
        title = html.escape(f"{one.role} · {one.name} · {one.path}{beside}")
        bad = "".join(f"<li class=bad>{html.escape(text)}</li>" for text in one.complaints)
        shown = "".join(
            f'<a href="{html.escape(file)}"><img loading=lazy alt="{mark}" src="{html.escape(file)}"></a>'
            for mark, file in one.files.items()
        )
        parts.append(f"<section><h2>{title}</h2><ul>{bad}</ul><div>{shown}</div></section>")
    return "\n".join(parts)
