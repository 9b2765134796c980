"""`make test`: every behaviour on SQLite, then on PostgreSQL and Redis whatever uses a database.

`make test-thorough` (`--thorough`): everything on both, mutants, long races, large random runs and
the fuzzer at full size, and how much of the code that covers. Other options go to pytest.
"""

import argparse
import os
import subprocess
import sys
import time

from tests import backing, tiers

CI = os.environ.get("CI", "").lower() in {"1", "true"}
# Tests wait for servers, browsers and pauses half of the time.
WORKERS = str(min(2 * (os.cpu_count() or 1), 8))
COVERAGE = ("--cov", "--cov-branch", "--cov-append", "--cov-report=")


def run(name: str, environment: dict[str, str], marks: list[str], *options: str) -> int:
    """Run pytest on the tests that have all the marks; its exit code."""
    print(f"\n=== {name} ===", flush=True)
    started = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        WORKERS,
        "-m",
        " and ".join(marks),
        *options,
    ]
    whole = {**os.environ, **environment}
    # The tests start hundreds of processes, which should share compiled modules.
    whole.pop("PYTHONDONTWRITEBYTECODE", None)
    code = subprocess.run(command, env=whole, check=False).returncode
    print(f"=== {name}: {(time.monotonic() - started) / 60:.1f} minutes ===", flush=True)
    return code


def report_coverage() -> int:
    for words in (("report", "--skip-covered"), ("html", "-q")):
        code = subprocess.run([sys.executable, "-m", "coverage", *words], check=False).returncode
    return code


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("--thorough", action="store_true", help="the second, long tier")
    asked, options = parser.parse_known_args()
    if asked.thorough:
        os.environ[tiers.NAME] = "thorough"
        options += COVERAGE
        subprocess.run([sys.executable, "-m", "coverage", "erase"], check=True)
    browser = backing.browser()
    marks = [] if asked.thorough else ["not thorough"]
    configured = {name: os.environ.pop(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    codes = [run("SQLite, embedded", {}, [*marks, *([] if browser else ["not browser"])], *options)]
    os.environ.update({name: value for name, value in configured.items() if value})
    with backing.postgres_and_redis() as services:
        # Few fixtures belong to a whole file here, so idle workers take single tests.
        worksteal = ("--dist=worksteal", *options)
        second = [*marks, "not browser", "(database or scaled or fault)"]
        codes.append(run("PostgreSQL and Redis", services, second, *worksteal))
    if asked.thorough:
        codes.append(report_coverage())
    if not browser:
        print("\n!!! LEFT OUT: every browser test, because no Chromium was found.", flush=True)
        print(
            "!!! Install it (Debian: apt-get install chromium-headless-shell) and run again.",
            flush=True,
        )
        if CI:
            return 1
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
