"""CPU seconds for each format of an export, by the minute of the film.

    python -m benchmarks.exports [WIDTH HEIGHT]

Prints the table of docs/performance.md. The film is that of benchmarks.edits.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.edits import LIMITS, SECONDS, write_film
from videos.editing.exports.formats import FORMATS, Format
from videos.editing.film import process

MOST_BYTES = 10 * 1024**2


def measure(form: Format, film: Path, target: Path) -> tuple[float, int]:
    """Return the CPU seconds of a process, and the bytes of the file that it made."""
    recipe: dict[str, Any] = {"clips": [{"path": str(film)}]}
    if form.aspect:
        recipe["reframe"] = {"aspect": form.aspect}
    export = {
        "format": form.encoding, "most_size": form.most_size, "most_bits": form.most_bits,
        "most_bytes": MOST_BYTES,
    }  # fmt: skip
    work = {"recipe": recipe, "target": str(target), "limits": LIMITS, "export": export}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-I", process.__file__]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        running.stdin.write(json.dumps(work).encode() + b"\n")  # type: ignore[union-attr]
        running.stdin.flush()  # type: ignore[union-attr]
        said = json.loads(running.stdout.read().splitlines()[-1])  # type: ignore[union-attr]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "made" not in said:
        raise SystemExit(f"{form.name}: {said}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, target.stat().st_size


def main() -> None:
    width, height = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (1280, 720)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        write_film(film, width, height)
        sys.stdout.write(
            f"| format, {width}x{height} | CPU s per minute of film | MB per minute |\n"
            "|---|---|---|\n"
        )
        for form in FORMATS.values():
            used, size = measure(form, film, Path(folder) / f"made.{form.suffix}")
            minute = 60 / SECONDS
            sys.stdout.write(f"| {form.name} | {used * minute:.0f} | {size * minute / 1e6:.1f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
