"""Have a process make the film of a job, and store it. Uses no database; runs in threads."""

import errno
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from videos.editing import origin
from videos.editing.film import process
from videos.engines.errors import BadAnswer, EngineError, NotReady
from videos.media import engine_files, files
from videos.media.engine_files import EngineFileError
from videos.media.files import StoredResult
from videos.models import Video

log = logging.getLogger(__name__)

FOLDER = "media-job-"
CHUNK_BYTES = 1024 * 1024
# How long the process is not read from before its limits are looked at.
TICK_SECONDS = 0.2
LONGEST_LINE = 64 * 1024


class Stopped(Exception):
    """The work was given up: the job was cancelled, or the worker stops."""


class Failed(Exception):
    """The job cannot be done; with `again` it may succeed later."""

    def __init__(self, code: str, detail: str = "", *, again: bool = False) -> None:
        self.code, self.detail, self.again = code, detail[-2000:], again
        super().__init__(code)


@dataclass(frozen=True)
class Made:
    """A film that is stored."""

    stored: StoredResult
    width: int
    height: int
    seconds: float


@dataclass
class Work:
    """All that a thread needs of a job; `result` is the video to be, which is not stored.

    The thread writes `progress`, in percent, and ends when `stop` is set.
    """

    job_id: UUID
    attempt: int
    recipe: dict[str, Any]
    videos: list[Video]
    sound: tuple[str, str] | None
    poster: float | None
    result: Video
    # Where a file is stored that is no video of the library; "" for a video.
    file_name: str = ""
    progress: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class MadeExport:
    """An export that is stored, under the names that it has there; `sidecar` may be ""."""

    file: str
    sidecar: str
    size_bytes: int
    sha256: str
    manifest: str
    width: int
    height: int
    seconds: float


Outcome = Made | MadeExport | Failed | Stopped


@dataclass(frozen=True)
class Task:
    """What a thread does for a job: `make` never raises, `clean` says whether it succeeded."""

    work: Work
    make: Callable[[], Outcome]
    clean: Callable[[], bool]


def task_of(work: Work) -> Task:
    """What a thread does for an edit."""
    return Task(work, partial(make, work), partial(remove_files, work))


def make(work: Work, begin: "Callable[[Work, Path], Outcome] | None" = None) -> Outcome:
    """Make and store the film of an edit, or what `begin` makes; never raises.

    Leaves no temporary file.
    """
    folder = _folder(work.job_id) / str(work.attempt)
    try:
        remove_temporary_files(work.job_id)
        folder.mkdir(parents=True)
        return (begin or _made)(work, folder)
    except (Stopped, Failed) as ended:
        return ended
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        return Failed("disk_full" if is_full else "not_stored", str(error), again=True)
    except Exception as error:  # whatever it is, the job must end
        log.exception("the job %s could not be done", work.job_id)
        return Failed("not_stored", repr(error), again=True)
    finally:
        # Only this attempt's: the next one may have begun, when the lease of this one was lost.
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.parent.rmdir()


def remove_files(work: Work) -> bool:
    """Remove what a job that ended without a video has stored; False when that failed."""
    try:
        remove_temporary_files(work.job_id)
        if work.file_name:
            default_storage.delete(work.file_name)
        else:
            files.delete_files(work.result)
    except Exception:
        log.exception("the files of edit %s could not be removed", work.job_id)
        return False
    return True


def remove_temporary_files(job_id: UUID) -> None:
    """Remove the folder of a job, and of its earlier attempts."""
    shutil.rmtree(_folder(job_id), ignore_errors=True)


def temporary_folders() -> list[tuple[UUID, Path]]:
    """The folders of jobs on this machine."""
    found = []
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob(f"{FOLDER}*"):
        try:
            found.append((UUID(path.name.removeprefix(FOLDER)), path))
        except ValueError:
            continue
    return found


def _folder(job_id: UUID) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{FOLDER}{job_id.hex}"


def _made(work: Work, folder: Path) -> Made:
    target = folder / "film.mp4"
    instructions = instructions_of(work, folder, target)
    made = run_process(work, instructions)
    if work.stop.is_set():
        raise Stopped
    try:
        sources = origin.sources_of(work.videos, instructions["recipe"])
        done = origin.actions_of(work.recipe)
        if work.file_name:
            stored = files.store_alone(work.result, work.file_name, str(target), sources, done)
        else:
            stored = files.store_edited(work.result, str(target), work.poster, sources, done)
    except BadAnswer as error:
        raise Failed("broken", str(error)) from error
    except NotReady as error:
        raise Failed("not_stored", str(error), again=True) from error
    return Made(stored, **made)


