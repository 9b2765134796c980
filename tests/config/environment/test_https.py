"""HTTPS and HSTS in production behind a proxy that terminates TLS."""

from pathlib import Path

from tests.config.production import run_in_production

REQUESTS = """
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


def test_https_is_required_when_production_is_behind_a_proxy(tmp_path: Path) -> None:
    ended = run_in_production(tmp_path, REQUESTS, TRUSTED_PROXIES="1")
    assert ended.stdout.splitlines() == ["True True", "http None", "https max-age=2592000"]


def test_forwarded_header_is_ignored_when_no_proxy_is_trusted(tmp_path: Path) -> None:
    ended = run_in_production(tmp_path, REQUESTS)
    assert ended.stdout.splitlines() == ["True True", "http None", "http None"]


def test_hsts_header_is_missing_when_switched_off(tmp_path: Path) -> None:
    ended = run_in_production(tmp_path, REQUESTS, TRUSTED_PROXIES="1", HSTS_SECONDS="0")
    assert ended.stdout.splitlines() == ["True True", "http None", "https None"]
