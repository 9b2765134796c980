"""`make test`: every behaviour on SQLite, and whatever uses a database on PostgreSQL and Redis too.

PostgreSQL and Redis get the first case of a test that repeats itself with other input, and none
whose subject are images and films.
Both run at once; what the second one prints follows at the end. `make test-thorough` (`--thorough`)
runs one after the other: everything on both, mutants, long races, large random runs and the fuzzer
at full size, and how much of the code that covers. Other options go to pytest.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from tests import backing, tiers

CI = os.environ.get("CI", "").lower() in {"1", "true"}
CORES = os.cpu_count() or 1
# Tests wait for servers, browsers and pauses half of the time.
WORKERS = min(2 * CORES, 8)
SERVICES = ("DATABASE_URL", "REDIS_URL")
TESTS = Path(__file__).parent
COVERAGE = ("--cov", "--cov-branch", "--cov-append", "--cov-report=")


def run(
    name: str,
    environment: Mapping[str, str],
    marks: list[str],
    *options: str,
    workers: int,
    output: IO[bytes] | None,
) -> int:
    """Run pytest on the tests that have all the marks; its exit code."""
    title(name, output)
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers)]
    code = subprocess.run(
        [*command, "-m", " and ".join(marks), *options],
        env=environment,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        check=False,
    ).returncode
    title(f"{name}: {(time.monotonic() - started) / 60:.1f} minutes", output)
    return code


def compile_tests(environment: Mapping[str, str]) -> None:
    """Import every test in one process of a fresh clone, which keeps what it compiles.

    Otherwise all workers, which start at once, would compile the same modules.
    """
    if not list(TESTS.glob("__pycache__/conftest.*-pytest-*.pyc")):
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--collect-only"]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)


def title(words: str, output: IO[bytes] | None) -> None:
    to = output or sys.stdout.buffer
    to.write(f"\n=== {words} ===\n".encode())
    to.flush()


def run_both(
    asked: argparse.Namespace, browser: bool, proxies: bool, options: list[str]
) -> list[int]:
    """Run the tests on SQLite and on PostgreSQL and Redis; the exit codes."""
    marks = [] if asked.thorough else ["not thorough"]
    first = [*marks, *([] if browser else ["not browser"]), *([] if proxies else ["not proxy"])]
    second = [*marks, "not browser", "not proxy", "(database or scaled or fault)"]
    # Few fixtures belong to a whole file there, so idle workers take single tests.
    # The browser tests import much, and none of them runs there.
    stealing = ("--dist=worksteal", "--ignore=tests/e2e", *options)
    half = WORKERS if asked.thorough else max(WORKERS // 2, 2)
    # One more for SQLite, whose browsers and killed processes are waited for at the end.
    most = half if asked.thorough else half + 1
    plain = {name: value for name, value in os.environ.items() if name not in SERVICES}
    # The tests start hundreds of processes, which should share compiled modules.
    plain.pop("PYTHONDONTWRITEBYTECODE", None)
    compile_tests(plain)
    with backing.postgres_and_redis() as services, tempfile.TemporaryFile() as later:
        full = {**plain, **services}
        name, output = "PostgreSQL and Redis", None if asked.thorough else later
        with ThreadPoolExecutor(1 if asked.thorough else 2) as pool:
            runs = [
                pool.submit(
                    run, "SQLite, embedded", plain, first, *options, workers=most, output=None
                ),
                pool.submit(run, name, full, second, *stealing, workers=half, output=output),
            ]
        later.seek(0)
        sys.stdout.buffer.write(later.read())
        sys.stdout.flush()
    return [each.result() for each in runs]


def report_coverage() -> int:
    for words in (("report", "--skip-covered"), ("html", "-q")):
        code = subprocess.run([sys.executable, "-m", "coverage", *words], check=False).returncode
    return code


def report_left_out(what: str, packages: str) -> None:
    print(f"\n!!! LEFT OUT: {what}.", flush=True)
    print(f"!!! Install it (Debian: apt-get install {packages}) and run again.", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("--thorough", action="store_true", help="the second, long tier")
    asked, options = parser.parse_known_args()
    if asked.thorough:
        os.environ[tiers.NAME] = "thorough"
        options += COVERAGE
        subprocess.run([sys.executable, "-m", "coverage", "erase"], check=True)
    browser, proxies = backing.browser(), len(backing.proxies()) == 2
    codes = run_both(asked, browser is not None, proxies, options)
    if asked.thorough:
        codes.append(report_coverage())
    if not browser:
        report_left_out(
            "every browser test, because no Chromium was found", "chromium-headless-shell"
        )
    if not proxies:
        report_left_out("the tests of deploy/, for want of nginx or Caddy", "nginx-light caddy")
    if CI and not (browser and proxies):
        return 1
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
