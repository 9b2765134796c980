"""The renderer process: reads requests from standard input and renders one clip after another.

Run as `python -m videos.sandbox.rendering.process 10 60`: its niceness, and the seconds after which
it exits when nobody has requested a clip. Each line is a directory, a tab and a clip in JSON. It
needs no Django and exits when its input closes, so it never outlives its server.
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
from functools import partial
from pathlib import Path

from videos.sandbox import clip as clips
from videos.sandbox.clip import Clip, RenderDirectory
from videos.sandbox.rendering import encoder

KEEP_SECONDS = 48 * 3600


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our stdin
    niceness, idle_seconds = int(sys.argv[1]), float(sys.argv[2])
    os.nice(niceness)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    while True:
        try:
            path, _, text = requests.get(timeout=idle_seconds).partition("\t")
        except queue.Empty:  # its memory is worth more than the second that another start takes
            os._exit(0)  # not by returning: the other thread holds the input
        render_if_missing(RenderDirectory(Path(path)), clips.from_json(text))


def _read_requests(requests: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin.buffer:
        requests.put(line.decode().rstrip("\n"))
    os._exit(0)  # a partly rendered clip is of no use


def render_if_missing(directory: RenderDirectory, clip: Clip) -> None:
    """Render a clip unless it exists; when that raises, write a failure file instead of the MP4."""
    directory.renders.mkdir(parents=True, exist_ok=True)
    with (directory.renders / "lock").open("w") as lock:
        # Renderers that share the directory take turns; a killed one loses its lock.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if directory.video(clip).exists():
            return
        _remove_old_files(directory)
        try:
            render(directory, clip)
        except Exception:
            traceback.print_exc()
            directory.failure(clip).write_text(traceback.format_exc())


def render(directory: RenderDirectory, clip: Clip) -> None:
    """Write a clip's three files; the MP4 appears last, once all of them are complete."""
    clip_encoder = encoder.ClipEncoder(clip, directory.image)
    report = partial(_report, directory, clip)
    part = _write_part(directory.video(clip), partial(clip_encoder.write_video, report=report))
    for target, write in (
        (directory.thumbnail(clip), clip_encoder.write_thumbnail),
        (directory.spritesheet(clip), clip_encoder.write_spritesheet),
    ):
        _write_part(target, write).rename(target)
    part.rename(directory.video(clip))
    directory.progress(clip).unlink(missing_ok=True)


def _report(directory: RenderDirectory, clip: Clip, percent: int) -> None:
    """Write how much is encoded; never less than a killed renderer had."""
    if percent > directory.encoded_percent(clip):
        target = directory.progress(clip)
        part = target.with_suffix(".progress.part")
        part.write_text(str(percent))
        part.rename(target)


def _write_part(target: Path, write: Callable[[Path], None]) -> Path:
    """Write `target` under a temporary name, flush it to the disk and return that name."""
    part = target.with_suffix(target.suffix + ".part")
    write(part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    return part


def _remove_old_files(directory: RenderDirectory) -> None:
    """Remove partial files of killed renderers and files that have expired."""
    oldest = time.time() - KEEP_SECONDS
    for file in directory.renders.iterdir():
        if file.suffix == ".part" or (file.name != "lock" and file.stat().st_mtime < oldest):
            file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
