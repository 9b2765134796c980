"""Read who may open an account and how people sign in; config.settings calls this once."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment.env import env, text, text_list

DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def read_choice(name: str, *choices: str) -> str:
    """Read one of some words; the first is the default."""

    def parse(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError(f"expected {', '.join(choices[:-1])} or {choices[-1]}")
        return value.lower()

    return env(name, default=choices[0], parse=parse)


def read_domains(name: str) -> list[str]:
    """Read domains of e-mail addresses, such as `example.com`; empty when any domain will do."""
    domains = [each.lower().removeprefix("@") for each in text_list(name, default=[]) if each]
    for domain in domains:
        if not DOMAIN.fullmatch(domain):
            raise ImproperlyConfigured(f"{name}: expected domains such as example.com")
    return domains


def read_openid_app() -> list[dict[str, object]]:
    """Read the OpenID Connect provider as allauth wants it; empty when none is configured."""
    issuer = env("OIDC_ISSUER", default="", parse=_issuer)
    client_id = text("OIDC_CLIENT_ID")
    secret = text("OIDC_CLIENT_SECRET", secret=True)
    name = text("OIDC_NAME", default=urlsplit(issuer).hostname or "")
    given = [bool(issuer), bool(client_id), bool(secret)]
    if not any(given):
        return []
    if not all(given):
        raise ImproperlyConfigured(
            "OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: set all three, or none"
        )
    app = {"provider_id": "oidc", "name": name, "client_id": client_id, "secret": secret}
    return [{**app, "settings": {"server_url": issuer, "oauth_pkce_enabled": True}}]


def _issuer(value: str) -> str:
    """Return the issuer as its provider states it, also with a slash at its end."""
    parts = urlsplit(value)
    is_local = parts.scheme == "http" and parts.hostname in LOCAL_HOSTS
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        raise ValueError("expected a URL with https://")
    if parts.query or parts.fragment or "/.well-known/" in value:
        raise ValueError("expected the issuer, not the address of its configuration")
    return value
