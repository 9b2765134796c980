"""Production behind a proxy that ends TLS: what counts as HTTPS, and what is said then."""

from pathlib import Path

from tests.test_house import start

ASK = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.conf import settings
from django.test import Client
print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE)
for headers in ({}, {"HTTP_X_FORWARDED_PROTO": "https"}):
    answer = Client().get("/api/nothing", HTTP_HOST="example.com", **headers)
    print(answer.wsgi_request.scheme, answer.headers.get("Strict-Transport-Security"))
"""


def test_production_behind_a_proxy_is_https_only(tmp_path: Path) -> None:
    ended = start(tmp_path, ASK, TRUSTED_PROXIES="1")
    assert ended.stdout.splitlines() == ["True True", "http None", "https max-age=2592000"]


def test_a_header_is_not_believed_without_a_proxy(tmp_path: Path) -> None:
    ended = start(tmp_path, ASK)
    assert ended.stdout.splitlines() == ["True True", "http None", "http None"]


def test_browsers_are_not_held_to_it_when_switched_off(tmp_path: Path) -> None:
    ended = start(tmp_path, ASK, TRUSTED_PROXIES="1", HSTS_SECONDS="0")
    assert ended.stdout.splitlines() == ["True True", "http None", "https None"]