def instructions_of(work: Work, folder: Path, target: Path) -> dict[str, Any]:
    """What the process is told: the recipe with files, and its limits."""
    recipe = dict(work.recipe)
    paths: dict[UUID, str] = {}
    for video in work.videos:
        if video.pk not in paths:
            paths[video.pk] = _local_copy(work, video, folder / f"{len(paths)}.mp4")
    clips = [{"path": paths[video.pk]} for video in work.videos]
    clips[0] |= recipe.pop("trim", None) or {}
    recipe["clips"] = clips
    if work.sound:
        name, kind = work.sound
        copy = folder / "sound"
        recipe["track"] |= {"path": _local_file(work, name, copy, "sound_deleted"), "kind": kind}
    limits = {
        "seconds": settings.EDIT_MAX_SECONDS + 1,
        "pixels": settings.EDIT_MAX_PIXELS,
        "source_pixels": settings.EDIT_MAX_PIXELS,
        "bytes": settings.EDIT_MAX_BYTES,
        "memory": settings.EDIT_MEMORY_BYTES,
        "cpu_seconds": int(settings.EDIT_CPU.total_seconds()),
    }
    return {"recipe": recipe, "target": str(target), "limits": limits}


def _local_copy(work: Work, video: Video, copy: Path) -> str:
    if not video.file_stays_at_engine:
        return _local_file(work, str(video.file.name), copy, "source_gone")
    try:
        with engine_files.open_whole(video) as stream:
            _write(work, stream.read, copy)
    except EngineFileError as error:
        again = error.wait is not None
        raise Failed("source_gone", str(error), again=again) from error
    except EngineError as error:
        raise Failed("source_gone", str(error), again=True) from error
    return str(copy)


def _local_file(work: Work, name: str, copy: Path, fault: str) -> str:
    """The path of a stored file; of one that is in a bucket, that of a copy."""
    try:
        path = default_storage.path(name)
    except NotImplementedError:
        try:
            with default_storage.open(name, "rb") as stored:
                _write(work, lambda: stored.read(CHUNK_BYTES), copy)
        except FileNotFoundError as error:
            raise Failed(fault, name) from error
        return str(copy)
    if not Path(path).is_file():
        raise Failed(fault, name)
    return path


def _write(work: Work, read: Callable[[], bytes], copy: Path) -> None:
    with copy.open("wb") as file:
        while chunk := read():
            if work.stop.is_set():
                raise Stopped
            file.write(chunk)


def run_process(work: Work, instructions: dict[str, Any]) -> dict[str, Any]:
    """Run the process to its end, and return what it made. Raises Failed or Stopped."""
    deadline = time.monotonic() + settings.EDIT_TIMEOUT.total_seconds()
    command = [sys.executable, "-I", process.__file__]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        try:
            said = _listen(work, running, instructions, deadline)
        finally:
            running.kill()
    match said:
        case {"made": made}:
            return dict(made)
        case {"refused": code}:
            raise Failed(code, str(said.get("detail", "")))
        case {"full": why}:
            raise Failed("disk_full", why, again=True)
        case {"broken": why}:
            raise Failed("broken", why)
    # It was ended from outside: by its own limits, or for lack of memory.
    code = running.returncode
    is_late = code == -signal.SIGXCPU
    raise Failed("too_much_time" if is_late else "broken", f"the process ended with {code}")


def _listen(
    work: Work, running: "subprocess.Popen[bytes]", instructions: dict[str, Any], deadline: float
) -> dict[str, Any]:
    """Tell the process its work, follow its progress, and return its last word.

    Its standard input stays open: the process ends when that is closed.
    """
    tell, hear = cast("IO[bytes]", running.stdin), cast("IO[bytes]", running.stdout)
    tell.write(json.dumps(instructions).encode() + b"\n")
    tell.flush()
    out, rest = hear.fileno(), b""
    said: dict[str, Any] = {}
    while True:
        if work.stop.is_set():
            raise Stopped
        if time.monotonic() > deadline:
            raise Failed("too_much_time", "by the clock")
        if not select.select([out], [], [], TICK_SECONDS)[0]:
            continue
        chunk = os.read(out, LONGEST_LINE)
        if not chunk:
            running.wait(TICK_SECONDS * 10)
            return said
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            said = json.loads(line)
            work.progress = said.get("progress", work.progress)
