"""A socket is closed when its credential ends: a session, a key, a cookie or an account."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.sessions.models import Session as PageSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.auth import api_keys, connections, tokens
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


def test_open_sockets_are_checked_with_the_same_queries(alice: User, bob: User) -> None:
    """However many connections there are, each kind of credential costs one or two queries."""

    def opened(users: list[User]) -> list[connections.Credential]:
        found: list[connections.Credential] = []
        for user in users:
            session = Session.objects.create(
                user=user, grant=Session.Grant.TEST, expires_at=timezone.now() + timedelta(days=1)
            )
            key = api_keys.issue(user, "socket", ["read"])[0]
            found += [
                connections.credential_of_session(session, session.expires_at),
                connections.credential_of_key(key, "127.0.0.1"),
                connections.credential_of_cookie(user, session_key_of(user)),
            ]
        return found

    few, many = opened([alice]), opened([alice, bob, alice, bob])
    for credentials in (few, many):
        with CaptureQueriesContext(connection) as queries:
            assert connections.valid(credentials) == credentials
        assert len(queries) == 4


def test_only_the_revoked_ones_of_many_credentials_are_invalid(alice: User, bob: User) -> None:
    pages = [connections.credential_of_cookie(alice, session_key_of(alice)) for _ in range(3)]
    keys = [api_keys.issue(bob, "socket", ["read"])[0] for _ in range(3)]
    of_keys = [connections.credential_of_key(key, "127.0.0.1") for key in keys]
    api_keys.revoke(keys[1])
    PageSession.objects.filter(pk=pages[0].references[0].key).delete()  # type: ignore[attr-defined]

    assert connections.valid([*pages, *of_keys]) == [pages[1], pages[2], of_keys[0], of_keys[2]]


def test_page_session_is_invalid_when_the_password_or_the_user_has_changed(
    alice: User, bob: User
) -> None:
    pages = [connections.credential_of_cookie(user, session_key_of(user)) for user in (alice, bob)]
    assert connections.valid(pages) == pages

    alice.set_password("another-password")
    alice.save()
    assert connections.valid(pages) == pages[1:]

    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert connections.valid(pages) == []


def session_key_of(user: User) -> str:
    return cookie_of(user).partition("=")[2].partition(";")[0]
