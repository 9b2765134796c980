"""Make one film, in a process that its limits can end.

    python -I process.py

Reads one line of JSON, the work, and prints lines of JSON: {"progress": percent} again and again,
then one of {"made": {…}}, {"refused": code, "detail": …}, {"full": why} and {"broken": why}. It
imports nothing of the product but the modules beside it, and ends at once when its standard input
is closed, as it is when the process that started it has died.
"""

import errno
import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

TELL_SECONDS = 0.25
NICENESS = 10


def make(work: dict[str, Any]) -> dict[str, Any]:
    """Make the film and return what it is. Raises Refused or av.FFmpegError."""
    # Import only after the limits of this process are set.
    from videos.editing.film import (  # noqa: PLC0415
        pictures,
        plan,
        sounds,
        sources,
        watermarks,
        writing,
    )

    if "export" in work:
        from videos.editing.film import exporting  # noqa: PLC0415 - with Pillow, for exports only

        return exporting.make(work, Teller())

    limits, recipe = work["limits"], work["recipe"]
    measured = [sources.measure(part["path"], limits["source_pixels"]) for part in recipe["clips"]]
    film = plan.compose(recipe, measured, limits)
    track = sounds.measure(recipe["track"]) if recipe.get("track") else None
    is_mute = bool(recipe.get("mute"))
    sound = None
    if sounds.has_sound(film, track, mute=is_mute):
        sound = sounds.sound_of(film, track, mute=is_mute)
    shown = pictures.pictures_of(film)
    if recipe.get("mark"):
        shown = watermarks.marked(shown, film, recipe["mark"])
    writing.write(work["target"], film, shown, sound, Teller())
    width, height = film.canvas.size
    return {"width": width, "height": height, "seconds": float(film.frames / film.rate)}


class Teller:
    """Prints how much is done, a few times a second at most."""

    def __init__(self) -> None:
        self._said_at = 0.0

    def __call__(self, done: float) -> None:
        now = time.monotonic()
        if now - self._said_at >= TELL_SECONDS:
            self._said_at = now
            say({"progress": round(100 * done, 1)})


def say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def set_limits(limits: dict[str, Any]) -> None:
    """Limit this process: memory, seconds of CPU, and the size of a file."""
    for kind, most in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["bytes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # At the first limit the process ends with a signal that tells why.
    seconds = limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    os.nice(NICENESS)


def end_with_parent() -> None:
    """End at once when standard input is closed."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    work = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    set_limits(work["limits"])
    # The root of the project, for the modules beside this one.
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    import av  # noqa: PLC0415

    from videos.editing.film.plan import Refused  # noqa: PLC0415

    try:
        said: dict[str, Any] = {"made": make(work)}
    except Refused as error:
        said = {"refused": error.code, "detail": str(error)}
    except MemoryError:
        said = {"refused": "too_much_memory"}
    except (av.FFmpegError, OSError, ValueError) as error:
        kinds = {errno.ENOSPC: "full", errno.EDQUOT: "full"}
        code = getattr(error, "errno", 0) or 0
        said = {kinds.get(code, "broken"): str(error)}
        if code == errno.EFBIG:
            said = {"refused": "file_too_large"}
        if code == errno.ENOMEM:
            said = {"refused": "too_much_memory"}
    say(said)
    os._exit(0)  # no thread of a decoder holds up the end


if __name__ == "__main__":
    main()
