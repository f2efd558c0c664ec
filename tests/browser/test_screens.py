"""Pages on a desk and on a phone, in both languages: they fit, and are sound underneath."""

from __future__ import annotations

from typing import Any

import pytest

from config.demo.screens import SEEN_BY_A_PROGRAM
from tests.browser.conftest import DESK, PHONE
from tests.factories.calls import World
from townships.models import User

pytestmark = pytest.mark.browser

PAGES = ("/", "/calls/", "/calls/new/", "/board/", "/board/wall/", "/matters/", "/notices/")
# The narrowest thing that is to be read from left to right in a list of notices.
NARROWEST = "Math.min(...[...document.querySelectorAll('.hy-notices .hy-title')].map(e => e.parentElement.clientWidth))"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_fit_and_are_sound(world: World, somebody: Any, language: str) -> None:
    """No page is wider than its screen; one h1, no id twice, no link to nothing, quiet console."""
    call = world.handling()
    clerk = somebody(world.clerk, "clerk")
    User.objects.filter(pk=world.clerk.user_id).update(language=language)
    wrong = {}
    for path in (*PAGES, f"/calls/{call.uid}/"):
        clerk.go(path)
        for size in (DESK, PHONE):
            clerk.page.set_viewport_size(size)
            for one in clerk.page.evaluate(SEEN_BY_A_PROGRAM, size["width"]):
                wrong[f"{path} at {size['width']}: {one}"] = language
        if path == "/notices/":
            assert clerk.page.evaluate(NARROWEST) > 200
        clerk.page.set_viewport_size(DESK)
    assert clerk.page.evaluate("document.documentElement.lang")[:2] == language[:2]
    assert wrong == {}
