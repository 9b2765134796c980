"""Forms: every page refuses a POST of a browser that sends no CSRF token."""

import re

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User

EXAMPLES = {"int": "1", "uuid": "0bea85fc-23da-4a31-b62a-235392db67f3"}
# For programs, which are authenticated in another way; the pages of staff, all of one kind; and the
# page of consent, whose form is signed: tests/accounts/oauth.
LEFT_OUT = re.compile(r"(api|openapi|v1|oauth|token|sandbox|livez|readyz|health|admin)\b")


def pages(patterns: list[URLPattern | URLResolver] | None = None, before: str = "") -> list[str]:
    """Return an address of every page."""
    found = []
    for pattern in patterns or get_resolver().url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += pages(pattern.url_patterns, path)
        elif not LEFT_OUT.match(path):
            found.append(path)
    return found


def address_of(route: str) -> str:
    """Return a path that the route matches; "" for one that is a regular expression."""
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES.get(found[1], "x"), route)
    return "" if re.search(r"[\\^$(]", path) else f"/{path}"


def test_post_is_refused_on_every_page_when_no_csrf_token_is_sent(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    addresses = [address for route in pages() if (address := address_of(route))]
    assert len(addresses) > 80
    accepted = [path for path in addresses if browser.post(path, {}).status_code != 403]
    # These send a signed-in user on, whose form was opened before.
    assert accepted == ["/accounts/login/", "/accounts/signup/"]
    stranger = Client(enforce_csrf_checks=True)
    assert [stranger.post(path, {}).status_code for path in accepted] == [403, 403]
