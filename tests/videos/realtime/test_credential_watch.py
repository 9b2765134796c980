"""A socket is closed when its credential ends: a session, a key, a cookie or an account."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.auth import api_keys, tokens
from accounts.models import ApiKey, Session, User
from tests.conftest import ServerThread
from tests.videos.realtime.test_consumers import Connect, connect, cookie_of, token_of, welcome

assert connect  # the fixture


def key_of(user: User, *scopes: str) -> str:
    return api_keys.issue(user, "socket", list(scopes))[1]


def test_socket_opens_when_the_key_has_the_read_scope(connect: Connect, alice: User) -> None:
    text = key_of(alice, "read")
    assert connect(subprotocols=["bearer", text]).receive() == welcome(alice)
    socket = connect()
    socket.send({"type": "auth", "token": text})
    assert socket.receive() == welcome(alice)


def test_socket_is_closed_when_the_key_lacks_the_read_scope(connect: Connect, alice: User) -> None:
    assert connect(subprotocols=["bearer", key_of(alice, "generate")]).closed() == 4401


END: dict[str, Callable[[User], object]] = {
    "signed out": lambda user: tokens.sign_out(Session.objects.get()),
    "signed out everywhere": tokens.sign_out_everywhere,
    "key revoked": lambda user: api_keys.revoke(ApiKey.objects.get()),
}


@pytest.mark.parametrize("end", END)
def test_socket_is_closed_at_once_when_its_session_or_key_ends(
    connect: Connect, alice: User, end: str
) -> None:
    text = key_of(alice, "read") if end == "key revoked" else token_of(alice)
    socket = connect(subprotocols=["bearer", text])
    socket.receive()
    socket.raw.settimeout(5)  # far less than the interval of the periodic check
    END[end](alice)
    assert socket.closed() == 4401


def test_other_sockets_stay_open_when_one_credential_ends(
    connect: Connect, alice: User, bob: User
) -> None:
    revoked, of_bob = (
        connect(subprotocols=["bearer", token_of(alice)]),
        connect(subprotocols=["bearer", token_of(bob)]),
    )
    other = connect(subprotocols=["bearer", token_of(alice)])
    for socket in (revoked, of_bob, other):
        socket.receive()
    tokens.sign_out(Session.objects.filter(user=alice).earliest("created_at"))
    assert revoked.closed() == 4401
    for socket in (of_bob, other):
        socket.send({"type": "resume", "after": 0})
        assert socket.receive()["type"] == "resumed"


def test_socket_is_closed_when_the_token_expires(
    connect: Connect, alice: User, settings: LazySettings
) -> None:
    settings.JWT_PASSWORD_LIFETIME = timedelta(seconds=2)
    socket = connect(subprotocols=["bearer", token_of(alice)])
    assert socket.receive() == welcome(alice)
    socket.raw.settimeout(8)
    assert socket.closed() == 4401


def test_socket_is_closed_when_the_revocation_message_was_lost(
    connect: Connect, alice: User, settings: LazySettings
) -> None:
    settings.SOCKET_RECHECK_SECONDS = 0.1
    socket = connect(subprotocols=["bearer", token_of(alice)])
    socket.receive()
    User.objects.update(is_active=False)
    assert socket.closed() == 4401


@pytest.mark.parametrize("how", ["signed out", "password changed"])
def test_socket_of_a_page_is_closed_when_its_session_ends(
    connect: Connect, live: ServerThread, alice: User, settings: LazySettings, how: str
) -> None:
    settings.SOCKET_RECHECK_SECONDS = 0.1
    cookie = cookie_of(alice)
    socket = connect(cookie=cookie, origin=live.url, suppress_origin=False)
    assert socket.receive() == welcome(alice)
    if how == "signed out":
        browser = Client()
        browser.cookies.load(cookie)
        assert browser.post("/accounts/logout/").status_code == 302
    else:
        alice.set_password("another-password")
        alice.save()
    assert socket.closed() == 4401


def test_socket_stays_open_when_its_credential_is_valid(
    connect: Connect, live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.SOCKET_RECHECK_SECONDS = 0.05
    key = api_keys.issue(alice, "socket", ["read"], timezone.now() + timedelta(hours=1))[1]
    sockets = [
        connect(cookie=cookie_of(alice), origin=live.url, suppress_origin=False),
        connect(subprotocols=["bearer", token_of(alice)]),
        connect(subprotocols=["bearer", key]),
    ]
    for socket in sockets:
        socket.receive()
    deadline = timezone.now() + timedelta(seconds=0.5)
    while timezone.now() < deadline:
        for socket in sockets:
            socket.send({"type": "resume", "after": 0})
            assert socket.receive()["type"] == "resumed"
