"""allauth's provider for OpenID Connect, made stricter: a nonce, signatures, and our own issuer.

allauth sends PKCE and a state, and compares the state. It sends no nonce, does not check signatures
of ID tokens that come from the token endpoint, and believes the issuer that it finds there.

Source: OpenID Connect Core 1.0 section 3.1.3.7, OpenID Connect Discovery 1.0 section 4.3.
"""

import hashlib
import secrets
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

# Of a provider's key; a secret that both sides know signs nothing here.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
ALGORITHMS += ["EdDSA"]
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
CLOCK_SECONDS = 60
# What the one provider is called in addresses and in stored links.
PROVIDER = "oidc"
# What an answer of a provider that is not as documented makes Python raise.
UNREADABLE = (
    *(requests.RequestException, jwt.PyJWTError),
    *(AttributeError, ValueError, TypeError, KeyError),
)


def nonce_of(verifier: str) -> str:
    """Return the nonce of a sign-in: it is bound to the browser as the PKCE verifier is."""
    return hashlib.sha256(f"nonce:{verifier}".encode()).hexdigest()


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """One sign-in: raises OAuth2Error whatever the provider answers wrongly."""

    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Fetch the provider's configuration, once; it must name the issuer that is configured."""
        try:
            config: dict[str, Any] = super().openid_config
            if config["issuer"] != self.get_provider().app.settings["server_url"]:
                raise OAuth2Error("The configuration is of another issuer")
            return config
        except UNREADABLE as error:
            raise OAuth2Error("The provider's configuration cannot be read") from error

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return settings.BASE_URL + reverse("oidc_callback")

    def get_access_token_data(
        self,
        request: HttpRequest,
        app: SocialApp,
        client: OAuth2Client,
        pkce_code_verifier: str | None = None,
    ) -> dict[str, Any]:
        self.nonce = nonce_of(pkce_code_verifier or "")
        data: dict[str, Any] = super().get_access_token_data(
            request, app, client, pkce_code_verifier=pkce_code_verifier
        )
        return data

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        """Return the sign-in of the person whom a checked ID token names."""
        try:
            claims = self._checked_claims(app, kwargs["response"]["id_token"])
            if "email" not in claims and "userinfo_endpoint" in self.openid_config:
                claims = {**self._fetch_person(token, claims["sub"]), **claims}
        except UNREADABLE as error:
            raise OAuth2Error("The provider's answer cannot be trusted") from error
        return self.get_provider().sociallogin_from_response(request, claims)

    def _checked_claims(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """Return the claims of an ID token; its signature, issuer, audience and nonce are right."""
        with get_adapter().get_requests_session() as session:
            keys = jwt.PyJWKSet.from_dict(session.get(self.openid_config["jwks_uri"]).json())
        wanted = jwt.get_unverified_header(id_token).get("kid")
        key = next(key for key in [*keys.keys, None] if key is None or wanted in {key.key_id, None})
        if key is None:
            raise OAuth2Error("The ID token is signed with an unknown key")
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key.key,
            algorithms=ALGORITHMS,
            audience=app.client_id,
            issuer=self.openid_config["issuer"],
            leeway=CLOCK_SECONDS,
            options={"require": REQUIRED},
        )
        if not secrets.compare_digest(str(claims["nonce"]).encode(), self.nonce.encode()):
            raise OAuth2Error("The ID token belongs to another sign-in")
        if claims.get("azp", app.client_id) != app.client_id or not claims["sub"]:
            raise OAuth2Error("The ID token is for another client")
        return claims

    def _fetch_person(self, token: SocialToken, sub: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token.token}"}
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["userinfo_endpoint"], headers=headers)
        answer.raise_for_status()
        person: dict[str, Any] = answer.json()
        if person.get("sub") != sub:
            raise OAuth2Error("The provider describes another person")
        return person


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = Adapter

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        return reverse("oidc_login", query=kwargs or None)

    def get_callback_url(self) -> str:
        return reverse("oidc_callback")

    def get_pkce_params(self) -> dict[str, str]:
        """Return the parameters of PKCE, and the nonce that goes with them."""
        params: dict[str, str] = super().get_pkce_params()
        return {**params, "nonce": nonce_of(params["code_verifier"])}

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Ask for our own scope and parameters, whatever the link to the sign-in names."""
        kwargs: dict[str, Any] = super().get_redirect_from_request_kwargs(request)
        return {**kwargs, "scope": self.get_scope(), "auth_params": {}}
