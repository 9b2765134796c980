"""Passkeys in Chromium, whose virtual authenticator stands for a person's device."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PASSWORD, Opener, keep_picture, sign_up
from tests.e2e.test_every_page import mailed

pytestmark = pytest.mark.browser


def add_authenticator(page: Page) -> str:
    """Plug a device in that keeps passkeys and always recognises its owner."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return str(made["authenticatorId"])


def test_person_adds_a_passkey_signs_in_with_it_and_removes_it(
    tab: Opener, folder: Path, site: str
) -> None:
    home = site.replace("127.0.0.1", "localhost")  # browsers have no passkeys for addresses
    page = tab("/accounts/login/")
    page.goto(f"{home}/accounts/signup/")
    add_authenticator(page)
    name = sign_up(page)
    page.goto(mailed(folder, "/accounts/confirm-email/", name).replace(site, home))
    page.get_by_role("button", name="Confirm").click()
    page.goto(f"{home}/accounts/2fa/webauthn/add/")
    if "reauthenticate" in page.url:
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("My laptop")
    keep_picture(page, "passkey-add")
    page.get_by_role("button", name="Add the passkey").click()
    page.wait_for_url(re.compile("recovery-codes"))
    page.goto(f"{home}/accounts/2fa/")
    expect(page.locator("main .row-list")).to_contain_text("My laptop")
    keep_picture(page, "passkey-list")
    page.context.clear_cookies()
    # A password alone no longer suffices; the passkey does, alone or after the password.
    page.goto(f"{home}/accounts/login/?next=/usage/")
    keep_picture(page, "passkey-login")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile(r"\d/usage/$"))
    page.context.clear_cookies()
    page.goto(f"{home}/accounts/login/")
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/accounts/2fa/authenticate/")
    keep_picture(page, "passkey-second-factor")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/studio/")
    page.goto(f"{home}/accounts/2fa/")
    page.get_by_role("link", name="Remove My laptop").click()
    if "reauthenticate" in page.url:
        page.get_by_role("link", name="security key").click()
        keep_picture(page, "passkey-confirm")
        page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("link", name="Add a passkey")).to_be_visible()
    expect(page.get_by_text("My laptop")).to_have_count(0)
