"""The description of the API in a browser, under the content policy of every page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser


def test_the_description_opens_without_breaking_the_policy(
    browser: Browser, committed: Any, live_server: Any
) -> None:
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if line.type == "error" else None)
    page.on("requestfailed", lambda request: refused.append(request.url))
    page.goto(f"{live_server.url}/api/docs/")
    # Operations appear one group after the other: more than thirty of them, in the end.
    expect(page.locator(".opblock").nth(30)).to_be_visible(timeout=30_000)
    page.locator(".opblock-summary-control").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()
    page.locator("button.authorize").first.click()
    expect(page.get_by_text("clientCredentials").first).to_be_visible()
    page.close()
    assert refused == []
