"""`make test`: the suite on SQLite, then on PostgreSQL with Redis."""

import os
import subprocess
import sys

from tests import backing

# What has no database of its own, or is the embedded mode either way, is enough once.
ONCE = (
    *("e2e", "verification", "test_house.py", "test_doctor.py", "test_documented_names.py"),
    *("test_translations.py", "test_marked_words.py", "test_first_run.py", "test_guard.py"),
    *("test_https.py", "test_access_log.py", "billing/test_mutants.py"),
)
CI = os.environ.get("CI", "").lower() in {"1", "true"}


def run(name: str, environment: dict[str, str], *words: str) -> int:
    print(f"\n=== {name} ===", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", *words, *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def main() -> int:
    browser = backing.browser()
    left_out = () if browser else ("-m", "not browser")
    configured = {name: os.environ.pop(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    codes = [run("SQLite, embedded", {}, *left_out)]
    os.environ.update({name: value for name, value in configured.items() if value})
    with backing.postgres_and_redis() as services:
        once = {**services, "CI": ""}
        left_out = (*left_out, *(f"--ignore=tests/{name}" for name in ONCE))
        # Without browsers little is made for a whole file: whoever is idle takes of the other's.
        codes.append(run("PostgreSQL and Redis", once, "--dist=worksteal", *left_out))
    if not browser:
        print("\n!!! LEFT OUT: every browser test, because no Chromium was found.", flush=True)
        print(
            "!!! Install it (Debian: apt-get install chromium-headless-shell) and run again.",
            flush=True,
        )
        if CI:
            return 1
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
