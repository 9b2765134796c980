"""Videos whose files stay at their engines: opened, and sent while the engine sends them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.utils.translation import gettext as _

from config.lib.connections import release_connection
from videos.engines import base, json_api
from videos.engines.errors import (
    EngineError,
    Gone,
    NotFound,
    NotReady,
    RateLimited,
    Unavailable,
    Unsupported,
)
from videos.engines.result_streams import Part, ResultStream
from videos.models import Video

log = logging.getLogger(__name__)
# Threads of their own: an engine that is slow must not hold up those who read stored files.
_readers = ThreadPoolExecutor(json_api.STREAMS_AT_ONCE, "engine-file")
IDLE_SECONDS = 60
# When to try again, in seconds, where the engine does not say.
PAUSE_SECONDS = 30


class EngineFileError(Exception):
    """The file of a video cannot be sent now; the text says why.

    `status` is the HTTP status, `wait` the seconds until trying again may help; None for never.
    """

    status = 502
    wait: int | None = None


class FileExpired(EngineFileError):
    """The engine no longer keeps the file."""

    status = 410

    def __init__(self) -> None:
        super().__init__(_("The engine no longer keeps the file of this video."))


class EngineAway(EngineFileError):
    """The engine does not answer now."""

    status = 503

    def __init__(self, wait: float | None = None) -> None:
        self.wait = max(round(wait or PAUSE_SECONDS), 1)
        super().__init__(_("The engine that keeps this video does not answer. Try again later."))


class EngineRefuses(EngineFileError):
    """The engine does not give the file: the operator has to look into it."""

    wait = PAUSE_SECONDS

    def __init__(self) -> None:
        super().__init__(_("The engine that keeps this video does not give it out."))


def open_part(video: Video, start: int, stop: int) -> ResultStream:
    """Open the bytes from `start` to before `stop` of a video's file. Raises EngineFileError."""
    if video.is_expired:
        raise FileExpired
    release_connection()
    try:
        if video.engine not in settings.ENGINES:
            raise Unsupported(f"the engine {video.engine} is not configured")
        part = Part(start, stop, video.file_bytes)
        return base.get(video.engine).open_result(video.engine_job_id, part)
    except EngineError as error:
        log.warning("the file of video %s cannot be read at its engine: %s", video.pk, error)
        raise _as_answer(error) from error


def open_whole(video: Video) -> ResultStream:
    """Open the whole file of a video. Raises EngineFileError."""
    return open_part(video, 0, video.file_bytes)


def _as_answer(error: EngineError) -> EngineFileError:
    if isinstance(error, Gone | NotFound):
        return FileExpired()
    if isinstance(error, Unavailable | RateLimited | NotReady):
        return EngineAway(error.retry_after)
    return EngineRefuses()


class StreamedContent:
    """The content of an answer: each chunk is read in a thread when the one before it was sent.

    Django closes it with the answer, also when the client has left or nothing was sent. A client
    that takes nothing for `idle_seconds` loses its place at the engine; players ask for the rest.
    """

    def __init__(self, stream: ResultStream, idle_seconds: float = IDLE_SECONDS) -> None:
        self._stream, self._idle_seconds = stream, idle_seconds
        self._reading: asyncio.Future[bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._reading = loop.run_in_executor(_readers, self._stream.read)
                # Whoever stops waiting must not forget the thread that reads.
                if not (chunk := await asyncio.shield(self._reading)):
                    return
                idle = loop.call_later(self._idle_seconds, self._stream.close)
                try:
                    yield chunk
                finally:
                    idle.cancel()
        finally:
            self._end()

    def _end(self) -> None:
        """Close the stream, after the thread that reads from it."""
        if self._reading is None or self._reading.done():
            self._stream.close()
        else:
            self._reading.add_done_callback(self._close_after)

    def _close_after(self, reading: "asyncio.Future[bytes]") -> None:
        reading.exception()  # nobody waits for it any more
        self._stream.close()

    def close(self) -> None:
        """Close what was never read; while it is read, `__aiter__` does."""
        if self._reading is None:
            self._stream.close()
