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
    # Groups stand closed: all of them are to be seen at once, and each opens for itself.
    expect(page.locator(".opblock-tag").nth(20)).to_be_visible(timeout=30_000)
    page.locator(".opblock-tag[data-tag=calls]").click()
    expect(page.locator(".opblock").nth(30)).to_be_visible(timeout=30_000)
    page.locator(".opblock-tag[data-tag=admissions]").click()
    expect(page.locator("#operations-tag-admissions + * .opblock").nth(15)).to_be_visible()
    page.locator(".opblock-summary-control").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()
    page.locator("button.authorize").first.click()
    expect(page.get_by_text("clientCredentials").first).to_be_visible()
    page.close()
    assert refused == []
