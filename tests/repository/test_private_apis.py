"""The private names of other packages that we use have not changed."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import engineio
import pytest
import socketio
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from allauth.idp.oidc.internal.oauthlib import authorization_codes
from allauth.idp.oidc.views import AuthorizationView, TokenView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from django.conf import settings
from django.core.cache import cache
from django.test import RequestFactory
from engineio import packet
from engineio.async_socket import AsyncSocket

from accounts.auth import allauth_internals, oauth_internals
from videos.realtime import socketio_internals

ROOT = Path(settings.BASE_DIR)
# Documented despite their names: of Django, REST framework, named tuples and os.
DOCUMENTED = {"_base_manager", "_default_manager", "_exit", "_fields", "_meta", "_request"}
# The modules that may use private names of other packages, and those names.
ALLOWED = {
    "accounts/auth/allauth_internals.py": {
        "_get_login_attempts_cache_key",
        "allauth.core.internal.ratelimit",
    },
    "accounts/auth/oauth_internals.py": {
        "_request_info",
        "allauth.idp.oidc.internal.oauthlib.authorization_codes",
    },
    "videos/realtime/socketio_internals.py": {"_handle_eio_connect", "_handle_eio_disconnect"},
}


def parameters(function: Any) -> str:
    """Return the names and kinds of the parameters, without annotations and defaults."""
    accepted = inspect.signature(function).parameters.values()
    without_annotations = [
        each.replace(
            annotation=inspect.Parameter.empty,
            default=inspect.Parameter.empty if each.default is inspect.Parameter.empty else ...,
        )
        for each in accepted
    ]
    return str(inspect.Signature(without_annotations)).replace("Ellipsis", "...")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        # allauth
        (DefaultAccountAdapter._get_login_attempts_cache_key, "(self, request, **credentials)"),
        (DefaultAccountAdapter.pre_authenticate, "(self, request, **credentials)"),
        (ratelimit.get_rates, "(*, app, action, config=...)"),
        (ratelimit.get_cache_key, "(request, *, app, action, rate, key=..., user=...)"),
        (ratelimit.Rate, "(amount, duration, per)"),
        (GoogleOAuth2Adapter, "(request)"),
        (GoogleOAuth2Adapter.get_provider, "(self)"),
        (GoogleOAuth2Adapter.get_client, "(self, request, app)"),
        (GoogleOAuth2Adapter.parse_token, "(self, data)"),
        (GoogleOAuth2Adapter.complete_login, "(self, request, app, token, **kwargs)"),
        (OAuth2Client.get_access_token, "(self, code, pkce_code_verifier=..., extra_data=...)"),
        (Authenticator.wrap, "(self)"),
        (authorization_codes.cache_key, "(client_id, code)"),
        (authorization_codes.lookup, "(client_id, code)"),
        (TOTP.validate_code, "(self, code)"),
        (RecoveryCodes.validate_code, "(self, code)"),
        # python-socketio and python-engineio
        (socketio.AsyncServer._handle_eio_connect, "(self, eio_sid, environ)"),
        (socketio.AsyncServer._handle_eio_disconnect, "(self, eio_sid, reason)"),
        (socketio.AsyncManager.sid_from_eio_sid, "(self, eio_sid, namespace)"),
        (socketio.AsyncManager.is_connected, "(self, sid, namespace)"),
        (engineio.AsyncServer.disconnect, "(self, sid=...)"),
        (packet.Packet, "(packet_type=..., data=..., encoded_packet=...)"),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_private_function_has_the_expected_parameters(function: Any, expected: str) -> None:
    assert parameters(function) == expected


def test_google_adapter_has_the_attributes_we_set() -> None:
    adapter = GoogleOAuth2Adapter(RequestFactory().get("/"))
    assert adapter.did_fetch_access_token is False
    assert "callback_url" in parameters(OAuth2Client.__init__)


def test_allauth_stores_failure_times_newest_first() -> None:
    """seconds_until_login reads what allauth wrote."""
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1")
    key = "example.com:alice"
    (rate, *_) = ratelimit.get_rates(**allauth_internals.LOGIN_FAILED)
    for _ in range(2):
        ratelimit.consume(request, **allauth_internals.LOGIN_FAILED, key=key)
    name = ratelimit.get_cache_key(request, **allauth_internals.LOGIN_FAILED, rate=rate, key=key)
    times = cache.get(name)
    assert (len(times), times) == (2, sorted(times, reverse=True))


def test_page_of_consent_keeps_what_an_app_asked_for() -> None:
    view = oauth_internals.OpenAuthorizationView()
    view._request_info = {"redirect_uri": "https://example.com/", "client_id": "x"}
    assert view.redirect_uri == "https://example.com/"
    source = inspect.getsource(AuthorizationView)
    for line in (
        'self._request_info["resources"] = get_resources(request)',
        'ctx.requested_resources = self._request_info.get("resources")',
        "signer.sign_object((self._scopes, request_info))",
    ):
        assert line in source


def test_exchange_of_a_code_can_be_called_outside_its_transaction() -> None:
    assert parameters(TokenView.post.__wrapped__) == "(self, request)"
    assert "@transaction.atomic" in inspect.getsource(TokenView.post)


def test_socketio_calls_the_overridden_methods() -> None:
    server = socketio_internals.ObservedServer(async_mode="asgi")
    assert server.eio.handlers["connect"] == server._handle_eio_connect
    assert server.eio.handlers["disconnect"] == server._handle_eio_disconnect
    assert server.eio.sockets == {}
    assert server.reason.CLIENT_DISCONNECT == "client disconnect"


def test_engineio_connection_has_the_attributes_we_read() -> None:
    connection = AsyncSocket(engineio.AsyncServer(async_mode="asgi"), "sid")
    assert connection.upgraded is False
    assert connection.queue.empty()
    assert packet.Packet(packet.NOOP).encode() == "6"


# ---- no other module uses a private name ----


def own_private_names(trees: list[ast.Module]) -> set[str]:
    """Return every name that our own code defines or assigns."""
    found = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found


def private_parts(tree: ast.Module, own_names: set[str]) -> Iterator[str]:
    """Return the private modules, methods and attributes of other packages that a file uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names if not node.level]
            yield from (name for name in names if re.search(r"\.(_[a-z]\w*|internal)(\.|$)", name))
        elif isinstance(node, ast.Attribute) and re.match(r"_[a-zA-Z]", node.attr):
            inherited = isinstance(node.value, ast.Call) and "'super'" in ast.dump(node.value.func)
            if (inherited or node.attr not in own_names) and node.attr not in DOCUMENTED:
                yield node.attr


def test_private_names_are_used_only_in_the_allowed_modules() -> None:
    files = [
        path
        for app in ("accounts", "billing", "config", "showcase", "videos")
        for path in sorted((ROOT / app).rglob("*.py"))
    ]
    trees = {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in files}
    own_names = own_private_names(list(trees.values()))
    found = {name: set(private_parts(tree, own_names)) for name, tree in trees.items()}
    assert {name: parts for name, parts in found.items() if parts} == ALLOWED
