"""A socket ends with what let it in: a sign-in, a key, a cookie, an account."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.auth import api_keys, tokens
from accounts.models import ApiKey, Session, User
from tests.conftest import ServerThread
from tests.videos.test_socket import Dial, cookie_of, dial, token_of, welcome
from videos.realtime import credential_watch

assert dial  # the fixture


def key_of(user: User, *scopes: str) -> str:
    return api_keys.issue(user, "socket", list(scopes))[1]


def test_a_key_that_may_read_is_welcome_as_a_token_is(dial: Dial, alice: User) -> None:
    text = key_of(alice, "read")
    assert dial(subprotocols=["bearer", text]).hear() == welcome(alice)
    socket = dial()
    socket.say({"type": "auth", "token": text})
    assert socket.hear() == welcome(alice)


def test_closed_when_the_key_may_not_read(dial: Dial, alice: User) -> None:
    assert dial(subprotocols=["bearer", key_of(alice, "generate")]).closed() == 4401


END: dict[str, Callable[[User], object]] = {
    "signed out": lambda user: tokens.sign_out(Session.objects.get()),
    "signed out everywhere": tokens.sign_out_everywhere,
    "key revoked": lambda user: api_keys.revoke(ApiKey.objects.get()),
}


@pytest.mark.parametrize("end", END)
def test_closed_at_once_when_its_sign_in_or_key_ends(dial: Dial, alice: User, end: str) -> None:
    text = key_of(alice, "read") if end == "key revoked" else token_of(alice)
    socket = dial(subprotocols=["bearer", text])
    socket.hear()
    socket.raw.settimeout(5)  # far less than the wait of those who look by themselves
    END[end](alice)
    assert socket.closed() == 4401


def test_the_others_stay_when_one_ends(dial: Dial, alice: User, bob: User) -> None:
    mine, his = (
        dial(subprotocols=["bearer", token_of(alice)]),
        dial(subprotocols=["bearer", token_of(bob)]),
    )
    other = dial(subprotocols=["bearer", token_of(alice)])
    for socket in (mine, his, other):
        socket.hear()
    tokens.sign_out(Session.objects.filter(user=alice).earliest("created_at"))
    assert mine.closed() == 4401
    for socket in (his, other):
        socket.say({"type": "resume", "after": 0})
        assert socket.hear()["type"] == "resumed"


def test_closed_when_the_token_expires(dial: Dial, alice: User, settings: LazySettings) -> None:
    settings.JWT_PASSWORD_LIFETIME = timedelta(seconds=2)
    socket = dial(subprotocols=["bearer", token_of(alice)])
    assert socket.hear() == welcome(alice)
    socket.raw.settimeout(8)
    assert socket.closed() == 4401


def test_closed_within_a_moment_when_no_word_came(
    dial: Dial, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential_watch, "RECHECK_SECONDS", 0.1)
    socket = dial(subprotocols=["bearer", token_of(alice)])
    socket.hear()
    User.objects.update(is_active=False)
    assert socket.closed() == 4401


@pytest.mark.parametrize("how", ["signed out", "password changed"])
def test_a_pages_socket_ends_with_its_session(
    dial: Dial, live: ServerThread, alice: User, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(credential_watch, "RECHECK_SECONDS", 0.1)
    cookie = cookie_of(alice)
    socket = dial(cookie=cookie, origin=live.url, suppress_origin=False)
    assert socket.hear() == welcome(alice)
    if how == "signed out":
        browser = Client()
        browser.cookies.load(cookie)
        assert browser.post("/accounts/logout/").status_code == 302
    else:
        alice.set_password("another-password")
        alice.save()
    assert socket.closed() == 4401


def test_it_stays_open_while_all_is_well(
    dial: Dial, live: ServerThread, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential_watch, "RECHECK_SECONDS", 0.05)
    key = api_keys.issue(alice, "socket", ["read"], timezone.now() + timedelta(hours=1))[1]
    sockets = [
        dial(cookie=cookie_of(alice), origin=live.url, suppress_origin=False),
        dial(subprotocols=["bearer", token_of(alice)]),
        dial(subprotocols=["bearer", key]),
    ]
    for socket in sockets:
        socket.hear()
    deadline = timezone.now() + timedelta(seconds=0.5)
    while timezone.now() < deadline:
        for socket in sockets:
            socket.say({"type": "resume", "after": 0})
            assert socket.hear()["type"] == "resumed"
