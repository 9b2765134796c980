"""The networks an API key may be used from."""

import json

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.auth import api_keys, key_limits
from accounts.auth.key_limits import BadRange, KeyLimits
from accounts.models import ApiKey, User
from config.server import body_limits
from config.server.refusals import refusal_response

DETAIL = "This API key may not be used from your IP address."
REFUSED = {"detail": DETAIL, "code": "address_not_allowed"}


def text_of(user: User, *ranges: str) -> str:
    limits = KeyLimits(ip_ranges=tuple(map(key_limits.parse_range, ranges)))
    return api_keys.issue(user, "office", ["read", "generate"], limits=limits)[1]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 203.0.113.0/24 ", "203.0.113.0/24"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_range_is_an_address_or_a_network(text: str, parsed: str) -> None:
    assert key_limits.parse_range(text) == parsed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " is no IP address and no network such as 203.0.113.0/24."),
        ("office", "office is no IP address and no network such as 203.0.113.0/24."),
        ("10.0.0.0/33", "10.0.0.0/33 is no IP address and no network such as 203.0.113.0/24."),
        ("10.1.2.3/8", "10.1.2.3/8 is one address of a network. Write 10.0.0.0/8 for all of it."),
    ],
)
def test_other_texts_are_no_range(text: str, message: str) -> None:
    with pytest.raises(BadRange) as refusal:
        key_limits.parse_range(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("address", "is_included"),
    [
        ("203.0.113.7", True),
        ("::ffff:203.0.113.7", True),
        ("203.0.114.7", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_address_is_in_one_of_the_networks(address: str, is_included: bool) -> None:
    ranges = ["203.0.113.0/24", "2001:db8::/32"]
    assert key_limits.includes(ranges, address) is is_included
    assert key_limits.includes([], address) is True


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_key_is_refused_from_another_network(alice: User, header: str) -> None:
    text = text_of(alice, "203.0.113.0/24")
    client = APIClient(headers={header: f"Bearer {text}" if header == "Authorization" else text})
    answer = client.get("/api/auth/me", REMOTE_ADDR="198.51.100.1")
    assert (answer.status_code, answer.json()) == (403, REFUSED)
    assert ApiKey.objects.get().last_used_at is None
    assert client.get("/api/auth/me", REMOTE_ADDR="203.0.113.9").status_code == 200


def test_gateway_refuses_in_the_words_of_openai(alice: User) -> None:
    client = APIClient(headers={"Authorization": f"Bearer {text_of(alice, '203.0.113.0/24')}"})
    for path in ("/v1/models", "/v1/videos"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (
            403,
            {
                "error": {
                    "message": DETAIL,
                    "type": "permission_error",
                    "param": None,
                    "code": "address_not_allowed",
                }
            },
        )


def test_address_is_the_one_that_our_proxy_saw(alice: User, settings: LazySettings) -> None:
    client = APIClient(headers={"Authorization": f"Bearer {text_of(alice, '203.0.113.0/24')}"})

    def status(forwarded: str) -> int:
        return client.get("/api/auth/me", headers={"X-Forwarded-For": forwarded}).status_code

    assert status("203.0.113.9") == 403
    settings.TRUSTED_PROXIES = 1
    assert [status("203.0.113.9"), status("203.0.113.9, 198.51.100.1")] == [200, 403]


def test_calls_from_another_network_count_for_the_address(
    alice: User, settings: LazySettings
) -> None:
    settings.RATE_ANONYMOUS = (2, 60)
    client = APIClient(headers={"Authorization": f"Bearer {text_of(alice, '203.0.113.0/24')}"})
    assert [client.get("/api/auth/me").status_code for _ in range(3)] == [403, 403, 429]


def test_large_body_is_refused_unread(alice: User) -> None:
    bearer = f"Bearer {text_of(alice, '203.0.113.0/24')}".encode()
    scope = {
        "path": "/v1/videos",
        "headers": [(b"authorization", bearer)],
        "client": ("203.0.113.9", 1),
    }
    assert body_limits.credentials_status(scope) == 0
    assert body_limits.credentials_status({**scope, "client": ("198.51.100.1", 1)}) == 403
    native = refusal_response(403, {**scope, "path": "/api/videos"})
    assert json.loads(native.body) == REFUSED
    in_words = json.loads(refusal_response(403, scope).body)["error"]
    assert (in_words["message"], in_words["code"]) == (DETAIL, "address_not_allowed")
