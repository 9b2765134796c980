"""The server's side of rendering: one low-priority child process that draws clips in turn.

The child starts with the first order and ends with this process, even when this one is killed:
it exits as soon as its standard input closes. Orders are repeated by whoever next looks at an
unfinished job, so neither process needs to remember them.
"""

import atexit
import hashlib
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from django.conf import settings

from videos.sandbox.clip import Clip, Shelf

PROJECT = Path(__file__).resolve().parents[2]
TRIES = 3
REPEAT_SECONDS = 600  # a clip drawn twice costs nothing: the child looks before it draws


class _Child:
    def __init__(self) -> None:
        self.owner = os.getpid()
        self.ordered_at: dict[tuple[Path, str], float] = {}
        # Nobody waits for a demo the way tests wait for drafts.
        niceness = "0" if settings.SANDBOX_DETAIL == "draft" else "10"
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "videos.sandbox.render", niceness],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

    def alive(self) -> bool:
        """Tell whether this process can order from it: a fork must not share the pipe."""
        return self.owner == os.getpid() and self.process.poll() is None

    def order(self, directory: Path, clip: Clip) -> None:
        assert self.process.stdin is not None
        self.ordered_at[directory, clip.name] = time.monotonic()
        self.process.stdin.write(f"{directory}\t{clip.to_json()}\n".encode())
        self.process.stdin.flush()


class _Desk:
    """Where orders are taken: this process's child, and how often each clip was tried."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._tries: dict[tuple[Path, str], int] = {}

    def forgive(self, directory: Path, clip: Clip) -> None:
        key = (directory, clip.name)
        with self._lock:
            self._tries.pop(key, None)
            if self._child is not None:
                self._child.ordered_at.pop(key, None)

    def order(self, directory: Path, clip: Clip) -> bool:
        """Order a clip unless that is done; False when it has killed the child too often."""
        key = (directory, clip.name)
        with self._lock:
            if self._child is None or not self._child.alive():
                self._child = _Child()
                atexit.register(self.close)
            if key not in self._child.ordered_at:
                self._tries[key] = self._tries.get(key, 0) + 1
            if self._tries[key] > TRIES:
                return False
            if time.monotonic() - self._child.ordered_at.get(key, -math.inf) < REPEAT_SECONDS:
                return True
            try:
                self._child.order(directory, clip)
            except BrokenPipeError:
                self._child = None  # it died just now: the next poll starts another
            return True

    def close(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child is None or not child.alive():
            return
        assert child.process.stdin is not None
        child.process.stdin.close()
        try:
            child.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


_desk = _Desk()


def shelf() -> Shelf:
    return Shelf(Path(settings.SANDBOX_DIR).resolve())


def ready(clip: Clip) -> bool:
    return shelf().video(clip).exists()


def drawn_at(clip: Clip) -> float:
    """Return when a clip was drawn or last ordered, in unix seconds; 0 when it is gone."""
    try:
        return shelf().video(clip).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def failed(clip: Clip) -> bool:
    return shelf().failure(clip).exists()


def keep_reference(data: bytes) -> str:
    """Store a first frame for the renderer and return its SHA-256."""
    digest = hashlib.sha256(data).hexdigest()
    directory = shelf().directory / "references"
    directory.mkdir(parents=True, exist_ok=True)
    part = directory / f"{digest}.{os.getpid()}-{threading.get_ident()}.part"
    part.write_bytes(data)
    part.rename(directory / digest)
    return digest


def begin(clip: Clip) -> None:
    """Order a clip for a new job: an earlier failure gets another try, a cached file stays."""
    shelf().failure(clip).unlink(missing_ok=True)
    _desk.forgive(shelf().directory, clip)
    if ready(clip):
        os.utime(shelf().video(clip))
    ensure(clip)


def ensure(clip: Clip) -> None:
    """Order a clip unless it is drawn, being drawn or has failed; cheap enough for every poll."""
    if ready(clip) or failed(clip) or _desk.order(shelf().directory, clip):
        return
    shelf().renders.mkdir(parents=True, exist_ok=True)
    shelf().failure(clip).write_text(f"the renderer died {TRIES} times")


def stop() -> None:
    """End the child, if one runs; what it was drawing is drawn again when asked for."""
    _desk.close()
