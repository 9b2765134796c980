"""A provider that answers as Google does and checks what Google checks."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt

from tests.accounts.provider_server import as_json

CLIENT, SECRET = "our-client", "our-secret"
ISSUER = "https://accounts.google.com"
PROVIDER_ERROR_TEXT = "THE PROVIDER'S OWN WORDS"


@dataclass
class GoogleProvider:
    """Sign every visitor in as `person`; a code works once, for the client that requested it."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    # Status and body to answer instead when a code is exchanged.
    broken_answer: tuple[int, bytes] | None = None
    by_userinfo: bool = False
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    token_requests: list[dict[str, str]] = field(default_factory=list)

    def authorize(self, query: dict[str, str]) -> str:
        """Return the URL to redirect the browser to; raise AssertionError for a bad request."""
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert "email" in query["scope"].split()
        assert query["state"]
        code = self.code(query["redirect_uri"], query.get("code_challenge", ""))
        if query.get("code_challenge"):
            assert query["code_challenge_method"] == "S256"
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def code(self, redirect_uri: str, challenge: str = "") -> str:
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"to": redirect_uri, "challenge": challenge, "person": self.person}
        return code

    def token(self, form: dict[str, str]) -> tuple[int, bytes]:
        self.token_requests.append(form)
        if self.broken_answer:
            return self.broken_answer
        held = self.codes.pop(form.get("code", ""), None)
        error = {"error": "invalid_grant", "error_description": PROVIDER_ERROR_TEXT}
        refused = (400, as_json(error))
        known = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if held is None or not known or form.get("redirect_uri") != held["to"]:
            return refused
        if held["challenge"] and challenge_of(form.get("code_verifier", "")) != held["challenge"]:
            return refused
        answer = {"access_token": json.dumps(held["person"]), "expires_in": 3600}
        if not self.by_userinfo:
            now = int(time.time())
            claims = {"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 600, **held["person"]}
            answer["id_token"] = jwt.encode(claims, "x" * 32, algorithm="HS256")
        return 200, as_json(answer)

    def document(self, path: str, authorization: str) -> tuple[int, bytes]:
        """Return what userinfo says of whoever the access token names."""
        claims = json.loads(authorization.removeprefix("Bearer "))
        claims["id"] = claims.pop("sub")
        claims["verified_email"] = claims.pop("email_verified", False)
        return 200, as_json(claims)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
