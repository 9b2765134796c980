"""The renderer: reads orders from standard input and draws them, one after another.

Run as `python -m videos.sandbox.render 10`, the number being its niceness; each line is a
directory, a tab and a clip in JSON. It needs no Django and exits when its input closes, which is
how it never outlives its server.
"""

import fcntl
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from videos.sandbox import clip as clips
from videos.sandbox import encoder
from videos.sandbox.clip import Clip, Shelf

KEEP_SECONDS = 48 * 3600


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our stdin
    os.nice(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_orders, args=(orders,), daemon=True).start()
    while True:
        directory, _, text = orders.get().partition("\t")
        fill(Shelf(Path(directory)), clips.from_json(text))


def _read_orders(orders: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin.buffer:
        orders.put(line.decode().rstrip("\n"))
    os._exit(0)  # a clip that is half drawn is of no use to anybody


def fill(shelf: Shelf, clip: Clip) -> None:
    """Draw a clip unless it is there; when that raises, leave a note instead of the MP4."""
    shelf.renders.mkdir(parents=True, exist_ok=True)
    with (shelf.renders / "lock").open("w") as lock:
        # Servers that share the directory take turns, and the kernel unlocks for a killed one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if shelf.video(clip).exists():
            return
        _sweep(shelf)
        try:
            draw(shelf, clip)
        except Exception:
            traceback.print_exc()
            shelf.failure(clip).write_text(traceback.format_exc())


def draw(shelf: Shelf, clip: Clip) -> None:
    """Write a clip's three files; the MP4 appears last, and says by that that all are whole."""
    reel = encoder.Reel(clip, shelf.reference(clip) if clip.reference else None)
    part = _written(shelf.video(clip), reel.write_video)
    for target, write in (
        (shelf.thumbnail(clip), reel.write_thumbnail),
        (shelf.spritesheet(clip), reel.write_spritesheet),
    ):
        _written(target, write).rename(target)
    part.rename(shelf.video(clip))


def _written(target: Path, write: Callable[[Path], None]) -> Path:
    """Write the content of `target` under a temporary name and make sure it is on the disk."""
    part = target.with_suffix(target.suffix + ".part")
    write(part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    return part


def _sweep(shelf: Shelf) -> None:
    """Remove leftovers of killed renderers and files nobody may download any more."""
    oldest = time.time() - KEEP_SECONDS
    for file in shelf.renders.iterdir():
        if file.suffix == ".part" or (file.name != "lock" and file.stat().st_mtime < oldest):
            file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
