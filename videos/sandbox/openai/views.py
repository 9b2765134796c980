"""The Videos API under /sandbox/v1, as plain Django views.

Plain, because both SDKs ask for `Accept: application/binary` on downloads and REST framework's
content negotiation would refuse that. Source: openai-openapi, paths `/videos...`, `ErrorResponse`.
"""

import functools
import logging
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from videos.sandbox.http import access, content, create_faults, faults
from videos.sandbox.http.errors import ApiError
from videos.sandbox.jobs import counters, creation, records, status, timeline
from videos.sandbox.jobs.records import Job
from videos.sandbox.openai import events, objects, requests

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def endpoint(*methods: str) -> Callable[[View], View]:
    """Let a view accept some methods, answer errors with OpenAI's body and carry a request id."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def handle(request: HttpRequest, **ids: str) -> HttpResponseBase:
            try:
                if methods and request.method not in methods:
                    raise _method_not_allowed(request, methods)
                response = view(request, **ids)
            except ApiError as error:
                response = JsonResponse({"error": error.error}, status=error.status)
                for name, value in error.headers.items():
                    response[name] = value
            except Exception:
                log.exception("a request to the sandbox engine failed")
                body = {"error": faults.error_with_status(500).error}
                response = JsonResponse(body, status=500)
            response["x-request-id"] = f"req_{secrets.token_hex(16)}"
            return response

        return handle

    return decorate


@endpoint("GET", "POST")
def videos(request: HttpRequest) -> HttpResponseBase:
    owner = access.authenticate(request)
    return _create(request, owner) if request.method == "POST" else _list(request, owner)


@endpoint("GET", "DELETE")
def video(request: HttpRequest, job_id: str) -> HttpResponseBase:
    job = _find_own(request, job_id)
    return _delete(job) if request.method == "DELETE" else _retrieve(job)


@endpoint("POST")
def remix(request: HttpRequest, job_id: str) -> HttpResponseBase:
    parent = _find_own(request, job_id)
    prompt = requests.read_remix(request)
    parent, stage = status.observe(parent)
    if stage.status != "completed":
        raise ApiError(
            400,
            f"Video '{parent.id}' is {stage.status}; only a completed video can be remixed.",
            code="invalid_value",
            param="video_id",
        )
    return _submit(request, parent.owner, prompt, lambda: creation.remix(parent, prompt))


@endpoint("GET", "HEAD")
def video_content(request: HttpRequest, job_id: str) -> HttpResponseBase:
    job, stage = status.observe(_find_own(request, job_id))
    variant = request.GET.get("variant", "video")
    if variant not in content.CONTENT_TYPES:
        raise ApiError(
            400,
            f"Invalid value: '{variant[:80]}'. Supported values are: 'video', 'thumbnail', "
            "and 'spritesheet'.",
            code="invalid_value",
            param="variant",
        )
    if stage.status != "completed":
        raise ApiError(404, f"Video '{job.id}' has no content: its status is {stage.status}.")
    if content.is_gone(job):
        raise ApiError(404, f"The content of video '{job.id}' has expired.")
    return content.serve(request, job, variant)


@endpoint("GET")
def models(request: HttpRequest) -> HttpResponseBase:
    access.authenticate(request)
    data = [objects.model(name) for name in requests.MODELS]
    return JsonResponse({"object": "list", "data": data})


@endpoint()
def unknown(request: HttpRequest) -> HttpResponseBase:
    raise ApiError(404, f"Invalid URL ({request.method} {request.path})", code="unknown_url")


def _method_not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> ApiError:
    return ApiError(
        405,
        f"Not allowed to {request.method} on {request.path}.",
        code="method_not_supported",
        headers={"Allow": ", ".join(methods)},
    )


def _find_own(request: HttpRequest, job_id: str) -> Job:
    job = records.find_own(access.authenticate(request), job_id)
    if job is None:
        raise _not_found(job_id)
    return job


def _not_found(job_id: str) -> ApiError:
    return ApiError(404, f"Video with id '{job_id[:80]}' not found.", param="video_id")


def _create(request: HttpRequest, owner: str) -> HttpResponseBase:
    order = requests.read_create(request)
    return _submit(request, owner, order.prompt, lambda: creation.create(owner, order))


def _submit(
    request: HttpRequest, owner: str, prompt: str, create: Callable[[], Job]
) -> HttpResponseBase:
    access.throttle(owner)
    created = create_faults.create_job(
        request, owner, prompt, create, sender=events, reject_status=400
    )
    return JsonResponse(objects.new_video(created)) if isinstance(created, Job) else created


def _list(request: HttpRequest, owner: str) -> HttpResponseBase:
    query = requests.read_list_query(request)
    try:
        jobs, has_more = records.list_page(
            owner, after=query.after, limit=query.limit, ascending=query.ascending
        )
    except LookupError as error:
        raise requests.invalid_query("after", "expected the id of one of your videos") from error
    return JsonResponse(
        {
            "object": "list",
            "data": [objects.video(*status.observe(job)) for job in jobs],
            "first_id": jobs[0].id if jobs else None,
            "last_id": jobs[-1].id if jobs else None,
            "has_more": has_more,
        }
    )


def _retrieve(job: Job) -> HttpResponseBase:
    fault = job.triggers.fault("poll")
    if fault and fault.applies(counters.count_request(job, "polls")):
        if fault.kind == "404":
            raise _not_found(job.id)
        if fault.kind.isdigit():
            raise faults.error_with_status(int(fault.kind))
        if fault.kind == "html":
            return faults.web_page()
    response = JsonResponse(objects.video(*status.observe(job)))
    age = time.time() - job.created_at
    response["openai-poll-after-ms"] = str(int(1000 * timeline.poll_pause(job.pace, age)))
    return response


def _delete(job: Job) -> HttpResponseBase:
    job, stage = status.observe(job)
    if stage.status in ("queued", "in_progress"):
        raise ApiError(
            400,
            f"Video '{job.id}' is {stage.status}; only completed or failed videos can be deleted.",
            code="invalid_value",
            param="video_id",
        )
    records.delete(job)
    return JsonResponse({"id": job.id, "object": "video.deleted", "deleted": True})
