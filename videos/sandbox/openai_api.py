"""The sandbox's HTTP door: the Videos API under /sandbox/v1, as plain Django views.

Plain, because both SDKs ask for `Accept: application/binary` on downloads and content
negotiation would refuse that. Source: openai-openapi, paths `/videos...`, and `ErrorResponse`.
"""

import functools
import hmac
import logging
import math
import secrets
from collections.abc import Callable
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from config.lib.sandbox import connections
from videos.sandbox import (
    downloads,
    faults,
    jobs,
    openai_objects,
    renderer,
    request_parsing,
    webhooks,
)
from videos.sandbox.jobs import Job
from videos.sandbox.request_parsing import Refused
from videos.sandbox.triggers import Triggers

PAGE_LIMIT = 100
PAGE_DEFAULT = 20
VARIANTS = {
    "video": "video/mp4",
    "thumbnail": "image/webp",
    "spritesheet": "image/jpeg",
}

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def door(*methods: str) -> Callable[[View], View]:
    """Give a view the API's manners: methods, bearer key, error body and request id."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, **ids: str) -> HttpResponseBase:
            try:
                if methods and request.method not in methods:
                    raise _wrong_method(request, methods)
                response = view(request, **ids)
            except Refused as refused:
                response = JsonResponse({"error": refused.error}, status=refused.status)
                for name, value in refused.headers.items():
                    response[name] = value
            except Exception:
                log.exception("sandbox request failed")
                error = faults.refusal(500).error
                response = JsonResponse({"error": error}, status=500)
            response["x-request-id"] = f"req_{secrets.token_hex(16)}"
            return response

        return answer

    return decorate


@door("GET", "POST")
def videos(request: HttpRequest) -> HttpResponseBase:
    owner = authenticate(request)
    return _create(request, owner) if request.method == "POST" else _list(request, owner)


@door("GET", "DELETE")
def video(request: HttpRequest, job_id: str) -> HttpResponseBase:
    job = _find(request, job_id)
    return _delete(job) if request.method == "DELETE" else _retrieve(job)


@door("POST")
def remix(request: HttpRequest, job_id: str) -> HttpResponseBase:
    parent = _find(request, job_id)
    prompt = request_parsing.read_remix(request)
    parent, stage = jobs.observe(parent)
    if stage.status != "completed":
        raise Refused(
            400,
            f"Video '{parent.id}' is {stage.status}; only a completed video can be remixed.",
            code="invalid_value",
            param="video_id",
        )
    return _submit(request, parent.owner, prompt, lambda: jobs.remix(parent, prompt))


@door("GET", "HEAD")
def content(request: HttpRequest, job_id: str) -> HttpResponseBase:
    job, stage = jobs.observe(_find(request, job_id))
    variant = request.GET.get("variant", "video")
    if variant not in VARIANTS:
        raise Refused(
            400,
            f"Invalid value: '{variant[:80]}'. Supported values are: 'video', 'thumbnail', "
            "and 'spritesheet'.",
            code="invalid_value",
            param="variant",
        )
    if stage.status != "completed":
        raise Refused(404, f"Video '{job.id}' has no content: its status is {stage.status}.")
    if openai_objects.is_expired(job) or job.triggers.value("content") == "expired":
        raise Refused(404, f"The content of video '{job.id}' has expired.")
    return download(request, job, variant)


@door("GET")
def models(request: HttpRequest) -> HttpResponseBase:
    authenticate(request)
    return JsonResponse(
        {"object": "list", "data": [openai_objects.model(name) for name in request_parsing.MODELS]}
    )


@door()
def unknown(request: HttpRequest) -> HttpResponseBase:
    raise Refused(404, f"Invalid URL ({request.method} {request.path})", code="unknown_url")


def _wrong_method(request: HttpRequest, methods: tuple[str, ...]) -> Refused:
    return Refused(
        405,
        f"Not allowed to {request.method} on {request.path}.",
        code="method_not_supported",
        headers={"Allow": ", ".join(methods)},
    )


def authenticate(request: HttpRequest) -> str:
    """Return the owner that a bearer key stands for."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip() if scheme.lower() == "bearer" else ""
    known = [hmac.compare_digest(key.encode(), each.encode()) for each in settings.SANDBOX_API_KEYS]
    if not key:
        raise Refused(401, "You didn't provide an API key.", code="invalid_api_key")
    if not any(known):
        raise Refused(401, "Incorrect API key provided.", code="invalid_api_key")
    return sha256(key.encode()).hexdigest()


def _find(request: HttpRequest, job_id: str) -> Job:
    job = jobs.find(authenticate(request), job_id)
    if job is None:
        raise _not_found(job_id)
    return job


