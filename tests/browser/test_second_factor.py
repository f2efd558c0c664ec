"""The second factor in a browser: a security key under the strict policy, an app, codes on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp

from tests.browser.conftest import PASSWORD, Somebody
from tests.factories.calls import World
from townships.models import Authenticator

pytestmark = [pytest.mark.browser, pytest.mark.assurance("A2")]


@pytest.fixture
def desk(world: World, browser: Any, live_server: Any, settings: Any) -> Iterator[Somebody]:
    """Somebody of the desk at the entrance, whose browser has a security key in its port."""
    settings.SECOND_FACTOR_ROLES = ["county_desk"]
    one = Somebody(browser, live_server.url, "desk")
    port = one.context.new_cdp_session(one.page)
    port.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2", "transport": "usb", "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    port.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    yield one
    assert one.complaints == []
    one.context.close()


def enter(one: Somebody, name: str) -> None:
    one.go("/accounts/login/")
    one.page.fill("[name=login]", name)
    one.page.fill("[name=password]", PASSWORD)
    one.page.click("main button[type=submit]")


def leave(one: Somebody) -> None:
    one.go("/accounts/logout/")
    one.page.click("main button[type=submit]")
    one.page.wait_for_url("**/accounts/login/**")


def test_a_security_key_opens_the_door(world: World, desk: Somebody) -> None:
    page, name = desk.page, world.desk.user.username
    enter(desk, name)
    page.wait_for_url("**/accounts/2fa/")
    desk.look("factor-first")
    desk.go("/calls/")
    assert page.url.endswith("/accounts/2fa/")  # nothing else is reached
    page.click("a[href$='webauthn/add/']")
    desk.look("factor-key")
    page.fill("[name=name]", "值班室密钥")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/recovery-codes/")
    desk.look("factor-codes")
    assert page.locator(".hy-codes li").count() == 10
    row = Authenticator.objects.get(user=world.desk.user, type="webauthn")
    assert str(row) == "值班室密钥"
    desk.go("/calls/")
    assert page.url.endswith("/calls/")
    desk.go("/accounts/2fa/webauthn/")
    desk.look("factor-keys")
    desk.go("/accounts/2fa/totp/activate/")
    desk.look("factor-app")
    assert page.evaluate("document.querySelector('.hy-qr').naturalWidth") > 0
    secret = page.inner_text("code.hy-secret")
    step = int(datetime.now(UTC).timestamp()) // 30
    page.fill("[name=code]", totp.format_hotp_value(totp.hotp_value(secret, step)))
    page.click("main button[type=submit]")
    page.wait_for_url("**/accounts/2fa/")
    desk.look("factor-index")
    assert desk.untranslated() == []

    leave(desk)
    enter(desk, name)
    page.wait_for_url("**/2fa/authenticate/")
    desk.look("factor-show")
    page.click("#mfa_webauthn_authenticate")
    page.wait_for_url(lambda url: "/accounts/" not in url)
    assert Authenticator.objects.get(pk=row.pk).last_used_at is not None


def test_a_key_that_is_not_read_says_so(world: World, desk: Somebody) -> None:
    page = desk.page
    enter(desk, world.desk.user.username)
    page.wait_for_url("**/accounts/2fa/")
    page.click("a[href$='webauthn/add/']")
    page.evaluate(
        "() => { navigator.credentials.create = () => Promise.reject(new Error('out')); }"
    )
    page.click("#mfa_webauthn_add")
    page.wait_for_selector("#key_error:visible")
    desk.look("factor-key-unread")
    assert not Authenticator.objects.exists()
