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
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OPENAI_API_KEY": "k",
    "SANDBOX": "0",
}


def run_in_production(
    tmp_path: Path, code: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python code with the production settings and this environment; capture its output."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    variables = {**inherited, **PRODUCTION, "DATA_DIR": str(tmp_path), **environment}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
