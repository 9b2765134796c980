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
# What is left out without a program, and the Debian packages that have it.
PROGRAMS = {
    "browser": ("every browser test, because no Chromium was found", "chromium-headless-shell"),
    "firefox": ("the journey in Firefox", "firefox-esr libavcodec-extra"),
    "webkit": ("the journey in WebKit", "webkit2gtk-driver xvfb gstreamer1.0-libav"),
    "proxy": ("the tests of deploy/, for want of nginx or Caddy", "nginx-light caddy"),
}
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


def run_both(asked: argparse.Namespace, left_out: list[str], options: list[str]) -> list[int]:
    """Run the tests without the marks in `left_out` on SQLite and on PostgreSQL and Redis."""
    marks = [] if asked.thorough else ["not thorough"]
    first = [*marks, *(f"not {mark}" for mark in left_out)]
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


def missing(*, thorough: bool) -> list[str]:
    """The marks of the tests for which this machine has no program."""
    found = {
        "browser": backing.browser(),
        "firefox": backing.firefox(),
        "webkit": backing.webkit() or not thorough,
        "proxy": len(backing.proxies()) == 2,
    }
    return [mark for mark, has in found.items() if not has]


def report_left_out(mark: str) -> None:
    what, packages = PROGRAMS[mark]
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
    left_out = missing(thorough=asked.thorough)
    codes = run_both(asked, left_out, options)
    if asked.thorough:
        codes.append(report_coverage())
    for mark in left_out:
        report_left_out(mark)
    if CI and left_out:
        return 1
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
