"""The files of a job over HTTP, and the faults of `[[content:...]]`."""

from django.http import HttpRequest, HttpResponseBase

from config.lib.sandbox import connections
from videos.sandbox.http import faults, ranges
from videos.sandbox.http.errors import ApiError
from videos.sandbox.jobs import counters
from videos.sandbox.jobs.records import Job
from videos.sandbox.rendering import renderer

CONTENT_TYPES = {
    "video": "video/mp4",
    "thumbnail": "image/webp",
    "spritesheet": "image/jpeg",
}


def is_gone(job: Job) -> bool:
    """Tell whether the files of a job have expired, by the clock or by its prompt."""
    return job.is_expired or job.triggers.value("content") == "expired"


def serve(request: HttpRequest, job: Job, variant: str) -> HttpResponseBase:
    """Return a completed job's file, or the fault its prompt asks for.

    Raises ApiError; 404 when the file was removed and is rendered again.
    """
    file = getattr(renderer.directory(), variant)(job.clip)
    fault = job.triggers.fault("content")
    counted = fault if variant == "video" and request.method == "GET" else None
    if counted and counted.applies(counters.count_request(job, "downloads")):
        if counted.kind.isdigit():
            raise faults.error_with_status(int(counted.kind))
        if counted.kind == "html":
            return faults.web_page()
        if counted.kind == "truncate":
            whole = file.read_bytes()
            half = whole[: len(whole) // 2]
            return connections.truncate(request, half, CONTENT_TYPES[variant])
    try:
        return ranges.file_response(request, file, CONTENT_TYPES[variant])
    except FileNotFoundError as error:
        renderer.ensure(job.clip)
        raise ApiError(404, f"Video '{job.id}' is being fetched; try again.") from error