def _not_found(job_id: str) -> Refused:
    return Refused(404, f"Video with id '{job_id[:80]}' not found.", param="video_id")


def _create(request: HttpRequest, owner: str) -> HttpResponseBase:
    order = request_parsing.read_create(request)
    return _submit(request, owner, order.prompt, lambda: jobs.create(owner, order))


def _submit(
    request: HttpRequest, owner: str, prompt: str, store: Callable[[], Job]
) -> HttpResponseBase:
    """Create or remix, with the misfortunes the prompt asks for before and after that."""
    throttle(owner)
    triggers = Triggers(prompt)
    drop, once = triggers.value("drop"), triggers.has("once")
    first = jobs.sight(owner, prompt) == 0 if once or drop else True
    if first or not once:
        _refuse_as_asked(triggers)
        if drop == "before":
            return connections.truncate(request)
    job = store()
    if triggers.webhook()[0] == "early":
        webhooks.deliver_early(job.id)
    if drop == "after" and first:
        return connections.truncate(request)
    return JsonResponse(openai_objects.newborn(job))


def throttle(owner: str) -> None:
    if settings.SANDBOX_MAX_RPM and (wait := jobs.wait_seconds(owner, settings.SANDBOX_MAX_RPM)):
        raise Refused(
            429,
            f"Rate limit reached: {settings.SANDBOX_MAX_RPM} requests per minute.",
            code="rate_limit_exceeded",
            type="requests",
            headers={"Retry-After": str(math.ceil(wait))},
        )


def _refuse_as_asked(triggers: Triggers) -> None:
    if fault := triggers.http():
        raise faults.refusal(fault.status, fault.retry_after)
    if code := triggers.value("reject"):
        raise Refused(400, openai_objects.failure_message(code), code=code)


def _list(request: HttpRequest, owner: str) -> HttpResponseBase:
    limit = request.GET.get("limit", str(PAGE_DEFAULT))
    order = request.GET.get("order", "desc")
    after = request.GET.get("after") or None
    if not (limit.isascii() and limit.isdigit() and len(limit) < 9 and int(limit) <= PAGE_LIMIT):
        raise _bad_query("limit", f"expected an integer from 0 to {PAGE_LIMIT}")
    if order not in ("asc", "desc"):
        raise _bad_query("order", "expected 'asc' or 'desc'")
    try:
        page, has_more = jobs.page(owner, after=after, limit=int(limit), ascending=order == "asc")
    except LookupError as error:
        raise _bad_query("after", "expected the id of one of your videos") from error
    return JsonResponse(
        {
            "object": "list",
            "data": [openai_objects.video(*jobs.observe(job)) for job in page],
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
            "has_more": has_more,
        }
    )


def _bad_query(param: str, expected: str) -> Refused:
    return Refused(400, f"Invalid '{param}': {expected}.", code="invalid_value", param=param)


def _retrieve(job: Job) -> HttpResponseBase:
    fault = job.triggers.fault("poll")
    if fault and fault.strikes(jobs.count(job, "polls")):
        if fault.kind == "404":
            raise _not_found(job.id)
        if fault.kind.isdigit():
            raise faults.refusal(int(fault.kind))
        if fault.kind == "html":
            return faults.web_page()
    response = JsonResponse(openai_objects.video(*jobs.observe(job)))
    response["openai-poll-after-ms"] = str(int(min(max(1000 * job.pace, 50), 2000)))
    return response


def _delete(job: Job) -> HttpResponseBase:
    job, stage = jobs.observe(job)
    if stage.status in ("queued", "in_progress"):
        raise Refused(
            400,
            f"Video '{job.id}' is {stage.status}; only completed or failed videos can be deleted.",
            code="invalid_value",
            param="video_id",
        )
    jobs.delete(job)
    return JsonResponse({"id": job.id, "object": "video.deleted", "deleted": True})


def download(request: HttpRequest, job: Job, variant: str) -> HttpResponseBase:
    file = getattr(renderer.shelf(), variant)(job.clip)
    fault = job.triggers.fault("content")
    watched = fault if variant == "video" and request.method == "GET" else None
    if watched and watched.strikes(jobs.count(job, "downloads")):
        if watched.kind.isdigit():
            raise faults.refusal(int(watched.kind))
        if watched.kind == "html":
            return faults.web_page()
        if watched.kind == "truncate":
            whole = file.read_bytes()
            return connections.truncate(request, whole[: len(whole) // 2], VARIANTS[variant])
    try:
        return downloads.answer(request, file, VARIANTS[variant])
    except FileNotFoundError as error:
        renderer.ensure(job.clip)
        raise Refused(404, f"Video '{job.id}' is being fetched; try again.") from error
