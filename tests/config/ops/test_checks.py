"""The system checks refuse settings that are unsafe and warn about those that are doubtful."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core import checks as django_checks

from accounts.models import User
from accounts.people import signup
from config.ops import checks


@pytest.fixture
def production(settings: LazySettings, db: None) -> LazySettings:
    """Settings of a production that may start and has nothing to warn about."""
    settings.PRODUCTION, settings.DEBUG, settings.SANDBOX = True, False, False
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.BASE_URL = "https://example.com"
    settings.FRONTEND_ORIGINS = ["https://example.com"]
    settings.SECRET_KEY, settings.JWT_SECRET = "s" * 40, "j" * 40
    settings.STRIPE_LIVE, settings.STRIPE_SECRET_KEY = True, "sk_live_1"
    settings.STRIPE_WEBHOOK_SECRET = "whsec_1"
    settings.STAFF_TWO_FACTOR, settings.SECURE_HSTS_SECONDS = True, 3600
    settings.TRUSTED_PROXIES, settings.EMAIL_HOST = 1, "mail.example.com"
    settings.MEDIA_ROOT = settings.DATA_DIR / "media"
    settings.DATABASE_PATH = settings.DATA_DIR / "firstlight.sqlite3"
    return settings


def errors() -> list[str]:
    return [str(m.msg) for m in checks.check_settings(None) if isinstance(m, django_checks.Error)]


def warnings() -> list[str]:
    return [str(m.msg) for m in checks.check_settings(None) if isinstance(m, django_checks.Warning)]


def test_checks_find_nothing_when_production_is_valid(production: LazySettings) -> None:
    assert checks.check_settings(None) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DEBUG", True, "DEBUG is on"),
        ("ENGINES", {}, "No engine is configured"),
        ("ALLOWED_HOSTS", ["example.com", "*"], "ALLOWED_HOSTS is *"),
        ("SECRET_KEY", "s" * 31, "at least 32"),
        ("JWT_SECRET", "j" * 31, "at least 32"),
        ("JWT_SECRET", "s" * 40, "must differ"),
        ("BASE_URL", "http://127.0.0.1:8000", "only this machine can open"),
        ("BASE_URL", "https://localhost", "only this machine can open"),
        ("BASE_URL", "https://[::1]:8000", "only this machine can open"),
        ("BASE_URL", "http://0.0.0.0:8000", "only this machine can open"),
        ("BASE_URL", "http://example.com", "Set an https:// URL"),
    ],
)
def test_check_finds_an_error_when_a_production_setting_is_unsafe(
    production: LazySettings, name: str, value: object, words: str
) -> None:
    setattr(production, name, value)
    [error] = errors()
    assert words in error


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STAFF_TWO_FACTOR", False, "STAFF_TWO_FACTOR is off"),
        ("SECURE_HSTS_SECONDS", 0, "HSTS_SECONDS is 0"),
        ("TRUSTED_PROXIES", 0, "TRUSTED_PROXIES is 0"),
        ("FRONTEND_ORIGINS", ["https://example.com", "http://localhost:3000"], "FRONTEND_URL"),
        ("EMAIL_HOST", "", "EMAIL_HOST is not set"),
        ("STRIPE_WEBHOOK_SECRET", "", "STRIPE_WEBHOOK_SECRET is not set"),
        ("STRIPE_LIVE", False, "STRIPE_SECRET_KEY is a test key"),
        ("MEDIA_ROOT", Path("/app/var/media"), "VIDEOS_DIR is /app/var/media, outside DATA_DIR"),
    ],
)
def test_check_warns_when_a_production_setting_is_doubtful(
    production: LazySettings, name: str, value: object, words: str
) -> None:
    setattr(production, name, value)
    [warning] = warnings()
    assert words in warning
    assert errors() == []


def test_check_does_not_warn_about_the_media_folder_when_a_bucket_is_used(
    production: LazySettings,
) -> None:
    production.MEDIA_ROOT, production.S3_BUCKET = Path("/app/var/media"), "films"
    assert warnings() == []


def test_check_warns_when_browsers_would_load_media_by_http(production: LazySettings) -> None:
    production.S3_BUCKET = "films"
    options = {"endpoint_url": "http://minio:9000", "public_endpoint_url": None}
    production.S3_OPTIONS = options
    [warning] = warnings()
    assert warning.startswith("Media is loaded from http://minio:9000: browsers may block http")
    production.S3_OPTIONS = {**options, "public_endpoint_url": "https://media.example.com"}
    assert warnings() == []


def test_check_warns_when_the_engine_is_openai_itself(production: LazySettings) -> None:
    engine = {"adapter": "openai", "base_url": "https://api.openai.com/v1", "webhook_secret": ""}
    production.ENGINES = {"openai": engine}
    [warning] = warnings()
    assert warning.startswith("OpenAI's own Videos API ended on 2026-09-24: set OPENAI_BASE_URL")
    engine["base_url"] = "https://engine.example.com/v1"
    assert warnings() == []


@pytest.mark.parametrize(("name", "password"), [("admin", "admin"), ("demo", "demo-firstlight")])
def test_check_finds_an_error_when_a_first_password_works(
    production: LazySettings, name: str, password: str
) -> None:
    signup.open_account(name, "", password)
    assert errors() == [f"The user {name} still has the password {password}."]
    User.objects.update(is_active=False)
    assert errors() == []


@pytest.mark.parametrize("is_production", [False, True])
def test_check_finds_an_error_when_live_payments_buy_sandbox_clips(
    production: LazySettings, is_production: bool
) -> None:
    production.PRODUCTION, production.SANDBOX = is_production, True
    assert "STRIPE_SECRET_KEY is a live key" in errors()[0]
    production.STRIPE_LIVE, production.PRODUCTION = False, False
    assert errors() == []


def test_check_finds_no_errors_outside_production(production: LazySettings) -> None:
    production.PRODUCTION, production.ALLOWED_HOSTS, production.SANDBOX = False, ["*"], True
    production.STRIPE_LIVE, production.BASE_URL = False, "http://127.0.0.1:8000"
    assert checks.check_settings(None) == []
