"""The system checks refuse a production with unsafe settings or the first password."""

import pytest
from django.conf import LazySettings

from accounts.models import User
from accounts.people import signup
from config.ops import checks


@pytest.fixture
def production(settings: LazySettings, db: None) -> LazySettings:
    """Settings of a production that may start."""
    settings.PRODUCTION, settings.DEBUG, settings.SANDBOX = True, False, False
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.SECRET_KEY, settings.JWT_SECRET = "s" * 40, "j" * 40
    return settings


def errors() -> list[str]:
    return [str(message.msg) for message in checks.check_production(None)]


def test_check_finds_no_errors_when_production_is_valid(production: LazySettings) -> None:
    assert errors() == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DEBUG", True, "DEBUG is on"),
        ("SANDBOX", True, "SANDBOX is on"),
        ("ENGINES", {}, "No engine is configured"),
        ("ALLOWED_HOSTS", ["example.com", "*"], "ALLOWED_HOSTS is *"),
        ("SECRET_KEY", "s" * 31, "at least 32"),
        ("JWT_SECRET", "j" * 31, "at least 32"),
        ("JWT_SECRET", "s" * 40, "must differ"),
    ],
)
def test_check_finds_an_error_when_a_production_setting_is_unsafe(
    production: LazySettings, name: str, value: object, words: str
) -> None:
    setattr(production, name, value)
    [error] = errors()
    assert words in error


def test_check_finds_an_error_when_the_first_password_works(production: LazySettings) -> None:
    signup.open_account("admin", "", "admin", is_staff=True, is_superuser=True)
    assert errors() == ["The user admin still has the password admin."]
    User.objects.update(is_active=False)
    assert errors() == []


def test_check_finds_no_errors_outside_production(production: LazySettings) -> None:
    production.PRODUCTION, production.ALLOWED_HOSTS, production.SANDBOX = False, ["*"], True
    assert errors() == []
