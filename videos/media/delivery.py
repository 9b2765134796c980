"""Send the video files of finished videos, wherever they are kept."""

from datetime import datetime

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from videos.engines.result_streams import ResultStream
from videos.media import engine_files, http_ranges
from videos.media.engine_files import EngineFileError, FileExpired, StreamedContent
from videos.media.http_ranges import StoredFile
from videos.models import Video


def video_response(
    request: HttpRequest,
    video: Video,
    *,
    filename: str,
    etag: str,
    attachment: bool = False,
    public: bool = False,
) -> HttpResponseBase:
    """Answer with the MP4 of a video, as `http_ranges.file_response` does.

    One that stays at its engine is read there while it is sent; a HEAD reads one byte. Raises
    FileNotFoundError, or EngineFileError for one that the engine does not send.
    """
    file = StoredFile(str(video.file.name or ""), "video/mp4", filename, etag)
    if not video.file_stays_at_engine:
        if not file.name:
            raise FileNotFoundError(filename)
        return http_ranges.file_response(request, file, attachment=attachment, public=public)
    if video.is_expired:
        raise FileExpired
    if request.method == "HEAD":
        # One byte tells whether a GET would get the file; an engine that is away gets no 200.
        engine_files.open_part(video, 0, 1).close()
    ended: datetime = video.completed_at or video.created_at

    def body(start: int, stop: int) -> StreamedContent:
        return StreamedContent(engine_files.open_part(video, start, stop))

    return http_ranges.range_response(
        request,
        file,
        http_ranges.Facts(video.file_bytes, int(ended.timestamp())),
        body,
        attachment=attachment,
        public=public,
    )


def error_page(error: EngineFileError) -> HttpResponse:
    """The answer of pages to an error of `video_response`: a sentence, with Retry-After."""
    headers = {"Cache-Control": "no-store"}
    if error.wait:
        headers["Retry-After"] = str(error.wait)
    text = f"{error}\n"
    return HttpResponse(text, "text/plain; charset=utf-8", error.status, headers=headers)


def open_video(video: Video) -> ResultStream:
    """Open the MP4 of a finished video for reading. Raises FileNotFoundError or EngineFileError."""
    if video.file_stays_at_engine:
        return engine_files.open_whole(video)
    file: ResultStream = default_storage.open(str(video.file.name), "rb")  # type: ignore[assignment]
    return file
