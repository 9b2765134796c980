"""kie.ai's job API under /sandbox/kie, on the same jobs and clips as the Videos API.

Errors are HTTP 200 with a `code`, as at kie.ai. Files are fetched without a key.
Source: docs.kie.ai, market/common, file-upload-api.
"""

import functools
import json
import logging
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from videos.sandbox.http import access, content, create_faults, faults
from videos.sandbox.http.errors import ApiError
from videos.sandbox.jobs import counters, creation, records, status
from videos.sandbox.jobs.records import Job, KieTask
from videos.sandbox.kie import callbacks, objects, requests, uploads

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def endpoint(method: str) -> Callable[[View], View]:
    """Let a view accept one method and answer every error in kie.ai's envelope."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def handle(request: HttpRequest, **ids: str) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise ApiError(405, f"Use {method}.")
                return view(request, **ids)
            except ApiError as error:
                response = JsonResponse(objects.envelope(None, error.status, str(error)))
                for name, value in error.headers.items():
                    response[name] = value
                return response
            except Exception:
                log.exception("a request to the sandbox engine failed")
                return JsonResponse(objects.envelope(None, 500, "Server error"))

        return handle

    return decorate


@endpoint("POST")
def create_task(request: HttpRequest) -> HttpResponseBase:
    owner = access.authenticate(request)
    body = requests.read_body(request)
    order, prompt = requests.read_create(body), str(body["input"]["prompt"])
    callback_url = requests.read_callback_url(body)
    task = KieTask(callback_url, json.dumps(body), request.build_absolute_uri("/sandbox/kie"))
    access.throttle(owner)
    created = create_faults.create_job(
        request,
        owner,
        prompt,
        lambda: creation.create(owner, order, task),
        sender=callbacks,
        reject_status=422,
    )
    if isinstance(created, Job):
        return JsonResponse(objects.envelope({"taskId": created.id}))
    return created


@endpoint("GET")
def record_info(request: HttpRequest) -> HttpResponseBase:
    owner = access.authenticate(request)
    job = records.find_own(owner, request.GET.get("taskId", ""))
    task = objects.find_task(job.id) if job else None
    if job is None or task is None:
        raise ApiError(404, "recordInfo is null")
    fault = job.triggers.fault("poll")
    if fault and fault.applies(counters.count_request(job, "polls")):
        if fault.kind.isdigit():
            raise ApiError(int(fault.kind), "recordInfo is null")
        if fault.kind == "html":
            return faults.web_page()
    return JsonResponse(objects.envelope(objects.record(*status.observe(job), task)))


@endpoint("POST")
def upload(request: HttpRequest) -> HttpResponseBase:
    access.authenticate(request)
    try:
        file = request.FILES.get("file")
    except RequestDataTooBig as error:
        raise ApiError(413, "Too large") from error
    if file is None:
        raise ApiError(400, "file is required")
    body = file.read()
    name = uploads.store(body)
    data = {
        "fileName": name,
        "filePath": f"uploads/{name}",
        "downloadUrl": request.build_absolute_uri(f"/sandbox/kie/uploads/{name}"),
        "fileSize": len(body),
        "mimeType": file.content_type,
    }
    envelope = objects.envelope(data, msg="File uploaded successfully")
    return JsonResponse({"success": True, **envelope})


@csrf_exempt
def file(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Serve a completed clip to anyone who knows its address."""
    job = records.find(job_id)
    if job is None or objects.find_task(job.id) is None:
        return HttpResponse("not found", status=404)
    job, stage = status.observe(job)
    if stage.status != "completed" or content.is_gone(job):
        return HttpResponse("not found", status=404)
    try:
        return content.serve(request, job, "video")
    except ApiError as error:
        return HttpResponse(str(error), status=error.status)
