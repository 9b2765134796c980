"""The sandbox's other door: kie.ai's job API under /sandbox/kie, on the same jobs and clips.

Errors come as HTTP 200 with a `code`, as they do there. Files are fetched without a key.
Source: docs.kie.ai, the Sora 2 model pages, market/common, file-upload-api.
"""

import functools
import hashlib
import io
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from PIL import Image, ImageOps

from config.lib.sandbox import connections
from videos.sandbox import (
    faults,
    jobs,
    kie_objects,
    openai_api,
    openai_objects,
    request_parsing,
    webhooks,
)
from videos.sandbox.request_parsing import CreateRequest, Refused
from videos.sandbox.triggers import Triggers

PROMPT_LIMIT = 5000
LENGTHS = ("4", "8", "10", "12", "15", "16", "20", "25")
SIZES = {
    ("landscape", "standard"): "1280x720",
    ("portrait", "standard"): "720x1280",
    ("landscape", "high"): "1920x1080",
    ("portrait", "high"): "1080x1920",
}
TEXT_MODELS = {"sora-2-text-to-video": "sora-2", "sora-2-pro-text-to-video": "sora-2-pro"}
IMAGE_MODELS = {"sora-2-image-to-video": "sora-2", "sora-2-pro-image-to-video": "sora-2-pro"}
MODELS = TEXT_MODELS | IMAGE_MODELS

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def door(method: str) -> Callable[[View], View]:
    """Give a view this API's manners: one method, and an envelope for every refusal."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, **ids: str) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise Refused(405, f"Use {method}.")
                return view(request, **ids)
            except Refused as refused:
                refusal = kie_objects.envelope(None, refused.status, str(refused))
                response = JsonResponse(refusal)
                for name, value in refused.headers.items():
                    response[name] = value
                return response
            except Exception:
                log.exception("sandbox request failed")
                return JsonResponse(kie_objects.envelope(None, 500, "Server error"))

        return answer

    return decorate


@door("POST")
def create_task(request: HttpRequest) -> HttpResponseBase:
    owner = openai_api.authenticate(request)
    body = _object(request)
    order, prompt = _order(body), str(body["input"]["prompt"])
    callback_url = _callback_url(body)
    task = jobs.Task(callback_url, json.dumps(body), request.build_absolute_uri("/sandbox/kie"))
    openai_api.throttle(owner)
    triggers = Triggers(prompt)
    drop, once = triggers.value("drop"), triggers.has("once")
    first = jobs.sight(owner, prompt) == 0 if once or drop else True
    if first or not once:
        _refuse_as_asked(triggers)
        if drop == "before":
            return connections.truncate(request)
    job = jobs.create(owner, order, task)
    if triggers.webhook()[0] == "early":
        webhooks.deliver_early(job.id)
    if drop == "after" and first:
        return connections.truncate(request)
    return JsonResponse(kie_objects.envelope({"taskId": job.id}))


@door("GET")
def record_info(request: HttpRequest) -> HttpResponseBase:
    owner = openai_api.authenticate(request)
    job = jobs.find(owner, request.GET.get("taskId", ""))
    task = kie_objects.task_of(job.id) if job else None
    if job is None or task is None:
        raise Refused(404, "recordInfo is null")
    fault = job.triggers.fault("poll")
    if fault and fault.strikes(jobs.count(job, "polls")):
        if fault.kind.isdigit():
            raise Refused(int(fault.kind), "recordInfo is null")
        if fault.kind == "html":
            return faults.web_page()
    return JsonResponse(kie_objects.envelope(kie_objects.record(*jobs.observe(job), task)))


@door("POST")
def upload(request: HttpRequest) -> HttpResponseBase:
    openai_api.authenticate(request)
    try:
        file = request.FILES.get("file")
    except RequestDataTooBig as error:
        raise Refused(413, "Too large") from error
    if file is None:
        raise Refused(400, "file is required")
    body = file.read()
    name = hashlib.sha256(body).hexdigest()
    kept = _uploads() / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(body)
    data = {
        "fileName": name,
        "filePath": f"uploads/{name}",
        "downloadUrl": request.build_absolute_uri(f"/sandbox/kie/uploads/{name}"),
        "fileSize": len(body),
        "mimeType": file.content_type,
    }
    answer = kie_objects.envelope(data, msg="File uploaded successfully")
    return JsonResponse({"success": True, **answer})


@csrf_exempt
def file(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """A finished clip, to whoever knows its address."""
    job = jobs.find_any(job_id)
    if job is None or kie_objects.task_of(job.id) is None:
        return HttpResponse("not found", status=404)
    job, stage = jobs.observe(job)
    gone = openai_objects.is_expired(job) or job.triggers.value("content") == "expired"
    if stage.status != "completed" or gone:
        return HttpResponse("not found", status=404)
    try:
        return openai_api.download(request, job, "video")
    except Refused as refused:
        return HttpResponse(str(refused), status=refused.status)


def _refuse_as_asked(triggers: Triggers) -> None:
    if fault := triggers.http():
        raise faults.refusal(fault.status, fault.retry_after)
    if code := triggers.value("reject"):
        raise Refused(422, openai_objects.failure_message(code))


def _object(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.read(request_parsing.BODY_LIMIT))
    except (ValueError, RecursionError) as error:
        raise Refused(422, "The body is not JSON") from error
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        raise Refused(422, "input is required")
    return body


def _callback_url(body: dict[str, Any]) -> str:
    """Where to call back, "" for nowhere; a stand-in for a laptop calls nobody but this machine."""
    url = str(body.get("callBackUrl") or "")
    known = {"127.0.0.1", "localhost", urlsplit(settings.BASE_URL).hostname}
    try:
        parts = urlsplit(url)
        ours = parts.scheme in {"http", "https"} and parts.hostname in known
    except ValueError:
        ours = False
    if url and not ours:
        raise Refused(422, "The sandbox calls back only the machine it runs on")
    return url


def _order(body: dict[str, Any]) -> CreateRequest:
    model, fields = body.get("model"), body["input"]
    if not isinstance(model, str) or model not in MODELS:
        raise Refused(422, "The model name you specified is not supported")
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not 0 < len(prompt.strip()) <= PROMPT_LIMIT:
        raise Refused(422, "The prompt must have 1 to 5000 characters")
    if not prompt.encode(errors="replace").decode() == prompt or "\0" in prompt:
        raise Refused(422, "The prompt is not text")
    seconds = fields.get("n_frames", "10")
    shape = (fields.get("aspect_ratio", "landscape"), fields.get("size", "standard"))
    if seconds not in LENGTHS or not all(isinstance(word, str) for word in shape):
        raise Refused(422, "n_frames is not within the range of allowed options")
    if shape not in SIZES:
        raise Refused(422, "aspect_ratio or size is not within the range of allowed options")
    reference = _reference(fields, SIZES[shape]) if model in IMAGE_MODELS else None
    return CreateRequest(prompt, MODELS[model], SIZES[shape], seconds, reference)


def _reference(fields: dict[str, Any], size: str) -> bytes:
    """The first frame, cut to the picture's size; the sandbox fetches nothing but its uploads."""
    urls = fields.get("image_urls")
    url = urls[0] if isinstance(urls, list) and urls else None
    name = urlsplit(url).path.rpartition("/")[2] if isinstance(url, str) else ""
    kept = _uploads() / name
    if not re.fullmatch(r"[0-9a-f]{64}", name) or not kept.exists():
        raise Refused(422, "image_urls is required and must name an uploaded file")
    body = io.BytesIO()
    try:
        with Image.open(kept, formats=("JPEG", "PNG", "WEBP")) as image:
            width, height = map(int, size.split("x"))
            ImageOps.fit(image.convert("RGB"), (width, height)).save(body, "PNG")
    except Exception as error:  # Pillow's decoders raise whatever the damage caused
        raise Refused(422, "the image cannot be read") from error
    return body.getvalue()


def _uploads() -> Path:
    return Path(settings.SANDBOX_DIR) / "uploads"
