"""`make bench`: measure the figures of docs/performance.md, and write them there.

Parts can be named: `python -m benchmarks requests files`. `--quick` measures less. `--check` writes
nothing and fails when a ratio to a floor is worse than the last one by more than a quarter.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks import figures, page

PARTS = (
    "requests", "gateway", "ledger", "polling", "live", "wakeups", "sockets", "files", "footprint",
)  # fmt: skip
# These work on a database in this process.
IN_THIS_DATABASE = {"gateway", "live", "polling"}


def main() -> None:
    options = _options()
    if options.into:
        figures.save(_measure_here(options.parts[0], quick=options.quick), Path(options.into))
        return
    parts = options.parts or PARTS
    earlier = figures.load(page.FIGURES)
    found = [each for part in parts for each in _measure(part, quick=options.quick)]
    print(f"\n{page.machine()}\n\n{figures.table(found)}", flush=True)
    if options.check:
        sys.exit("\n".join(figures.regressions(found, earlier)))
    if not options.quick:
        page.write(figures.merge(earlier, found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; all")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--into", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(part: str, *, quick: bool) -> list[figures.Figure]:
    """Measure a part in a process of its own, because each sets up Django as it needs it."""
    print(f"\n=== {part}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks", part, "--into", str(results)]
        subprocess.run([*command, *["--quick"] * quick], check=True)
        return figures.load(results)


def _measure_here(part: str, *, quick: bool) -> list[figures.Figure]:
    import_module("tests.environment")
    os.environ["LOG_LEVEL"] = "CRITICAL"
    import_module("django").setup()
    if part in IN_THIS_DATABASE:
        import_module("django.core.management").call_command("migrate", verbosity=0)
    measured: list[figures.Figure] = import_module(f"benchmarks.{part}").measure(quick=quick)
    return measured


if __name__ == "__main__":
    main()
