"""An OpenID Connect provider that answers as Google does and checks what Google checks."""

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

CLIENT, SECRET = "our-client", "our-secret"
ISSUER = "https://accounts.google.com"
PROVIDER_ERROR_TEXT = "THE PROVIDER'S OWN WORDS"


@dataclass
class OpenIDProvider:
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
        refused = (
            400,
            json.dumps(
                {"error": "invalid_grant", "error_description": PROVIDER_ERROR_TEXT}
            ).encode(),
        )
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
        return 200, json.dumps(answer).encode()


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class ProviderServer:
    """The provider on a real port."""

    def __init__(self, provider: OpenIDProvider) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                if url.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(query))
                    self.end_headers()
                else:
                    person = self.headers["Authorization"].removeprefix("Bearer ")
                    claims = json.loads(person)
                    claims["id"] = claims.pop("sub")
                    claims["verified_email"] = claims.pop("email_verified", False)
                    self._respond(200, json.dumps(claims).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._respond(*provider.token({k: v[0] for k, v in parse_qs(body).items()}))

            def _respond(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        provider.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> "ProviderServer":
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
