"""The OAuth flow of an agent, step by step, with the clients of Django's tests."""

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

REDIRECT = "http://127.0.0.1:4567/callback"
VERIFIER = "v" * 64
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


def register(name: str = "Claude", **metadata: Any) -> Any:
    body = {"client_name": name, "redirect_uris": [REDIRECT], **metadata}
    return Client().post("/oauth/register", body, content_type="application/json")


def client_id(name: str = "Claude", **metadata: Any) -> str:
    """Register an app and return its id."""
    answer = register(name, **metadata)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["client_id"])


def authorization_request(app: str, **changes: str) -> dict[str, str]:
    """Return the query with which an app sends its user to us."""
    asked = {
        "response_type": "code",
        "client_id": app,
        "redirect_uri": REDIRECT,
        "scope": "read generate",
        "state": "s-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "resource": "http://testserver/mcp",
        **changes,
    }
    return {name: value for name, value in asked.items() if value}


def consent(page: Client, app: str, scopes: tuple[str, ...] = (), **changes: str) -> Any:
    """Press Connect on the page that asks, and return the answer."""
    shown = page.get("/oauth/authorize", authorization_request(app, **changes))
    assert shown.status_code == 200, shown.content
    signed = re.search(r'name="request" value="([^"]+)"', shown.content.decode())
    assert signed
    granted = scopes or authorization_request(app, **changes)["scope"].split()
    body: dict[str, Any] = {"request": signed[1], "scopes": granted, "action": "grant"}
    return page.post("/oauth/authorize", body)


def code_of(answer: Any) -> str:
    """Return the code in the address to which an answer leads."""
    assert answer.status_code == 302, answer.content
    codes: list[str] = parse_qs(urlsplit(str(answer["Location"])).query)["code"]
    return codes[0]


def exchange(app: str, code: str, **changes: str) -> Any:
    body = {
        "grant_type": "authorization_code",
        "client_id": app,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        "resource": "http://testserver/mcp",
        **changes,
    }
    return Client().post("/oauth/token", {name: value for name, value in body.items() if value})


def renew(app: str, refresh_token: str) -> Any:
    body = {"grant_type": "refresh_token", "client_id": app, "refresh_token": refresh_token}
    return Client().post("/oauth/token", body)


def tokens_of(page: Client, app: str, scopes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Connect an app and return its tokens."""
    answer = exchange(app, code_of(consent(page, app, scopes)))
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body
