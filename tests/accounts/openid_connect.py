"""An OpenID Connect provider on a real port that checks what the specification has it check."""

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.accounts.openid_provider import CLIENT, SECRET, challenge_of


@cache
def signing_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(name: str) -> dict[str, Any]:
    numbers = signing_key(name).public_key().public_numbers()
    x, y = (
        base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()
        for n in (numbers.x, numbers.y)
    )
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": name, "alg": "ES256", "use": "sig"}


@dataclass
class Provider:
    """Sign every visitor in as `person`; codes work once, with PKCE, for the right redirect URI."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    # Changes of the ID token's claims and of how it is signed; None leaves a claim out.
    claims: dict[str, Any] = field(default_factory=dict)
    signed_by: str = "published"
    algorithm: str = "ES256"
    by_userinfo: bool = False
    userinfo: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    is_down: bool = False

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser goes back to; raise AssertionError for a careless request."""
        self.asked.append(query)
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert {"openid", "email", "profile"} <= set(query["scope"].split())
        assert query["code_challenge_method"] == "S256"
        assert len(query["code_challenge"]) == 43
        assert len(query["state"]) >= 16
        assert len(query["nonce"]) >= 32
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        held = self.codes.pop(form.get("code", ""), None)
        known = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if (
            held is None
            or not known
            or form.get("redirect_uri") != held["redirect_uri"]
            or challenge_of(form.get("code_verifier", "")) != held["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 600}
        claims |= {"nonce": held["nonce"], "sub": self.person["sub"]}
        claims |= {} if self.by_userinfo else self.person
        claims = {name: v for name, v in {**claims, **self.claims}.items() if v is not None}
        key: Any = signing_key(self.signed_by) if self.algorithm == "ES256" else SECRET
        headers = {"kid": "published"}
        signed = jwt.encode(claims, key, algorithm=self.algorithm, headers=headers)
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}

    def documents(self) -> dict[str, dict[str, Any]]:
        configuration = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.configuration,
        }
        return {
            "/.well-known/openid-configuration": configuration,
            "/keys": {"keys": [public_jwk("other"), public_jwk("published")]},
            "/userinfo": {**self.person, **self.userinfo},
        }


class Server:
    """The provider on a port of this machine."""

    def __init__(self, provider: Provider) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path == "/authorize":
                    query = {name: values[0] for name, values in parse_qs(url.query).items()}
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(query))
                    self.end_headers()
                    return
                self._respond(200, provider.documents()[url.path])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._respond(*provider.token({k: v[0] for k, v in parse_qs(body).items()}))

            def _respond(self, status: int, answer: dict[str, Any]) -> None:
                body = json.dumps(answer).encode()
                self.send_response(503 if provider.is_down else status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        provider.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> "Server":
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
