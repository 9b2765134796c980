"""A Python process with the settings of a valid production, for tests that change one of them."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)


PRODUCTION = {
    "ENVIRONMENT": "production",
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "s" * 40,
    "JWT_SECRET_KEY": "j" * 40,
    "ALLOWED_HOSTS": "example.com",
    "BACKEND_URL": "https://example.com",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OPENAI_API_KEY": "k",
    "SANDBOX": "0",
}


def run_in_production(
    tmp_path: Path, code: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python code with the production settings and this environment; capture its output."""
    return start_in_production(tmp_path, "-c", code, **environment)


def start_in_production(
    tmp_path: Path, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments and the production settings; capture its output."""
    return start(*words, **{**PRODUCTION, "DATA_DIR": str(tmp_path), **environment})


def start(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments and only this environment; capture its output."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
