"""The server's side of rendering: one low-priority child process that renders clips in turn.

The child starts with a request and ends when it has none for IDLE_SECONDS. It ends with this
process, even when this one is killed: it exits as soon as its standard input closes. Every poll of
an unfinished job requests its clip again, so neither process has to store the requests.
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

from videos.sandbox.clip import Clip, RenderDirectory

PROJECT = Path(__file__).resolve().parents[3]
CHILD = "videos.sandbox.rendering.process"
MAX_ATTEMPTS = 3
IDLE_SECONDS = 60
REPEAT_SECONDS = 600  # requesting a clip twice is cheap: the child skips what exists


class _RenderProcess:
    def __init__(self) -> None:
        self.owner = os.getpid()
        self.requested_at: dict[tuple[Path, str], float] = {}
        # Drafts are for tests, which wait for them; real clips must not slow the server down.
        niceness = "0" if settings.SANDBOX_DETAIL == "draft" else "10"
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", CHILD, niceness, str(IDLE_SECONDS)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        # Collect it as soon as it ends, for it may be long until the next request.
        threading.Thread(target=self.process.wait, name="renderer", daemon=True).start()

    def alive(self) -> bool:
        """Tell whether this process can write to it: a forked process must not share the pipe."""
        return self.owner == os.getpid() and self.process.poll() is None

    def send(self, directory: Path, clip: Clip) -> None:
        assert self.process.stdin is not None
        self.requested_at[directory, clip.name] = time.monotonic()
        self.process.stdin.write(f"{directory}\t{clip.to_json()}\n".encode())
        self.process.stdin.flush()


class _RenderQueue:
    """This process's child, and how often each clip was attempted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _RenderProcess | None = None
        self._attempts: dict[tuple[Path, str], int] = {}

    def reset_attempts(self, directory: Path, clip: Clip) -> None:
        key = (directory, clip.name)
        with self._lock:
            self._attempts.pop(key, None)
            if self._child is not None:
                self._child.requested_at.pop(key, None)

    def request(self, directory: Path, clip: Clip) -> bool:
        """Request a clip unless that is done; False when it has crashed the child too often."""
        key = (directory, clip.name)
        with self._lock:
            if self._child is None or not self._child.alive():
                self._child = _RenderProcess()
                atexit.register(self.close)
            if key not in self._child.requested_at:
                self._attempts[key] = self._attempts.get(key, 0) + 1
            if self._attempts[key] > MAX_ATTEMPTS:
                return False
            if time.monotonic() - self._child.requested_at.get(key, -math.inf) < REPEAT_SECONDS:
                return True
            try:
                self._child.send(directory, clip)
            except BrokenPipeError:
                self._child = None  # it has just died: the next poll starts another
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


_queue = _RenderQueue()


def directory() -> RenderDirectory:
    return RenderDirectory(Path(settings.SANDBOX_DIR).resolve())


def ready(clip: Clip) -> bool:
    return directory().video(clip).exists()


def encoded_percent(clip: Clip) -> int:
    """Return how much of a clip is encoded, in 0..100."""
    percent = directory().encoded_percent(clip)
    return percent or (100 if ready(clip) else 0)  # the progress file ends with the render


def rendered_at(clip: Clip) -> float:
    """Return when a clip was rendered or last requested, in unix seconds; 0 when it is gone."""
    try:
        return directory().video(clip).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def failed(clip: Clip) -> bool:
    return directory().failure(clip).exists()


def store_image(data: bytes) -> str:
    """Store an image for the renderer and return its SHA-256."""
    digest = hashlib.sha256(data).hexdigest()
    file = directory().image(digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{digest}.{os.getpid()}-{threading.get_ident()}.part")
    part.write_bytes(data)
    part.rename(file)
    return digest


def begin(clip: Clip) -> None:
    """Request a clip for a new job: after an earlier failure it is tried again."""
    if failed(clip):
        directory().failure(clip).unlink(missing_ok=True)
        directory().progress(clip).unlink(missing_ok=True)
    _queue.reset_attempts(directory().path, clip)
    if ready(clip):
        os.utime(directory().video(clip))
    ensure(clip)


def ensure(clip: Clip) -> None:
    """Request a clip unless it exists, is being rendered or has failed; cheap for every poll."""
    if ready(clip) or failed(clip) or _queue.request(directory().path, clip):
        return
    directory().renders.mkdir(parents=True, exist_ok=True)
    directory().failure(clip).write_text(f"the renderer died {MAX_ATTEMPTS} times")


def stop() -> None:
    """End the child, if one runs; the clip it was rendering is requested again by the next poll."""
    _queue.close()
