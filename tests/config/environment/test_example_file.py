"""`.env.example`: a copy changes nothing, it shows the defaults, and it starts production."""

import os
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from tests.config.environment import example_file
from tests.config.environment.test_documented_names import read_settings
from tests.config.production import PRODUCTION, start

EVERYTHING = "{name: value for name, value in vars().items() if name.isupper()}"
# What the documents say, and what else decides how it behaves; written out here on purpose.
SHIPPED = {
    "RATE_SIGN_IN": [5, 15 * 60],
    "RATE_AUTH": [5, 60],
    "RATE_AUTH_FAILURES": [5, 15 * 60],
    "RATE_GENERATE": [10, 60],
    "RATE_BATCH": [100, 10 * 60],
    "RATE_UPLOAD": [30, 60],
    "RATE_TASKS": [60, 60],
    "RATE_EVENTS": [120, 60],
    "RATE_PROMPT_HELP": [50, 24 * 60 * 60],
    "RATE_OTHER": [30, 60],
    "RATE_ANONYMOUS": [100, 15 * 60],
    "RATE_FORMS": [10, 60 * 60],
    "RATE_VERIFY": [20, 10 * 60],
    "RATE_REVIEWS": [60, 60 * 60],
    "RATE_REVIEW_PASSWORDS": [10, 15 * 60],
    "JOBS_PER_USER": 20,
    "BATCH_LINES": 100,
    "CANCELLATIONS_PER_DAY": 20,
    "POLL_FIRST": "0:00:05",
    "POLL_SLOWEST": "0:00:20",
    "QUEUE_DEADLINE": "6:00:00",
    "VIDEO_DEADLINE": "0:30:00",
    "RESULT_DEADLINE": "1 day, 0:00:00",
    "LEASE": "0:00:15",
    "JWT_PASSWORD_LIFETIME": "7 days, 0:00:00",
    "JWT_ACCESS_LIFETIME": "1 day, 0:00:00",
    "RESULT_URL_LIFETIME": "1 day, 0:00:00",
    "SOCKET_AUTH_SECONDS": 5.0,
    "SOCKETS_PER_USER": 10,
    "UPLOAD_MIN_BYTES": 1024,
    "UPLOAD_MAX_BYTES": 100 * 1024 * 1024,
    "WELCOME_CREDITS": 100,
    "BONUS_LIFETIME": "30 days, 0:00:00",
    "PURCHASE_LIFETIME": "90 days, 0:00:00",
    "CREDIT_VALUE_RMB": "0.1",
    "PORT": 8000,
    "ENVIRONMENT": "development",
    "REQUIRE_API_KEY": False,
    "MODERATION": "rules",
    "SHOWCASE": True,
    "PASSWORD_HASHERS": [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "accounts.people.import_users.TruncatingBcryptHasher",
    ],
}
CHECK = ("manage.py", "check", "--fail-level", "WARNING")


def test_example_file_sets_nothing_when_it_is_copied() -> None:
    assert dotenv_values(example_file.EXAMPLE) == {}


# What production adds when nothing but its secrets and its address is set.
SHIPPED_IN_PRODUCTION = {
    "DEBUG": False,
    "SANDBOX": False,
    "SANDBOX_STRIPE": False,
    "STAFF_TWO_FACTOR": True,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SECURE_HSTS_SECONDS": 30 * 24 * 60 * 60,
    "ACCESS_LOG": True,
    "DRAIN_SECONDS": 5.0,
    "WEBHOOK_SCHEMES": ["https"],
    "WEBHOOK_PORTS": [443, 8443],
}


def read_everything(folder: Path, file: str) -> dict[str, Any]:
    """Return all settings as a fresh process with nothing but this `.env` reads them."""
    found = read_settings(folder, [EVERYTHING], ENV_FILE=file, PYTHONHASHSEED="0")[EVERYTHING]
    found.pop("READINGS")
    return dict(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings")


@pytest.fixture(scope="module")
def unset(folder: Path) -> dict[str, Any]:
    return read_everything(folder, os.devnull)


def test_limits_and_deadlines_are_the_documented_ones_when_nothing_is_set(
    unset: dict[str, Any],
) -> None:
    assert {name: unset[name] for name in SHIPPED} == SHIPPED
    assert {name for name in unset if name.startswith("RATE_")} <= set(SHIPPED)


def test_defaults_are_safe_in_production(folder: Path) -> None:
    names = ("SECRET_KEY", "JWT_SECRET_KEY", "BACKEND_URL", "ENVIRONMENT")
    environment = {name: PRODUCTION[name] for name in names}
    found = read_settings(folder, list(SHIPPED_IN_PRODUCTION), **environment)
    assert found == SHIPPED_IN_PRODUCTION


def test_example_file_shows_the_defaults(folder: Path, unset: dict[str, Any]) -> None:
    whole = example_file.copy_uncommented(folder / ".env")
    assert len(dotenv_values(whole)) > 100
    assert read_everything(folder, str(whole)) == unset


def test_production_starts_without_warnings_when_the_example_file_is_filled_in(
    tmp_path: Path,
) -> None:
    mail = {"EMAIL_HOST": "mail.example.com", "TRUSTED_PROXIES": "1"}
    values = {**PRODUCTION, **mail, "DATA_DIR": str(tmp_path)}
    del values["ENV_FILE"]
    file = example_file.copy_with(tmp_path / ".env", **values)
    process = start(*CHECK, ENV_FILE=str(file))
    assert (process.stdout + process.stderr, process.returncode) == (
        "System check identified no issues (0 silenced).\n",
        0,
    )
    file.write_text(file.read_text().replace("EMAIL_HOST=mail.example.com", ""))
    process = start(*CHECK, ENV_FILE=str(file))
    assert "WARNINGS:\n?: (firstlight.doubtful) EMAIL_HOST is not set" in process.stderr
