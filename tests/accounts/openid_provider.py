"""An OpenID Connect provider that checks what the specification has it check."""

import base64
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.accounts.google_provider import CLIENT, SECRET, challenge_of
from tests.accounts.provider_server import as_json


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
class OpenIDProvider:
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

    def token(self, form: dict[str, str]) -> tuple[int, bytes]:
        status, answer = self._exchange(form)
        return self._status(status), as_json(answer)

    def document(self, path: str, authorization: str) -> tuple[int, bytes]:
        return self._status(200), as_json(self.documents()[path])

    def _status(self, usual: int) -> int:
        return 503 if self.is_down else usual

    def _exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
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
