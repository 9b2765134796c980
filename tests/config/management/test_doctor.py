"""`manage.py doctor`: the settings with the names that set them, and what is missing."""

import subprocess
from pathlib import Path

from tests import migrated
from tests.config.production import run_in_production

RUN_DOCTOR = """
import runpy, sys
sys.argv = ["manage.py", "doctor"]
runpy.run_path("manage.py", run_name="__main__")
"""
DEVELOPMENT = {"ENVIRONMENT": "development", "SECRET_KEY": "", "JWT_SECRET_KEY": "", "SANDBOX": ""}


def lines_of(ended: subprocess.CompletedProcess[str]) -> list[str]:
    assert ended.returncode == 0, ended.stderr
    return [" ".join(line.split()) for line in ended.stdout.splitlines()]


def test_doctor_names_the_winning_setting_and_hides_secrets(tmp_path: Path) -> None:
    own = {"JWT_SECRET": "hidden-" * 6, "BACKEND_URL": "https://a", "API_BASE_URL": "https://b",
           "COMFYUI_URL": "http://gpu:hidden@127.0.0.1:8188", "ENGINE_F_KIND": "fal",
           "ENGINE_F_API_KEY": "hidden"}  # fmt: skip
    ended = run_in_production(tmp_path, RUN_DOCTOR, **DEVELOPMENT, **own)
    lines = lines_of(ended)
    assert "BACKEND_URL = https://a (wins over API_BASE_URL)" in lines
    assert "JWT_SECRET = (set)" in lines
    assert "Address https://a" in lines
    assert (
        "Engines openai at http://127.0.0.1:9/v1, comfyui at http://***@127.0.0.1:8188,"
        " f at https://queue.fal.run, sandbox at http://127.0.0.1:8000/sandbox/v1"
    ) in lines
    assert "COMFYUI_URL = http://***@127.0.0.1:8188" in lines
    assert "ENGINE_F_API_KEY = (set)" in lines
    assert "hidden" not in ended.stdout + ended.stderr


def test_doctor_lists_problems_when_settings_are_missing(tmp_path: Path) -> None:
    own = {"SANDBOX": "0", "OPENAI_BASE_URL": "", "OPENAI_API_KEY": "", "REDIS_URL": "redis://x"}
    lines = lines_of(run_in_production(tmp_path, RUN_DOCTOR, **{**DEVELOPMENT, **own}))
    assert lines[lines.index("Missing or wrong") + 1 :] == [
        "- nothing can be sold: set STRIPE_SECRET_KEY",
        "- REDIS_URL without PostgreSQL: several processes need DATABASE_URL",
        "- the database schema is behind: python manage.py migrate",
        "- No engine is configured: set OPENAI_BASE_URL and OPENAI_API_KEY, or SANDBOX=1.",
    ]


def test_doctor_says_so_when_nothing_is_missing_and_names_prices_below_cost(
    tmp_path: Path,
) -> None:
    migrated.copy_to(tmp_path)
    assert (
        lines_of(run_in_production(tmp_path, RUN_DOCTOR, **DEVELOPMENT))[-1]
        == "Nothing is missing."
    )
    own = {"RUNWAYML_API_SECRET": "k", "EXCHANGE_RATES": "USD=70@2026-11-20"}
    lines = lines_of(run_in_production(tmp_path, RUN_DOCTOR, **DEVELOPMENT, **own))
    assert (
        "- Runway Gen-4.5 at runway is sold below cost: 10 seconds at 720p cost ¥84.00 and are sold"
        " for ¥12.00."
    ) in lines


def test_doctor_asks_each_engine_with_the_option_check(tmp_path: Path) -> None:
    check = RUN_DOCTOR.replace('"doctor"', '"doctor", "--check"')
    own = {**DEVELOPMENT, "SANDBOX": "0"}
    lines = lines_of(run_in_production(tmp_path, check, **own))
    assert "openai has a problem" in lines
    assert (
        "- engine openai at http://127.0.0.1:9/v1: it does not answer: check the address, and that"
        " it runs ([Errno 111] Connection refused)"
    ) in lines
